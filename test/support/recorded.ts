/**
 * Holds the hooks of kinds against the recorded answers of the reference, without a server: every POST, PUT and
 * PATCH (but apply) of a recording that concerns the kind goes through decoding, `defaults`, `prepareCreate` or
 * `prepareUpdate`, and `validate` or `validateUpdate`; the outcome is compared with the recorded answer.
 *
 * Metadata is the server's and is not compared, except labels, annotations and generation. Where the recordings are
 * (`ORACLE`, or `../shared/oracle` beside the checkout) is looked up once; without them `recordings` is empty.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { canonicalQuantity } from '../../src/base/quantity.ts'
import { FieldErrors } from '../../src/schema/field-errors.ts'
import { applyJsonPatch } from '../../src/schema/json-patch.ts'
import type { ApiObject, Kind } from '../../src/schema/kind.ts'
import { applyMergePatch } from '../../src/schema/merge-patch.ts'
import { ApiError } from '../../src/schema/status.ts'
import { applyStrategicMergePatch } from '../../src/schema/strategic-merge.ts'
import type { Field, ObjectType, Type } from '../../src/schema/types.ts'

type Json = Record<string, unknown>

interface Step {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: Json
  readonly pick?: unknown
  readonly ignore?: readonly string[]
  readonly expect?: {
    readonly status?: number
    readonly body?: Json
    readonly headers?: Readonly<Record<string, unknown>>
  }
}

export interface Recording {
  readonly area: string
  readonly name: string
  readonly steps: readonly Step[]
}

const folder = process.env.ORACLE ?? new URL('../../../shared/oracle', import.meta.url).pathname

/** Whether there are recordings at all: tests that need them are skipped elsewhere. */
export const haveRecordings: boolean = existsSync(`${folder}/recordings`)

/** Every recording of the given areas whose file name fits. */
export function recordings(areas: readonly string[], name: RegExp = /./): Recording[] {
  if (!haveRecordings) return []
  return areas.flatMap((area) => {
    const path = `${folder}/recordings/${area}`
    const files = readdirSync(path).filter((file) => name.test(file))
    return files.map((file) => parseRecording(readFileSync(`${path}/${file}`, 'utf8')))
  })
}

/** Generated suffixes and UIDs become ones that are right in names and labels. */
function parseRecording(text: string): Recording {
  return JSON.parse(text.replace(/@\{(gen|uid):(\d+)\}/g, '$1$2')) as Recording
}

/** Where a difference was found, and what it is. */
export interface Difference {
  readonly where: string
  readonly what: string
}

export interface Comparison {
  readonly compared: number
  readonly differences: readonly Difference[]
}

export interface CompareOptions {
  /** What admission would do to an object that a client sends, before it is validated; `answer` is the recorded one. */
  readonly admit?: (object: Json, old: Json | undefined, answer: Json) => void
  /** Steps not to look at: `name step`. */
  readonly skip?: readonly string[]
  /** Further sub-resources, run instead of a plain update. */
  readonly subresources?: Readonly<Record<string, (object: never, old: never, errors: FieldErrors) => void>>
}

/** Runs all steps of the recordings that create or update objects of the kind; says where the outcome differs. */
export function compareWithRecordings(
  kind: Kind,
  from: readonly Recording[],
  options: CompareOptions = {},
): Comparison {
  const differences: Difference[] = []
  let compared = 0
  for (const recording of from) {
    const objects = new Map<string, Json>()
    recording.steps.forEach((step, index) => {
      const where = `${recording.area}/${recording.name} ${index}`
      const target = step.path === undefined ? undefined : targetOf(kind, step.path)
      if (!target) return
      const skipped = options.skip?.includes(`${recording.name} ${index}`)
      const outcome = skipped ? undefined : runStep(kind, step, target, objects, options)
      if (outcome) {
        compared++
        for (const what of outcome) differences.push({ where, what })
      }
      remember(kind, step, target, objects)
    })
  }
  return { compared, differences }
}

interface Target {
  readonly name: string | undefined
  readonly subresource: string | undefined
}

