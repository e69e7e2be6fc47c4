/**
 * Reads a bbolt database: of a file or of bytes, page by page, believing nothing. What is damaged is a
 * `DamagedDatabaseError` that says what and where.
 */
import {
  bucketFlag,
  bucketHeaderLength,
  elementLength,
  fnv1a64,
  formatVersion,
  magic,
  metaChecksumAt,
  metaLength,
  pageHeaderLength,
  pageKind,
} from './format.ts'

/** Where the bytes of a database come from. */
export interface PageSource {
  readonly size: number
  /** Exactly so many bytes, which lie within the size. They are not changed later. */
  read(offset: number, length: number): Buffer
}

export function bytesSource(bytes: Uint8Array): PageSource {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { size: whole.length, read: (offset, length) => whole.subarray(offset, offset + length) }
}

export class DamagedDatabaseError extends Error {}

/** Deeper than any tree of pages that fits on a disk. */
const depthMax = 64
const smallestPage = 512
const largestPage = 1 << 16
const countInFirstElement = 0xffff

interface Meta {
  readonly pageSize: number
  readonly root: bigint
  readonly pages: bigint
  readonly transaction: bigint
}

export interface DatabaseReader {
  /** The names of the buckets, in order. */
  readonly buckets: readonly string[]
  /** What is in a bucket, in the order of the keys; nothing when there is no such bucket. Buckets in it are left out. */
  entries(bucket: string): Generator<{ readonly key: Buffer; readonly value: Buffer }>
}

/** Throws `DamagedDatabaseError`, as its `entries` does. */
export function readDatabase(source: PageSource): DatabaseReader {
  const pages = new Pages(source, newestMeta(source))
  const roots = new Map<string, { page: bigint; inline: Buffer }>()
  for (const { key, value, flags } of pages.elements(pages.root)) {
    if ((flags & bucketFlag) === 0) continue
    if (value.length < bucketHeaderLength) throw damaged(`the header of bucket ${key.toString()} is cut off`)
    roots.set(key.toString('latin1'), { page: value.readBigUInt64LE(0), inline: value.subarray(bucketHeaderLength) })
  }
  return {
    buckets: [...roots.keys()],
    *entries(bucket) {
      const found = roots.get(bucket)
      if (found === undefined) return
      const elements = found.page === 0n ? pages.inline(found.inline, bucket) : pages.elements(found.page)
      for (const { key, value, flags } of elements) if ((flags & bucketFlag) === 0) yield { key, value }
    },
  }
}

function newestMeta(source: PageSource): Meta {
  if (source.size < 2 * smallestPage) throw damaged(`it has only ${source.size} bytes`)
  const faults: string[] = []
  const sound: Meta[] = []
  const take = (offset: number) => {
    const meta = metaAt(source, offset)
    if (typeof meta === 'string') faults.push(meta)
    else sound.push(meta)
    return meta
  }
  const first = take(0)
  // The second stands one page on; how long a page is, the first one says. If it cannot, all lengths are tried.
  const lengths = typeof first === 'string' ? powersOfTwo(smallestPage, largestPage) : [first.pageSize]
  for (const length of lengths) {
    const second = take(length)
    if (typeof second !== 'string' && second.pageSize === length) break
  }
  const newest = sound.sort((a, b) => (a.transaction > b.transaction ? -1 : 1))[0]
  if (newest === undefined) throw damaged(faults[0]!, 'it is no bbolt database, or its first pages are')
  return newest
}

function powersOfTwo(from: number, to: number): number[] {
  const powers: number[] = []
  for (let power = from; power <= to; power *= 2) powers.push(power)
  return powers
}

/** The meta page, or what is wrong with it. */
function metaAt(source: PageSource, offset: number): Meta | string {
  if (source.size < offset + pageHeaderLength + metaLength) return 'it ends before its second page'
  const meta = source.read(offset + pageHeaderLength, metaLength)
  if (meta.readUInt32LE(0) !== magic) return `no bbolt meta page at byte ${offset}`
  if (meta.readUInt32LE(4) !== formatVersion) return `format ${meta.readUInt32LE(4)} instead of ${formatVersion}`
  if (meta.readBigUInt64LE(metaChecksumAt) !== fnv1a64(meta.subarray(0, metaChecksumAt)))
    return `the checksum of the meta page at byte ${offset} is wrong`
  const pageSize = meta.readUInt32LE(8)
  if (!powersOfTwo(smallestPage, largestPage).includes(pageSize)) return `a page size of ${pageSize}`
  return {
    pageSize,
    root: meta.readBigUInt64LE(16),
    pages: meta.readBigUInt64LE(40),
    transaction: meta.readBigUInt64LE(48),
  }
}

