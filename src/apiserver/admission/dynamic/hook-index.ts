import type { Kind } from '../../../schema/kind.ts'
import type { AdmissionAttributes } from '../../admission.ts'
import { equivalentsOf, isExempt, type Situation } from './rules.ts'

/** Something that has its say on requests. */
export interface Hook<Plan> {
  /** What it does about requests of a sort; undefined: nothing, whatever the object. */
  plan(situation: Situation): Plan | undefined
}

export interface Candidate<H extends Hook<Plan>, Plan> {
  readonly hook: H
  readonly plan: Plan
}

const none: readonly never[] = []

/**
 * All hooks of a sort, found by what a request is for: which of them may concern creations of pods is worked out for the
 * first of these, and holds until hooks or kinds change.
 */
export class HookIndex<H extends Hook<Plan>, Plan> {
  readonly #kinds: () => readonly Kind[]
  #hooks: readonly H[] = none
  #known: readonly Kind[] = none
  readonly #candidates = new Map<Kind, Map<string, readonly Candidate<H, Plan>[]>>()

  /** `kinds`: what is served now; another list when that changes. */
  constructor(kinds: () => readonly Kind[]) {
    this.#kinds = kinds
  }

  /** Replaces all hooks; they are asked in this order. */
  set(hooks: readonly H[]): void {
    this.#hooks = hooks
    this.#candidates.clear()
  }

  /** Those that may have to do with the request; whether they do depends on names and labels. */
  candidates({ kind, operation, subresource }: AdmissionAttributes): readonly Candidate<H, Plan>[] {
    if (this.#hooks.length === 0) return none
    const kinds = this.#kinds()
    if (kinds !== this.#known) {
      this.#known = kinds
      this.#candidates.clear()
    }
    let byKind = this.#candidates.get(kind)
    if (byKind === undefined) {
      byKind = new Map()
      this.#candidates.set(kind, byKind)
    }
    const key = `${operation}/${subresource}`
    let found = byKind.get(key)
    if (found === undefined) {
      found = this.#find(kind, operation, subresource)
      byKind.set(key, found)
    }
    return found
  }

  #find(kind: Kind, operation: string, subresource: string): readonly Candidate<H, Plan>[] {
    // A binding is asked about when it is created, not when the pod is changed because of it.
    if (isExempt(kind) || (subresource === 'binding' && operation === 'UPDATE')) return none
    const situation = { operation, kind, subresource, equivalents: equivalentsOf(kind, this.#known) }
    return this.#hooks.flatMap((hook) => {
      const plan = hook.plan(situation)
      return plan === undefined ? [] : [{ hook, plan }]
    })
  }
}
