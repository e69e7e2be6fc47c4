import type { NodeState } from './cluster-state.ts'
import { ByPlace, nowhere, type Places } from './places.ts'
import type { PodState } from './pod-state.ts'
import { noTerms, type Term } from './terms.ts'

/** A rule of pods that have a place, and where it holds: in each place how many of them (or the sum of their weights). */
export interface CarriedTerm {
  readonly term: Term
  readonly sums: ByPlace
  pods: number
}

type Sort = 'antiAffinity' | 'affinity' | 'preferred'

/** The rules about other pods that placed pods carry, each once, however many pods have it. */
export class Carried {
  readonly #placesBy: (topologyKey: string) => Places
  readonly #terms: Readonly<Record<Sort, Map<string, CarriedTerm>>> = {
    antiAffinity: new Map(),
    affinity: new Map(),
    preferred: new Map(),
  }

  /** Another number after a rule was carried for the first time, or by nobody any more. */
  version = 0

  constructor(placesBy: (topologyKey: string) => Places) {
    this.#placesBy = placesBy
  }

  of(sort: Sort): Iterable<CarriedTerm> {
    return this.#terms[sort].values()
  }

  /** The topology keys of all rules. */
  get topologies(): string[] {
    return Object.values(this.#terms).flatMap((terms) => [...terms.values()].map(({ term }) => term.topologyKey))
  }

  has(sort: Sort): boolean {
    return this.#terms[sort].size > 0
  }

  add({ terms }: PodState, node: NodeState, sign: 1 | -1): void {
    if (terms === noTerms) return
    for (const term of terms.antiAffinity) this.#count('antiAffinity', term, node, sign, sign)
    for (const term of terms.affinity) this.#count('affinity', term, node, sign, sign)
    for (const { term, weight } of terms.preferred) this.#count('preferred', term, node, sign, sign * weight)
  }

  #count(sort: Sort, term: Term, node: NodeState, sign: 1 | -1, amount: number): void {
    const carriedTerms = this.#terms[sort]
    let carried = carriedTerms.get(term.key)
    if (!carried) {
      carried = { term, sums: new ByPlace(this.#placesBy(term.topologyKey)), pods: 0 }
      carriedTerms.set(term.key, carried)
      this.version++
    }
    carried.pods += sign
    if (carried.pods === 0) {
      carriedTerms.delete(term.key)
      this.version++
      return
    }
    const place = carried.sums.places.of(node)
    if (place !== nowhere) carried.sums.add(place, amount)
  }
}
