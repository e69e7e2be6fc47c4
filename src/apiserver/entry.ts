import { Buffer } from 'node:buffer'
import { decode } from '../schema/decode.ts'
import { deepFreeze, sharing } from '../schema/freeze.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../schema/kind.ts'
import type { Mutable } from '../schema/types.ts'
import type { KeyValue } from '../store/store.ts'
import { toJson, toJsonLike, type Written } from './entry-text.ts'
import { isProtobuf, parseProtobuf, versionOfProtobuf, watchEventToProtobuf } from './protobuf-body.ts'
import type { Entry, WatchEventType } from './resource.ts'

/**
 * Stored objects in both of their forms. What is stored is the object as JSON without its resourceVersion, which is
 * the revision at which it was written. One `StoredEntry` hangs on each key-value (`memo`), so that a value is parsed
 * and frozen at most once in a process, and never when this process wrote it.
 */

/** The entry of a key-value as a kind shows it. */
export function entryOf<T extends ApiObject>(kind: Kind<T>, kv: KeyValue): Entry<T> & StoredEntry<T> {
  const known = kv.memo instanceof StoredEntry ? (kv.memo as StoredEntry) : undefined
  for (let entry = known; entry !== undefined; entry = entry.sibling) {
    if (entry.kind === kind) return entry.at(kv.modRevision) as StoredEntry<T>
  }
  const entry = new StoredEntry<T>(kind, kv.modRevision, toCanonical(kind, kv.value, kv.modRevision), undefined)
  // Custom kinds are made anew when their definition changes; nobody asks for the old ones.
  if (known?.kind.version !== kind.version) entry.sibling = known
  kv.memo = entry
  return entry
}

/**
 * What to store of an object, and the entry to hang on it. Takes the object over; it must be in canonical form.
 * `before`: what it takes the place of, absent for a new one.
 */
export function entryToStore<T extends ApiObject>(
  kind: Kind<T>,
  object: T,
  before?: StoredEntry<T>,
): { readonly value: Buffer; readonly entry: StoredEntry<T> } {
  if (kind.storedAs === undefined) {
    if (before === undefined) {
      const value = toJson(object)
      return { value, entry: new StoredEntry<T>(kind, 0, value, object) }
    }
    const { bytes, places } = toJsonLike(object, before)
    return { value: bytes, entry: new StoredEntry<T>(kind, 0, bytes, object, places) }
  }
  const stored = kind.storedAs.toStored(decode(kind.schema, object).object as unknown as ApiObject)
  const value = toJson(stored)
  // Shown is what comes back: on the way defaults and annotations are added.
  return { value, entry: new StoredEntry<T>(kind, 0, toCanonical(kind, value, 0), undefined) }
}

/** The entry of an object that has not been stored yet, of bytes of its kind. */
export function entryToShow<T extends ApiObject>(kind: Kind<T>, shown: ApiObject): StoredEntry<T> {
  return new StoredEntry<T>(kind, 0, bytesOf(kind, shown), undefined)
}

/**
 * Whether `entryOf` can give the entry by itself. Where it cannot, because somebody has to be asked how versions
 * differ, `setConverted` says it first.
 */
export function isConverted(kind: Kind, { value, memo }: KeyValue): boolean {
  if (kind.conversion === undefined) return true
  for (let entry = storedEntry(memo); entry !== undefined; entry = entry.sibling) if (entry.kind === kind) return true
  return isOfVersion(kind, value)
}

/** Says what a stored value is as an object of the kind. */
export function setConverted(kind: Kind, kv: KeyValue, object: ApiObject): void {
  const entry = new StoredEntry(kind, kv.modRevision, bytesOf(kind, object), undefined)
  entry.sibling = withoutVersion(storedEntry(kv.memo), kind.version)
  kv.memo = entry
}

/** Kinds of a version that were there before are asked for no more. */
function withoutVersion(entry: StoredEntry | undefined, version: string): StoredEntry | undefined {
  if (entry === undefined) return undefined
  const rest = withoutVersion(entry.sibling, version)
  if (entry.kind.version === version) return rest
  entry.sibling = rest
  return entry
}

