import { estimatedRuleLimit, estimatedSchemaLimit, exceededBudgetMessage } from '../../../cel/index.ts'
import type { FieldErrors } from '../../../schema/field-errors.ts'
import { fieldOfSchema } from './field-path.ts'
import { itemsOf, type JsonSchema, type SchemaRule, valuesOf } from './json-schema.ts'
import { mostOccurrences, rulesOf } from './programs.ts'

/**
 * What is wrong with the rules of a schema (`x-kubernetes-validations`): with their texts, and, where the schema itself is
 * sound, with the expressions and what they may cost.
 */
export class RuleCheck {
  readonly #errors: FieldErrors
  readonly #isSound: boolean
  #total = 0
  readonly #costs: { readonly path: string; readonly cost: number }[] = []

  /** `isSound`: the schema is structural, so that expressions can be given types. */
  constructor(errors: FieldErrors, isSound: boolean) {
    this.#errors = errors
    this.#isSound = isSound
  }

  /** Checks the rules of one part of the schema. `isClean`: nothing was found wrong with this part and those below. */
  check(schema: JsonSchema, path: string, place: RulePlace, isClean: boolean): void {
    const rules = schema['x-kubernetes-validations'] ?? []
    if (rules.length === 0) return
    const before = this.#errors.length
    for (const [index, rule] of rules.entries()) {
      validateTexts(rule, schema, `${path}.x-kubernetes-validations[${index}]`, this.#errors)
    }
    if (this.#isSound && isClean && this.#errors.length === before) this.#expressions(schema, path, place)
  }

  #expressions(schema: JsonSchema, path: string, place: RulePlace): void {
    for (const [index, compiled] of rulesOf(schema, place.isRoot).entries()) {
      const where = `${path}.x-kubernetes-validations[${index}]`
      const { rule, program, fault, message, messageFault, usesOldSelf } = compiled
      if (program !== undefined) this.#cost(program.estimate.max, schema, place, `${where}.rule`, 'estimated rule cost')
      if (fault !== undefined) this.#errors.invalid(`${where}.rule`, shown(rule), fault)
      if (messageFault !== undefined) this.#errors.invalid(`${where}.messageExpression`, shown(rule), messageFault)
      if (message !== undefined) {
        const subject = 'estimated messageExpression cost'
        this.#cost(message.estimate.max, schema, place, `${where}.messageExpression`, subject)
      }
      if (usesOldSelf && place.uncorrelatable !== undefined) {
        const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelatable}`
        this.#errors.invalid(`${where}.rule`, rule.rule, detail)
      } else if (!usesOldSelf && rule.optionalOldSelf !== undefined && program !== undefined) {
        const detail = 'may not be set if oldSelf is not used in rule'
        this.#errors.invalid(`${where}.optionalOldSelf`, rule.optionalOldSelf, detail)
      }
    }
  }

  #cost(each: number, schema: JsonSchema, { occurrences }: RulePlace, path: string, subject: string): void {
    const cost = each * (occurrences ?? mostOccurrences(schema))
    if (cost > estimatedRuleLimit) {
      this.#errors.forbidden(path, exceededBudgetMessage(subject, cost, estimatedRuleLimit))
    }
    this.#total += cost
    this.#costs.push({ path, cost })
  }

  /** What all rules together may cost; `path` is that of the schema. */
  finish(path: string): void {
    if (this.#total <= estimatedSchemaLimit) return
    const detail = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'
    const worst = this.#costs.toSorted((left, right) => right.cost - left.cost).slice(0, mostTold)
    for (const each of worst) this.#errors.forbidden(each.path, detail)
    const subject = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema'
    this.#errors.forbidden(path, exceededBudgetMessage(subject, this.#total, estimatedSchemaLimit))
  }
}

/** How many of the most expensive rules are named. */
const mostTold = 4

/** Where in a schema rules stand. */
export interface RulePlace {
  readonly isRoot: boolean
  /** How often the part can occur; undefined: nothing in the schema bounds it. */
  readonly occurrences: number | undefined
  /** The list around it whose items cannot be found again after a change. */
  readonly uncorrelatable?: string
}

export const rootPlace: RulePlace = { isRoot: true, occurrences: 1 }

export const propertyPlace = (place: RulePlace): RulePlace => ({ ...place, isRoot: false })

export function itemsPlace(list: JsonSchema, path: string, place: RulePlace): RulePlace {
  const isCorrelatable = list['x-kubernetes-list-type'] === 'map'
  return {
    ...times(place, list.maxItems),
    ...(!isCorrelatable && place.uncorrelatable === undefined && { uncorrelatable: path }),
  }
}

export const valuesPlace = (map: JsonSchema, place: RulePlace): RulePlace => times(place, map.maxProperties)

function times(place: RulePlace, most: number | undefined): RulePlace {
  const { occurrences } = place
  const product = occurrences === undefined || most === undefined ? undefined : occurrences * most
  return { ...place, isRoot: false, occurrences: product }
}

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']

function validateTexts(rule: SchemaRule, schema: JsonSchema, path: string, errors: FieldErrors): void {
  const { message = '', messageExpression = '', reason, fieldPath = '' } = rule
  if (rule.rule.trim() === '') errors.required(`${path}.rule`, 'rule is not specified')
  else if (message !== '' && message.trim() === '') {
    errors.invalid(`${path}.message`, message, 'must be non-empty if specified')
  } else if (hasLines(message.trim())) errors.invalid(`${path}.message`, message, 'must not contain line breaks')
  else if (hasLines(rule.rule.trim()) && message.trim() === '') {
    errors.required(`${path}.message`, 'must be specified if rule contains line breaks')
  }
  if (messageExpression !== '' && messageExpression.trim() === '') {
    errors.required(`${path}.messageExpression`, 'must be non-empty if specified')
  }
  if (reason !== undefined && !reasons.includes(reason)) errors.notSupported(`${path}.reason`, reason, reasons)
  if (fieldPath === '') return
  const where = `${path}.fieldPath`
  if (fieldPath.trim() === '') errors.invalid(where, fieldPath, 'must be non-empty if specified')
  if (hasLines(fieldPath)) errors.invalid(where, fieldPath, 'must not contain line breaks')
  if (typeof fieldOfSchema(fieldPath, schema) === 'string') errors.invalid(where, fieldPath, 'must be a valid path')
}

const hasLines = (text: string) => /[\r\n]/.test(text)

/** A rule as the reference shows it. */
const shown = ({ rule, message, messageExpression, reason, fieldPath, optionalOldSelf }: SchemaRule) => ({
  Rule: rule,
  Message: message ?? '',
  MessageExpression: messageExpression ?? '',
  Reason: reason ?? null,
  FieldPath: fieldPath ?? '',
  OptionalOldSelf: optionalOldSelf ?? null,
})

/** Whether a schema, or a part of it, has rules: most have none, and their values need not be walked. */
export function hasRules(schema: JsonSchema): boolean {
  let has = having.get(schema)
  if (has === undefined) {
    const parts = [itemsOf(schema), valuesOf(schema), ...Object.values(schema.properties ?? {})]
    const own = schema['x-kubernetes-validations'] ?? []
    has = own.length > 0 || parts.some((part) => part !== undefined && hasRules(part))
    having.set(schema, has)
  }
  return has
}

const having = new WeakMap<JsonSchema, boolean>()
