import { matchConditionsBudget, type Program } from '../../../cel/index.ts'
import {
  boolResult,
  compileExpression,
  ExpressionFault,
  type ExpressionScope,
  type Result,
} from '../../../kinds/admissionregistration/expressions.ts'
import { Budget, BudgetError, type CompiledVariable, Evaluator, ExpressionError, type Inputs } from './evaluation.ts'

/** An expression that was compiled, or why it cannot be: it was checked when it was stored, perhaps by somebody else. */
export type Compiled = Program | Error

export function compiled(expression: string, scope: ExpressionScope, result: Result): Compiled {
  try {
    return compileExpression(expression, scope, result)
  } catch (error) {
    if (!(error instanceof ExpressionFault)) throw error
    return new ExpressionError(`compilation error: ${error.message}`)
  }
}

/**
 * Whether all conditions are met. One that is not decides, whatever else fails; where one fails and none decides, a
 * policy that ignores failures does not apply.
 * @throws ExpressionError where failures are not ignored
 */
export function meets(
  conditions: readonly Compiled[],
  ignoresFailure: boolean,
  inputs: Inputs,
  variables: readonly CompiledVariable[] = [],
): boolean {
  if (conditions.length === 0) return true
  const evaluator = new Evaluator(inputs, variables)
  const budget = new Budget(matchConditionsBudget)
  const failures = new Set<string>()
  try {
    for (const condition of conditions) {
      if (condition instanceof Error) failures.add(condition.message)
      else if (!isMet(condition)) return false
    }
  } catch (error) {
    if (error instanceof BudgetError && ignoresFailure) return false
    throw error
  }
  if (failures.size === 0) return true
  if (ignoresFailure) return false
  const messages = [...failures]
  throw new ExpressionError(messages.length === 1 ? messages[0] : `[${messages.join(', ')}]`)

  function isMet(condition: Program): boolean {
    try {
      return evaluator.evaluate(condition, budget) !== false
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error
      failures.add(error.message)
      return true
    }
  }
}

export const compileConditions = (
  conditions: readonly { readonly expression: string }[],
  scope: ExpressionScope,
): readonly Compiled[] => conditions.map(({ expression }) => compiled(expression, scope, boolResult))