function isOfVersion(kind: Kind, value: Uint8Array): boolean {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const prefix = prefixOf(kind)
  if (bytes.subarray(0, prefix.length).equals(prefix)) return true
  return (
    (JSON.parse(bytes.toString()) as ApiObject & { readonly apiVersion?: string }).apiVersion === apiVersionOf(kind)
  )
}

/** Lets go of the line of a watch stream: all who watch have it. */
export function forgetLine({ memo }: KeyValue): void {
  for (let entry = storedEntry(memo); entry !== undefined; entry = entry.sibling) entry.forgetLine()
}

/** Lets go of all that can be made again from the bytes: the value is history now, which hardly anybody reads. */
export function forgetObject({ memo }: KeyValue): void {
  for (let entry = storedEntry(memo); entry !== undefined; entry = entry.sibling) entry.forgetObject()
}

const storedEntry = (memo: unknown): StoredEntry | undefined => (memo instanceof StoredEntry ? memo : undefined)

export class StoredEntry<T extends ApiObject = ApiObject> implements Entry<T>, Written {
  readonly kind: Kind<T>
  readonly places: readonly number[]
  /** The same value as another version of the same resource. */
  sibling: StoredEntry | undefined
  #revision: number
  readonly #bytes: Buffer
  #object: T | undefined
  #isShared = false
  /**
   * The members, but for the metadata, that decoding and defaults are known to leave as they are. Whoever writes them
   * unchanged need not do that again.
   */
  settled: readonly string[] = none
  /** Where the resourceVersion belongs; 0: not looked for yet. */
  #place = 0
  #eventType: WatchEventType | undefined
  #event: Buffer | undefined
  #frameType: WatchEventType | undefined
  #frame: Buffer | undefined

  /** `revision` 0: not known yet (it is being written), or never (a dry run). */
  constructor(
    kind: Kind<T>,
    revision: number,
    bytes: Buffer,
    object: T | undefined,
    places: readonly number[] = nowhere,
  ) {
    this.kind = kind
    this.places = places
    this.#revision = revision
    this.#bytes = bytes
    this.#object = object
  }

  get revision(): number {
    return this.#revision
  }

