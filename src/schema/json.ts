/**
 * Reading request bodies in JSON and YAML, with what the reference notices and `JSON.parse` does not: fields that
 * occur twice, nesting that is too deep, characters that are half of a pair; and with its words for what is malformed.
 */

import { depthFault, syntaxFault } from './json-syntax.ts'
import { ApiError } from './status.ts'
import { parseYamlBody } from './yaml.ts'

/** A body that cannot be read; the message is the reference's. */
export class BodyError extends Error {}

export interface Body {
  readonly value: unknown
  /** Duplicate fields, as warnings and strict errors name them: `duplicate field "spec.a"`. */
  readonly problems: readonly string[]
}

export interface ParseOptions {
  /** Look for duplicate fields. Only Strict and Warn need it. */
  readonly findDuplicates?: boolean
}

/**
 * Parses JSON. Whole numbers beyond 2^53 become the nearest number that JavaScript has; `1.0` is read as `1`, where
 * the reference refuses it for a field of whole numbers.
 * @throws BodyError in the words of Go's decoder
 */
export function parseJson(bytes: Buffer, options: ParseOptions = {}): Body {
  // Before it is parsed: values that lie in each other by the hundred thousand take a tenth of a second to make.
  const tooDeep = depthFault(bytes)
  if (tooDeep !== undefined) throw new BodyError(tooDeep)
  const text = bytes.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new BodyError(syntaxFault(bytes) ?? (cause as Error).message, { cause })
  }
  if (surrogateEscape.test(text)) value = wellFormed(value)
  const mayRepeat = options.findDuplicates === true && countKeysInText(bytes) !== countKeys(value)
  return { value, problems: mayRepeat ? duplicateFields(text) : [] }
}

/**
 * Parses YAML as `sigs.k8s.io/yaml` does: YAML 1.1, the first document only, read as the JSON it stands for.
 * @throws BodyError in the words of the reference's YAML library
 */
export function parseYaml(bytes: Buffer, options: ParseOptions = {}): Body {
  const text = bytes.toString('utf8')
  const json = jsonAsYaml(bytes, text)
  if (json !== undefined) return json
  const body = parseYamlBody(text)
  if (typeof body === 'string') throw new BodyError(body)
  return { value: body.value, problems: options.findDuplicates === true ? body.problems : [] }
}

/**
 * Most of what is sent as YAML is JSON, because that is what clients write; as such it is read in a fraction of the
 * time. Undefined for what is no object in JSON, and where it may mean something else in YAML or is refused there.
 */
function jsonAsYaml(bytes: Buffer, text: string): Body | undefined {
  if (bytes[0] !== 0x7b || depthFault(bytes) !== undefined || notAsInJson.test(text)) return undefined
  try {
    const value: unknown = JSON.parse(text)
    // Keys that occur twice are named with their lines, and what is too large for a number is an error.
    return countKeysInText(bytes) === countKeys(value) ? { value, problems: [] } : undefined
  } catch {
    return undefined
  }
}

/** Tabs between values, merge keys, halves of characters. */
const notAsInJson = /\t|"<<"|\\u[dD][89a-fA-F]/

/** `apiVersion` and `kind` of a parsed body; empty where they are absent. */
export interface TypeMeta {
  readonly apiVersion: string
  readonly kind: string
}

/**
 * What a body says that it is.
 * @throws BodyError when the body is not an object or says it with something other than strings
 */
