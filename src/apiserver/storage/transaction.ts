import type { KeyValue, Op, Store } from '../../store/store.ts'

export interface Outcome {
  /** Whether the change was made. */
  readonly succeeded: boolean
  /** What is there now: what was put, or what was in the way. */
  readonly kv: KeyValue | undefined
  readonly revision: number
}

/** Another key that is written with an object, if it is as it was looked at: the quota that pays for the object. */
export interface Companion {
  readonly key: string
  readonly modRevision: number
  readonly op: Op
}

/** Says, from what this process has of the store, what is to be written with an object now. May refuse by throwing. */
export type Companions = () => readonly Companion[]

/**
 * Changes a key that nobody else has changed since `modRevision` (0: that is not there), with one write.
 * `more` is done in the same transaction, and all of it only while there are no keys of `absent`. `find`: asks for what
 * is in the way when it did not work. `companions` are asked anew when others were faster to change one of them.
 */
export async function changeIf(
  store: Store,
  key: string,
  modRevision: number,
  op: Op,
  more: readonly Op[] = [],
  find = false,
  absent: readonly string[] = [],
  companions: Companions = none,
): Promise<Outcome> {
  const isUnchanged = (key: string, value: number) => ({ key, target: 'mod', result: '=', value }) as const
  for (;;) {
    const together = companions()
    const result = await store.txn({
      compare: [
        isUnchanged(key, modRevision),
        ...absent.map((other) => isUnchanged(other, 0)),
        ...together.map((other) => isUnchanged(other.key, other.modRevision)),
      ],
      then: [op, ...more, ...together.map((other) => other.op)],
      ...((find || together.length > 0) && { else: [{ type: 'range', from: key }] }),
    })
    const kv = foundIn(result.results[0])
    const outcome = { succeeded: result.succeeded, kv, revision: result.revision }
    if (outcome.succeeded || (kv?.modRevision ?? 0) !== modRevision) return outcome
    if (!(await hasMoved(store, together))) return outcome
  }
}

const none: Companions = () => []

/** Whether one of them has changed. This process knows of the change when it has been found out. */
async function hasMoved(store: Store, companions: readonly Companion[]): Promise<boolean> {
  const now = await Promise.all(companions.map(({ key }) => store.range({ from: key })))
  return companions.some(({ modRevision }, at) => (now[at]!.kvs[0]?.modRevision ?? 0) !== modRevision)
}

function foundIn(result: Awaited<ReturnType<Store['txn']>>['results'][number] | undefined): KeyValue | undefined {
  if (result?.type === 'put') return result.kv
  return result?.type === 'range' ? result.kvs[0] : undefined
}
