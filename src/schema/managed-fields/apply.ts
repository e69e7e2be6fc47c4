import type { ApiObject } from '../kind.ts'
import { withoutPartsOfAtoms } from './collapse.ts'
import { isSame } from './compare.ts'
import { Conflicts } from './conflicts.ts'
import { fieldsOf } from './extract.ts'
import { difference, type FieldSet, intersection, isEmptySet, leaf, recursiveDifference, union } from './field-set.ts'
import { allowedByLastApplied } from './last-applied.ts'
import { merge } from './merge.ts'
import { identityOf, type Owner, type Owners } from './owners.ts'
import { removeFields, withNamedFields } from './remove.ts'
import { type Shape, shapeOf } from './shape.ts'
import { Comparisons, ownedOf, ownersBefore, settle, type Write, writer, zeroObject } from './tracking.ts'

export interface Applied {
  /** The object that is to be; undefined when it stays as it is. */
  readonly object: ApiObject | undefined
  readonly owners: Owners
}

/**
 * Server-side apply (KEP-555): lays the configuration over the live object, takes away what its manager applied before
 * and does not any more, and says who owns what.
 * @param live undefined when there is no such object yet
 * @param patch checked by `validateApplied`
 * @throws Conflicts where others own what would change, unless `force`
 */
export function apply(
  write: Write,
  live: ApiObject | undefined,
  patch: ApiObject,
  owners: Owners,
  force: boolean,
): Applied {
  const current = live ?? zeroObject(write.schema)
  const known = owners.size === 0 && live !== undefined ? ownersBefore(write, live) : owners
  try {
    return applyTo(write, current, patch, known, force)
  } catch (error) {
    if (!(error instanceof Conflicts) || write.manager !== 'kubectl') throw error
    const rest = withoutAllowed(error, allowedByLastApplied(write, current))
    if (rest.size > 0) throw new Conflicts(rest)
    return applyTo(write, current, patch, known, true)
  }
}

/** Whoever used to apply on the client owns what it applied, though under another name. */
function withoutAllowed(
  { fields: conflicts }: Conflicts,
  allowed: FieldSet,
): Map<string, { owner: Owner; fields: FieldSet }> {
  const left = new Map<string, { owner: Owner; fields: FieldSet }>()
  for (const [id, { owner, fields }] of conflicts) {
    const rest = difference(fields, allowed)
    if (!isEmptySet(rest)) left.set(id, { owner, fields: rest })
  }
  return left
}

function applyTo(write: Write, live: ApiObject, patch: ApiObject, owners: Owners, force: boolean): Applied {
  const shape = shapeOf(write.schema)
  const set = recursiveDifference(fieldsOf(shape, patch), write.reset)
  const before = withoutPartsOfAtoms(shape, write.apiVersion, owners)
  const id = identityOf(writer(write, 'Apply', undefined, leaf))
  const last = before.get(id)
  const mine = writer(write, 'Apply', last?.time, set)
  const known = new Map(before).set(id, mine)
  const merged = merge(shape, live, patch)
  // Whatever was applied last and is applied again stays.
  const isLetGo = last !== undefined && !isEmptySet(difference(last.fields, set))
  const object = isLetGo ? prune(shape, merged, known, last) : merged
  const after = settle(new Comparisons(write, live, object as ApiObject), known, id, force)
  const isUnchanged = isSame(live, object)
  const owned = ownedOf(write, set)
  if (isEmptySet(owned)) after.delete(id)
  else after.set(id, { ...mine, fields: owned, time: isUnchanged ? last?.time : write.now })
  return { object: isUnchanged ? undefined : (object as ApiObject), owners: after }
}

/**
 * Takes away what the manager applied last, unless it applies it again or somebody else owns it. Versions of a kind
 * that differ in their fields' names are not told apart here: such a field stays until somebody takes it away.
 */
function prune(shape: Shape, merged: unknown, owners: Owners, last: Owner): unknown {
  const named = (set: FieldSet) => withNamedFields(shape, set)
  const lastSet = named(last.fields)
  const without = removeFields(shape, merged, lastSet)
  const mergedSet = named(fieldsOf(shape, merged))

  let owned: FieldSet = leaf
  for (const owner of owners.values()) owned = union(owned, owner.fields)
  const kept = union(named(fieldsOf(shape, without)), named(owned))
  const withOwned = removeFields(shape, merged, difference(mergedSet, kept))

  // What else went along with something that was removed, and was never this manager's, comes back.
  const prunedSet = named(fieldsOf(shape, withOwned))
  return removeFields(shape, merged, intersection(difference(mergedSet, prunedSet), lastSet))
}
