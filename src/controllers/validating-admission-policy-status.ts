import { typeWarnings } from '../kinds/admissionregistration/type-check.ts'
import { ValidatingAdmissionPolicy } from '../kinds/admissionregistration/validating-admission-policy.ts'
import { setStatus } from '../reconciler/changes.ts'
import { type Controller, defineController } from '../reconciler/controller.ts'
import type { Kind } from '../schema/kind.ts'

/**
 * Tells in the status of a policy what its expressions do wrong with the types for which it is meant, once for each
 * generation. `kinds`: what is served.
 */
export const validatingAdmissionPolicyStatusController = (kinds: () => readonly Kind[]): Controller =>
  defineController<ValidatingAdmissionPolicy>({
    name: 'validatingadmissionpolicy-status-controller',
    reconciles: ValidatingAdmissionPolicy,

    *reconcile(policy) {
      const { generation = 0 } = policy.metadata
      if (generation <= (policy.status.observedGeneration ?? 0)) return
      const warnings = typeWarnings(policy, kinds())
      yield setStatus(ValidatingAdmissionPolicy, policy, {
        ...policy.status,
        observedGeneration: generation,
        typeChecking: warnings.length === 0 ? {} : { expressionWarnings: warnings },
      })
    },
  })
