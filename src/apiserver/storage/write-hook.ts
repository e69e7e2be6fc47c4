import type { ApiObject } from '../../schema/kind.ts'
import type { Mutable } from '../../schema/types.ts'
import type { Op } from '../../store/store.ts'

/**
 * What has to happen around the writes of a kind beyond the object itself: giving a service its addresses, and
 * writing down in the same transaction who has which.
 */
export interface WriteHook<T extends ApiObject = ApiObject> {
  /** After mutating admission, before `prepareCreate`; may change the object. Throws what the client is to be told. */
  create(object: Mutable<T>, dryRun: boolean): Reservation<T>
  /** The same before `prepareUpdate`. Writes to sub-resources do not come here. */
  update(object: Mutable<T>, old: T, dryRun: boolean): Reservation<T>
  /** The object is to be removed. */
  remove(object: T): Reservation<T>
}

/** What was reserved for one write. Exactly one of `commit` and `revert` is called. */
export interface Reservation<T extends ApiObject = ApiObject> {
  /** What is to be written together with the object, which is given as it will be stored. */
  ops(object: T): readonly Op[]
  /** Keys that nobody may have made meanwhile: other servers behind the same store reserve, too. */
  absent?(object: T): readonly string[]
  commit(): void
  revert(): void
}

/** What is written together with an object because of a reservation, and on which condition. */
export type Reserved<T extends ApiObject> = Required<Pick<Reservation<T>, 'ops' | 'absent'>>

/** Another server was faster to reserve the same for another object. */
export class TakenMeanwhileError extends Error {}

/** Writes with a reservation if there is one; `write` gives undefined when it has to be tried again. */
export async function withReservation<T extends ApiObject, R>(
  reservation: Reservation<T> | undefined,
  write: (reserved: Reserved<T>) => Promise<R>,
): Promise<R> {
  if (reservation === undefined) return write(alone)
  let result: R | undefined
  try {
    result = await write({
      ops: (object) => reservation.ops(object),
      absent: (object) => reservation.absent?.(object) ?? [],
    })
    return result
  } finally {
    if (result === undefined) reservation.revert()
    else reservation.commit()
  }
}

/** Of an object that goes by itself. */
export const alone = { ops: (): readonly Op[] => [], absent: (): readonly string[] => [] }
