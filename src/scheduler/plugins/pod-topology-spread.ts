import { own } from '../../base/own.ts'
import type { Node } from '../../kinds/core/node.ts'
import { hardEffects, matchesNode, untolerated } from '../../kinds/core/node-fit.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { TopologySpreadConstraint } from '../../kinds/core/scheduling.ts'
import { type Matcher, matcherOf } from '../../reconciler/selector.ts'
import type { NodeState } from '../cluster-state.ts'
import type { Counter } from '../counter.ts'
import { nowhere } from '../places.ts'
import {
  type ClusterEvent,
  type ClusterView,
  definePlugin,
  never,
  nodeChanged,
  nothingToSay,
  notNow,
  type Plugin,
} from '../plugin.ts'
import { labelNeeded } from '../terms.ts'
import { ownersSelector } from './owners-selector.ts'

const tooUneven = notNow("node(s) didn't match pod topology spread constraints")
const noLabel = never("node(s) didn't match pod topology spread constraints (missing required label)")

const hostname = 'kubernetes.io/hostname'

export interface PodTopologySpreadArgs {
  /** `System` (the default) spreads pods of one owner over zones and nodes, `List` does what `defaultConstraints` says. */
  readonly defaultingType?: 'System' | 'List'
  readonly defaultConstraints?: readonly DefaultConstraint[]
}

type DefaultConstraint = Pick<TopologySpreadConstraint, 'maxSkew' | 'topologyKey' | 'whenUnsatisfiable'>

const systemDefaults: readonly DefaultConstraint[] = [
  { topologyKey: 'kubernetes.io/hostname', maxSkew: 3, whenUnsatisfiable: 'ScheduleAnyway' },
  { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5, whenUnsatisfiable: 'ScheduleAnyway' },
]

/** What is to be spread, and over what. */
interface Constraint extends Omit<TopologySpreadConstraint, 'labelSelector' | 'matchLabelKeys'> {
  readonly selects: Matcher
  /** Two selectors that mean the same have the same. */
  readonly selectorKey: string
  readonly label: string | undefined
}

interface Hard {
  readonly constraint: Constraint
  readonly counter: Counter
  /** How many the pod itself adds. */
  readonly own: number
}

interface Rules {
  readonly hard: readonly Hard[]
  readonly soft: readonly Constraint[]
  /** Whether nodes count that lack a label of another constraint. */
  readonly needsAll: boolean
}

/** Keeps pods of one sort spread evenly over zones, racks or nodes: as a must, or as a wish. */
export function makePodTopologySpread(args: PodTopologySpreadArgs = {}): Plugin {
  const isSystem = (args.defaultingType ?? 'System') === 'System'
  const defaults = isSystem ? systemDefaults : (args.defaultConstraints ?? [])
  return definePlugin<Rules>({
    name: 'PodTopologySpread',
    listens: ['placed', 'room', 'node'],
    wakes: mayHelp,

    prepare(pod, cluster) {
      const given = pod.spec.topologySpreadConstraints
      const constraints = given?.length ? given.map(constraintOf) : defaultsFor(pod, defaults, cluster)
      if (constraints.length === 0) return nothingToSay
      const hard = constraints.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule')
      return {
        hard: hard.map((constraint) => ({
          constraint,
          counter: counterOf(constraint, hard, pod, cluster, true),
          own: constraint.selects(pod.metadata.labels) ? 1 : 0,
        })),
        soft: constraints.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'ScheduleAnyway'),
        needsAll: (given?.length ?? 0) > 0 || !isSystem,
      }
    },

    filter(_pod, node, { hard }) {
      for (const { constraint, counter, own: added } of hard) {
        const place = counter.placeOf(node)
        if (place === nowhere) return noLabel
        const least = counter.places < (constraint.minDomains ?? 1) ? 0 : counter.least
        if (counter.at(place) + added - least > constraint.maxSkew) return tooUneven
      }
      return undefined
    },

    scorer({ pod }, nodes, { soft, needsAll }, cluster) {
      if (soft.length === 0) return undefined
      const counters = soft.map((constraint) => counterOf(constraint, needsAll ? soft : [], pod, cluster, false))
      const isLeftOut = (node: NodeState) => needsAll && isMissing(node, counters)
      const counted = soft.map(({ topologyKey, maxSkew }, at) => {
        const counter = counters[at]!
        const places = topologyKey === hostname ? countOf(nodes, isLeftOut) : placesOf(counter, nodes, isLeftOut)
        return { counter, perPod: Math.log(places + 2), tolerance: maxSkew - 1 }
      })
      return (node) => {
        if (isLeftOut(node)) return leftOut
        let sum = 0
        for (const { counter, perPod, tolerance } of counted) {
          const place = counter.placeOf(node)
          if (place !== nowhere) sum += counter.at(place) * perPod + tolerance
        }
        return Math.round(sum)
      }
    },
    best: fewestFirst,
    weight: 2,
  })
}

