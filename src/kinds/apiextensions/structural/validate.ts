import { FieldErrors } from '../../../schema/field-errors.ts'
import { equalJson } from '../../../schema/freeze.ts'
import { fitsFormat } from './formats.ts'
import {
  childPath,
  isIntOrString,
  isMembers,
  itemsOf,
  type JsonSchema,
  type Members,
  propertyOf,
  valuesOf,
} from './json-schema.ts'
import { keysOf } from './lists.ts'
import { matchesPattern } from './patterns.ts'

/**
 * Holds a value against a schema, with the texts and the order of the reference (k8s.io/kube-openapi's validation,
 * as apiextensions tells it). `base` is the path of the value itself; messages show only what comes below it.
 */
export function validateValue(schema: JsonSchema, value: unknown, base: string, errors: FieldErrors): void {
  new Validation(base, errors).value(schema, value, '', undefined)
}

/**
 * The same at an update: faults of parts that are as they were before are let pass (KEP-4008), so that a stricter
 * schema does not make old objects unchangeable.
 */
export function validateChange(
  schema: JsonSchema,
  value: unknown,
  old: unknown,
  base: string,
  errors: FieldErrors,
): void {
  const found = new FieldErrors()
  validateValue(schema, value, base, found)
  // Most objects are right, and need not be compared.
  if (found.length > 0) new Validation(base, errors).value(schema, value, '', old)
}

class Validation {
  readonly #base: string
  readonly #errors: FieldErrors

  constructor(base: string, errors: FieldErrors) {
    this.#base = base
    this.#errors = errors
  }

  /** Gives how much of the schema was looked at, by which the nearest of several alternatives is found. */
  value(schema: JsonSchema, value: unknown, path: string, old: unknown): number {
    if (old !== undefined && equalJson(old, value)) return 0
    let matches = 2
    this.#type(schema, value, path)
    if (value !== null) {
      matches += this.#alternatives(schema, value, path, old)
      if (typeof value === 'string') this.#string(schema, value, path)
      else if (typeof value === 'number') this.#number(schema, value, path)
      else if (Array.isArray(value)) matches += this.#list(schema, value, path, old)
    }
    this.#enum(schema, value, path)
    if (isMembers(value)) matches += this.#object(schema, value, path, old)
    return matches
  }