function targetOf(kind: Kind, path: string): Target | undefined {
  const parts = (path.split('?')[0] ?? '').split('/').slice(1)
  const root = kind.group === '' ? ['api', kind.version] : ['apis', kind.group, kind.version]
  if (!root.every((part, index) => parts[index] === part)) return undefined
  let rest = parts.slice(root.length)
  if (rest[0] === 'namespaces' && rest.length > 2 && kind.namespaced) rest = rest.slice(2)
  if (rest[0] !== kind.plural) return undefined
  return { name: rest[1], subresource: rest[2] }
}

/** The recorded answers say how the objects stand; so one difference does not make the next. */
function remember(kind: Kind, step: Step, { name }: Target, objects: Map<string, Json>): void {
  const body = step.expect?.body
  if (!body || (step.expect?.status ?? 500) > 299 || step.pick !== undefined) return
  if (step.path?.includes('dryRun')) return
  const items = body.kind === `${kind.kind}List` ? (body.items as Json[]) : body.kind === kind.kind ? [body] : []
  for (const item of items) {
    const metadata = item.metadata as Json | undefined
    if (typeof metadata?.name === 'string') objects.set(metadata.name, item)
  }
  if ((step.method === 'DELETE' || body.kind === 'Scale') && name !== undefined) objects.delete(name)
}

/** Undefined when the step is none of the kind's hooks' business. */
function runStep(
  kind: Kind,
  step: Step,
  target: Target,
  objects: ReadonlyMap<string, Json>,
  options: CompareOptions,
): string[] | undefined {
  if (step.expect?.body?.kind === 'Table') {
    return target.subresource === undefined ? compareTable(kind, step, objects) : undefined
  }
  const status = step.expect?.status
  if (status !== 200 && status !== 201 && status !== 422) return undefined
  if (step.pick !== undefined || step.path?.includes('dryRun')) return undefined
  const old = target.name === undefined ? undefined : objects.get(target.name)
  const sent = sentObject(kind, step, old)
  if (!sent || (step.method !== 'POST' && !old)) return undefined
  if (step.method === 'POST' && target.name !== undefined) return undefined
  const run = { kind, step, target, sent, old, options }
  if (target.subresource === undefined) return old === undefined ? create(run) : update(run)
  if (target.subresource === 'status' && kind.status) return update(run)
  return options.subresources?.[target.subresource] ? update(run) : undefined
}

function sentObject(kind: Kind, step: Step, old: Json | undefined): Json | undefined {
  const body = expand(step.body)
  if (step.method === 'POST' || step.method === 'PUT') return isJson(body) ? body : undefined
  return step.method === 'PATCH' && old ? patched(kind, step, old, body) : undefined
}

function patched(kind: Kind, step: Step, old: Json, patch: unknown): Json | undefined {
  try {
    switch (step.headers?.['content-type']) {
      case 'application/merge-patch+json':
        return applyMergePatch(old, patch) as Json
      case 'application/strategic-merge-patch+json':
        return applyStrategicMergePatch(old, patch, kind.schema) as Json
      case 'application/json-patch+json':
        return applyJsonPatch(old, patch) as Json
      default:
        return undefined
    }
  } catch (error) {
    if (error instanceof ApiError) return undefined
    throw error
  }
}

interface Run {
  readonly kind: Kind
  readonly step: Step
  readonly target: Target
  readonly sent: Json
  readonly old: Json | undefined
  readonly options: CompareOptions
}

function create({ kind, step, sent, options }: Run): string[] {
  const object = decodeLoosely(kind.schema, sent) as Json
  const metadata = object.metadata as Json
  const uid = (step.expect?.body?.metadata as Json | undefined)?.uid
  kind.defaults(object as never)
  options.admit?.(object, undefined, step.expect?.body ?? {})
  object.metadata = { ...metadata, uid: uid ?? 'uid1' }
  kind.prepareCreate(object as never)
  const errors = new FieldErrors()
  kind.validate(object as unknown as ApiObject, errors)
  return [...compareOutcome(kind, step, object, errors), ...compareWarnings(kind, step, object, undefined)]
}

