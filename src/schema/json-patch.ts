import { jsonWord } from './go-format.ts'
import { ApiError, badRequest } from './status.ts'

/**
 * JSON Patch (RFC 6902) as the reference applies it. It deviates from the RFC in ways that clients have come to rely on:
 *
 * - `replace` of an absent object member adds it, `copy` of one writes `null`;
 * - array indexes may be negative (`-1` is the last item) and may have leading zeros;
 * - whatever stands before the first `/` of a path is ignored;
 * - `""` may only be tested and replaced;
 * - an absent value and `null` are equal for `test`.
 *
 * What goes wrong while the operations run is always the same 422; its cause is not told to clients who patch, but to
 * those whose objects admission patches: it hangs on the error (`patchFaultOf`).
 */

/** Beyond this, the reference refuses to start. */
const operationsMax = 10_000
/** What `copy` may add up to, in bytes of JSON: the size limit of a request. */
const copiedBytesMax = 3 * 1024 * 1024

/**
 * Takes an object that may be frozen and the decoded patch; gives the patched object, which shares all untouched parts
 * with the first one and the values with the patch. A patch that replaces the whole document may give an array.
 * Throws an ApiError: 400 for what is not a list of operations, 413 for too many, 422 for one that cannot be done.
 */
export function applyJsonPatch(current: object, patch: unknown): object {
  const operations = toOperations(patch)
  const document = new PatchedDocument(current)
  for (const operation of operations) perform(document, operation)
  return document.root
}

/**
 * What an operation has besides its own members, for whom unknown fields are a warning or a fault. Takes a patch that
 * has been applied.
 */
export function jsonPatchFaults(patch: unknown): string[] {
  const known = ['op', 'path', 'from', 'value']
  const faultsOf = (operation: object | null, index: number) =>
    Object.keys(operation ?? {})
      .filter((name) => !known.includes(name))
      .map((name) => `json patch unknown field "[${index}].${name}"`)
  return ((patch ?? []) as readonly (object | null)[]).flatMap(faultsOf)
}

interface Operation {
  readonly op?: string | null
  readonly path?: string | null
  readonly from?: string | null
  readonly value?: unknown
}

function toOperations(patch: unknown): readonly Operation[] {
  if (patch === null) return []
  if (!Array.isArray(patch))
    throw undecodable(`json: cannot unmarshal ${jsonWord(patch)} into Go value of type []handlers.jsonPatchOp`)
  for (const operation of patch) checkOperation(operation)
  if (patch.length > operationsMax) {
    const why = `The allowed maximum operations in a JSON patch is ${operationsMax}, got ${patch.length}`
    throw new ApiError('RequestEntityTooLarge', `Request entity too large: ${why}`)
  }
  return patch
}

function checkOperation(operation: unknown): void {
  if (operation === null) return
  if (typeof operation !== 'object' || Array.isArray(operation)) {
    throw undecodable(`json: cannot unmarshal ${jsonWord(operation)} into Go value of type handlers.jsonPatchOp`)
  }
  for (const name of ['op', 'path', 'from'] as const) {
    const word = (operation as Operation)[name]
    if (word === null || word === undefined || typeof word === 'string') continue
    throw undecodable(
      `json: cannot unmarshal ${jsonWord(word)} into Go struct field jsonPatchOp.${name} of type string`,
    )
  }
}

const undecodable = (why: string) => badRequest(`error decoding patch: ${why}`)

/** Why an operation cannot be done, in the words of the reference's library. */
export class PatchFault extends Error {
  /** A `test` that failed: the patch is not meant for this object. */
  readonly isTest: boolean

  constructor(message: string, isTest = false) {
    super(message)
    this.isTest = isTest
  }
}

/** The cause of an error of `applyJsonPatch`, where an operation could not be done. */
export const patchFaultOf = (error: unknown): PatchFault | undefined =>
  error instanceof ApiError && error.cause instanceof PatchFault ? error.cause : undefined

const notDone = (why: string, isTest = false) =>
  new ApiError('Invalid', 'the server rejected our request due to an error in our request', {
    details: {},
    cause: new PatchFault(why, isTest),
  })

/** There is nothing in which the value could be. */
class NoContainer extends Error {}

function perform(document: PatchedDocument, operation: Operation | null): void {
  const path = operation?.path
  if (!operation || typeof path !== 'string') throw notDone(`${operation?.op ?? ''} operation failed to decode path`)
  try {
    performOn(document, operation, path)
  } catch (error) {
    if (!(error instanceof NoContainer)) throw error
    throw notDone(`${missingWords(operation, path)}: missing value`)
  }
}

function missingWords({ op, from }: Operation, path: string): string {
  switch (op) {
    case 'test':
      return `test operation does not apply: is missing path: ${path}`
    case 'replace':
      return `replace operation does not apply: doc is missing path: ${path}`
    case 'move':
    case 'copy':
      return `${op} operation does not apply: doc is missing from path: ${from}`
    default:
      return `${op} operation does not apply: doc is missing path: "${path}"`
  }
}

function performOn(document: PatchedDocument, operation: Operation, path: string): void {
  switch (operation.op) {
    case 'add':
      return document.add(path, operation.value ?? null)
    case 'remove':
      return document.remove(path)
    case 'replace':
      return document.replace(path, operation.value ?? null)
    case 'move':
      return document.move(fromOf(operation), path)
    case 'copy':
      return document.copy(fromOf(operation), path)
    case 'test':
      return document.test(path, operation.value ?? null)
    default:
      throw notDone(`Unexpected kind: ${operation.op ?? ''}`)
  }
}

