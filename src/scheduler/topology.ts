import type { Node } from '../kinds/core/node.ts'
import { Carried } from './carried.ts'
import { Counter, type CounterSpec } from './counter.ts'
import type { PodState } from './pod-state.ts'

/** A node with its pods; absent as long as only pods of it are known. */
interface NodePods {
  readonly node: Node | undefined
  readonly pods: ReadonlyMap<string, PodState>
}

const countersAtMost = 2048
const everyNamespace = ''

/**
 * How many pods of a sort are in each zone, rack or machine. What somebody has asked for once is counted from then on
 * with every pod that comes or goes, so that a thousand pods with one rule cost one look at the cluster and not a
 * thousand. The rules that placed pods themselves carry (keep away from me) are counted in the same way.
 */
export class Topology {
  readonly carried: Carried = new Carried()
  readonly #counters = new Map<string, Counter>()
  /** Namespace → label → counters of pods that have it. */
  readonly #interested = new Map<string, Map<string, Set<Counter>>>()
  readonly #everything: () => Iterable<NodePods>

  /** `everything`: all nodes with their pods. */
  constructor(everything: () => Iterable<NodePods>) {
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

  placed(pod: PodState, node: Node): void {
    this.carried.add(pod, node, 1)
    this.#tell(pod, node, 1)
  }

  left(pod: PodState, node: Node): void {
    this.carried.add(pod, node, -1)
    this.#tell(pod, node, -1)
  }

  /** Of a new node, or before and after a change. */
  nodeCame(node: Node, pods: Iterable<PodState>): void {
    for (const counter of this.#counters.values()) counter.nodeCame(node)
    for (const pod of pods) this.placed(pod, node)
  }

  nodeWent(node: Node, pods: Iterable<PodState>): void {
    for (const pod of pods) this.left(pod, node)
    for (const counter of this.#counters.values()) counter.nodeWent(node)
  }

  /** Labels of a namespace are different: counts that depend on them begin anew. */
  namespaceChanged(): void {
    for (const counter of [...this.#counters.values()]) if (counter.spec.dependsOnNamespaces) this.#forget(counter)
  }

  #tell(pod: PodState, node: Node, sign: 1 | -1): void {
    if (this.#counters.size === 0) return
    this.#tellOf(this.#interested.get(everyNamespace), pod, node, sign)
    this.#tellOf(this.#interested.get(pod.pod.metadata.namespace ?? ''), pod, node, sign)
  }

  #tellOf(byLabel: Map<string, Set<Counter>> | undefined, state: PodState, node: Node, sign: 1 | -1): void {
    if (!byLabel) return
    const { pod } = state
    for (const counter of byLabel.get('') ?? []) counter.add(pod, node, sign)
    const { labels } = pod.metadata
    for (const key in labels)
      for (const counter of byLabel.get(`${key}=${labels[key]}`) ?? []) counter.add(pod, node, sign)
  }

  #count(spec: CounterSpec): Counter {
    const counter = new Counter(spec)
    for (const { node, pods } of this.#everything()) {
      if (!node) continue
      counter.nodeCame(node)
      for (const { pod } of pods.values()) counter.add(pod, node, 1)
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
