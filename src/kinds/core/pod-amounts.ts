import { parseQuantity, Quantity } from '../../base/quantity.ts'
import type { Container } from './containers.ts'
import type { PodSpec } from './pod-spec.ts'

/** Amounts by resource name. */
export type ResourceList = ReadonlyMap<string, Quantity>

type Part = 'requests' | 'limits'

/**
 * What a pod asks for, or is limited to, as a whole: the sum of its containers, or what its init containers need at
 * their greediest moment, whichever is more, plus its overhead. Init containers that restart always (sidecars, KEP-753)
 * stay and count beside all that come after them. Resources given for the pod as a whole (KEP-2837) override the sum.
 */
export function podResources(spec: PodSpec, part: Part): ResourceList {
  const total = new Map<string, Quantity>()
  for (const container of spec.containers) addAll(total, resourcesOf(container, part))

  const sidecars = new Map<string, Quantity>()
  const peak = new Map<string, Quantity>()
  for (const container of spec.initContainers ?? []) {
    const own = new Map(resourcesOf(container, part))
    if (container.restartPolicy === 'Always') {
      addAll(total, own)
      addAll(sidecars, own)
      raiseTo(peak, sidecars)
    } else {
      addAll(own, sidecars)
      raiseTo(peak, own)
    }
  }
  raiseTo(total, peak)

  for (const [name, text] of Object.entries(spec.resources?.[part] ?? {})) total.set(name, parseQuantity(text))
  for (const [name, text] of Object.entries(spec.overhead ?? {})) {
    // Overhead adds to limits only where there is one: no limit stays no limit.
    const amount = total.get(name)
    if (part === 'requests' || amount) total.set(name, (amount ?? Quantity.zero).add(parseQuantity(text)))
  }
  return total
}

/** A container's own amounts. */
export function resourcesOf(container: Pick<Container, 'resources'>, part: Part): ResourceList {
  const amounts = new Map<string, Quantity>()
  const given = container.resources?.[part]
  if (given) for (const name of Object.keys(given)) amounts.set(name, parseQuantity(given[name]!))
  return amounts
}

function addAll(total: Map<string, Quantity>, more: ResourceList): void {
  for (const [name, amount] of more) total.set(name, total.get(name)?.add(amount) ?? amount)
}

function raiseTo(total: Map<string, Quantity>, floor: ResourceList): void {
  for (const [name, amount] of floor) {
    const current = total.get(name)
    if (!current || current.compare(amount) < 0) total.set(name, amount)
  }
}
