import { createHash } from 'node:crypto'
import { type PageSource, readDatabase } from '../../etcd/bbolt/read.ts'
import { parseRecord } from '../../etcd/records.ts'

/** What is in a backup: the first file of its archive says it, so that all that follows can be compared. */
export interface BackupContents {
  readonly format: 'coracle-backup/1'
  /** Of a control-plane host, or of the data directory of `up`. */
  readonly kind: 'host' | 'data-directory'
  readonly createdAt: string
  readonly host: string
  readonly store: StoreContents
  /** The etcd that it was, for hosts. */
  readonly etcd?: {
    readonly name: string
    readonly peerUrl: string
    readonly clientUrl: string
    readonly dataDir: string
    readonly members: readonly string[]
  }
  readonly files: readonly BackedUpFile[]
}

export interface StoreContents {
  readonly revision: number
  readonly sizeBytes: number
  readonly sha256: string
  /** How many there are of each kind: the key's first two parts, such as `/registry/pods`. */
  readonly counts: Readonly<Record<string, number>>
  /** Of all keys and values: two stores that hold the same have the same. */
  readonly digest: string
}

export interface BackedUpFile {
  /** On the host, or within the data directory. */
  readonly path: string
  readonly mode: number
  readonly size: number
  readonly sha256: string
}

/** Names in the archive. */
export const contentsName = 'backup.json'
export const storeName = 'etcd.db'
export const filesFolder = 'files'

export const sha256Text = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Where a key stands in a store: by which two states are compared. */
export interface KeyState {
  readonly revision: number
  /** Of the value. */
  readonly digest: string
}

/** All keys that are there at a snapshot's newest revision. */
export function keysIn(database: PageSource): Map<string, KeyState> {
  const keys = new Map<string, KeyState>()
  for (const entry of readDatabase(database).entries('key')) {
    // The revision was raised by a restore: nobody's key.
    if (entry.value.length === 0) continue
    const { key, kv, revision } = parseRecord(entry.key, entry.value)
    if (kv) keys.set(key, { revision, digest: createHash('sha256').update(kv.value).digest('base64url').slice(0, 22) })
    else keys.delete(key)
  }
  return keys
}

export function countsOf(keys: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const key of [...keys].sort()) {
    const kind = key.split('/').slice(0, 3).join('/')
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}

export function digestOf(keys: ReadonlyMap<string, KeyState>): string {
  const hash = createHash('sha256')
  for (const key of [...keys.keys()].sort()) hash.update(`${key} ${keys.get(key)!.digest}\n`)
  return hash.digest('hex')
}

/** What one state has and another has not. */
export interface Differences {
  readonly onlyInFirst: readonly string[]
  readonly onlyInSecond: readonly string[]
  readonly changed: readonly string[]
}

export function compareKeys(first: ReadonlyMap<string, KeyState>, second: ReadonlyMap<string, KeyState>): Differences {
  const names = (keys: ReadonlyMap<string, KeyState>, take: (key: string) => boolean) =>
    [...keys.keys()].filter(take).sort()
  return {
    onlyInFirst: names(first, (key) => !second.has(key)),
    onlyInSecond: names(second, (key) => !first.has(key)),
    changed: names(first, (key) => second.has(key) && second.get(key)!.digest !== first.get(key)!.digest),
  }
}