function update({ kind, step, target, sent, old: stored, options }: Run): string[] {
  const object = decodeLoosely(kind.schema, sent) as Json
  const old = decodeLoosely(kind.schema, stored) as Json
  object.metadata = { ...(object.metadata as Json), ...serverMetadata(old.metadata as Json) }
  kind.defaults(object as never)
  kind.defaults(old as never)
  options.admit?.(object, old, step.expect?.body ?? {})
  const errors = new FieldErrors()
  const through = target.subresource === undefined ? undefined : options.subresources?.[target.subresource]
  if (through) {
    through(object as never, old as never, errors)
  } else if (target.subresource === 'status') {
    if (kind.status?.prepareUpdate) kind.status.prepareUpdate(object as never, old as never)
    else for (const key of Object.keys(old)) if (key !== 'status' && key !== 'metadata') object[key] = old[key]
    kind.status?.validateUpdate?.(object as never, old as unknown as ApiObject, errors)
  } else {
    kind.prepareUpdate(object as never, old as unknown as ApiObject)
    kind.validateUpdate(object as unknown as ApiObject, old as unknown as ApiObject, errors)
  }
  return compareOutcome(kind, step, object, errors)
}

function serverMetadata(metadata: Json): Json {
  const { name, namespace, uid, generation, creationTimestamp, deletionTimestamp } = metadata
  return { name, namespace, uid, generation, creationTimestamp, deletionTimestamp }
}

function compareOutcome(kind: Kind, step: Step, object: Json, errors: FieldErrors): string[] {
  const answer = step.expect?.body ?? {}
  if (step.expect?.status === 422) {
    const causes = ((answer.details as Json | undefined)?.causes ?? []) as { field?: string }[]
    const shown = step.ignore?.includes('details.causes[*].message') ? withoutMessages : unchanged
    return compareLists(shown(ownCauses(causes)), shown(ownCauses(errors.causes)))
  }
  if (errors.length > 0) return [`refused, but the reference takes it: ${JSON.stringify(errors.causes)}`]
  if (answer.kind !== kind.kind) return []
  const left = comparable(decodeLoosely(kind.schema, answer) as Json)
  const right = comparable(decodeLoosely(kind.schema, object) as Json)
  return objectDifferences('', left, right)
}

/** Faults of the metadata, and of a patch as such, are found by the server. */
const ownCauses = <C extends { field?: string }>(causes: readonly C[]): C[] =>
  causes.filter((cause) => !cause.field?.startsWith('metadata') && cause.field !== 'patch')

type Cause = { readonly reason?: string; readonly field?: string }
const unchanged = (causes: readonly Cause[]): readonly Cause[] => causes
const withoutMessages = (causes: readonly Cause[]): readonly Cause[] =>
  causes.map(({ reason, field }) => ({ reason, field }) as Cause)

function compareLists(expected: readonly unknown[], found: readonly unknown[]): string[] {
  if (isDeepStrictEqual(JSON.parse(JSON.stringify(expected)), JSON.parse(JSON.stringify(found)))) return []
  const lines = (list: readonly unknown[]) => list.map((item) => `\n      ${JSON.stringify(item)}`).join('')
  return [`causes\n    expected:${lines(expected)}\n    found:${lines(found)}`]
}

function compareWarnings(kind: Kind, step: Step, object: Json, old: Json | undefined): string[] {
  const header = step.expect?.headers?.warning
  const recorded = (header === undefined ? [] : [header].flat()).map((text) => unquote(String(text)))
  const expected = recorded.filter(
    (text) => !/^(unknown|duplicate) field|deprecated in v1\.\d+\+; use|PodSecurity|metadata\.finalizers/.test(text),
  )
  const found = step.expect?.status === 422 ? [] : kind.warnings(object as unknown as ApiObject, old as never)
  return isDeepStrictEqual([...expected].sort(), [...found].sort())
    ? []
    : [`warnings\n    expected: ${JSON.stringify(expected)}\n    found: ${JSON.stringify(found)}`]
}