  /** The stored bytes in canonical form. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** This entry as of a revision: itself, but for what was a dry run or is shown at another revision. */
  at(revision: number): StoredEntry<T> {
    if (this.#revision === revision) return this
    if (this.#revision !== 0 || this.#isShared) return new StoredEntry(this.kind, revision, this.#bytes, this.#object)
    this.#revision = revision
    return this
  }

  get object(): T {
    if (this.#isShared) return this.#object as T
    this.#isShared = true
    const object = this.#object ?? (JSON.parse(this.#bytes.toString()) as T)
    const shown = this.#revision === 0 ? object : withResourceVersion(object, String(this.#revision))
    // What takes the place of another object shares with that already.
    this.#object = deepFreeze(this.places === nowhere ? sharingWithLast(this.kind, shown) : shown)
    return this.#object
  }

  peek(): T {
    if (this.#object !== undefined) return this.object
    const object = JSON.parse(this.#bytes.toString()) as T
    return this.#revision === 0 ? object : withResourceVersion(object, String(this.#revision))
  }

  forgetLine(): void {
    this.#event = undefined
    this.#frame = undefined
  }

  forgetObject(): void {
    this.forgetLine()
    // Of what is being written the object may be all there is.
    if (this.#revision === 0) return
    this.#object = undefined
    this.#isShared = false
  }

  json(): Buffer {
    return this.#revision === 0 ? this.#bytes : this.#written(true)
  }

  itemJson(): Buffer {
    return this.#written(false)
  }

  /** How many bytes `write` will take. `whole`: with kind and apiVersion. */
  length(whole: boolean): number {
    return this.#bytes.length - this.#skipped(whole) + revisionLength(this.#revision)
  }

  /** Writes the object as JSON into `target`, the resourceVersion behind the uid, and gives the place behind it. */
  write(target: Buffer, start: number, whole: boolean): number {
    const bytes = this.#bytes
    const skipped = this.#skipped(whole)
    if (this.#place === 0) this.#place = revisionPlace(bytes)
    const place = this.#place
    bytes.copy(target, start, skipped, place)
    if (!whole) target[start] = openingBrace
    const at = writeRevision(this.#revision, target, start + place - skipped)
    bytes.copy(target, at, place)
    return at + bytes.length - place
  }

  eventJson(type: WatchEventType): Buffer {
    if (this.#event === undefined || this.#eventType !== type) {
      const opening = eventOpenings[type]
      const line = Buffer.allocUnsafe(opening.length + this.length(true) + eventClosing.length)
      opening.copy(line)
      eventClosing.copy(line, this.write(line, opening.length, true))
      this.#event = line
      this.#eventType = type
    }
    return this.#event
  }

  eventProtobuf(type: WatchEventType): Buffer {
    if (this.#frame === undefined || this.#frameType !== type) {
      this.#frame = watchEventToProtobuf(type, this.object, this.kind.schema)
      this.#frameType = type
    }
    return this.#frame
  }

  #written(whole: boolean): Buffer {
    const result = Buffer.allocUnsafe(this.length(whole))
    this.write(result, 0, whole)
    return result
  }

  /** What stands before an item of a list is its kind and apiVersion, but for the brace. */
  #skipped(whole: boolean): number {
    return whole ? 0 : prefixOf(this.kind).length - 1
  }
}

const none: readonly string[] = []
const nowhere: readonly number[] = []

/** The object of each kind that was shown last. */
const lastShown = new WeakMap<Kind, ApiObject>()

/** With which a new object of the kind most likely has much in common. */
export function lastShownOf<T extends ApiObject>(kind: Kind<T>): T | undefined {
  return lastShown.get(kind) as T | undefined
}

/**
 * Objects of a kind often come in numbers and are alike, as pods of one template are: what the object has in common
 * with the last one is in memory once.
 */
function sharingWithLast<T extends ApiObject>(kind: Kind<T>, object: T): T {
  const shared = sharing(object, lastShown.get(kind))
  lastShown.set(kind, shared)
  return shared
}

const openingBrace = 0x7b
const closingBrace = 0x7d
const quote = 0x22
const zero = 0x30
const uidMember = Buffer.from('"uid":"')
const eventClosing = Buffer.from('}\n')
const eventOpenings: Readonly<Record<WatchEventType, Buffer>> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
}

/**
 * Behind the value of `metadata.uid`. Before it in the metadata stand only strings, in which the bytes looked for
 * cannot occur, because quotes in them are escaped.
 */
function revisionPlace(bytes: Buffer): number {
  const uid = bytes.indexOf(uidMember)
  return bytes.indexOf(quote, uid + uidMember.length) + 1
}

const revisionName = Buffer.from(',"resourceVersion":"')

/** How many bytes `writeRevision` will take. */
function revisionLength(revision: number): number {
  if (revision === 0) return 0
  let digits = 1
  for (let bound = 10; bound <= revision; bound *= 10) digits++
  return revisionName.length + digits + 1
}

/**
 * Writes the member that says the revision, which no object has at 0, and gives the place behind it. Digit by digit: with
 * the calls that take a text it would be most of what an item of a list costs besides its bytes.
 */
function writeRevision(revision: number, target: Buffer, start: number): number {
  if (revision === 0) return start
  for (let at = 0; at < revisionName.length; at++) target[start + at] = revisionName[at]!
  const end = start + revisionLength(revision)
  target[end - 1] = quote
  for (let at = end - 2, rest = revision; rest > 0; at--) {
    const tenth = Math.floor(rest / 10)
    target[at] = zero + rest - tenth * 10
    rest = tenth
  }
  return end
}

const prefixes = new WeakMap<Kind, Buffer>()
/** What was asked for last: it is asked for item after item. */
let lastKind: Kind | undefined
let lastPrefix: Buffer = Buffer.alloc(0)

/** `{"kind":"Pod","apiVersion":"v1",` */
function prefixOf(kind: Kind): Buffer {
  if (kind === lastKind) return lastPrefix
  let prefix = prefixes.get(kind)
  if (prefix === undefined) {
    prefix = Buffer.from(`{"kind":${JSON.stringify(kind.kind)},"apiVersion":${JSON.stringify(apiVersionOf(kind))},`)
    prefixes.set(kind, prefix)
  }
  lastKind = kind
  lastPrefix = prefix
  return prefix
}

const metadataMember = Buffer.from('"metadata":{')
const encryptedMark = Buffer.from('k8s:enc:')

/** Whether we wrote it: the reference ends its values with a line break, and has them in protobuf as a rule. */
function isCanonical(kind: Kind, value: Buffer): boolean {
  const prefix = prefixOf(kind)
  const metadata = prefix.length + metadataMember.length
  return (
    value[value.length - 1] === closingBrace &&
    value.subarray(0, prefix.length).equals(prefix) &&
    value.subarray(prefix.length, metadata).equals(metadataMember) &&
    value.includes(uidMember, metadata)
  )
}

/** The bytes of a stored value in this kind's canonical form: mostly the value itself. */
function toCanonical(kind: Kind, value: Uint8Array, revision: number): Buffer {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const isOlder = revision !== 0 && revision < (kind.schemaRevision ?? 0)
  if (!isOlder && isCanonical(kind, bytes)) return bytes
  // The reference's words for what nobody has given us a key to.
  if (bytes.subarray(0, 8).equals(encryptedMark)) throw new Error('identity transformer tried to read encrypted data')
  const parsed = isProtobuf(bytes) ? fromProtobuf(kind, bytes) : (JSON.parse(bytes.toString()) as ApiObject)
  if (kind.conversion !== undefined && parsed.apiVersion !== apiVersionOf(kind)) {
    throw new Error(`a stored ${kind.kind} was read as ${kind.version} before it was converted`)
  }
  const isOtherVersion = kind.storedAs !== undefined && parsed.apiVersion !== apiVersionOf(kind)
  return bytesOf(kind, isOtherVersion ? kind.storedAs!.fromStored(parsed) : parsed)
}

/** What a server of the reference has stored, in the version that it stores. */
function fromProtobuf(kind: Kind, bytes: Buffer): ApiObject {
  const apiVersion = versionOfProtobuf(bytes)
  const schema = apiVersion === apiVersionOf(kind) ? kind.schema : (kind.storedAs?.schema ?? kind.schema)
  const object = decode(schema, parseProtobuf(bytes, schema).value).object as unknown as Mutable<ApiObject>
  // Of what is stored there, some is what a server of the reference fills in whenever it reads.
  if (schema === kind.schema) kind.defaults(object)
  return object
}

/** An object of the kind in canonical form. */
function bytesOf(kind: Kind, { metadata, ...rest }: ApiObject): Buffer {
  const named = { ...rest, kind: kind.kind, apiVersion: apiVersionOf(kind), metadata: withoutRevision(metadata) }
  return Buffer.from(JSON.stringify(decode(kind.schema, named).object))
}

function withoutRevision(metadata: ApiObject['metadata'] | undefined): ApiObject['metadata'] {
  const { resourceVersion: _, ...rest } = metadata ?? {}
  // Every stored object has one; without it there would be no place for the resourceVersion.
  return rest.uid === undefined ? { ...rest, uid: '00000000-0000-0000-0000-000000000000' } : rest
}

/** The object with its resourceVersion in the place where the reference has it. Shares all but the metadata. */
function withResourceVersion<T extends ApiObject>(object: T, resourceVersion: string): T {
  const metadata: Record<string, unknown> = {}
  const given = object.metadata as Record<string, unknown>
  for (const name in given) {
    if (name !== 'resourceVersion') metadata[name] = given[name]
    if (name === 'uid') metadata['resourceVersion'] = resourceVersion
  }
  return { ...object, metadata }
}
