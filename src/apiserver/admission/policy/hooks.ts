import type { MatchResources, ParamKind, ParamRef } from '../../../kinds/admissionregistration/shared.ts'
import type { ApiObject } from '../../../schema/kind.ts'
import type { Hook } from '../dynamic/hook-index.ts'
import { Matcher, type Plan } from '../dynamic/matching.ts'
import type { Situation } from '../dynamic/rules.ts'

/** What policies of both sorts have in common. */
export interface PolicyLike extends ApiObject {
  readonly spec: {
    readonly paramKind?: ParamKind
    readonly matchConstraints?: MatchResources
    readonly failurePolicy?: string
  }
}

export interface BindingLike extends ApiObject {
  readonly spec: {
    readonly policyName?: string
    readonly paramRef?: ParamRef
    readonly matchResources?: MatchResources
  }
}

interface MatchedBinding<B> {
  readonly binding: B
  readonly matcher: Matcher
}

/** A policy that is put to use, with its bindings. */
export class PolicyHook<P extends PolicyLike, B extends BindingLike> implements Hook<PolicyPlan<B>> {
  readonly policy: P
  readonly matcher: Matcher
  readonly #bindings: readonly MatchedBinding<B>[]

  constructor(policy: P, bindings: readonly B[]) {
    this.policy = policy
    this.matcher = new Matcher(policy.spec.matchConstraints ?? {}, true)
    this.#bindings = bindings.map((binding) => ({
      binding,
      matcher: new Matcher(binding.spec.matchResources ?? {}, false),
    }))
  }

  plan(situation: Situation): PolicyPlan<B> | undefined {
    const plan = this.matcher.plan(situation)
    if (plan === undefined) return undefined
    const bindings = this.#bindings.flatMap(({ binding, matcher }) => {
      const own = matcher.plan(situation)
      return own === undefined ? [] : [{ binding, matcher, plan: own }]
    })
    return { ...plan, bindings }
  }
}

export interface PolicyPlan<B> extends Plan {
  readonly bindings: readonly (MatchedBinding<B> & { readonly plan: Plan })[]
}

/** The policies that have bindings, with them, in the order of the policies. */
export function hooksOf<P extends PolicyLike, B extends BindingLike>(
  policies: readonly P[],
  bindings: readonly B[],
): readonly PolicyHook<P, B>[] {
  const byPolicy = Map.groupBy(bindings, ({ spec }) => spec.policyName ?? '')
  return policies.flatMap((policy) => {
    const own = byPolicy.get(policy.metadata.name ?? '')
    return own === undefined ? [] : [new PolicyHook(policy, own)]
  })
}