  #at(path: string): string {
    return path === '' ? this.#base : childPath(this.#base, path)
  }

  #invalid(path: string, value: unknown, fault: string): void {
    this.#errors.invalid(this.#at(path), value, `${path} in body ${fault}`)
  }

  #type(schema: JsonSchema, value: unknown, path: string): void {
    const types = isIntOrString(schema) ? 'integer,string' : schema.type
    if (types === undefined) return
    if (value === null && schema.nullable === true) return
    const is = typeOf(value)
    const fits = types.split(',').some((type) => type === is || (type === 'number' && is === 'integer'))
    if (fits) return
    const { format } = schema
    const hasFormat = format !== undefined && value !== null
    const isText = typeof value === 'string' || Array.isArray(value)
    if (hasFormat && isText && types !== 'number' && types !== 'integer') return
    if (hasFormat && !isText) this.#wrongType(path, format, formatOf(value))
    else this.#wrongType(path, types, is)
  }

  #wrongType(path: string, wanted: string, shown: string): void {
    this.#errors.typeInvalid(
      this.#at(path),
      shown,
      `${path} in body must be of type ${wanted}: ${JSON.stringify(shown)}`,
    )
  }

  #enum({ enum: allowed }: JsonSchema, value: unknown, path: string): void {
    if (allowed === undefined || allowed.length === 0 || allowed.some((each) => sameValue(each, value))) return
    const shown = allowed.map((each) => (typeof each === 'string' ? each : JSON.stringify(each)))
    this.#errors.notSupported(this.#at(path), value, shown)
  }

  #string(schema: JsonSchema, value: string, path: string): void {
    const { maxLength, minLength, pattern, format } = schema
    if (maxLength !== undefined && isLonger(value, maxLength)) this.#errors.tooLong(this.#at(path), maxLength)
    else if (minLength !== undefined && !isLonger(value, minLength - 1)) {
      this.#invalid(path, value, `should be at least ${minLength} chars long`)
    } else if (pattern !== undefined && !matchesPattern(schema, value)) {
      this.#invalid(path, value, `should match '${pattern}'`)
    }
    if (format !== undefined && !fitsFormat(format, value)) this.#wrongType(path, format, value)
  }

  #number(schema: JsonSchema, value: number, path: string): void {
    const { multipleOf, maximum, minimum } = schema
    this.#range(schema, value, path)
    if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
      this.#invalid(path, value, `should be a multiple of ${multipleOf}`)
    }
    if (maximum !== undefined && (schema.exclusiveMaximum ? value >= maximum : value > maximum)) {
      this.#invalid(path, value, `should be less than ${schema.exclusiveMaximum ? '' : 'or equal to '}${maximum}`)
    }
    if (minimum !== undefined && (schema.exclusiveMinimum ? value <= minimum : value < minimum)) {
      this.#invalid(path, value, `should be greater than ${schema.exclusiveMinimum ? '' : 'or equal to '}${minimum}`)
    }
  }

  /** Whether a number can be of the schema's type and format at all. The reference tells that without a field. */
  #range({ type, format, ...schema }: JsonSchema, value: number, path: string): void {
    if (isIntOrString(schema) || fitsRange(type, format, value)) return
    const what = format === undefined ? '(default format)' : `with format ${format}`
    this.#errors.invalid('<nil>', '', `Checked value must be of type ${type ?? ''} ${what} in ${path}`)
  }

  #list(schema: JsonSchema, list: readonly unknown[], path: string, old: unknown): number {
    let matches = 1
    const items = itemsOf(schema)
    if (items !== undefined) {
      const before = itemsBefore(schema, old)
      for (const [index, item] of list.entries()) {
        matches += this.value(items, item, `${path}[${index}]`, before?.(item))
      }
    }
    const { minItems, maxItems } = schema
    if (minItems !== undefined && list.length < minItems) {
      this.#invalid(path, list.length, `should have at least ${minItems} items`)
    }
    if (maxItems !== undefined && list.length > maxItems) {
      this.#errors.tooMany(this.#at(path), list.length, maxItems)
    }
    return matches
  }

  #object(schema: JsonSchema, object: Members, path: string, old: unknown): number {
    const { minProperties, maxProperties, required, additionalProperties } = schema
    if (minProperties !== undefined || maxProperties !== undefined) {
      const count = Object.keys(object).length
      if (minProperties !== undefined && count < minProperties) {
        this.#invalid(path, count, `should have at least ${minProperties} properties`)
        return 1
      }
      if (maxProperties !== undefined && count > maxProperties) {
        this.#errors.tooMany(this.#at(path), count, maxProperties)
        return 1
      }
    }
    let matches = 1
    const values = valuesOf(schema)
    const before = isMembers(old) ? old : undefined
    for (const name in object) {
      const known = propertyOf(schema, name) ?? values
      const at = childPath(path, name)
      if (known !== undefined) matches += this.value(known, object[name], at, ownValue(before, name))
      else if (additionalProperties === false) {
        this.#errors.invalid(this.#at(path), name, `${at} in body is a forbidden property`)
      }
    }
    for (const name of required ?? []) {
      if (!Object.hasOwn(object, name)) this.#errors.required(this.#at(childPath(path, name)))
    }
    return matches
  }

  #alternatives({ anyOf, oneOf, allOf, not }: JsonSchema, value: unknown, path: string, old: unknown): number {
    let matches = 0
    const attempt = (schema: JsonSchema): Attempt => {
      const errors = new FieldErrors()
      return { matches: new Validation(this.#base, errors).value(schema, value, path, old), errors }
    }
    const composite = (fault: string) => this.#errors.invalid('<nil>', '', `${JSON.stringify(path)} must ${fault}`)
    if (anyOf !== undefined && anyOf.length > 0) {
      const attempts = anyOf.map(attempt)
      if (attempts.every(failed)) {
        composite('validate at least one schema (anyOf)')
        this.#take(best(attempts))
      }
    }
    if (oneOf !== undefined && oneOf.length > 0) {
      const attempts = oneOf.map(attempt)
      const valid = attempts.filter((each) => !failed(each)).length
      if (valid !== 1) {
        const found = valid === 0 ? 'none valid' : `${valid} valid alternatives`
        composite(`validate one and only one schema (oneOf). Found ${found}`)
        if (valid === 0) this.#take(best(attempts))
      }
    }
    if (allOf !== undefined && allOf.length > 0) {
      const attempts = allOf.map(attempt)
      for (const each of attempts) {
        this.#take(each)
        matches += each.matches
      }
      if (attempts.some(failed)) {
        composite(`validate all the schemas (allOf)${attempts.every(failed) ? '. None validated' : ''}`)
      }
    }
    if (not !== undefined && !failed(attempt(not))) composite('not validate the schema (not)')
    return matches + 1
  }

  #take({ errors }: Attempt): void {
    this.#errors.causes.push(...errors.causes)
  }
}

interface Attempt {
  readonly matches: number
  readonly errors: FieldErrors
}

const failed = ({ errors }: Attempt) => errors.length > 0

const best = (attempts: readonly Attempt[]) =>
  attempts.reduce((best, each) => (each.matches > best.matches ? each : best))

const ownValue = (object: Members | undefined, name: string) =>
  object !== undefined && Object.hasOwn(object, name) ? object[name] : undefined

/** Finds what an item was before: only items of map-like lists have an identity. */
function itemsBefore(schema: JsonSchema, old: unknown): ((item: unknown) => unknown) | undefined {
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old)) return undefined
  const before = new Map(old.map((item) => [JSON.stringify(keysOf(schema, item)), item]))
  return (item) => before.get(JSON.stringify(keysOf(schema, item)))
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

/** What the reference takes for the format of a value that has none. */
function formatOf(value: unknown): string {
  if (typeof value !== 'number') return ''
  return Number.isInteger(value) ? 'int64' : 'double'
}

/** Counted in characters. */
function isLonger(text: string, limit: number): boolean {
  if (text.length <= limit) return false
  return text.length > 2 * limit || [...text].length > limit
}

function fitsRange(type: string | undefined, format: string | undefined, value: number): boolean {
  if (type === 'integer') {
    if (!Number.isInteger(value)) return false
    const bound = format === 'int32' ? 2 ** 31 : 2 ** 63
    return value >= -bound && (value < bound || bound === 2 ** 63)
  }
  const isFloat = format === 'float' || format === 'float32'
  return !isFloat || Number.isFinite(Math.fround(value))
}

/** As `reflect.DeepEqual` has it: empty things are not the same as nothing. */
function sameValue(left: unknown, right: unknown): boolean {
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return left === right
  return JSON.stringify(left) === JSON.stringify(right) || equalJson(left, right)
}
