import { controllerIndex, orphansOf } from '../../reconciler/caches.ts'
import { type Change, confirm, patch, type Steps } from '../../reconciler/changes.ts'
import type { Context } from '../../reconciler/controller.ts'
import type { Matcher } from '../../reconciler/selector.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { isInvalid, isNotFound } from '../../schema/status.ts'
import { controllerReference, isBeingDeleted } from './owner.ts'

export interface Claim<Owner extends ApiObject, T extends ApiObject> {
  readonly ownerKind: Kind<Owner>
  readonly owner: Owner
  readonly kind: Kind<T>
  readonly matches: Matcher
  /** Objects that are left as they are and not counted. */
  readonly ignore?: (object: T) => boolean
  /** Put on what is adopted, and taken off what is let go. */
  readonly finalizer?: string
}

/**
 * The objects that an owner controls, after those that its selector matches and nobody controls were adopted, and
 * those that it controls but selects no longer were let go.
 */
export function* claim<Owner extends ApiObject, T extends ApiObject>(
  { ownerKind, owner, kind, matches, ignore = () => false, finalizer }: Claim<Owner, T>,
  context: Context,
): Steps<T[]> {
  const claimed: T[] = []
  for (const object of context.owned(kind)) {
    if (ignore(object)) continue
    if (matches(object.metadata.labels)) claimed.push(object)
    else if (!isBeingDeleted(owner)) yield* release(kind, object, owner, finalizer)
  }
  if (isBeingDeleted(owner)) return claimed
  let confirmed = false
  for (const object of context.by(controllerIndex(kind), orphansOf(owner.metadata.namespace ?? ''))) {
    if (ignore(object) || isBeingDeleted(object) || !matches(object.metadata.labels)) continue
    if (!confirmed) yield confirm(ownerKind, owner)
    confirmed = true
    if (yield* ifStillThere(adoption(kind, object, ownerKind, owner, finalizer))) claimed.push(object)
  }
  return claimed
}

function adoption<Owner extends ApiObject, T extends ApiObject>(
  kind: Kind<T>,
  object: T,
  ownerKind: Kind<Owner>,
  owner: Owner,
  finalizer: string | undefined,
): Change {
  const ownerReferences = [controllerReference(ownerKind, owner)]
  const metadata = { ownerReferences, ...(finalizer !== undefined && { finalizers: [finalizer] }) }
  return patch(kind, object, { type: 'strategic', body: { metadata } })
}

function* release<T extends ApiObject>(
  kind: Kind<T>,
  object: T,
  owner: ApiObject,
  finalizer: string | undefined,
): Steps {
  const ownerReferences = [{ $patch: 'delete', uid: owner.metadata.uid }]
  const metadata = {
    ownerReferences,
    ...(finalizer !== undefined && { '$deleteFromPrimitiveList/finalizers': [finalizer] }),
  }
  yield* ifStillThere(patch(kind, object, { type: 'strategic', body: { metadata } }))
}

/** An object that has vanished, or been replaced (whence "invalid": its uid is another), is nobody's any more. */
function* ifStillThere(change: Change): Steps<boolean> {
  try {
    yield change
    return true
  } catch (error) {
    if (isNotFound(error) || isInvalid(error)) return false
    throw error
  }
}
