import type { ValidatingAdmissionPolicy } from '../../../kinds/admissionregistration/validating-admission-policy.ts'
import type { ValidatingAdmissionPolicyBinding } from '../../../kinds/admissionregistration/validating-admission-policy-binding.ts'
import { ApiError, type Reason, reasons } from '../../../schema/status.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../../admission.ts'
import type { Authorizer } from '../../authz/authz.ts'
import { RequestAuthorizer } from '../dynamic/authorizer.ts'
import type { HookIndex } from '../dynamic/hook-index.ts'
import { patiently } from '../dynamic/pending.ts'
import { refusalOf, Subject } from '../dynamic/subject.ts'
import type { PolicyHook, PolicyPlan } from './hooks.ts'
import { type Cluster, type Invocation, invocationsOf, namespaceOf, type Unusable } from './invocations.ts'
import { judge, type Verdict } from './validate.ts'

type Policy = ValidatingAdmissionPolicy
type Binding = ValidatingAdmissionPolicyBinding

export type ValidatingPolicies = HookIndex<PolicyHook<Policy, Binding>, PolicyPlan<Binding>>

/** Refuses, warns and notes as ValidatingAdmissionPolicies say (KEP-3488). */
export function validatingPolicies(
  policies: ValidatingPolicies,
  cluster: Cluster,
  authorizer: Authorizer,
): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionPolicy',
    handles: (attributes) => policies.candidates(attributes).length > 0,
    validate(attributes) {
      const asked = new RequestAuthorizer(authorizer, attributes.context.user)
      const opinions = patiently(() => opinionsOf(policies, attributes, cluster, asked))
      if (opinions instanceof Promise) return opinions.then((late) => heed(late, attributes))
      heed(opinions, attributes)
    },
  }
}

/** What a policy says, or why it has nothing to say. */
interface Opinion {
  readonly invocation: Invocation<Policy, Binding> | Unusable<Policy, Binding>
  readonly verdict: Verdict | undefined
}

function opinionsOf(
  policies: ValidatingPolicies,
  attributes: AdmissionAttributes,
  cluster: Cluster,
  authorizer: RequestAuthorizer,
): readonly Opinion[] {
  const subject = new Subject(attributes)
  return invocationsOf(policies.candidates(attributes), attributes, cluster).map((invocation) => {
    if ('message' in invocation) return { invocation, verdict: undefined }
    const { version, params } = invocation
    const namespace = namespaceOf(attributes, cluster.reader)
    const inputs = { subject, version, namespace, authorizer, ...(params !== undefined && { params }) }
    return { invocation, verdict: judge(invocation, inputs) }
  })
}

interface Denial {
  readonly message: string
  readonly reason: Reason
}

/** Does what the bindings say about what the policies say. Throws the first denial. */
function heed(opinions: readonly Opinion[], attributes: AdmissionAttributes): void {
  const notes = new Notes()
  const denials = opinions.flatMap(({ invocation, verdict }): Denial[] => {
    const { policy, binding } = invocation
    if (verdict === undefined) {
      const { message } = invocation as Unusable<Policy, Binding>
      return policy.spec.failurePolicy === 'Ignore' ? [] : [denial(policy, binding, message)]
    }
    for (const { key, value } of verdict.annotations) notes.add(`${policy.metadata.name}/${key}`, value)
    return [
      ...tell(policy, binding!, verdict, attributes, notes),
      ...verdict.annotationFailures.map((message) => denial(policy, binding, message)),
    ]
  })
  notes.publish(attributes)
  const [first] = denials
  if (first !== undefined) throw refuse(attributes, first)
}

function tell(
  policy: Policy,
  binding: Binding,
  { failures }: Verdict,
  { context }: AdmissionAttributes,
  notes: Notes,
): readonly Denial[] {
  const { validationActions = [] } = binding.spec
  const denials: Denial[] = []
  for (const { message, reason, index } of failures) {
    for (const action of validationActions) {
      if (action === 'Deny') denials.push(denial(policy, binding, message, reason))
      else if (action === 'Warn') {
        const who = `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}'`
        context.warn(`Validation failed for ${who}: ${message}`)
      } else notes.fail(policy, binding, message, index)
    }
  }
  return denials
}

function denial(policy: Policy, binding: Binding | undefined, message: string, reason: Reason = 'Invalid'): Denial {
  const by = binding === undefined ? '' : ` with binding '${binding.metadata.name}'`
  return { message: `ValidatingAdmissionPolicy '${policy.metadata.name}'${by} denied request: ${message}`, reason }
}

function refuse(attributes: AdmissionAttributes, { message, reason }: Denial): ApiError {
  const refusal = refusalOf(attributes, message)
  return new ApiError(reason, refusal.message, {
    details: { ...refusal.details, causes: [{ message }] },
    code: reasons[reason],
  })
}

const failureKey = 'validation.policy.admission.k8s.io/validation_failure'

/** What goes into the audit event. Bindings that say the same under a key say it once. */
class Notes {
  readonly #values = new Map<string, string[]>()

  add(key: string, value: string): void {
    const values = this.#values.get(key) ?? []
    if (!values.includes(value)) values.push(value)
    this.#values.set(key, values)
  }

  /** The first failure stands for all. */
  fail(policy: Policy, binding: Binding, message: string, expressionIndex: number): void {
    if (this.#values.has(failureKey)) return
    const failure = {
      message,
      policy: policy.metadata.name,
      binding: binding.metadata.name,
      expressionIndex,
      validationActions: binding.spec.validationActions,
    }
    this.#values.set(failureKey, [JSON.stringify([failure])])
  }

  publish({ context }: AdmissionAttributes): void {
    if (context.annotate === undefined) return
    for (const [key, values] of this.#values) context.annotate(key, values.join(', '))
  }
}
