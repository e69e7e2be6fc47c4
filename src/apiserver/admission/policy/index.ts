import { MutatingAdmissionPolicy } from '../../../kinds/admissionregistration/mutating-admission-policy.ts'
import { MutatingAdmissionPolicyBinding } from '../../../kinds/admissionregistration/mutating-admission-policy-binding.ts'
import { ValidatingAdmissionPolicy } from '../../../kinds/admissionregistration/validating-admission-policy.ts'
import { ValidatingAdmissionPolicyBinding } from '../../../kinds/admissionregistration/validating-admission-policy-binding.ts'
import type { ApiObject, Kind } from '../../../schema/kind.ts'
import type { Log } from '../../../world/world.ts'
import type { AdmissionPlugin } from '../../admission.ts'
import type { Authorizer } from '../../authz/authz.ts'
import type { Resource } from '../../resource.ts'
import { followAll } from '../dynamic/followed.ts'
import { HookIndex } from '../dynamic/hook-index.ts'
import { type BindingLike, hooksOf, type PolicyHook, type PolicyLike, type PolicyPlan } from './hooks.ts'
import type { Cluster } from './invocations.ts'
import { mutatingPolicies } from './mutating.ts'
import { validatingPolicies } from './validating.ts'

export type Resources = <T extends ApiObject>(kind: Kind<T>) => Resource<T>

/** The policies of a cluster: as plugins, and as something that follows them. */
export interface Policies {
  readonly mutating: AdmissionPlugin
  readonly validating: AdmissionPlugin
  /** Resolves when what is in the store is in force. */
  follow(resources: Resources, log: Log, signal: AbortSignal): Promise<void>
}

export function admissionPolicies(cluster: Cluster, authorizer: Authorizer): Policies {
  const mutating = new Followed<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding>(cluster)
  const validating = new Followed<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding>(cluster)
  return {
    mutating: mutatingPolicies(mutating.index, cluster, authorizer),
    validating: validatingPolicies(validating.index, cluster, authorizer),
    async follow(resources, log, signal) {
      await Promise.all([
        followAll(resources(MutatingAdmissionPolicy), signal, log, mutating.setPolicies),
        followAll(resources(MutatingAdmissionPolicyBinding), signal, log, mutating.setBindings),
        followAll(resources(ValidatingAdmissionPolicy), signal, log, validating.setPolicies),
        followAll(resources(ValidatingAdmissionPolicyBinding), signal, log, validating.setBindings),
      ])
    },
  }
}

/** Policies and bindings as they come, and the index of those that belong together. */
class Followed<P extends PolicyLike, B extends BindingLike> {
  readonly index: HookIndex<PolicyHook<P, B>, PolicyPlan<B>>
  #policies: readonly P[] = []
  #bindings: readonly B[] = []

  constructor({ kinds }: Cluster) {
    this.index = new HookIndex(kinds)
  }

  setPolicies = (policies: readonly P[]): void => {
    this.#policies = policies
    this.#changed()
  }

  setBindings = (bindings: readonly B[]): void => {
    this.#bindings = bindings
    this.#changed()
  }

  #changed(): void {
    this.index.set(hooksOf(this.#policies, this.#bindings))
  }
}
