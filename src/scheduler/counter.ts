import { own } from '../base/own.ts'
import type { Node } from '../kinds/core/node.ts'
import type { Pod } from '../kinds/core/pod.ts'

/** Which pods are counted, on which nodes, by which label of the nodes. */
export interface CounterSpec {
  readonly key: string
  readonly topologyKey: string
  /** Absent: all of them. */
  readonly namespaces: ReadonlySet<string> | undefined
  /** A label that all counted pods have: `app=web`. */
  readonly label: string | undefined
  /** Whether `counts` looks at labels of namespaces. */
  readonly dependsOnNamespaces: boolean
  counts(pod: Pod): boolean
  /** Absent: all nodes that have the label. */
  countsNode?(node: Node): boolean
  /** Whether places without any such pod are of interest, too. */
  readonly withEmpty: boolean
}

/** How many pods of a sort there are in each place of a topology. */
export class Counter {
  readonly spec: CounterSpec
  /** By place; a place without such pods is absent. */
  readonly #pods = new Map<string, number>()
  /** With `withEmpty`: place → how many nodes. */
  readonly #nodes = new Map<string, number>()
  /** With `withEmpty`: number of pods → in how many places. */
  readonly #places = new Map<number, number>()
  #least = 0
  #total = 0

  constructor(spec: CounterSpec) {
    this.spec = spec
  }

  /** All pods that are counted. */
  get total(): number {
    return this.#total
  }

  /** How many places there are, with and without pods. */
  get places(): number {
    return this.#nodes.size
  }

  /** The number of pods in the place that has the fewest. */
  get least(): number {
    if (this.#nodes.size === 0) return 0
    while (!this.#places.has(this.#least)) this.#least++
    return this.#least
  }

  at(place: string): number {
    return this.#pods.get(place) ?? 0
  }

  nodeCame(node: Node): void {
    const place = this.spec.withEmpty ? this.#placeOf(node) : undefined
    if (place === undefined) return
    const nodes = this.#nodes.get(place) ?? 0
    this.#nodes.set(place, nodes + 1)
    if (nodes === 0) this.#settle(this.at(place), 1)
  }

  /** Its pods have been taken away before. */
  nodeWent(node: Node): void {
    const place = this.spec.withEmpty ? this.#placeOf(node) : undefined
    if (place === undefined) return
    const nodes = this.#nodes.get(place)! - 1
    if (nodes > 0) this.#nodes.set(place, nodes)
    else {
      this.#nodes.delete(place)
      this.#settle(this.at(place), -1)
    }
  }

  add(pod: Pod, node: Node, sign: 1 | -1): void {
    if (!this.spec.counts(pod)) return
    const place = this.#placeOf(node)
    if (place === undefined) return
    const before = this.at(place)
    const pods = before + sign
    this.#total += sign
    if (pods > 0) this.#pods.set(place, pods)
    else this.#pods.delete(place)
    if (!this.spec.withEmpty) return
    this.#settle(pods, 1)
    this.#settle(before, -1)
  }

  #placeOf(node: Node): string | undefined {
    const place = own(node.metadata.labels, this.spec.topologyKey)
    return place !== undefined && (this.spec.countsNode?.(node) ?? true) ? place : undefined
  }

  #settle(pods: number, sign: 1 | -1): void {
    const places = (this.#places.get(pods) ?? 0) + sign
    if (places > 0) this.#places.set(pods, places)
    else this.#places.delete(pods)
    if (sign > 0 && pods < this.#least) this.#least = pods
  }
}
