import { own } from '../../base/own.ts'
import { Namespace } from '../../kinds/core/namespace.ts'
import type { Node } from '../../kinds/core/node.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { Carried, CarriedTerm } from '../carried.ts'
import type { Counter } from '../counter.ts'
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
  readonly affinity: readonly { readonly term: Term; readonly counter: Counter }[]
  readonly antiAffinity: readonly { readonly term: Term; readonly counter: Counter }[]
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
      const counted = (term: Term) => ({ term, counter: counterOf(term, cluster) })
      // All terms together say whom the pod wants to be near.
      const affinity = terms.affinity.map((term) => ({ term, counter: counterOfAll(term, terms.affinity, cluster) }))
      const isOneOfThem = affinity.length > 0 && terms.affinity.every((term) => means(term, pod, labels))
      return {
        affinity,
        antiAffinity: terms.antiAffinity.map(counted),
        others: newest(carried, () => [...carried.of('antiAffinity')].filter(({ term }) => means(term, pod, labels))),
        isFirst: () => isOneOfThem && affinity.every(({ counter }) => counter.total === 0),
      }
    },

    filter(_pod, { node }, { affinity, antiAffinity, others, isFirst }) {
      if (!node) return affinityRefusal
      if (affinity.length > 0 && !isNear(node, affinity, isFirst)) return affinityRefusal
      for (const { term, counter } of antiAffinity) {
        const place = placeOf(node, term)
        if (place !== undefined && counter.at(place) > 0) return antiAffinityRefusal
      }
      for (const { term, places } of others()) {
        const place = placeOf(node, term)
        if (place !== undefined && (places.get(place) ?? 0) > 0) return othersRefusal
      }
      return undefined
    },

    scorer({ pod, terms }, _nodes, _rules, cluster) {
      const { carried } = cluster.state.topology
      const labels = namespaceLabels(cluster)
      const weighed: { readonly key: string; readonly weightAt: (place: string) => number }[] = []
      for (const { term, weight } of terms.preferred) {
        const counter = counterOf(term, cluster)
        if (counter.total > 0) weighed.push({ key: term.topologyKey, weightAt: (place) => weight * counter.at(place) })
      }
      const theirs = (sort: 'affinity' | 'preferred', weight: number) => {
        for (const { term, places } of carried.of(sort))
          if (weight !== 0 && means(term, pod, labels))
            weighed.push({ key: term.topologyKey, weightAt: (place) => weight * (places.get(place) ?? 0) })
      }
      theirs('affinity', hardWeight)
      if (!args.ignorePreferredTermsOfExistingPods || terms.preferred.length > 0) theirs('preferred', 1)
      if (weighed.length === 0) return undefined
      return ({ node }) => {
        let sum = 0
        for (const { key, weightAt } of weighed) {
          const place = own(node?.metadata.labels, key)
          if (place !== undefined) sum += weightAt(place)
        }
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

function isNear(node: Node, affinity: Rules['affinity'], isFirst: () => boolean): boolean {
  let isThere = true
  for (const { term, counter } of affinity) {
    const place = placeOf(node, term)
    if (place === undefined) return false
    if (counter.at(place) === 0) isThere = false
  }
  return isThere || isFirst()
}

const placeOf = ({ metadata }: Node, { topologyKey }: Term) => own(metadata.labels, topologyKey)

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
