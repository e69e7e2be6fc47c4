import { CelCompileError, celTypes, compile, formatType, matchConditionsBudget, type Program } from '../../cel/index.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'

/** Says which requests an authorization webhook is asked about. */
export interface MatchConditions {
  /** Whether all conditions hold for the `spec` of a review; an error when that cannot be said. */
  match(spec: Readonly<Record<string, unknown>>): boolean | Error
}

const { field, listOf, mapOf, objectType, string } = celTypes

const requirement = objectType('kubernetes.SelectorRequirement', {
  key: field(string),
  operator: field(string),
  values: field(listOf(string)),
})

const selector = objectType('kubernetes.SelectorAttributes', {
  rawSelector: field(string),
  requirements: field(listOf(requirement)),
})

const request = objectType('kubernetes.SubjectAccessReviewSpec', {
  resourceAttributes: field(
    objectType('kubernetes.ResourceAttributes', {
      namespace: field(string),
      verb: field(string),
      group: field(string),
      version: field(string),
      resource: field(string),
      subresource: field(string),
      name: field(string),
      fieldSelector: field(selector),
      labelSelector: field(selector),
    }),
  ),
  nonResourceAttributes: field(
    objectType('kubernetes.NonResourceAttributes', { path: field(string), verb: field(string) }),
  ),
  user: field(string),
  groups: field(listOf(string)),
  extra: field(mapOf(string, listOf(string))),
  uid: field(string),
})

/** Compiles the conditions; what is wrong with them goes into `errors`. Nothing when there are none. */
export function compileMatchConditions(
  conditions: readonly { readonly expression?: string }[],
  path: string,
  errors: FieldErrors,
): MatchConditions | undefined {
  if (conditions.length > 64) errors.tooMany(path, conditions.length, 64)
  const programs = conditions.flatMap(({ expression = '' }, index) => {
    const at = `${path}[${index}].expression`
    if (expression.trim() === '') {
      errors.required(at, '')
      return []
    }
    return compiled(expression, at, errors)
  })
  return programs.length === 0 ? undefined : { match: (spec) => matches(programs, withAllFields(spec)) }
}

function compiled(expression: string, path: string, errors: FieldErrors): Program[] {
  try {
    const program = compile(expression, { variables: { request } })
    if (formatType(program.resultType) === 'bool') return [program]
    errors.invalid(path, expression, 'must evaluate to bool')
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error
    errors.invalid(path, expression, `compilation failed: ${error.message}`)
  }
  return []
}

/** One that does not hold decides, even when another cannot be evaluated. */
function matches(programs: readonly Program[], spec: object): boolean | Error {
  const faults: string[] = []
  let budget = matchConditionsBudget
  for (const program of programs) {
    try {
      const { value, cost } = program.evaluate({ request: spec }, { costLimit: budget })
      if (value === false) return false
      budget -= cost
    } catch (error) {
      faults.push((error as Error).message)
    }
  }
  if (faults.length === 0) return true
  return new Error(faults.length === 1 ? faults[0] : `[${faults.join(', ')}]`)
}

/** Expressions may read every text, also one that says nothing. */
function withAllFields(spec: Readonly<Record<string, unknown>>): object {
  const { resourceAttributes } = spec
  return {
    user: '',
    uid: '',
    groups: [],
    extra: {},
    ...spec,
    ...(resourceAttributes !== undefined && { resourceAttributes: { ...noTexts, ...(resourceAttributes as object) } }),
  }
}

const noTexts = { namespace: '', verb: '', group: '', version: '', resource: '', subresource: '', name: '' }
