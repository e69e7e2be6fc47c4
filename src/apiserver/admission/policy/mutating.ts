import { runtimeBudget } from '../../../cel/index.ts'
import type { MutatingAdmissionPolicy } from '../../../kinds/admissionregistration/mutating-admission-policy.ts'
import type { MutatingAdmissionPolicyBinding } from '../../../kinds/admissionregistration/mutating-admission-policy-binding.ts'
import { DecodeError, decode } from '../../../schema/decode.ts'
import { equalJson } from '../../../schema/freeze.ts'
import type { ApiObject, Kind } from '../../../schema/kind.ts'
import { ApiError, type Reason } from '../../../schema/status.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../../admission.ts'
import type { Authorizer } from '../../authz/authz.ts'
import { internalError } from '../../respond.ts'
import { RequestAuthorizer } from '../dynamic/authorizer.ts'
import { Budget, BudgetError, Evaluator, ExpressionError, type Inputs } from '../dynamic/evaluation.ts'
import type { HookIndex } from '../dynamic/hook-index.ts'
import { meets } from '../dynamic/match-conditions.ts'
import { patiently } from '../dynamic/pending.ts'
import { Reinvoked } from '../dynamic/reinvoked.ts'
import { refusalOf, Subject } from '../dynamic/subject.ts'
import { applyConfiguration } from './apply-configuration.ts'
import { type CompiledMutation, compiledMutating } from './compile.ts'
import type { PolicyHook, PolicyPlan } from './hooks.ts'
import { type Cluster, type Invocation, invocationsOf, namespaceOf, type Unusable } from './invocations.ts'
import { applyPatchOf } from './json-patch.ts'
import { MutationError } from './mutation-error.ts'

type Policy = MutatingAdmissionPolicy
type Binding = MutatingAdmissionPolicyBinding

export type MutatingPolicies = HookIndex<PolicyHook<Policy, Binding>, PolicyPlan<Binding>>

const pluginName = 'MutatingAdmissionPolicy'

/** Changes objects as MutatingAdmissionPolicies say (KEP-3962). */
export function mutatingPolicies(
  policies: MutatingPolicies,
  cluster: Cluster,
  authorizer: Authorizer,
): AdmissionPlugin {
  return {
    name: pluginName,
    reinvokes: true,
    handles: (attributes) => attributes.operation !== 'DELETE' && policies.candidates(attributes).length > 0,
    async admit(attributes) {
      const asked = new RequestAuthorizer(authorizer, attributes.context.user)
      const subject = new Subject(attributes)
      const reinvoked = Reinvoked.of(pluginName, attributes)
      const failures: Failed[] = []
      for (const invocation of invocationsOf(policies.candidates(attributes), attributes, cluster)) {
        if ('message' in invocation) {
          failures.push({ unusable: invocation })
          continue
        }
        const { version, params, policy, binding } = invocation
        const namespace = namespaceOf(attributes, cluster.reader)
        const inputs = { subject, version, namespace, authorizer: asked, ...(params !== undefined && { params }) }
        const messages = await run(invocation, inputs, reinvoked)
        failures.push(...messages.map((message) => ({ unusable: { policy, binding, message }, reason: invalid })))
      }
      reinvoked.end(attributes.object)
      refuse(failures, attributes)
    },
  }
}

const invalid: Reason = 'Invalid'

interface Failed {
  readonly unusable: Unusable<Policy, Binding>
  readonly reason?: Reason
}

/** Runs a policy when it applies. Gives what went wrong. */
async function run(
  invocation: Invocation<Policy, Binding>,
  inputs: Inputs,
  reinvoked: Reinvoked,
): Promise<readonly string[]> {
  const { policy } = invocation
  await patiently(() => inputs.subject.view(inputs.version))
  const applies = await patiently(() => isFor(policy, inputs))
  if (applies instanceof Error) return [applies.message]
  const key = keyOf(invocation)
  if (!applies || !reinvoked.isDue(key)) return []
  const { subject } = inputs
  // What is replaced is not written to.
  const before = { ...subject.attributes.object }
  const messages = await mutate(policy, inputs)
  if (!equalJson(before, subject.attributes.object)) reinvoked.changed()
  if (policy.spec.reinvocationPolicy === 'IfNeeded') reinvoked.remember(key)
  return messages
}

/** Whether the policy's conditions are met, or why nobody knows. */
function isFor(policy: Policy, inputs: Inputs): boolean | Error {
  const { conditions, variables, ignoresFailure } = compiledMutating(policy)
  try {
    return meets(conditions, ignoresFailure, inputs, variables)
  } catch (error) {
    return orThrow(error)
  }
}

/** Two rounds of the same policy with the same parameters are the same. */
function keyOf({ policy, binding, params }: Invocation<Policy, Binding>): string {
  const { namespace = '', name = '' } = params?.metadata ?? {}
  return [policy.metadata.name, binding.metadata.name, namespace, name].join('/')
}

/** Makes the policy's mutations, one after the other; one that fails leaves the others. Gives what went wrong. */
async function mutate(policy: Policy, inputs: Inputs): Promise<readonly string[]> {
  const { subject, version } = inputs
  const messages: string[] = []
  for (const mutation of compiledMutating(policy).mutations) {
    const { object } = await patiently(() => subject.view(version))
    if (object === null) continue
    const made = await patiently(() => changed(mutation, object, inputs, policy))
    const fault = made instanceof Error ? made : made !== object && (await put(subject, version, made))
    if (fault) messages.push(fault.message)
  }
  return messages
}

/** Puts a changed object into the request, or gives why it is no such object. */
async function put(subject: Subject, version: Kind, made: object): Promise<Error | undefined> {
  try {
    await subject.replace(version, made)
    return undefined
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
}

/** The object that a mutation makes, or why it cannot. */
function changed(
  { type, program }: CompiledMutation,
  object: ApiObject,
  inputs: Inputs,
  policy: Policy,
): object | Error {
  const { subject, version } = inputs
  const schema = subject.bodyKind?.schema ?? version.schema
  try {
    if (program instanceof Error) return program
    const evaluator = new Evaluator(inputs, compiledMutating(policy).variables)
    const made = evaluator.evaluate(program, new Budget(runtimeBudget))
    if (type === 'ApplyConfiguration') return applyConfiguration(schema, object, made)
    const patched = applyPatchOf(object, made)
    decode(schema, patched, { mode: 'Strict' })
    return patched
  } catch (error) {
    if (error instanceof DecodeError) throw internalError(error)
    return orThrow(error)
  }
}

/** What policies may do wrong is told; the rest goes up. */
function orThrow(error: unknown): Error {
  const isKnown = error instanceof ExpressionError || error instanceof BudgetError || error instanceof MutationError
  if (isKnown) return error
  throw error
}

/** Throws what went wrong with policies that do not ignore that: the first gives the words, all are causes. */
function refuse(failures: readonly Failed[], attributes: AdmissionAttributes): void {
  const told = failures.filter(({ unusable }) => unusable.policy.spec.failurePolicy !== 'Ignore')
  const [first] = told
  if (first === undefined) return
  const { details } = refusalOf(attributes, '')
  const causes = told.map(({ unusable }) => ({ message: wordsOf(unusable) }))
  throw new ApiError(first.reason ?? 'Forbidden', causes[0]!.message, { details: { ...details, causes }, code: 403 })
}

function wordsOf({ policy, binding, message }: Unusable<Policy, Binding>): string {
  const by = binding === undefined ? '' : ` with binding '${binding.metadata.name}'`
  return `policy '${policy.metadata.name}'${by} denied request: ${message}`
}
