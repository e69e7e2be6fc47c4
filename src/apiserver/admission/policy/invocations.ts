import type { Namespace } from '../../../kinds/core/namespace.ts'
import type { ApiObject, Kind } from '../../../schema/kind.ts'
import { ApiError } from '../../../schema/status.ts'
import type { AdmissionAttributes, ClusterReader } from '../../admission.ts'
import type { Candidate } from '../dynamic/hook-index.ts'
import { requireNamespace } from '../dynamic/matching.ts'
import type { BindingLike, PolicyHook, PolicyLike, PolicyPlan } from './hooks.ts'
import { ConfigurationError, paramKindOf, paramsOf } from './params.ts'

/** A policy that is to be evaluated for a request, with one object of parameters. */
export interface Invocation<P extends PolicyLike, B extends BindingLike> {
  readonly policy: P
  readonly binding: B
  readonly version: Kind
  /** Undefined: the policy has no parameters; null: its binding gives none. */
  readonly params: ApiObject | null | undefined
}

/** A policy or binding that is for the request, but cannot be used. */
export interface Unusable<P, B> {
  readonly policy: P
  readonly binding?: B
  readonly message: string
}

export interface Cluster {
  readonly kinds: () => readonly Kind[]
  readonly reader: ClusterReader
}

/** Finds out what is to be evaluated for a request, in order, and what should be and cannot. */
export function invocationsOf<P extends PolicyLike, B extends BindingLike>(
  candidates: readonly Candidate<PolicyHook<P, B>, PolicyPlan<B>>[],
  attributes: AdmissionAttributes,
  cluster: Cluster,
): readonly (Invocation<P, B> | Unusable<P, B>)[] {
  return candidates.flatMap(({ hook, plan }) => {
    const { policy } = hook
    try {
      const version = hook.matcher.match(plan, attributes, cluster.reader)
      if (version === undefined) return []
      const paramKind = paramKindOf(policy.spec.paramKind, cluster.kinds())
      return plan.bindings.flatMap((each) => ofBinding(policy, each, version, paramKind))
    } catch (error) {
      return [{ policy, message: `failed to configure policy: ${reasonOf(error)}` }]
    }
  })

  function ofBinding(
    policy: P,
    { binding, matcher, plan }: PolicyPlan<B>['bindings'][number],
    version: Kind,
    paramKind: Kind | undefined,
  ): readonly (Invocation<P, B> | Unusable<P, B>)[] {
    const { reader } = cluster
    try {
      if (matcher.match(plan, attributes, reader) === undefined) return []
      const params = paramsOf(paramKind, binding.spec.paramRef, attributes.namespace, reader)
      return params.map((found) => ({ policy, binding, version, params: paramKind === undefined ? undefined : found }))
    } catch (error) {
      return [{ policy, binding, message: `failed to configure binding: ${reasonOf(error)}` }]
    }
  }
}

/** What was to be foreseen is told; the rest goes up. */
function reasonOf(error: unknown): string {
  if (error instanceof ConfigurationError || error instanceof ApiError) return error.message
  throw error
}

/** The namespace of the request's object; undefined for what belongs to none. */
export function namespaceOf({ namespace }: AdmissionAttributes, reader: ClusterReader): Namespace | undefined {
  return namespace === '' ? undefined : requireNamespace(reader, namespace)
}
