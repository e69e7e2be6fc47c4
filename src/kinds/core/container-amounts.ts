/** What is special about some containers and resources when a pod's needs are summed up. */
import type { Quantity } from '../../base/quantity.ts'
import type { Container } from './containers.ts'
import { podResources } from './pod-amounts.ts'
import type { PodSpec } from './pod-spec.ts'

/** A sidecar: an init container that goes on running. */
export const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always'

export const isHugePages = (name: string): boolean => name.startsWith('hugepages-')

/** The resources of which a pod as a whole may state an amount. */
export const isPodLevelResource = (name: string): boolean => name === 'cpu' || name === 'memory' || isHugePages(name)

/** What the containers alone need together, or are limited to; nothing that the pod states as a whole. */
export function containerAmounts(spec: PodSpec, part: 'limits' | 'requests'): Iterable<[string, Quantity]> {
  const { containers, initContainers } = spec
  const parts = { containers: containers ?? [], ...(initContainers && { initContainers }) }
  return podResources(parts as PodSpec, part)
}
