import { Namespace } from '../../kinds/core/namespace.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { Carried, CarriedTerm } from '../carried.ts'
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
import { podState } from '../pod-state.ts'
import { means, type NamespaceLabels, type Term } from '../terms.ts'

const affinityRefusal = never("node(s) didn't match pod affinity rules")
const antiAffinityRefusal = notNow("node(s) didn't match pod anti-affinity rules")
const othersRefusal = notNow("node(s) didn't satisfy existing pods anti-affinity rules")

export interface InterPodAffinityArgs {
  /** How much a placed pod's required affinity counts as a preference of those that it wants to be near. */
  readonly hardPodAffinityWeight?: number
  readonly ignorePreferredTermsOfExistingPods?: boolean
}

interface Rules {
  /** How many pods there are in each place that it wants to be near, or far from. */
  readonly affinity: readonly Counter[]
  readonly antiAffinity: readonly Counter[]
  /** Rules of placed pods that keep this one away. */
  readonly others: () => readonly CarriedTerm[]
  /** Nobody is there yet whom the pod wants to be near, but the pod itself is such a one: somebody must be the first. */
  readonly isFirst: () => boolean
}

/** Near which pods a pod must be or would rather be, and which it keeps away from; and the same of those that are there. */
export function makeInterPodAffinity(args: InterPodAffinityArgs = {}): Plugin {
  const hardWeight = args.hardPodAffinityWeight ?? 1
  return definePlugin<Rules>({
    name: 'InterPodAffinity',
    listens: ['placed', 'room', 'node', 'namespace'],
    wakes: mayHelp,

    prepare(pod, cluster) {
      const { terms } = podState(pod)
      const { carried } = cluster.state.topology
      const isConcerned =
        terms.affinity.length > 0 ||
        terms.antiAffinity.length > 0 ||
        terms.preferred.length > 0 ||
        carried.has('antiAffinity') ||
        carried.has('affinity') ||
        carried.has('preferred')
      if (!isConcerned) return nothingToSay
      const labels = namespaceLabels(cluster)
      // All terms together say whom the pod wants to be near.
      const affinity = terms.affinity.map((term) => counterOfAll(term, terms.affinity, cluster))
      const isOneOfThem = affinity.length > 0 && terms.affinity.every((term) => means(term, pod, labels))
      return {
        affinity,
        antiAffinity: terms.antiAffinity.map((term) => counterOf(term, cluster)),
        others: newest(carried, () => [...carried.of('antiAffinity')].filter(({ term }) => means(term, pod, labels))),
        isFirst: () => isOneOfThem && affinity.every(({ total }) => total === 0),
      }
    },

    filter(_pod, node, { affinity, antiAffinity, others, isFirst }) {
      if (affinity.length > 0 && !isNear(node, affinity, isFirst)) return affinityRefusal
      for (const counter of antiAffinity) if (counter.at(counter.placeOf(node)) > 0) return antiAffinityRefusal
      for (const { sums } of others()) if (sums.at(node) > 0) return othersRefusal
      return undefined
    },

    scorer({ pod, terms }, _nodes, _rules, cluster) {
      const { carried } = cluster.state.topology
      const labels = namespaceLabels(cluster)
      const weighed: { readonly weight: number; readonly at: (node: NodeState) => number }[] = []
      for (const { term, weight } of terms.preferred) {
        const counter = counterOf(term, cluster)
        if (counter.total > 0) weighed.push({ weight, at: (node) => counter.at(counter.placeOf(node)) })
      }
      const theirs = (sort: 'affinity' | 'preferred', weight: number) => {
        for (const { term, sums } of carried.of(sort))
          if (weight !== 0 && means(term, pod, labels)) weighed.push({ weight, at: (node) => sums.at(node) })
      }
      theirs('affinity', hardWeight)
      if (!args.ignorePreferredTermsOfExistingPods || terms.preferred.length > 0) theirs('preferred', 1)
      if (weighed.length === 0) return undefined
      return (node) => {
        let sum = 0
        for (const { weight, at } of weighed) sum += weight * at(node)
        return sum
      }
    },
    best: 'range',
    weight: 2,
  })
}

/** Found again whenever other rules are carried: pods come and go while it is tried out who has to make room. */
function newest<T>(carried: Carried, find: () => T): () => T {
  let found = find()
  let { version } = carried
  return () => {
    if (carried.version !== version) {
      found = find()
      version = carried.version
    }
    return found
  }
}

function isNear(node: NodeState, affinity: Rules['affinity'], isFirst: () => boolean): boolean {
  let isThere = true
  for (const counter of affinity) {
    const place = counter.placeOf(node)
    if (place === nowhere) return false
    if (counter.at(place) === 0) isThere = false
  }
  return isThere || isFirst()
}

const namespaceLabels =
  ({ objects }: ClusterView): NamespaceLabels =>
  (name) =>
    objects.of(Namespace).get('', name)?.metadata.labels

function counterOf(term: Term, cluster: ClusterView): Counter {
  return counterOfAll(term, [term], cluster)
}

/** Counts, in the topology of one term, the pods that all of the terms mean. */
function counterOfAll(term: Term, all: readonly Term[], cluster: ClusterView): Counter {
  const labels = namespaceLabels(cluster)
  const isNamed = all.every(({ namespaceSelector }) => namespaceSelector === undefined)
  return cluster.state.topology.counter({
    key: `affinity ${term.topologyKey} ${all.map(({ key }) => key).join()}`,
    topologyKey: term.topologyKey,
    namespaces: isNamed ? term.namespaces : undefined,
    label: term.label,
    dependsOnNamespaces: !isNamed,
    counts: (pod) => all.every((one) => means(one, pod, labels)),
    withEmpty: false,
  })
}

/** Pods that come may be those that are waited for, pods that go those that were in the way. */
function mayHelp(event: ClusterEvent, pod: Pod, cluster: ClusterView): boolean {
  const labels = namespaceLabels(cluster)
  const { terms } = podState(pod)
  if (event.type === 'placed') return terms.affinity.some((term) => means(term, event.pod, labels))
  if (event.type === 'room') {
    const theirs = podState(event.pod).terms
    return (
      terms.antiAffinity.some((term) => means(term, event.pod, labels)) ||
      theirs.antiAffinity.some((term) => means(term, pod, labels)) ||
      // The last of those whom it wants to be near, and is: now it may be the first elsewhere.
      terms.affinity.some((term) => means(term, event.pod, labels))
    )
  }
  return event.type === 'namespace' || nodeChanged(event, 'labels')
}