export function typeMetaOf(value: unknown): TypeMeta {
  if (value === null || value === undefined) return { apiVersion: '', kind: '' }
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new BodyError(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonType(value)} into Go value of type ${goTypeMeta}`,
    )
  }
  const { apiVersion, kind } = value as Record<string, unknown>
  return { apiVersion: typeMetaField('apiVersion', apiVersion), kind: typeMetaField('kind', kind) }
}

const goTypeMeta =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'

function typeMetaField(name: string, value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value
  throw new BodyError(
    `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonType(value)} into Go struct field .${name} of type string`,
  )
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

/**
 * The answer to a JSON body that cannot be read at all.
 * @param kind the kind that was expected
 */
export function unrecognizedJson(kind: string, error: BodyError, bytes: Buffer): ApiError {
  const prefix = "couldn't get version/kind; json parse error: "
  return unrecognized(kind, error.message.startsWith(prefix) ? error.message : prefix + error.message, bytes, error)
}

/** The answer to a YAML body that cannot be read at all. */
export function unrecognizedYaml(kind: string, error: BodyError, bytes: Buffer): ApiError {
  return unrecognized(kind, error.message, bytes, error)
}

function unrecognized(kind: string, message: string, bytes: Buffer, cause: Error): ApiError {
  const text = `the object provided is unrecognized (must be of type ${kind}): ${message} (${summary(bytes)})`
  return new ApiError('BadRequest', text, { cause })
}

/** How much of a body an error shows: text when it looks like JSON, else hexadecimal, since it may be protobuf. */
function summary(bytes: Buffer): string {
  const length = 30
  if (bytes.length === 0) return '<empty>'
  const start = bytes.subarray(0, length).toString(bytes[0] === 0x7b ? 'utf8' : 'hex')
  return bytes.length > length ? `${start} ...` : start
}

/** Half of a surrogate pair can only come in as an escape; Go reads it as the replacement character. */
const surrogateEscape = /\\u[dD][89a-fA-F]/

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(wellFormed)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key.toWellFormed(), wellFormed(item)]))
}

/** How many keys a valid JSON text has, repeated ones counted each time: its colons outside strings. */
function countKeysInText(bytes: Uint8Array): number {
  let count = 0
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index]
    if (byte === 0x3a) count++
    else if (byte === 0x22) index = endOfString(bytes, index + 1)
  }
  return count
}

/** Where the quote stands that ends a string which begins at `index`. */
function endOfString(bytes: Uint8Array, index: number): number {
  let end = index
  while (end < bytes.length && bytes[end] !== 0x22) end += bytes[end] === 0x5c ? 2 : 1
  return end
}

/** How many keys a parsed value has, fewer than its text when some occur twice; NaN where a number was too large. */
function countKeys(value: unknown): number {
  if (typeof value === 'number') return Number.isFinite(value) ? 0 : Number.NaN
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) count += countKeys(item)
    return count
  }
  for (const key in value) count += 1 + countKeys((value as Record<string, unknown>)[key])
  return count
}

/** An object or list that is being read. */
interface Level {
  readonly path: string
  /** The keys seen so far; absent for a list. */
  readonly keys: Set<string> | undefined
  /** Path of the key or item that is being read. */
  current: string
  index: number
}

/** The fields that occur twice in a valid JSON text, in order, each once. */
function duplicateFields(text: string): string[] {
  const duplicates = new Set<string>()
  const levels: Level[] = []
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\],]/gs
  for (const match of text.matchAll(token)) {
    const level = levels.at(-1)
    const [word, colon] = match
    if (word === '{' || word === '[') levels.push(openLevel(level?.current ?? '', word === '{'))
    else if (word === '}' || word === ']') levels.pop()
    else if (level && word === ',') nextItem(level)
    else if (level?.keys && colon !== undefined) {
      const key = String(JSON.parse(word.slice(0, word.length - colon.length)))
      level.current = level.path === '' ? key : `${level.path}.${key}`
      if (level.keys.has(key)) duplicates.add(`duplicate field "${level.current}"`)
      level.keys.add(key)
    }
  }
  return [...duplicates]
}

function openLevel(path: string, isObject: boolean): Level {
  return { path, keys: isObject ? new Set() : undefined, current: isObject ? path : `${path}[0]`, index: 0 }
}

function nextItem(level: Level): void {
  if (level.keys) return
  level.index++
  level.current = `${level.path}[${level.index}]`
}
