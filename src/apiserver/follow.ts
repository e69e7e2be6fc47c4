import type { ApiObject } from '../schema/kind.ts'
import { isExpired } from '../schema/status.ts'
import type { Log } from '../world/world.ts'
import type { Resource } from './resource.ts'

/**
 * Tells every object of a resource, and then every change, until the signal. Resolves at the end of the initial list.
 * For parts of this server that keep something of it in mind. When changes were missed (a shared store was out of reach
 * for long), it tells what is different from before; an object may then be told again that has not changed.
 */
export function follow<T extends ApiObject>(
  resource: Resource<T>,
  signal: AbortSignal,
  log: Log,
  change: (object: T, isThere: boolean) => void,
): Promise<void> {
  const known = new Map<string, T>()
  return new Promise((resolve, reject) => {
    const begin = (resourceVersion: string) => {
      const unseen = new Set(known.keys())
      const observer = {
        event(type: string, { object }: { readonly object: T }) {
          const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`
          unseen.delete(key)
          if (type === 'DELETED') known.delete(key)
          else known.set(key, object)
          change(object, type !== 'DELETED')
        },
        bookmark(_: string, initialEventsEnd: boolean) {
          if (!initialEventsEnd) return
          for (const key of unseen) {
            const object = known.get(key)!
            known.delete(key)
            change(object, false)
          }
          unseen.clear()
          resolve()
        },
        error(error: Error) {
          if (signal.aborted) return
          // What the store has just read anew is new enough; asking for more could fail.
          if (isExpired(error)) return begin('0')
          log('error', 'the server lost sight of a resource', { resource: resource.kind.plural, error: error.message })
        },
      }
      resource.watch('', { ...options, resourceVersion }, observer).catch(reject)
    }
    const options = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true, signal }
    begin('')
  })
}
