import type { SuccessPolicy, SuccessPolicyRule } from '../../kinds/batch/shared.ts'
import { Indexes } from './indexes.ts'

/** Which rule says that enough indexes have succeeded, in the words of the condition; undefined when none does. */
export function successByPolicy(
  policy: SuccessPolicy | undefined,
  succeeded: Indexes,
  completions: number,
): string | undefined {
  if (policy === undefined || succeeded.count === 0) return undefined
  const number = policy.rules.findIndex((rule) => isMet(rule, succeeded, completions))
  return number < 0 ? undefined : `Matched rules at index ${number}`
}

function isMet({ succeededIndexes, succeededCount }: SuccessPolicyRule, succeeded: Indexes, completions: number) {
  if (succeededIndexes === undefined) return succeededCount !== undefined && succeeded.count >= succeededCount
  const wanted = Indexes.parse(succeededIndexes, completions)
  if (wanted.count === 0) return false
  const met = wanted.shared(succeeded)
  return met === wanted.count || (succeededCount !== undefined && met >= succeededCount)
}
