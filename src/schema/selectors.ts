import { goQuote } from './field-errors.ts'
import type { Kind } from './kind.ts'
import { checkRequirement, isInteger, parseRequirements, toBigInt } from './label-selector-parser.ts'
import { badRequest } from './status.ts'

/**
 * Label selectors (text and object form) and field selectors, compiled to predicates.
 *
 * ```ts
 * const selector = parseLabelSelector('app=web,tier in (front,edge)')
 * selector.matches({ app: 'web', tier: 'edge' }) // true
 * ```
 */

export type Labels = Readonly<Record<string, string>>

export type Operator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt'

export interface Requirement {
  readonly key: string
  readonly operator: Operator
  /** Sorted, without repeats. */
  readonly values: readonly string[]
}

export interface LabelSelector {
  /** Sorted by key. */
  readonly requirements: readonly Requirement[]
  /** Selects all objects: nobody needs to be asked. */
  readonly everything: boolean
  /** Selects no object. */
  readonly nothing: boolean
  readonly matches: (labels: Labels | undefined) => boolean
  /** The text form: keys and values sorted. */
  toString(): string
}

/** Parses the text form. Throws an ApiError (400) with the reference's message. */
export function parseLabelSelector(text: string): LabelSelector {
  return text === '' ? everyLabel : selectLabels(parseRequirements(text))
}

/** The object form, as specs have it. */
export interface LabelSelectorLike {
  readonly matchLabels?: Labels | null
  readonly matchExpressions?:
    | readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] | null }[]
    | null
}

/** Absent selects nothing, empty selects everything. Throws an ApiError (400) when an expression is wrong. */
export function toLabelSelector(selector: LabelSelectorLike | null | undefined): LabelSelector {
  if (!selector) return noLabel
  const equals = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]): Requirement => ({ key, operator: '=', values: [value] }),
  )
  const requirements = [...equals, ...(selector.matchExpressions ?? []).map(toRequirement)]
  for (const requirement of requirements) checkRequirement(requirement)
  return requirements.length === 0 ? everyLabel : selectLabels(requirements)
}

/** Selects objects that have all these labels. */
export function selectorOfLabels(labels: Labels | null | undefined): LabelSelector {
  return toLabelSelector({ matchLabels: labels ?? {} })
}

const expressionOperators: Readonly<Record<string, Operator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
}

function toRequirement({
  key,
  operator: name,
  values,
}: NonNullable<LabelSelectorLike['matchExpressions']>[number]): Requirement {
  const operator = Object.hasOwn(expressionOperators, name) ? expressionOperators[name] : undefined
  if (operator === undefined) throw badRequest(`${goQuote(name)} is not a valid label selector operator`)
  return { key, operator, values: [...new Set(values ?? [])].sort() }
}

/** Selects objects that meet all requirements. */
export function selectLabels(requirements: readonly Requirement[]): LabelSelector {
  const sorted = requirements.toSorted((left, right) => compareText(left.key, right.key))
  const tests = sorted.map(compileRequirement)
  const [only] = tests
  const matches = tests.length === 1 ? only! : (labels: Labels) => tests.every((test) => test(labels))
  return {
    requirements: sorted,
    everything: sorted.length === 0,
    nothing: false,
    matches: (labels) => matches(labels ?? noLabels),
    toString: () => sorted.map(requirementText).join(','),
  }
}

const noLabels: Labels = {}

/** Selects all objects. */
export const everyLabel: LabelSelector = {
  requirements: [],
  everything: true,
  nothing: false,
  matches: () => true,
  toString: () => '',
}

/** Selects no object. */
export const noLabel: LabelSelector = { ...everyLabel, everything: false, nothing: true, matches: () => false }

function compileRequirement({ key, operator, values }: Requirement): (labels: Labels) => boolean {
  const [value] = values
  const isWanted = values.length === 1 ? (given: string) => given === value : toSetTest(values)
  switch (operator) {
    case '=':
    case '==':
    case 'in':
      return (labels) => Object.hasOwn(labels, key) && isWanted(labels[key]!)
    case '!=':
    case 'notin':
      return (labels) => !Object.hasOwn(labels, key) || !isWanted(labels[key]!)
    case 'exists':
      return (labels) => Object.hasOwn(labels, key)
    case '!':
      return (labels) => !Object.hasOwn(labels, key)
    case 'gt':
      return compareNumber(key, value!, (given, limit) => given > limit)
    case 'lt':
      return compareNumber(key, value!, (given, limit) => given < limit)
    default:
      throw new Error(`unknown operator ${operator satisfies never}`)
  }
}

function toSetTest(values: readonly string[]): (given: string) => boolean {
  const set = new Set(values)
  return (given) => set.has(given)
}

/** A label that is not a number meets neither. */
function compareNumber(key: string, value: string, isMet: (given: bigint, limit: bigint) => boolean) {
  const limit = toBigInt(value)
  return (labels: Labels): boolean => {
    const given = Object.hasOwn(labels, key) ? labels[key]! : ''
    return isInteger(given) && isMet(toBigInt(given), limit)
  }
}