const leftOut = -1

/** Whether a node lacks a label by which is counted. */
function isMissing(node: NodeState, counters: readonly Counter[]): boolean {
  for (const counter of counters) if (counter.placeOf(node) === nowhere) return true
  return false
}

/** The node with the fewest is best; nodes that lack a label are the worst. */
function fewestFirst(numbers: Float64Array): void {
  let [least, most] = [Infinity, 0]
  for (const number of numbers) {
    if (number === leftOut) continue
    if (number < least) least = number
    if (number > most) most = number
  }
  for (let at = 0; at < numbers.length; at++) {
    const number = numbers[at]!
    if (number === leftOut) numbers[at] = 0
    else numbers[at] = most === 0 ? 100 : Math.floor((100 * (most + least - number)) / most)
  }
}

/** Among so many places the pods can be spread: the weight with which each of them counts follows. */
function placesOf(counter: Counter, nodes: readonly NodeState[], isLeftOut: (node: NodeState) => boolean): number {
  const places = new Set<number>()
  for (const node of nodes) if (!isLeftOut(node)) places.add(counter.placeOf(node))
  return places.size
}

/** The same where each node is a place of its own. */
function countOf(nodes: readonly NodeState[], isLeftOut: (node: NodeState) => boolean): number {
  let count = 0
  for (const node of nodes) if (!isLeftOut(node)) count++
  return count
}

const made = new WeakMap<TopologySpreadConstraint, Constraint>()

function constraintOf(given: TopologySpreadConstraint): Constraint {
  const known = made.get(given)
  if (known) return known
  const { labelSelector } = given
  const constraint: Constraint = {
    ...given,
    selects: matcherOf(labelSelector),
    selectorKey: JSON.stringify(labelSelector),
    label: labelNeeded(labelSelector),
  }
  made.set(given, constraint)
  return constraint
}

function defaultsFor(pod: Pod, defaults: readonly DefaultConstraint[], cluster: ClusterView): Constraint[] {
  if (defaults.length === 0) return []
  const selector = ownersSelector(pod, cluster.objects)
  return selector ? defaults.map((constraint) => ({ ...constraint, ...selector })) : []
}

/** `together`: constraints whose labels a node must have to be counted at all. */
function counterOf(
  constraint: Constraint,
  together: readonly Constraint[],
  pod: Pod,
  cluster: ClusterView,
  withEmpty: boolean,
): Counter {
  const { topologyKey, selects, selectorKey, label, nodeAffinityPolicy, nodeTaintsPolicy } = constraint
  const namespace = pod.metadata.namespace ?? ''
  // Every node is a place of its own there, and only the pods on it count.
  const isPlain = topologyKey === hostname && !withEmpty
  const honorsAffinity = !isPlain && nodeAffinityPolicy !== 'Ignore' && isRestricted(pod)
  const honorsTaints = !isPlain && nodeTaintsPolicy === 'Honor'
  const { nodeSelector, affinity, tolerations } = pod.spec
  const key = [
    withEmpty ? 'spread' : 'spread softly',
    topologyKey,
    namespace,
    selectorKey,
    isPlain ? '' : together.map((other) => other.topologyKey).join(),
    honorsAffinity ? JSON.stringify([nodeSelector, affinity?.nodeAffinity]) : '',
    honorsTaints ? JSON.stringify(tolerations ?? []) : '',
  ].join(' ')
  const counts = ({ metadata }: Pod) =>
    metadata.namespace === namespace && metadata.deletionTimestamp === undefined && selects(metadata.labels)
  const countsNode = (node: Node) =>
    (isPlain || hasAll(node, together)) &&
    (!honorsAffinity || matchesNode(pod.spec, node)) &&
    (!honorsTaints || !untolerated(node.spec?.taints, pod.spec.tolerations, hardEffects))
  return cluster.state.topology.counter({
    key,
    topologyKey,
    namespaces: new Set([namespace]),
    label,
    dependsOnNamespaces: false,
    counts,
    countsNode,
    withEmpty,
  })
}

const isRestricted = ({ spec }: Pod) =>
  spec.nodeSelector !== undefined ||
  spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution !== undefined

const hasAll = ({ metadata }: Node, constraints: readonly Pick<Constraint, 'topologyKey'>[]) =>
  constraints.every(({ topologyKey }) => own(metadata.labels, topologyKey) !== undefined)

/** Pods that are counted come and go, and so do places. */
function mayHelp(event: ClusterEvent, { metadata, spec }: Pod): boolean {
  if (event.type !== 'placed' && event.type !== 'room') return nodeChanged(event, 'labels', 'taints')
  if (event.pod.metadata.namespace !== metadata.namespace) return false
  const given = spec.topologySpreadConstraints
  // Default constraints that must hold are rare; what they select is not known here.
  return !given?.length || given.some(({ labelSelector }) => matcherOf(labelSelector)(event.pod.metadata.labels))
}
