/** Budgets of expressions, in units of cost. */

/** What one expression may cost at run time (CustomResourceDefinition rules, policies, match conditions). */
export const perCallLimit = 1_000_000

/** What all rules of one CustomResourceDefinition, or one policy, may cost together for one request. */
export const runtimeBudget = 10_000_000

/** What all match conditions of one webhook or policy may cost together for one request. */
export const matchConditionsBudget = 2_500_000

/** What one rule of a schema may cost by the estimate, all its occurrences together. */
export const estimatedRuleLimit = 10_000_000

/** What all rules of one schema may cost by the estimate. */
export const estimatedSchemaLimit = 100_000_000

/** How large a request can be: bounds the estimate where a schema has no limit of its own. */
export const maxRequestBytes = 3 * 1024 * 1024

/** How long the text that a `messageExpression` gives may be, in bytes. */
export const maxMessageBytes = 5 * 1024

/**
 * Says by how much an estimate is above its limit.
 * @param subject `estimated rule cost` or `x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema`
 */
export function exceededBudgetMessage(subject: string, cost: number, limit: number): string {
  const factor = cost / limit
  const text = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`
  return `${subject} exceeds budget by factor of ${text} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`
}
