import type { ApiObject } from '../schema/kind.ts'
import type { Log } from '../world/world.ts'
import type { Resource } from './resource.ts'

/**
 * Tells every object of a resource, and then every change, until the signal. Resolves at the end of the initial list.
 * For parts of this server that keep something of it in mind.
 */
export function follow<T extends ApiObject>(
  resource: Resource<T>,
  signal: AbortSignal,
  log: Log,
  change: (object: T, isThere: boolean) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true, signal }
    const observer = {
      event: (type: string, entry: { readonly object: T }) => change(entry.object, type !== 'DELETED'),
      bookmark: (_: string, initialEventsEnd: boolean) => {
        if (initialEventsEnd) resolve()
      },
      error: (error: Error) =>
        log('error', 'the server lost sight of a resource', { resource: resource.kind.plural, error: error.message }),
    }
    resource.watch('', options, observer).catch(reject)
  })
}
