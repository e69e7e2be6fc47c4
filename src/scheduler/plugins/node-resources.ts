import { type NodeState, type PodState, podState } from '../node-state.ts'
import { definePlugin, nodeChanged, type Refusal } from '../plugin.ts'

/** A node must have room for what the pod requests; the emptier, the better. */
export const nodeResourcesFit = definePlugin<PodState>({
  name: 'NodeResourcesFit',
  wakes: (event) => event.type === 'room' || nodeChanged(event, 'allocatable'),
  prepare: podState,
  filter: (_pod, node, { requests }) => {
    // Almost always there is room, so say so before building a list of reasons.
    const { requested, allocatable } = node
    if (
      requested.pods + 1 <= allocatable.pods &&
      requested.cpu + requests.cpu <= allocatable.cpu &&
      requested.memory + requests.memory <= allocatable.memory &&
      requests.others.size === 0
    )
      return undefined
    return shortage(node, requests)
  },
  score: (_pod, node, { weighed }) =>
    (free(node.weighed.cpu + weighed.cpu, node.allocatable.cpu) +
      free(node.weighed.memory + weighed.memory, node.allocatable.memory)) /
    2,
  best: 'percent',
  weight: 1,
})

/** Prefers nodes of which CPU and memory are used alike, so that neither is left over. */
export const nodeResourcesBalancedAllocation = definePlugin<PodState>({
  name: 'NodeResourcesBalancedAllocation',
  wakes: () => false,
  prepare: podState,
  score(_pod, { requested, allocatable }, { requests }) {
    // Who asks for nothing changes no balance.
    if (requests.cpu === 0 && requests.memory === 0) return 0
    const cpu = share(requested.cpu + requests.cpu, allocatable.cpu)
    const memory = share(requested.memory + requests.memory, allocatable.memory)
    // The standard deviation of two numbers is half their distance.
    return (1 - Math.abs(cpu - memory) / 2) * 100
  },
  best: 'percent',
  weight: 1,
})

const share = (used: number, total: number) => (total === 0 ? 1 : Math.min(1, used / total))
const free = (used: number, total: number) =>
  total === 0 || used > total ? 0 : Math.floor(((total - used) * 100) / total)

function shortage({ requested, allocatable }: NodeState, requests: PodState['requests']): Refusal | undefined {
  const reasons: string[] = []
  let preemptible = true
  const check = (wanted: number, used: number, total: number, reason: string) => {
    if (wanted === 0 || used + wanted <= total) return
    reasons.push(reason)
    // More than the whole node: no pod that leaves can help.
    if (wanted > total) preemptible = false
  }
  check(1, requested.pods, allocatable.pods, 'Too many pods')
  check(requests.cpu, requested.cpu, allocatable.cpu, 'Insufficient cpu')
  check(requests.memory, requested.memory, allocatable.memory, 'Insufficient memory')
  for (const [name, wanted] of requests.others)
    check(wanted, requested.others.get(name) ?? 0, allocatable.others.get(name) ?? 0, `Insufficient ${name}`)
  return reasons.length > 0 ? { reasons, preemptible } : undefined
}