function fromOf({ op, from }: Operation): string {
  if (typeof from !== 'string') throw notDone(`${op} operation failed to decode from`)
  return from
}

type Container = Record<string, unknown> | unknown[]

/** Where a path leads: the container that holds (or may hold) the value, and its key or index there. */
interface Place {
  readonly container: Container
  readonly key: string
}

/** A document of which a container is copied when it is first written to. */
class PatchedDocument {
  root: Container
  /** Copies made by this patch, which may be written to. */
  #own = new Set<Container>()
  #copiedBytes = 0

  constructor(root: object) {
    this.root = root as Container
  }

  add(path: string, value: unknown): void {
    const { container, key } = this.#placeToWrite(path)
    if (!Array.isArray(container)) container[key] = value
    else container.splice(key === '-' ? container.length : indexIn(key, container.length + 1), 0, value)
  }

  remove(path: string): void {
    const { container, key } = this.#placeToWrite(path)
    if (Array.isArray(container)) container.splice(indexIn(key, container.length), 1)
    else if (Object.hasOwn(container, key)) delete container[key]
    else throw notDone(`Unable to remove nonexistent key: ${key}: missing value`)
  }

  replace(path: string, value: unknown): void {
    if (path === '') {
      if (!isContainer(value)) throw notDone('replace operation value must be object or array')
      this.root = value
      return
    }
    const { container, key } = this.#placeToWrite(path)
    if (Array.isArray(container)) container[indexIn(key, container.length)] = value
    else container[key] = value
  }

  move(from: string, path: string): void {
    const value = this.#read(from)
    this.remove(from)
    this.add(path, value)
  }

  copy(from: string, path: string): void {
    const value = this.#read(from)
    this.#copiedBytes += JSON.stringify(value).length
    if (this.#copiedBytes > copiedBytesMax) throw notDone(`Unable to copy more than ${copiedBytesMax} bytes`)
    // From here on the value hangs in two places: a write to one of them must not be seen in the other.
    if (isContainer(value)) this.#own.clear()
    this.add(path, value)
  }

  test(path: string, value: unknown): void {
    const isSame = isSameJson(path === '' ? this.root : this.#read(path), value)
    if (!isSame) throw notDone(`testing path ${path} failed: test failed`, true)
  }

  #read(path: string): unknown {
    const { keys, last } = parsePath(path)
    let container: Container = this.root
    for (const key of keys) container = below(container, key)
    return getFrom(container, last) ?? null
  }

  #placeToWrite(path: string): Place {
    const { keys, last } = parsePath(path)
    let container = this.#writable(this.root)
    this.root = container
    for (const key of keys) {
      const next = this.#writable(below(container, key))
      if (Array.isArray(container)) container[indexIn(key, container.length)] = next
      else container[key] = next
      container = next
    }
    return { container, key: last }
  }

  #writable(container: Container): Container {
    if (this.#own.has(container)) return container
    const copy = Array.isArray(container) ? container.slice() : { ...container }
    this.#own.add(copy)
    return copy
  }
}

function parsePath(path: string): { readonly keys: readonly string[]; readonly last: string } {
  const [, ...keys] = path.split('/')
  const decoded = keys.map((key) => key.replace(/~[01]/g, (escaped) => (escaped === '~1' ? '/' : '~')))
  const last = decoded.pop()
  // A member of this name would reach JavaScript's prototype instead of the document. No API field is called so.
  if (last === undefined || last === '__proto__' || decoded.includes('__proto__')) throw new NoContainer()
  return { keys: decoded, last }
}

function getFrom(container: Container, key: string): unknown {
  if (Array.isArray(container)) return container[indexIn(key, container.length)]
  return Object.hasOwn(container, key) ? container[key] : undefined
}

/** What stands on the way to a value. */
function below(container: Container, key: string): Container {
  const isOutside = Array.isArray(container) && !(/^[+-]?\d+$/.test(key) && container.at(Number(key)) !== undefined)
  if (isOutside) throw new NoContainer()
  return toContainer(getFrom(container, key))
}

function indexIn(key: string, length: number): number {
  if (!/^[+-]?\d+$/.test(key)) throw notDone(`strconv.Atoi: parsing ${JSON.stringify(key)}: invalid syntax`)
  const index = Number(key)
  if (index >= length || index < -length) {
    throw notDone(`Unable to access invalid index: ${index}: invalid index referenced`)
  }
  return index < 0 ? index + length : index
}

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null

function toContainer(value: unknown): Container {
  if (!isContainer(value)) throw new NoContainer()
  return value
}

/** Whether two JSON values are the same, whatever the order of members. Unlike elsewhere in the API, empty is not absent. */
function isSameJson(left: unknown, right: unknown): boolean {
  if (!isContainer(left) || !isContainer(right)) return left === right
  if (Array.isArray(left) !== Array.isArray(right)) return false
  const keys = Object.keys(left)
  if (keys.length !== Object.keys(right).length) return false
  return keys.every((key) => Object.hasOwn(right, key) && isSameJson((left as never)[key], (right as never)[key]))
}
