import type { ApiObject } from '../../schema/kind.ts'
import type { KeyValue } from '../../store/store.ts'
import { entryOf } from '../entry.ts'
import type { ResourceState } from './state.ts'
import { changeIf } from './transaction.ts'
import { withReservation } from './write-hook.ts'

/** Removes what is stored, with all that was reserved for it. Gives the revision; undefined: it was changed meanwhile. */
export function removeKey<T extends ApiObject>(state: ResourceState<T>, kv: KeyValue): Promise<number | undefined> {
  const { object } = entryOf(state.kind, kv)
  return withReservation(state.hook?.remove(object), async ({ ops }) => {
    const outcome = await changeIf(state.store, kv.key, kv.modRevision, { type: 'delete', from: kv.key }, ops(object))
    return outcome.succeeded ? outcome.revision : undefined
  })
}
