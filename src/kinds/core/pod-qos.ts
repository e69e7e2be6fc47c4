/** A pod's quality of service class: who is evicted first when a node runs short. */
import { compareQuantities, parseQuantity, Quantity } from '../../base/quantity.ts'
import type { Container, ResourceRequirements } from './containers.ts'
import type { Pod } from './pod.ts'
import type { PodSpec } from './pod-spec.ts'

export type QosClass = 'BestEffort' | 'Burstable' | 'Guaranteed'

/** The class that was stored at creation, or what it should be. */
export function qosOf(pod: Pod): QosClass {
  return pod.status.qosClass ?? computeQos(pod.spec)
}

export function computeQos(spec: PodSpec): QosClass {
  const pod = spec.resources
  const podLevel = pod && (hasAmounts(pod.requests) || hasAmounts(pod.limits))
  const parts = podLevel ? [pod] : allContainers(spec).map((container) => container.resources)
  const requests = sumOf(parts, 'requests')
  const limits = sumOf(parts, 'limits')
  if (requests.size === 0 && limits.size === 0) return 'BestEffort'
  const guaranteed =
    parts.every(limitsCpuAndMemory) && [...limits].every(([name, limit]) => requests.get(name)?.compare(limit) === 0)
  return guaranteed && requests.size === limits.size ? 'Guaranteed' : 'Burstable'
}

const allContainers = (spec: PodSpec): readonly Container[] =>
  spec.initContainers ? [...(spec.containers ?? []), ...spec.initContainers] : (spec.containers ?? [])

const hasAmounts = (amounts: Readonly<Record<string, string>> | undefined): boolean =>
  amounts !== undefined && Object.keys(amounts).length > 0

const counts = (name: string): boolean => name === 'cpu' || name === 'memory'

function sumOf(parts: readonly ResourceRequirements[], which: 'limits' | 'requests'): Map<string, Quantity> {
  const sums = new Map<string, Quantity>()
  for (const part of parts) {
    for (const [name, amount] of Object.entries(part[which] ?? {})) {
      if (!counts(name) || compareQuantities(amount, '0') <= 0) continue
      sums.set(name, (sums.get(name) ?? Quantity.zero).add(parseQuantity(amount)))
    }
  }
  return sums
}

function limitsCpuAndMemory({ limits }: ResourceRequirements): boolean {
  return ['cpu', 'memory'].every((name) => limits?.[name] !== undefined && compareQuantities(limits[name], '0') > 0)
}