/** `299 - "text"` → text. */
const unquote = (warning: string): string => warning.replace(/^299 - "|"$/g, '').replace(/\\(["\\])/g, '$1')

function comparable(object: Json): Json {
  const { labels, annotations, generation } = (object.metadata ?? {}) as Json
  const { apiVersion: _version, kind: _kind, ...rest } = object
  return { ...rest, metadata: { labels, annotations, generation } }
}

function objectDifferences(path: string, expected: unknown, found: unknown): string[] {
  if (isDeepStrictEqual(expected, found) || isToken(expected)) return []
  if (isJson(expected) && isJson(found)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(found)])]
    return keys.flatMap((key) => objectDifferences(path === '' ? key : `${path}.${key}`, expected[key], found[key]))
  }
  if (Array.isArray(expected) && Array.isArray(found) && expected.length === found.length) {
    return expected.flatMap((item, index) => objectDifferences(`${path}[${index}]`, item, found[index]))
  }
  return [`${path}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`]
}

const isToken = (value: unknown): boolean => typeof value === 'string' && value.startsWith('@{')
const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

function compareTable(kind: Kind, step: Step, objects: ReadonlyMap<string, Json>): string[] | undefined {
  const table = step.expect?.body as { columnDefinitions?: Json[]; rows?: { cells: unknown[]; object?: Json }[] }
  const columns = (table.columnDefinitions ?? []).map(({ name, type, format, priority }) => ({
    name,
    type,
    format,
    priority,
  }))
  const found = kind.columns.map(({ name, type, format, priority }) => ({
    name,
    type,
    format: format ?? '',
    priority: priority ?? 0,
  }))
  const differences =
    table.columnDefinitions && !isDeepStrictEqual(columns, found)
      ? [`columns: expected ${JSON.stringify(columns)}, found ${JSON.stringify(found)}`]
      : []
  for (const row of table.rows ?? []) {
    const object = objects.get(String((row.object?.metadata as Json | undefined)?.name))
    if (!object) continue
    const decoded = decodeLoosely(kind.schema, object) as unknown as ApiObject
    kind.columns.forEach((column, index) => {
      const cell = column.value(decoded, { now: 0 })
      const expected = row.cells[index]
      const aged = typeof expected === 'string' && expected.includes('@{')
      if (!aged && column.name !== 'Age' && !isDeepStrictEqual(expected, cell)) {
        differences.push(
          `${decoded.metadata.name} ${column.name}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(cell)}`,
        )
      }
    })
  }
  return differences
}

/** `${fill:3}` → `xxx`; other variables stand for themselves on both sides. */
function expand(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/\$\{fill:(\d+)\}/g, (_, count) => 'x'.repeat(Number(count)))
  if (Array.isArray(value)) return value.map(expand)
  if (!isJson(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [expand(key), expand(item)]))
}

/** The wire form of a value: unknown fields left out, required ones filled in, quantities canonical. A fresh, mutable copy. */
export function decodeLoosely(type: Type, value: unknown): unknown {
  if (type.type === 'object') return decodeObject(type, isJson(value) ? value : {})
  if (value === null || value === undefined) return zero(type)
  if (type.type === 'list') return Array.isArray(value) ? value.map((item) => decodeLoosely(type.items, item)) : value
  if (type.type === 'map') {
    if (!isJson(value)) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decodeLoosely(type.values, item)]))
  }
  if (type.type === 'quantity') return isToken(value) ? value : canonicalQuantity(String(value))
  return type.type === 'json' || type.type === 'rawObject' ? structuredClone(value) : value
}

function decodeObject(type: ObjectType, value: Json): Json {
  const result: Json = {}
  for (const [name, field] of Object.entries(type.fields as Readonly<Record<string, Field>>)) {
    const given = value[name]
    if (given === undefined || given === null) {
      if (field.presence === 'required' || field.presence === 'embedded')
        result[name] = field.options.nullable ? null : decodeLoosely(field.type, undefined)
      continue
    }
    const decoded = decodeLoosely(field.type, given)
    if (field.presence !== 'optional' || !isZero(decoded)) result[name] = decoded
  }
  return result
}

function isZero(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  if (isJson(value)) return Object.keys(value).length === 0
  return value === '' || value === 0 || value === false
}

function zero(type: Type): unknown {
  switch (type.type) {
    case 'string':
    case 'bytes':
      return ''
    case 'quantity':
      return '0'
    case 'bool':
      return false
    case 'int32':
    case 'int64':
    case 'double':
    case 'intOrString':
      return 0
    default:
      return null
  }
}
