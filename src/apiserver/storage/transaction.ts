import type { KeyValue, Op, Store } from '../../store/store.ts'

export interface Outcome {
  /** Whether the change was made. */
  readonly succeeded: boolean
  /** What is there now: what was put, or what was in the way. */
  readonly kv: KeyValue | undefined
  readonly revision: number
}

/**
 * Changes a key that nobody else has changed since `modRevision` (0: that is not there), with one write.
 * `more` is done in the same transaction, and all of it only while there are no keys of `absent`. `find`: asks for what
 * is in the way when it did not work.
 */
export async function changeIf(
  store: Store,
  key: string,
  modRevision: number,
  op: Op,
  more: readonly Op[] = [],
  find = false,
  absent: readonly string[] = [],
): Promise<Outcome> {
  const isUnchanged = (key: string, value: number) => ({ key, target: 'mod', result: '=', value }) as const
  const result = await store.txn({
    compare: [isUnchanged(key, modRevision), ...absent.map((other) => isUnchanged(other, 0))],
    then: [op, ...more],
    ...(find && { else: [{ type: 'range', from: key }] }),
  })
  return { succeeded: result.succeeded, kv: foundIn(result.results[0]), revision: result.revision }
}

function foundIn(result: Awaited<ReturnType<Store['txn']>>['results'][number] | undefined): KeyValue | undefined {
  if (result?.type === 'put') return result.kv
  return result?.type === 'range' ? result.kvs[0] : undefined
}
