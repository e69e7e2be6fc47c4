import type { ApiObject } from '../../schema/kind.ts'
import { ApiError, notFound } from '../../schema/status.ts'
import { entryOf } from '../entry.ts'
import type { Entry, GetOptions } from '../resource.ts'
import { readied } from './conversion.ts'
import { keyOf } from './keys.ts'
import { notANumber, parseRevision, type ResourceState, tooLargeRevision } from './state.ts'

/** One object, as new as asked for. */
export async function get<T extends ApiObject>(
  state: ResourceState<T>,
  namespace: string,
  name: string,
  { resourceVersion = '' }: GetOptions,
): Promise<Entry<T>> {
  const revision = parseRevision(resourceVersion)
  if (revision === undefined) {
    // The reference answers this with a 500 that has no reason.
    const value = JSON.stringify(resourceVersion)
    throw new ApiError('', `resourceVersion: Invalid value: ${value}: ${notANumber(resourceVersion)}`)
  }
  const query = { from: keyOf(state.kind, namespace, name) }
  const result = resourceVersion === '0' ? state.store.rangeNow(query) : await state.store.range(query)
  if (revision > result.revision) throw tooLargeRevision(revision, result.revision)
  const [kv] = result.kvs
  if (kv === undefined) throw notFound(state.name, name)
  const readying = readied(state.kind, [kv])
  if (readying !== undefined) await readying
  return entryOf(state.kind, kv)
}