function requirementText({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'exists':
      return key
    case '!':
      return `!${key}`
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`
    case 'gt':
    case 'lt':
      return `${key}${operator === 'gt' ? '>' : '<'}${values[0]}`
    default:
      return `${key}${operator}${values[0]}`
  }
}

export interface FieldTerm {
  readonly field: string
  readonly value: string
  /** `=`, or `!=`. */
  readonly equal: boolean
}

export interface FieldSelector {
  /** Sorted by their text. */
  readonly terms: readonly FieldTerm[]
  /** Selects all objects: nobody needs to be asked. */
  readonly everything: boolean
  /** Takes what gives the value of a field; a field that an object does not have is empty. */
  readonly matches: (readField: (field: string) => string) => boolean
  toString(): string
}

/** Parses `metadata.name=x,status.phase!=Running`; `\,`, `\=` and `\\` stand for themselves. Throws an ApiError (400). */
export function parseFieldSelector(text: string): FieldSelector {
  return selectFields(
    splitTerms(text)
      .sort()
      .filter((term) => term !== '')
      .map((term) => parseTerm(term, text)),
  )
}

/** Selects objects that meet all terms. */
export function selectFields(terms: readonly FieldTerm[]): FieldSelector {
  return {
    terms,
    everything: terms.length === 0,
    matches: (readField) => terms.every(({ field, value, equal }) => (readField(field) === value) === equal),
    toString: () =>
      terms.map(({ field, value, equal }) => `${field}${equal ? '=' : '!='}${escapeValue(value)}`).join(','),
  }
}

/** Splits at commas that are not escaped. */
function splitTerms(text: string): string[] {
  const terms = ['']
  for (const [part] of text.matchAll(/\\.|./gsu)) {
    if (part === ',') terms.push('')
    else terms[terms.length - 1] += part
  }
  return terms
}

function parseTerm(term: string, selector: string): FieldTerm {
  const parts = /^(.*?)(!=|==|=)(.*)$/s.exec(term)
  if (!parts) throw badRequest(`invalid selector: '${selector}'; can't understand '${term}'`)
  const [, field, operator, value] = parts as unknown as [string, string, string, string]
  return { field, value: unescapeValue(value), equal: operator !== '!=' }
}

function unescapeValue(value: string): string {
  return value.replace(/\\(.?)|[,=]/gsu, (match, escaped: string | undefined) => {
    if (escaped === undefined) {
      throw badRequest(`invalid field selector: unescaped character in value: ${match.codePointAt(0)}`)
    }
    if (escaped !== '\\' && escaped !== ',' && escaped !== '=') {
      throw badRequest(`invalid field selector: invalid escape sequence: ${match}`)
    }
    return escaped
  })
}

const escapeValue = (value: string) => value.replace(/[\\,=]/g, '\\$&')

/**
 * Throws an ApiError (400) when the selector names a field that objects of this kind cannot be selected by. Kinds with
 * fields of their own have their own words for it.
 */
export function checkFieldSelector(selector: FieldSelector, kind: FieldSelectableKind): void {
  for (const { field } of selector.terms) {
    if (!isSelectable(field, kind)) throw badRequest(unsupportedField(field, kind))
  }
}

type FieldSelectableKind = Pick<Kind, 'group' | 'version' | 'kind' | 'namespaced'> & {
  readonly selectableFields: Readonly<Record<string, unknown>>
  /** A kind made of a CustomResourceDefinition, which is strict even without fields of its own. */
  readonly isCustom?: boolean
}

const hasOwnFields = (kind: FieldSelectableKind) => kind.isCustom || Object.keys(kind.selectableFields).length > 0

function isSelectable(field: string, kind: FieldSelectableKind): boolean {
  if (field === 'metadata.name' || Object.hasOwn(kind.selectableFields, field)) return true
  return field === 'metadata.namespace' && (kind.namespaced || !hasOwnFields(kind))
}

function unsupportedField(field: string, kind: FieldSelectableKind): string {
  if (!hasOwnFields(kind)) {
    return `${goQuote(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
  }
  if (kind.group === 'batch' && kind.kind === 'Job') return `field label ${goQuote(field)} not supported for Job`
  if (kind.group === 'resource.k8s.io') {
    return `field label not supported for ${kind.group}/${kind.version}, Kind=${kind.kind}: ${field}`
  }
  return `field label not supported: ${field}`
}

/** The one value that a selector allows for a label or field, if there is one: an index may be asked instead of all objects. */
export function requiresExact(selector: LabelSelector | FieldSelector, name: string): string | undefined {
  if ('terms' in selector) return selector.terms.find(({ field, equal }) => equal && field === name)?.value
  const requirement = selector.requirements.find(
    ({ key, operator, values }) => key === name && isEquality(operator) && values.length === 1,
  )
  return requirement?.values[0]
}

const isEquality = (operator: Operator) => operator === '=' || operator === '==' || operator === 'in'

const compareText = (left: string, right: string) => (left < right ? -1 : left > right ? 1 : 0)
