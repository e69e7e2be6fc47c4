/**
 * Writes a whole bbolt database in one go. Buckets come sorted and full: leaf pages are filled one after the other, and
 * branch pages are laid over them until one page is the root. First everything is measured, then it is written page by
 * page, so that the file need not be in memory.
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

/** A key and its value, which is asked for when it is written. */
export interface Entry {
  readonly key: Uint8Array
  readonly valueLength: number
  value(): Uint8Array
}

export interface Bucket {
  readonly name: string
  /** In the order of the keys' bytes, each key once. */
  readonly entries: readonly Entry[]
}

export interface DatabaseFile {
  readonly size: number
  /** The file from its start to its end. */
  pieces(): Generator<Buffer>
}

export interface WriteOptions {
  /** Default 4096. */
  readonly pageSize?: number
}

const usualPageSize = 4096
/** The count in a page header has 16 bits, and its highest value means something else. */
const elementsMax = 0xfffe
const metaPages = 2
/** Like a new bbolt, but of the second transaction. */
const transactions = [0n, 1n]

export function writeDatabase(
  buckets: readonly Bucket[],
  { pageSize = usualPageSize }: WriteOptions = {},
): DatabaseFile {
  const layout = new Layout(pageSize)
  const freeList = layout.place({ kind: pageKind.freeList, length: pageHeaderLength, elements: [] })
  const roots = [...buckets]
    .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
    .map(({ name, entries }) => bucketElement(name, layout.tree(entries.map(leafElement))))
  const root = layout.tree(roots)
  const meta = { pageSize, root, freeList, pages: layout.pages }
  return {
    size: layout.pages * pageSize,
    *pieces() {
      for (let page = 0; page < metaPages; page++) yield metaPage(page, meta)
      for (const run of layout.runs) yield toBytes(run, pageSize)
    },
  }
}

interface Element {
  readonly key: Uint8Array
  readonly flags: number
  readonly valueLength: number
  /** Of a branch: the page it points to. */
  readonly page?: number
  value?(): Uint8Array
}

const leafElement = (entry: Entry): Element => ({
  key: entry.key,
  flags: 0,
  valueLength: entry.valueLength,
  value: () => entry.value(),
})

function bucketElement(name: string, page: number): Element {
  const value = () => {
    const bytes = Buffer.alloc(bucketHeaderLength)
    bytes.writeBigUInt64LE(BigInt(page))
    return bytes
  }
  return { key: Buffer.from(name), flags: bucketFlag, valueLength: bucketHeaderLength, value }
}

/** A page and those that belong to it. */
interface Run {
  readonly kind: number
  readonly length: number
  readonly elements: readonly Element[]
}
interface PlacedRun extends Run {
  readonly number: number
}

/** Where each page comes to lie. */
class Layout {
  readonly runs: PlacedRun[] = []
  readonly #pageSize: number
  pages = metaPages

  constructor(pageSize: number) {
    this.#pageSize = pageSize
  }

  /** The number of the page. */
  place(run: Run): number {
    const number = this.pages
    this.runs.push({ ...run, number })
    this.pages += Math.ceil(run.length / this.#pageSize)
    return number
  }

  /** Places the leaves and all above them; the number of the root. */
  tree(elements: readonly Element[]): number {
    let kind: number = pageKind.leaf
    let level = elements
    for (;;) {
      const pages = this.#fill(level, kind)
      if (pages.length === 1) return pages[0]!.page!
      level = pages
      kind = pageKind.branch
    }
  }

  /** As many pages as it takes; for each an element of the branch above. A branch of one child is avoided. */
  #fill(elements: readonly Element[], kind: number): Element[] {
    const pages: Element[] = []
    let first = 0
    let length = pageHeaderLength
    const close = (end: number) => {
      const own = elements.slice(first, end)
      const page = this.place({ kind, length, elements: own })
      pages.push({ key: own[0]?.key ?? noKey, flags: 0, valueLength: 0, page })
      first = end
      length = pageHeaderLength
    }
    for (const [i, { key, valueLength }] of elements.entries()) {
      const size = elementLength + key.length + valueLength
      const least = kind === pageKind.branch ? 2 : 1
      const isFull = i - first >= least && (length + size > this.#pageSize || i - first >= elementsMax)
      if (isFull && !(kind === pageKind.branch && i === elements.length - 1)) close(i)
      length += size
    }
    if (first < elements.length || pages.length === 0) close(elements.length)
    return pages
  }
}

const noKey = new Uint8Array(0)

function toBytes({ number, kind, length, elements }: PlacedRun, pageSize: number): Buffer {
  const pages = Math.ceil(length / pageSize)
  const bytes = Buffer.alloc(pages * pageSize)
  writeHeader(bytes, number, kind, elements.length, pages - 1)
  let dataAt = pageHeaderLength + elements.length * elementLength
  for (const [i, element] of elements.entries()) {
    const at = pageHeaderLength + i * elementLength
    if (kind === pageKind.branch) writeBranchElement(bytes, at, dataAt, element)
    else writeLeafElement(bytes, at, dataAt, element)
    bytes.set(element.key, dataAt)
    dataAt += element.key.length
    if (element.value === undefined) continue
    const value = element.value()
    if (value.length !== element.valueLength) throw new Error(`bbolt: a value changed its length while it was written`)
    bytes.set(value, dataAt)
    dataAt += value.length
  }
  return bytes
}

function writeHeader(bytes: Buffer, number: number, kind: number, count: number, overflow: number): void {
  bytes.writeBigUInt64LE(BigInt(number), 0)
  bytes.writeUInt16LE(kind, 8)
  bytes.writeUInt16LE(count, 10)
  bytes.writeUInt32LE(overflow, 12)
}

function writeBranchElement(bytes: Buffer, at: number, dataAt: number, { key, page = 0 }: Element): void {
  bytes.writeUInt32LE(dataAt - at, at)
  bytes.writeUInt32LE(key.length, at + 4)
  bytes.writeBigUInt64LE(BigInt(page), at + 8)
}

function writeLeafElement(bytes: Buffer, at: number, dataAt: number, { key, flags, valueLength }: Element): void {
  bytes.writeUInt32LE(flags, at)
  bytes.writeUInt32LE(dataAt - at, at + 4)
  bytes.writeUInt32LE(key.length, at + 8)
  bytes.writeUInt32LE(valueLength, at + 12)
}

function metaPage(
  number: number,
  { pageSize, root, freeList, pages }: { pageSize: number; root: number; freeList: number; pages: number },
): Buffer {
  const page = Buffer.alloc(pageSize)
  writeHeader(page, number, pageKind.meta, 0, 0)
  const meta = page.subarray(pageHeaderLength, pageHeaderLength + metaLength)
  meta.writeUInt32LE(magic, 0)
  meta.writeUInt32LE(formatVersion, 4)
  meta.writeUInt32LE(pageSize, 8)
  meta.writeBigUInt64LE(BigInt(root), 16)
  meta.writeBigUInt64LE(BigInt(freeList), 32)
  meta.writeBigUInt64LE(BigInt(pages), 40)
  meta.writeBigUInt64LE(transactions[number]!, 48)
  meta.writeBigUInt64LE(fnv1a64(meta.subarray(0, metaChecksumAt)), metaChecksumAt)
  return page
}