interface Element {
  readonly key: Buffer
  readonly value: Buffer
  readonly flags: number
}

interface Page {
  readonly bytes: Buffer
  readonly kind: number
  readonly count: number
  readonly where: string
}

class Pages {
  readonly root: bigint
  readonly #source: PageSource
  readonly #pageSize: number
  readonly #pages: bigint

  constructor(source: PageSource, { root, pageSize, pages }: Meta) {
    this.root = root
    this.#source = source
    this.#pageSize = pageSize
    this.#pages = pages
    const needed = Number(pages) * pageSize
    if (needed > source.size) throw damaged(`it should have ${needed} bytes and has ${source.size}`)
  }

  /** The elements of all leaves below a page, in order. */
  *elements(root: bigint): Generator<Element> {
    let last: Buffer | undefined
    for (const element of this.#below(root, 0, new Set())) {
      if (last !== undefined && Buffer.compare(last, element.key) >= 0)
        throw damaged(`the keys below page ${root} are out of order`)
      last = element.key
      yield element
    }
  }

  *inline(bytes: Buffer, bucket: string): Generator<Element> {
    if (bytes.length < pageHeaderLength) throw damaged(`the bucket ${bucket} is cut off`)
    yield* leafElements(toPage(bytes, `bucket ${bucket}`))
  }

  *#below(number: bigint, depth: number, seen: Set<bigint>): Generator<Element> {
    if (depth > depthMax || seen.has(number)) throw damaged(`page ${number} lies below itself or is there twice`)
    seen.add(number)
    const page = this.#page(number)
    if (page.kind === pageKind.leaf) yield* leafElements(page)
    else if (page.kind === pageKind.branch)
      for (const child of children(page)) yield* this.#below(child, depth + 1, seen)
    else throw damaged(`page ${number} is of kind ${page.kind}, where a branch or leaf should be`)
  }

  #page(number: bigint): Page {
    if (number < 2n || number >= this.#pages) throw damaged(`page ${number} of ${this.#pages} is asked for`)
    const offset = Number(number) * this.#pageSize
    const header = this.#source.read(offset, pageHeaderLength)
    if (header.readBigUInt64LE(0) !== number)
      throw damaged(`page ${number} says that it is page ${header.readBigUInt64LE(0)}`)
    const pages = BigInt(header.readUInt32LE(12)) + 1n
    if (number + pages > this.#pages) throw damaged(`page ${number} goes beyond the end`)
    return toPage(this.#source.read(offset, Number(pages) * this.#pageSize), `page ${number}`)
  }
}

function toPage(bytes: Buffer, where: string): Page {
  const count = bytes.readUInt16LE(10)
  if (count === countInFirstElement || pageHeaderLength + count * elementLength > bytes.length)
    throw damaged(`${where} has no room for its ${count} elements`)
  return { bytes, kind: bytes.readUInt16LE(8), count, where }
}

function* children({ bytes, count, where }: Page): Generator<bigint> {
  if (count === 0) throw damaged(`${where} is a branch without children`)
  for (let i = 0; i < count; i++) yield bytes.readBigUInt64LE(pageHeaderLength + i * elementLength + 8)
}

function* leafElements({ bytes, kind, count, where }: Page): Generator<Element> {
  if (kind !== pageKind.leaf) throw damaged(`${where} is of kind ${kind}, where a leaf should be`)
  for (let i = 0; i < count; i++) {
    const at = pageHeaderLength + i * elementLength
    const keyAt = at + bytes.readUInt32LE(at + 4)
    const valueAt = keyAt + bytes.readUInt32LE(at + 8)
    const end = valueAt + bytes.readUInt32LE(at + 12)
    if (end > bytes.length) throw damaged(`element ${i} of ${where} goes beyond its end`)
    yield { flags: bytes.readUInt32LE(at), key: bytes.subarray(keyAt, valueAt), value: bytes.subarray(valueAt, end) }
  }
}

function damaged(what: string, prefix = 'it is damaged'): DamagedDatabaseError {
  return new DamagedDatabaseError(`${prefix}: ${what}`)
}
