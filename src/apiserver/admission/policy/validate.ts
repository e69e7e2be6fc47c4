/** What a validating policy says to a request. */

import { type CelValue, maxMessageBytes, runtimeBudget } from '../../../cel/index.ts'
import type {
  ValidatingAdmissionPolicy,
  Validation,
} from '../../../kinds/admissionregistration/validating-admission-policy.ts'
import type { ValidatingAdmissionPolicyBinding } from '../../../kinds/admissionregistration/validating-admission-policy-binding.ts'
import type { Reason } from '../../../schema/status.ts'
import { Budget, BudgetError, Evaluator, ExpressionError, type Inputs } from '../dynamic/evaluation.ts'
import { type Compiled, meets } from '../dynamic/match-conditions.ts'
import { type CompiledValidatingPolicy, type CompiledValidation, compiledValidating } from './compile.ts'
import type { Invocation } from './invocations.ts'

export interface Failure {
  readonly message: string
  readonly reason?: Reason
  /** Of the validation; 0 where it is none. */
  readonly index: number
}

export interface Verdict {
  /** What is told as the binding's actions say. */
  readonly failures: readonly Failure[]
  /** Audit annotations that could not be made, which refuse the request whatever the binding says. */
  readonly annotationFailures: readonly string[]
  readonly annotations: readonly { readonly key: string; readonly value: string }[]
}

const silent: Verdict = { failures: [], annotationFailures: [], annotations: [] }

/** Evaluates a policy. Throws `Pending` while the authorizer has not answered. */
export function judge(
  { policy }: Invocation<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding>,
  inputs: Inputs,
): Verdict {
  const compiled = compiledValidating(policy)
  const { authorizer: _, ...unauthorized } = inputs
  try {
    const { ignoresFailure, conditions, variables } = compiled
    if (!meets(conditions, ignoresFailure, inputs, variables)) return silent
    return { ...silent, failures: failuresOf(compiled, inputs, unauthorized), ...annotate(compiled, unauthorized) }
  } catch (error) {
    if (!isEvaluationError(error)) throw error
    return compiled.ignoresFailure ? silent : { ...silent, failures: [{ message: error.message, index: 0 }] }
  }
}

const isEvaluationError = (error: unknown): error is Error =>
  error instanceof ExpressionError || error instanceof BudgetError

function failuresOf(
  { validations, variables, ignoresFailure }: CompiledValidatingPolicy,
  inputs: Inputs,
  unauthorized: Inputs,
): readonly Failure[] {
  const budget = new Budget(runtimeBudget)
  const evaluator = new Evaluator(inputs, variables)
  let messages: Evaluator | undefined
  const failed = validations.map(({ program }) => outcomeOf(program, evaluator, budget))
  return failed.flatMap((outcome, index): readonly Failure[] => {
    if (outcome === true) return []
    if (outcome instanceof ExpressionError) return ignoresFailure ? [] : [{ message: outcome.message, index }]
    messages ??= new Evaluator(unauthorized, variables)
    return failureOf(validations[index]!, index, messages, budget, ignoresFailure)
  })
}

function outcomeOf(program: Compiled, evaluator: Evaluator, budget: Budget): CelValue | ExpressionError {
  try {
    if (program instanceof Error) throw program
    return evaluator.evaluate(program, budget)
  } catch (error) {
    if (error instanceof ExpressionError) return error
    throw error
  }
}

function failureOf(
  { validation, message: program }: CompiledValidation,
  index: number,
  messages: Evaluator,
  budget: Budget,
  ignoresFailure: boolean,
): readonly Failure[] {
  const reason = (validation.reason ?? 'Invalid') as Reason
  try {
    const said = program === undefined ? '' : outcomeOf(program, messages, budget)
    return [{ message: messageOf(said, validation), reason, index }]
  } catch (error) {
    if (!(error instanceof BudgetError)) throw error
    return ignoresFailure ? [] : [{ message: `failed messageExpression: ${error.message}`, index }]
  }
}

/** What the expression gives, unless it is no single line of a fair length; else the message; else the rule itself. */
function messageOf(said: CelValue | Error, { message = '', expression }: Validation): string {
  const text = typeof said === 'string' ? said.trim() : ''
  const isFair = text !== '' && Buffer.byteLength(text) <= maxMessageBytes && !text.includes('\n')
  return isFair ? text : message.trim() || `failed expression: ${expression.trim()}`
}

const maxAnnotationBytes = 10 * 1024

function annotate(
  { annotations: wanted, variables, ignoresFailure }: CompiledValidatingPolicy,
  inputs: Inputs,
): Pick<Verdict, 'annotations' | 'annotationFailures'> {
  if (wanted.length === 0) return { annotations: [], annotationFailures: [] }
  const evaluator = new Evaluator(inputs, variables)
  const budget = new Budget(runtimeBudget)
  const annotations: { key: string; value: string }[] = []
  const annotationFailures: string[] = []
  for (const { key, value: program } of wanted) {
    const value = outcomeOf(program, evaluator, budget)
    if (value instanceof ExpressionError) {
      if (!ignoresFailure) annotationFailures.push(value.message)
    } else if (typeof value === 'string' && value.trim() !== '') {
      annotations.push({ key, value: firstBytes(value.trim()) })
    }
  }
  return { annotations, annotationFailures }
}

function firstBytes(text: string): string {
  if (Buffer.byteLength(text) <= maxAnnotationBytes) return text
  return Buffer.from(text)
    .subarray(0, maxAnnotationBytes)
    .toString('utf8')
    .replace(/\ufffd+$/, '')
}
