import { CelEvaluationError, maxMessageBytes, perCallLimit, runtimeBudget } from '../../../cel/index.ts'
import type { FieldErrors } from '../../../schema/field-errors.ts'
import { equalJson } from '../../../schema/freeze.ts'
import { namesIn } from './field-path.ts'
import { childPath, isIntOrString, isMembers, itemsOf, type JsonSchema, propertyOf, valuesOf } from './json-schema.ts'
import { keysOf } from './lists.ts'
import { type CompiledRule, rulesOf } from './programs.ts'
import { hasRules } from './rules.ts'

/** Faults that leave a value of a wrong shape, about which rules would only say confusing things. */
const blocking: ReadonlySet<string | undefined> = new Set([
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
])

/**
 * Holds a resource to the rules of its schema. `old` is what it was before; undefined: it is new. What the rules of one
 * object cost together is limited.
 */
export function evaluateRules(schema: JsonSchema, value: unknown, old: unknown, errors: FieldErrors): void {
  if (!hasRules(schema)) return
  if (errors.causes.some(({ reason }) => blocking.has(reason))) {
    errors.invalid(
      nowhere,
      null,
      'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
    )
    return
  }
  evaluate(schema, value, old, '', true, errors)
}

/** Holds a value that stands in a schema itself, a default, to the rules of its part of the schema. */
export function evaluateDefault(schema: JsonSchema, path: string, errors: FieldErrors): void {
  if (hasRules(schema)) evaluate(schema, schema.default, undefined, path, false, errors)
}

function evaluate(
  schema: JsonSchema,
  value: unknown,
  old: unknown,
  path: string,
  isRoot: boolean,
  errors: FieldErrors,
): void {
  try {
    new Evaluation(errors).walk(schema, value, old, path, isRoot)
  } catch (error) {
    if (error !== outOfBudget) throw error
  }
}

/** Ends the walk. */
const outOfBudget = Symbol('out of budget')

class Evaluation {
  readonly #errors: FieldErrors
  #budget: number = runtimeBudget

  constructor(errors: FieldErrors) {
    this.#errors = errors
  }

  walk(schema: JsonSchema, value: unknown, old: unknown, path: string, isRoot: boolean): void {
    if (!hasRules(schema)) return
    const rules = schema['x-kubernetes-validations']
    if (rules !== undefined && value !== null) {
      for (const rule of rulesOf(schema, isRoot)) this.#rule(rule, schema, value, old, path)
    }
    if (Array.isArray(value)) this.#list(schema, value, old, path)
    else if (isMembers(value)) this.#members(schema, value, old, path)
  }

  #list(schema: JsonSchema, list: readonly unknown[], old: unknown, path: string): void {
    const items = itemsOf(schema)
    if (items === undefined || !hasRules(items)) return
    const isMap = schema['x-kubernetes-list-type'] === 'map' && Array.isArray(old)
    const before = isMap ? new Map(old.map((item) => [keyText(schema, item), item])) : undefined
    for (const [index, item] of list.entries()) {
      this.walk(items, item, before?.get(keyText(schema, item)), `${path}[${index}]`, false)
    }
  }

  #members(schema: JsonSchema, object: Readonly<Record<string, unknown>>, old: unknown, path: string): void {
    const values = valuesOf(schema)
    for (const name in object) {
      const own = propertyOf(schema, name)
      const known = own ?? values
      if (known === undefined) continue
      const before = isMembers(old) && Object.hasOwn(old, name) ? old[name] : undefined
      this.walk(known, object[name], before, own === undefined ? `${path}[${name}]` : childPath(path, name), false)
    }
  }

  #rule(compiled: CompiledRule, schema: JsonSchema, value: unknown, old: unknown, path: string): void {
    const { rule, program, fault, usesOldSelf } = compiled
    if (program === undefined) {
      this.#errors.invalid(shown(path), shapeOf(schema), `rule compile error: ${fault}`)
      return
    }
    if (usesOldSelf && old === undefined && rule.optionalOldSelf !== true) return
    const bindings = { self: value, oldSelf: old ?? null }
    try {
      const { value: holds, cost } = program.evaluate(bindings, { costLimit: Math.min(perCallLimit, this.#budget) })
      this.#pay(cost, path, schema)
      if (holds === true) return
    } catch (error) {
      if (!(error instanceof CelEvaluationError)) throw error
      this.#failed(error, schema, path, rule.rule.trim())
      this.#pay(error.cost, path, schema)
      return
    }
    // What is as it was may stay so, unless the rule is about the change.
    if (!usesOldSelf && old !== undefined && equalJson(value, old)) return
    this.#tell(compiled, value, path, this.#messageOf(compiled, bindings, path, schema))
  }

  #pay(cost: number, path: string, schema: JsonSchema): void {
    this.#budget -= cost
    if (this.#budget > 0) return
    const detail = 'validation failed due to running out of cost budget, no further validation rules will be run'
    this.#errors.invalid(shown(path), shapeOf(schema), detail)
    throw outOfBudget
  }

  #failed({ message, reason }: CelEvaluationError, schema: JsonSchema, path: string, rule: string): void {
    const type = shapeOf(schema)
    if (reason === 'cost') {
      const why = 'no further validation rules will be run due to call cost exceeds limit for rule'
      this.#errors.invalid(shown(path), type, `'${message}': ${why}: ${rule}`)
      throw outOfBudget
    }
    const noOverload = 'call arguments did not match a supported operator, function or macro signature for rule'
    const isOverload = message.startsWith('no such overload')
    const detail = isOverload ? `'${message}': ${noOverload}: ${rule}` : `${message} evaluating rule: ${rule}`
    this.#errors.invalid(shown(path), type, detail)
  }

  #messageOf({ rule, message }: CompiledRule, bindings: object, path: string, schema: JsonSchema): string {
    const standard = rule.message?.trim() || `failed rule: ${rule.rule.trim()}`
    if (message === undefined) return standard
    try {
      const limit = Math.min(perCallLimit, this.#budget)
      const { value, cost } = message.evaluate(bindings as Record<string, unknown>, { costLimit: limit })
      this.#pay(cost, path, schema)
      const text = String(value).trim()
      const isRight = text !== '' && !/[\r\n]/.test(text) && Buffer.byteLength(text) <= maxMessageBytes
      return isRight ? text : standard
    } catch (error) {
      if (error instanceof CelEvaluationError) return standard
      throw error
    }
  }

  #tell({ rule }: CompiledRule, value: unknown, path: string, detail: string): void {
    const where = shown([...(path === '' ? [] : [path]), ...namesIn(rule.fieldPath ?? '')].join('.'))
    const isShown = rule.fieldPath === undefined && (typeof value !== 'object' || value === null)
    this.#errors.byReason(rule.reason ?? 'FieldValueInvalid', where, isShown ? value : undefined, detail)
  }
}

/** As the reference's messages have it: the object itself has no path. */
const shown = (path: string) => path || nowhere

const nowhere = '<nil>'

/** The type by which the reference names a value that it does not show. */
const shapeOf = (schema: JsonSchema) => (isIntOrString(schema) ? '' : (schema.type ?? ''))

const keyText = (schema: JsonSchema, item: unknown) => JSON.stringify(keysOf(schema, item))
