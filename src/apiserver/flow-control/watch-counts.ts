import type { RequestInfo } from '../request-info.ts'

/**
 * How many watches of clients a write will be told to: those of the whole resource, of the namespace, and of the very
 * object. Watches that choose by another field (the pods of a node) are not counted, for they are told of few writes.
 */
export class WatchCounts {
  readonly #counts = new Map<string, number>()

  /** A watch has begun; the returned function ends it. */
  add(info: RequestInfo): () => void {
    const key = this.#keyOf(info)
    if (key === undefined) return () => {}
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    let isOpen = true
    return () => {
      if (!isOpen) return
      isOpen = false
      const left = this.#counts.get(key)! - 1
      if (left === 0) this.#counts.delete(key)
      else this.#counts.set(key, left)
    }
  }

  of({ group, resource, namespace, name }: RequestInfo): number {
    if (this.#counts.size === 0) return 0
    const all = keyOf(group, resource, '', '')
    let count = this.#counts.get(all) ?? 0
    if (namespace !== '') count += this.#counts.get(keyOf(group, resource, namespace, '')) ?? 0
    if (name !== '') count += this.#counts.get(keyOf(group, resource, namespace, name)) ?? 0
    return count
  }

  #keyOf({ group, resource, namespace, name, query }: RequestInfo): string | undefined {
    const selector = query.isEmpty ? '' : (query.get('fieldSelector') ?? '')
    if (selector !== '' && name === '') return undefined
    return keyOf(group, resource, namespace, name)
  }
}

const keyOf = (group: string, resource: string, namespace: string, name: string) =>
  `${group}/${resource}/${namespace}/${name}`
