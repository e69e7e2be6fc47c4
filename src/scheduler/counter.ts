import type { Node } from '../kinds/core/node.ts'
import type { Pod } from '../kinds/core/pod.ts'
import type { NodeState } from './cluster-state.ts'
import { ByPlace, nowhere, type Places } from './places.ts'

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
  readonly #pods: ByPlace
  /** With `withEmpty`: in each place, how many nodes are counted. */
  readonly #nodes: ByPlace
  /** With `withEmpty`: number of pods → in how many places. */
  readonly #places = new Map<number, number>()
  #placeCount = 0
  #least = 0
  #total = 0

  constructor(spec: CounterSpec, places: Places) {
    this.spec = spec
    this.#pods = new ByPlace(places)
    this.#nodes = new ByPlace(places)
  }

  /** All pods that are counted. */
  get total(): number {
    return this.#total
  }

  /** How many places there are, with and without pods. */
  get places(): number {
    return this.#placeCount
  }

  /** The number of pods in the place that has the fewest. */
  get least(): number {
    if (this.#placeCount === 0) return 0
    while (!this.#places.has(this.#least)) this.#least++
    return this.#least
  }

  /** The number of the place where the node is, or `nowhere`. */
  placeOf(node: NodeState): number {
    return this.#pods.places.of(node)
  }

  /** How many there are in the place with this number. */
  at(place: number): number {
    return this.#pods.of(place)
  }

  nodeCame(node: NodeState): void {
    const place = this.spec.withEmpty ? this.#countedPlace(node) : nowhere
    if (place === nowhere) return
    this.#nodes.add(place, 1)
    if (this.#nodes.of(place) > 1) return
    this.#placeCount++
    this.#settle(this.at(place), 1)
  }

  /** Its pods have been taken away before. */
  nodeWent(node: NodeState): void {
    const place = this.spec.withEmpty ? this.#countedPlace(node) : nowhere
    if (place === nowhere) return
    this.#nodes.add(place, -1)
    if (this.#nodes.of(place) > 0) return
    this.#placeCount--
    this.#settle(this.at(place), -1)
  }

  add(pod: Pod, node: NodeState, sign: 1 | -1): void {
    if (!this.spec.counts(pod)) return
    const place = this.#countedPlace(node)
    if (place === nowhere) return
    const before = this.at(place)
    this.#total += sign
    this.#pods.add(place, sign)
    if (!this.spec.withEmpty) return
    this.#settle(before + sign, 1)
    this.#settle(before, -1)
  }

  #countedPlace(node: NodeState): number {
    const place = this.placeOf(node)
    return place !== nowhere && (this.spec.countsNode?.(node.node!) ?? true) ? place : nowhere
  }

  #settle(pods: number, sign: 1 | -1): void {
    const places = (this.#places.get(pods) ?? 0) + sign
    if (places > 0) this.#places.set(pods, places)
    else this.#places.delete(pods)
    if (sign > 0 && pods < this.#least) this.#least = pods
  }
}
