import { type Amounts, amountOf } from '../../kinds/core/amounts.ts'
import type { NodeState } from '../cluster-state.ts'
import { definePlugin, nodeChanged, type Plugin, type Refusal } from '../plugin.ts'
import { type PodState, podState } from '../pod-state.ts'
import { brokenLine, type ShapePoint } from './broken-line.ts'

export interface NodeResourcesFitArgs {
  /** Resources that somebody else looks after. */
  readonly ignoredResources?: readonly string[]
  /** Groups of such resources: `example.com`. */
  readonly ignoredResourceGroups?: readonly string[]
  readonly scoringStrategy?: ScoringStrategy
}

export interface ScoringStrategy {
  readonly type?: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio'
  readonly resources?: readonly { readonly name: string; readonly weight?: number }[]
  readonly requestedToCapacityRatio?: {
    readonly shape: readonly ShapePoint[]
  }
}

const usualResources = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
]

/** A node must have room for what the pod requests; which nodes are better depends on the strategy, usually the emptier. */
export function makeNodeResourcesFit(args: NodeResourcesFitArgs = {}): Plugin {
  const strategy = args.scoringStrategy ?? {}
  const resources = (strategy.resources?.length ? strategy.resources : usualResources).map(({ name, weight }) => ({
    name,
    weight: weight || 1,
  }))
  const rate = rateOf(strategy)
  const isIgnored = ignores(args)
  const isUsual = resources.map(({ name, weight }) => `${name}*${weight}`).join() === 'cpu*1,memory*1'
  const anyScore = (pod: PodState, node: NodeState): number => {
    let sum = 0
    let weights = 0
    for (const { name, weight } of resources) {
      const total = amountOf(node.allocatable, name)
      // What neither the node has nor the pod wants decides nothing.
      if (total === 0 || (name !== 'cpu' && name !== 'memory' && amountOf(pod.requests, name) === 0)) continue
      sum += weight * rate(usedWith(node, pod, name), total)
      weights += weight
    }
    return weights === 0 ? 0 : sum / weights
  }
  return definePlugin<undefined>({
    name: 'NodeResourcesFit',
    isLocal: true,
    scoresLocally: true,
    listens: ['node', 'room'],
    wakes: (event, pod) =>
      event.type === 'room'
        ? freesAny(podState(event.pod).requests, podState(pod).requests)
        : nodeChanged(event, 'allocatable'),

    filter({ requests }, node) {
      // Almost always there is room, so say so before building a list of reasons.
      const { requested, allocatable } = node
      if (
        requested.pods + 1 <= allocatable.pods &&
        requested.cpu + requests.cpu <= allocatable.cpu &&
        requested.memory + requests.memory <= allocatable.memory &&
        requests.others.size === 0
      )
        return undefined
      return shortage(node, requests, isIgnored)
    },

    scorer(pod) {
      const { weighed } = pod
      // As it almost always is, without looking anything up by its name.
      if (isUsual) {
        return (node) => {
          const { cpu, memory } = node.allocatable
          if (cpu === 0 || memory === 0) return anyScore(pod, node)
          return (rate(node.weighed.cpu + weighed.cpu, cpu) + rate(node.weighed.memory + weighed.memory, memory)) / 2
        }
      }
      return (node) => anyScore(pod, node)
    },
    best: 'percent',
    weight: 1,
  })
}

/** What would be requested of the node, with an assumption for pods that request no CPU or memory. */
function usedWith(node: NodeState, pod: PodState, name: string): number {
  if (name === 'cpu' || name === 'memory') return node.weighed[name] + pod.weighed[name]
  return amountOf(node.requested, name) + amountOf(pod.requests, name)
}

type Rate = (used: number, total: number) => number

function rateOf({ type, requestedToCapacityRatio }: ScoringStrategy): Rate {
  if (type === 'MostAllocated') return (used, total) => Math.floor((Math.min(used, total) * 100) / total)
  if (type === 'RequestedToCapacityRatio' && requestedToCapacityRatio) {
    const between = brokenLine(requestedToCapacityRatio.shape)
    return (used, total) => between(used > total ? 100 : 100 - Math.floor(((total - used) * 100) / total))
  }
  return (used, total) => (used > total ? 0 : Math.floor(((total - used) * 100) / total))
}

type IsIgnored = (name: string) => boolean

function ignores({ ignoredResources = [], ignoredResourceGroups = [] }: NodeResourcesFitArgs): IsIgnored {
  if (ignoredResources.length === 0 && ignoredResourceGroups.length === 0) return () => false
  return (name) => ignoredResources.includes(name) || ignoredResourceGroups.includes(name.split('/', 1)[0]!)
}

function shortage({ requested, allocatable }: NodeState, requests: Amounts, isIgnored: IsIgnored): Refusal | undefined {
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
  for (const [name, wanted] of requests.others) {
    if (isIgnored(name)) continue
    check(wanted, requested.others.get(name) ?? 0, allocatable.others.get(name) ?? 0, `Insufficient ${name}`)
  }
  return reasons.length > 0 ? refusalOf(reasons, preemptible) : undefined
}

/** Thousands of nodes refuse for the same few reasons: they share one refusal. */
const refusals = new Map<string, Refusal>()
const refusalsAtMost = 1024

function refusalOf(reasons: readonly string[], preemptible: boolean): Refusal {
  const key = `${preemptible} ${reasons.join()}`
  let refusal = refusals.get(key)
  if (refusal) return refusal
  if (refusals.size >= refusalsAtMost) refusals.clear()
  refusal = { reasons, preemptible }
  refusals.set(key, refusal)
  return refusal
}

/** Whether a pod that leaves had something of what another wants; its place among the pods of a node is always free. */
function freesAny(left: Amounts, wanted: Amounts): boolean {
  if (left.pods > 0) return true
  if ((left.cpu > 0 && wanted.cpu > 0) || (left.memory > 0 && wanted.memory > 0)) return true
  for (const [name, amount] of wanted.others) if (amount > 0 && (left.others.get(name) ?? 0) > 0) return true
  return false
}
