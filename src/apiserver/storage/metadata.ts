import { decodeAround, decodeLike } from '../../schema/decode.ts'
import { equalJson, sharing } from '../../schema/freeze.ts'
import type { ApiObject, Kind, ObjectMetaLike, OwnerReferenceLike } from '../../schema/kind.ts'
import { emptyListsOf } from '../../schema/managed-fields/empty-lists.ts'
import { isEmptySet } from '../../schema/managed-fields/field-set.ts'
import { badRequest } from '../../schema/status.ts'
import type { Mutable } from '../../schema/types.ts'
import type { Random } from '../../world/world.ts'
import { apiVersionAndKind } from './state.ts'

/** The fields of metadata that are stored, in the order in which they are. */
const storedFields = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
] as const satisfies readonly (keyof ObjectMetaLike)[]

/**
 * The object in the form in which it is stored: kind and apiVersion first, metadata in order and without what is not
 * stored (resourceVersion). Shares everything below the metadata's fields with the given one.
 */
export function toStoredForm<T extends ApiObject>(kind: Kind<T>, object: ApiObject): Mutable<T> {
  const stored: Record<string, unknown> = { ...apiVersionAndKind(kind), metadata: orderedMetadata(object.metadata) }
  for (const name in object) {
    if (name !== 'kind' && name !== 'apiVersion' && name !== 'metadata') stored[name] = object[name as keyof ApiObject]
  }
  return stored as unknown as Mutable<T>
}

/**
 * A draft as a complete object that nobody else holds, so that hooks may change it. One that is `owned` is that already,
 * but for what it may have of empty lists and maps, which mean something to managed fields alone. Of the members `kept`,
 * which are those of a stored object, the new one has copies that share what lies below.
 */
export function fresh<T extends ApiObject>(
  kind: Kind<T>,
  draft: ApiObject,
  owned = false,
  kept: readonly string[] = [],
): Mutable<T> {
  const { schema } = kind
  const isComplete = owned && schema.options.decode === undefined && isEmptySet(emptyListsOf(schema, draft))
  const object = toStoredForm(kind, isComplete ? draft : decodedAround(kind, draft, kept))
  loosen(object, kept)
  return object
}

function decodedAround({ schema }: Kind, draft: object, kept: readonly string[]): ApiObject {
  return decodeAround(schema, draft as Readonly<Record<string, unknown>>, kept).object as unknown as ApiObject
}

/** Puts copies of members in their place, which share what lies below. */
export function loosen(object: object, names: readonly string[]): void {
  const members = object as Record<string, unknown>
  for (const name of names) {
    const member = members[name] as object
    members[name] = Array.isArray(member) ? [...member] : { ...member }
  }
}

/**
 * The object as it is stored: every field in its type's order, wherever defaults and admission have put it, so that the
 * same object always gives the same bytes. What is the same in `old`, the object that it takes the place of or another
 * one like it, is shared with that.
 */
export function canonical<T extends ApiObject>(kind: Kind<T>, object: ApiObject, old?: T): T {
  if (old === undefined) return fresh(kind, object) as unknown as T
  const { schema } = kind
  if (schema.options.decode !== undefined) return sharing(fresh(kind, object) as unknown as T, old)
  return toStoredForm(kind, decodeLike(schema, object, old) as unknown as ApiObject) as unknown as T
}

function orderedMetadata(metadata: ObjectMetaLike): Mutable<ObjectMetaLike> {
  const ordered: Record<string, unknown> = {}
  for (const field of storedFields) {
    const value = metadata[field]
    if (value !== undefined) ordered[field] = value
  }
  return ordered as Mutable<ObjectMetaLike>
}

/**
 * Sets the object's namespace, or refuses one that is not that of the request
 * (`EnsureObjectNamespaceMatchesRequestNamespace`). Objects of the whole cluster lose one that they state.
 */
export function settleNamespace(kind: Kind, namespace: string, metadata: Mutable<ObjectMetaLike>): void {
  const given = metadata.namespace ?? ''
  if (!kind.namespaced) delete metadata.namespace
  else if (given === '') metadata.namespace = namespace
  else if (given !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
}

/** Takes away what only the server sets. */
export function wipeSystemFields(metadata: Mutable<ObjectMetaLike>): void {
  delete metadata.uid
  delete metadata.creationTimestamp
  delete metadata.deletionTimestamp
  delete metadata.deletionGracePeriodSeconds
}

const suffixLetters = 'bcdfghjklmnpqrstvwxz2456789'
const suffixLength = 5
const longestBase = 63 - suffixLength

/** A name that begins with `generateName`, cut so that it stays a DNS label. */
export function generateName(base: string, random: Random): string {
  let name = base.slice(0, longestBase)
  for (let left = suffixLength; left > 0; left--) name += suffixLetters[random.int(suffixLetters.length)]
  return name
}

/** Drops owner references that stand there twice, and tells the client, as the reference does. */
export function withoutDuplicateOwners(metadata: Mutable<ObjectMetaLike>, warn: (message: string) => void): void {
  const owners = metadata.ownerReferences
  if (owners === undefined || owners.length < 2) return
  const kept: Mutable<OwnerReferenceLike>[] = []
  const duplicates: string[] = []
  for (const owner of owners) {
    if (!kept.some((known) => known.uid === owner.uid && equalJson(known, owner))) kept.push(owner)
    else if (!duplicates.includes(owner.uid)) duplicates.push(owner.uid)
  }
  if (duplicates.length === 0) return
  metadata.ownerReferences = kept
  warn(
    '.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may ' +
      `reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${duplicates.join(',')}`,
  )
}
