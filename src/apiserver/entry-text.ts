import { Buffer } from 'node:buffer'
import type { ApiObject } from '../schema/kind.ts'
import { keptLength } from '../schema/managed-fields/fields-v1.ts'

/**
 * The JSON of objects. A write mostly changes little: while a status is reported the wish is the very same, while a
 * label is set all but the metadata is, and so are the sets of fields that others manage. Such parts are copied from the
 * bytes of the object that was there before.
 */
export interface Written {
  readonly object: ApiObject
  readonly bytes: Buffer
  /**
   * Where parts lie in the bytes, as pairs of a start and an end: the set of each entry of the managed fields, and then
   * every member behind the metadata. Empty: it is not known.
   */
  readonly places: readonly number[]
}

/** The JSON of a whole object in canonical form, byte for byte as `JSON.stringify` writes it. */
export function toJson(object: ApiObject): Buffer {
  const writer = new TextWriter()
  write(object, writer)
  // A buffer of its own. The small ones that Node makes share a slab, and a value that is kept for hours would keep
  // alive what else lay in its slab.
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(writer.whole))
  bytes.write(writer.whole)
  return bytes
}

/** The same for an object that takes the place of another one, with the places of its parts. */
export function toJsonLike(object: ApiObject, before: Written): Omit<Written, 'object'> {
  const writer = new PartWriter(before)
  write(object, writer)
  return writer.end()
}

interface Writer {
  text(text: string): void
  /** The set of an entry of the managed fields. */
  set(fields: object): void
  /** A member behind the metadata. */
  member(value: unknown): void
}

function write(object: ApiObject, writer: Writer): void {
  const { kind, apiVersion, metadata } = object
  const { managedFields } = metadata
  if (managedFields === undefined) writer.text(JSON.stringify({ kind, apiVersion, metadata }).slice(0, -1))
  else {
    const { managedFields: _, ...facts } = metadata
    writer.text(`${JSON.stringify({ kind, apiVersion, metadata: facts }).slice(0, -2)},"managedFields":[`)
    for (let index = 0; index < managedFields.length; index++) {
      if (index > 0) writer.text(',')
      writeEntry(managedFields[index] as Entry, writer)
    }
    writer.text(']}')
  }
  for (const name in object) {
    const value: unknown = object[name as keyof ApiObject]
    if (isHead(name) || value === undefined) continue
    writer.text(`,${JSON.stringify(name)}:`)
    writer.member(value)
  }
  writer.text('}')
}

/** What an object begins with. */
const isHead = (member: string) => member === 'kind' || member === 'apiVersion' || member === 'metadata'

type Entry = Readonly<Record<string, unknown>>

const isSet = (fieldsV1: unknown): fieldsV1 is object => typeof fieldsV1 === 'object' && fieldsV1 !== null

/** One entry of the managed fields, whose bulk is the set. */
function writeEntry(entry: Entry, writer: Writer): void {
  const { fieldsV1, subresource, ...facts } = entry
  if (!isSet(fieldsV1)) return writer.text(JSON.stringify(entry))
  writer.text(`${JSON.stringify(facts).slice(0, -1)},"fieldsV1":`)
  writer.set(fieldsV1)
  writer.text(subresource === undefined ? '}' : `,"subresource":${JSON.stringify(subresource)}}`)
}

/** As many texts of sets are kept at hand; then all are forgotten and it begins again. */
const keptTexts = 256
const setTexts = new Map<object, string>()

/** Objects that are made alike have the very same sets. */
function setText(fields: object): string {
  const known = setTexts.get(fields)
  if (known !== undefined) return known
  const text = JSON.stringify(fields)
  if (text.length > keptLength) return text
  if (setTexts.size >= keptTexts) setTexts.clear()
  setTexts.set(fields, text)
  return text
}

class TextWriter implements Writer {
  whole = ''

  text(text: string): void {
    this.whole += text
  }

  set(fields: object): void {
    this.whole += setText(fields)
  }

  member(value: unknown): void {
    this.whole += JSON.stringify(value)
  }
}

/** The values whose places are known, in their order. */
function placed({ object, places }: Written): unknown[] {
  if (places.length === 0) return []
  const values: unknown[] = []
  for (const entry of object.metadata.managedFields ?? []) {
    const { fieldsV1 } = entry as Entry
    if (isSet(fieldsV1)) values.push(fieldsV1)
  }
  for (const name in object) {
    const value = object[name as keyof ApiObject]
    if (!isHead(name) && value !== undefined) values.push(value)
  }
  return values
}

/** Gathers text, and stretches of the old bytes, until it is known how long the whole is. */
class PartWriter implements Writer {
  readonly #before: Written
  readonly #known: readonly unknown[]
  readonly #pieces: (string | readonly [number, number])[] = []
  readonly #places: number[] = []
  #text = ''
  #length = 0

  constructor(before: Written) {
    this.#before = before
    this.#known = placed(before)
  }

  text(text: string): void {
    this.#text += text
  }

  set(fields: object): void {
    this.#part(fields, setText)
  }

  member(value: unknown): void {
    this.#part(value, JSON.stringify)
  }

  #part<T>(value: T, textOf: (value: T) => string): void {
    this.#flush()
    const start = this.#length
    // A handful of values: to look at each is sooner done than to find one by its hash.
    const known = typeof value === 'object' ? this.#known.indexOf(value) : -1
    if (known < 0) {
      this.#text = textOf(value)
      this.#flush()
    } else {
      const { places } = this.#before
      const [from, to] = [places[2 * known]!, places[2 * known + 1]!]
      this.#pieces.push([from, to])
      this.#length += to - from
    }
    this.#places.push(start, this.#length)
  }

  end(): Omit<Written, 'object'> {
    this.#flush()
    const bytes = Buffer.allocUnsafeSlow(this.#length)
    let at = 0
    for (const piece of this.#pieces) {
      at += typeof piece === 'string' ? bytes.write(piece, at) : this.#before.bytes.copy(bytes, at, piece[0], piece[1])
    }
    return { bytes, places: this.#places }
  }

  #flush(): void {
    if (this.#text === '') return
    this.#pieces.push(this.#text)
    this.#length += Buffer.byteLength(this.#text)
    this.#text = ''
  }
}
