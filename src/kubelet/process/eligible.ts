import { basename } from 'node:path'
import type { Container } from '../../kinds/core/containers.ts'
import type { Pod } from '../../kinds/core/pod.ts'

/**
 * Whether a pod of the API runs as processes of the host; all others are simulated. Each of its containers must name a
 * program that is a form of this one, by whatever path, and be privileged in the network of the host: such a pod is as
 * good as root on its node by Kubernetes' own rules, so that nobody gains anything by it.
 *
 * @param isOwn whether a program of this name is a form of this one
 */
export function runsAsProcesses({ spec }: Pod, isOwn: (program: string) => boolean): boolean {
  const mayRun = ({ command, securityContext }: Container) =>
    securityContext?.privileged === true && command?.[0] !== undefined && isOwn(basename(command[0]))
  return spec.hostNetwork === true && [...(spec.initContainers ?? []), ...spec.containers].every(mayRun)
}
