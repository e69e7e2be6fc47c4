import { basename } from 'node:path'
import type { Container } from '../../kinds/core/containers.ts'
import type { Pod } from '../../kinds/core/pod.ts'

/** The handler of runtime classes (KEP-585) whose pods run as processes of their host, whatever program they name. */
export const processHandler = 'process'

/**
 * Whether a pod of the API runs as processes of the host; all others are simulated. It may ask for that by its runtime
 * class. Without one each of its containers must name a program that is a form of this one, by whatever path, so that
 * what others install as privileged pods of images is not mistaken for it.
 *
 * @param handler of the pod's runtime class; empty: it names none
 * @param isOwn whether a program of this name is a form of this one
 */
export function runsAsProcesses(pod: Pod, handler: string, isOwn: (program: string) => boolean): boolean {
  if (handler !== '') return handler === processHandler
  return (
    whyNoProcess(pod) === undefined && containersOf(pod).every(({ command }) => isOwn(basename(command?.[0] ?? '')))
  )
}

/**
 * What keeps a pod of the API from being processes of the host, for people to read; undefined: nothing. It must be as
 * good as root on its node by Kubernetes' own rules, so that nobody gains anything by it.
 */
export function whyNoProcess(pod: Pod): string | undefined {
  if (pod.spec.hostNetwork !== true) return needsHostNetwork
  const weak = containersOf(pod).find(({ securityContext }) => securityContext?.privileged !== true)
  return weak && `a process of the host may do what root may: set securityContext.privileged of container ${weak.name}`
}

export const needsHostNetwork = 'a process of the host has the network of the host: set hostNetwork'

const containersOf = ({ spec }: Pod): readonly Container[] => [...(spec.initContainers ?? []), ...spec.containers]
