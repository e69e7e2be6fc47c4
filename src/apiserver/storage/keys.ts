import { Buffer } from 'node:buffer'
import type { Kind } from '../../schema/kind.ts'
import { prefixEnd } from '../../store/store.ts'

/** Where the objects of a kind lie in the store. Keys hold one byte per character (see `store.ts`). */

export const folderOf = (kind: Kind): string => `/registry/${kind.storagePrefix}/`

/** The key of one object. */
export function keyOf(kind: Kind, namespace: string, name: string): string {
  return toBytes(kind.namespaced ? `${folderOf(kind)}${namespace}/${name}` : folderOf(kind) + name)
}

export interface KeyRange {
  readonly from: string
  readonly to: string
}

/** The keys of all objects in a namespace, or (empty) in all of them. */
export function rangeOf(kind: Kind, namespace: string): KeyRange {
  const folder = folderOf(kind)
  const from = kind.namespaced && namespace !== '' ? toBytes(`${folder}${namespace}/`) : folder
  return { from, to: prefixEnd(from) }
}

/** Names are ASCII once they are validated; those that are only asked for may be anything. */
function toBytes(key: string): string {
  for (let index = 0; index < key.length; index++) {
    if (key.charCodeAt(index) > 0x7f) return Buffer.from(key).toString('latin1')
  }
  return key
}
