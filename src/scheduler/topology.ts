import { Carried } from './carried.ts'
import type { NodeState } from './cluster-state.ts'
import { Counter, type CounterSpec } from './counter.ts'
import { Places } from './places.ts'
import type { PodState } from './pod-state.ts'

const countersAtMost = 2048
/** More of them are kept only as long as somebody counts by them. */
const topologiesAtMost = 64
const everyNamespace = ''

/**
 * How many pods of a sort are in each zone, rack or machine. What somebody has asked for once is counted from then on
 * with every pod that comes or goes, so that a thousand pods with one rule cost one look at the cluster and not a
 * thousand. The rules that placed pods themselves carry (keep away from me) are counted in the same way.
 */
export class Topology {
  readonly carried: Carried = new Carried((topologyKey) => this.#placesBy(topologyKey))
  readonly #topologies = new Map<string, Places>()
  readonly #counters = new Map<string, Counter>()
  /** Namespace → label → counters of pods that have it. */
  readonly #interested = new Map<string, Map<string, Set<Counter>>>()
  readonly #everything: () => Iterable<NodeState>

  /** `everything`: all nodes with their pods; also such of which only pods are known. */
  constructor(everything: () => Iterable<NodeState>) {
    this.#everything = everything
  }

  /** The counter of this sort of pods; it is kept, and kept up to date, until others have been asked for more lately. */
  counter(spec: CounterSpec): Counter {
    let counter = this.#counters.get(spec.key)
    if (counter) this.#counters.delete(spec.key)
    else counter = this.#count(spec)
    this.#counters.set(spec.key, counter)
    return counter
  }

  placed(pod: PodState, node: NodeState): void {
    this.carried.add(pod, node, 1)
    this.#tell(pod, node, 1)
  }

  left(pod: PodState, node: NodeState): void {
    this.carried.add(pod, node, -1)
    this.#tell(pod, node, -1)
  }

  /** A new node with the pods that are on it; also one that has changed, for which `nodeWent` was called before it did. */
  nodeCame(node: NodeState): void {
    for (const places of this.#topologies.values()) places.came(node)
    for (const counter of this.#counters.values()) counter.nodeCame(node)
    for (const pod of node.pods.values()) this.placed(pod, node)
  }

  nodeWent(node: NodeState): void {
    for (const pod of node.pods.values()) this.left(pod, node)
    for (const counter of this.#counters.values()) counter.nodeWent(node)
    for (const places of this.#topologies.values()) places.went(node)
  }

  /** Labels of a namespace are different: counts that depend on them begin anew. */
  namespaceChanged(): void {
    for (const counter of [...this.#counters.values()]) if (counter.spec.dependsOnNamespaces) this.#forget(counter)
  }

  #placesBy(topologyKey: string): Places {
    let places = this.#topologies.get(topologyKey)
    if (!places) {
      if (this.#topologies.size >= topologiesAtMost) this.#tidy()
      places = new Places(topologyKey)
      for (const node of this.#everything()) if (node.node) places.came(node)
      this.#topologies.set(topologyKey, places)
    }
    return places
  }

  #tidy(): void {
    const used = new Set(this.carried.topologies)
    for (const { spec } of this.#counters.values()) used.add(spec.topologyKey)
    for (const topologyKey of [...this.#topologies.keys()])
      if (!used.has(topologyKey)) this.#topologies.delete(topologyKey)
  }

  #tell(pod: PodState, node: NodeState, sign: 1 | -1): void {
    if (this.#counters.size === 0) return
    this.#tellOf(this.#interested.get(everyNamespace), pod, node, sign)
    this.#tellOf(this.#interested.get(pod.pod.metadata.namespace ?? ''), pod, node, sign)
  }

  #tellOf(byLabel: Map<string, Set<Counter>> | undefined, state: PodState, node: NodeState, sign: 1 | -1): void {
    if (!byLabel) return
    const { pod } = state
    for (const counter of byLabel.get('') ?? []) counter.add(pod, node, sign)
    const { labels } = pod.metadata
    for (const key in labels)
      for (const counter of byLabel.get(`${key}=${labels[key]}`) ?? []) counter.add(pod, node, sign)
  }

  #count(spec: CounterSpec): Counter {
    const counter = new Counter(spec, this.#placesBy(spec.topologyKey))
    for (const node of this.#everything()) {
      if (!node.node) continue
      counter.nodeCame(node)
      for (const { pod } of node.pods.values()) counter.add(pod, node, 1)
    }
    for (const namespace of spec.namespaces ?? [everyNamespace]) {
      const byLabel = this.#interested.get(namespace) ?? new Map<string, Set<Counter>>()
      this.#interested.set(namespace, byLabel)
      const counters = byLabel.get(spec.label ?? '') ?? new Set()
      byLabel.set(spec.label ?? '', counters.add(counter))
    }
    if (this.#counters.size >= countersAtMost) this.#forget(this.#counters.values().next().value!)
    return counter
  }

  #forget(counter: Counter): void {
    const { spec } = counter
    this.#counters.delete(spec.key)
    for (const namespace of spec.namespaces ?? [everyNamespace]) {
      const byLabel = this.#interested.get(namespace)!
      const counters = byLabel.get(spec.label ?? '')!
      counters.delete(counter)
      if (counters.size === 0) byLabel.delete(spec.label ?? '')
      if (byLabel.size === 0) this.#interested.delete(namespace)
    }
  }
}
