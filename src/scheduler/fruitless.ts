import { type ClusterState, type NodeState, neighbours } from './cluster-state.ts'
import { nowhere } from './places.ts'
import { Refusals, type Veto } from './refusals.ts'

/**
 * A search that found no node for pods of one shape. The next such pod need not be told anew what stands against each of
 * thousands of nodes: only those are asked that have changed since.
 */
export class Fruitless {
  readonly #nodes: readonly NodeState[]
  /** Of each of the nodes. */
  readonly #vetoes: Veto[]
  readonly #counts = new Map<Veto, number>()
  /** By the index of a node: where it stands in the list. */
  readonly #places: Int32Array
  /** How much had happened among each group of neighbours when they were asked. */
  readonly #seen: Int32Array

  /** `vetoes`: what stands against each of all nodes, in the order of the list. */
  constructor(state: ClusterState, vetoes: Veto[]) {
    this.#nodes = state.nodes
    this.#vetoes = vetoes
    this.#seen = state.changes.slice()
    this.#places = new Int32Array(state.indexes).fill(nowhere)
    state.order.forEach((index, at) => {
      this.#places[index] = at
    })
    for (const veto of vetoes) this.#count(veto, 1)
  }

  /**
   * All nodes with what stands against each now, until the next search; nothing when one of them would have the pod.
   * `ask`: about the node with this index, which stands at this place of the list.
   */
  refusals(state: ClusterState, ask: (index: number, at: number) => Veto | undefined): Refusals | undefined {
    if (state.nodes !== this.#nodes) return undefined
    for (let group = 0; group < this.#seen.length; group++) {
      if (this.#seen[group] === state.changes[group]) continue
      const end = Math.min((group + 1) * neighbours, this.#places.length)
      for (let index = group * neighbours; index < end; index++) {
        const at = this.#places[index]!
        if (at === nowhere) continue
        const veto = ask(index, at)
        if (!veto) return undefined
        this.#set(at, veto)
      }
      this.#seen[group] = state.changes[group]!
    }
    return new Refusals(this.#nodes, this.#vetoes, this.#counts)
  }

  #set(at: number, veto: Veto): void {
    const before = this.#vetoes[at]!
    if (veto === before) return
    this.#vetoes[at] = veto
    this.#count(before, -1)
    this.#count(veto, 1)
  }

  #count(veto: Veto, sign: 1 | -1): void {
    const count = (this.#counts.get(veto) ?? 0) + sign
    if (count > 0) this.#counts.set(veto, count)
    else this.#counts.delete(veto)
  }
}
