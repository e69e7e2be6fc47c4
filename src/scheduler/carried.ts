import { own } from '../base/own.ts'
import type { Node } from '../kinds/core/node.ts'
import type { PodState } from './pod-state.ts'
import { noTerms, type Term } from './terms.ts'

/** A rule of pods that have a place, and where it holds: place → how many of them (or the sum of their weights). */
export interface CarriedTerm {
  readonly term: Term
  readonly places: Map<string, number>
  pods: number
}

type Sort = 'antiAffinity' | 'affinity' | 'preferred'

/** The rules about other pods that placed pods carry, each once, however many pods have it. */
export class Carried {
  readonly #terms: Readonly<Record<Sort, Map<string, CarriedTerm>>> = {
    antiAffinity: new Map(),
    affinity: new Map(),
    preferred: new Map(),
  }

  /** Another number after a rule was carried for the first time, or by nobody any more. */
  version = 0

  of(sort: Sort): Iterable<CarriedTerm> {
    return this.#terms[sort].values()
  }

  has(sort: Sort): boolean {
    return this.#terms[sort].size > 0
  }

  add({ terms }: PodState, node: Node, sign: 1 | -1): void {
    if (terms === noTerms) return
    for (const term of terms.antiAffinity) this.#count('antiAffinity', term, node, sign, sign)
    for (const term of terms.affinity) this.#count('affinity', term, node, sign, sign)
    for (const { term, weight } of terms.preferred) this.#count('preferred', term, node, sign, sign * weight)
  }

  #count(sort: Sort, term: Term, node: Node, sign: 1 | -1, amount: number): void {
    const carriedTerms = this.#terms[sort]
    let carried = carriedTerms.get(term.key)
    if (!carried) {
      carried = { term, places: new Map(), pods: 0 }
      carriedTerms.set(term.key, carried)
      this.version++
    }
    carried.pods += sign
    if (carried.pods === 0) {
      carriedTerms.delete(term.key)
      this.version++
      return
    }
    const place = own(node.metadata.labels, term.topologyKey)
    if (place === undefined) return
    const sum = (carried.places.get(place) ?? 0) + amount
    if (sum === 0) carried.places.delete(place)
    else carried.places.set(place, sum)
  }
}
