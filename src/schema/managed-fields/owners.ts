import { type FieldSet, union } from './field-set.ts'
import { fromFieldsV1, toFieldsV1 } from './fields-v1.ts'

/** One entry of `metadata.managedFields`: the fields that somebody wrote in one way. */
export interface ManagedFieldsEntryLike {
  readonly manager?: string
  readonly operation?: string
  readonly apiVersion?: string
  readonly time?: string
  readonly fieldsType?: string
  readonly fieldsV1?: unknown
  readonly subresource?: string
}

/** The same, read. */
export interface Owner {
  readonly manager: string
  readonly operation: Operation
  readonly apiVersion: string
  readonly subresource: string
  readonly time: string | undefined
  readonly fields: FieldSet
}

export type Operation = 'Apply' | 'Update'

/** By identity, in which `identityOf` says what counts. */
export type Owners = Map<string, Owner>

/**
 * Who an owner is: whoever applies is the same in all versions, whoever updates is another one in each. The text is
 * the reference's, because managers are sorted by it.
 */
export function identityOf({ manager, operation, apiVersion, subresource }: Omit<Owner, 'time' | 'fields'>): string {
  const name = manager === '' ? '' : `"manager":${JSON.stringify(manager)},`
  const version = operation === 'Apply' ? '' : `,"apiVersion":"${apiVersion}"`
  return `{${name}"operation":"${operation}"${version}${subresource === '' ? '' : `,"subresource":"${subresource}"`}}`
}

/** Reads managed fields. Undefined when an entry is not sound: then all are worth nothing. */
export function decodeOwners(entries: readonly unknown[] | undefined): Owners | undefined {
  const owners: Owners = new Map()
  for (const entry of entries ?? []) {
    const owner = decodeOwner(entry as ManagedFieldsEntryLike)
    if (owner === undefined) return undefined
    owners.set(identityOf(owner), owner)
  }
  return owners
}

function decodeOwner(entry: ManagedFieldsEntryLike): Owner | undefined {
  const { manager = '', operation, apiVersion = '', subresource = '', time, fieldsType, fieldsV1 } = entry
  if ((operation !== 'Apply' && operation !== 'Update') || apiVersion === '' || fieldsType !== 'FieldsV1') {
    return undefined
  }
  const fields = fieldsV1 === undefined || fieldsV1 === null ? {} : fromFieldsV1(fieldsV1)
  return fields && { manager, operation, apiVersion, subresource, time: time ?? undefined, fields }
}

/** `metadata.managedFields`; undefined when nobody owns anything. */
export function encodeOwners(owners: Owners): readonly ManagedFieldsEntryLike[] | undefined {
  if (owners.size === 0) return undefined
  const sorted = owners.size === 1 ? [...owners.values()] : [...owners.values()].sort(inOrder)
  return sorted.map(({ manager, operation, apiVersion, subresource, time, fields }) => ({
    ...(manager !== '' && { manager }),
    operation,
    apiVersion,
    ...(time !== undefined && { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: toFieldsV1(fields),
    ...(subresource !== '' && { subresource }),
  }))
}

/** Appliers first, then by time, oldest first, then by name. */
function inOrder(left: Owner, right: Owner): number {
  return (
    compareText(left.operation, right.operation) ||
    compareText(left.time ?? '', right.time ?? '') ||
    compareText(left.manager, right.manager) ||
    compareText(left.apiVersion, right.apiVersion) ||
    compareText(left.subresource, right.subresource)
  )
}

export const compareText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)

/** As many managers that update are told apart. */
const maxUpdaters = 10

/** Puts the oldest updaters of a version together as `ancient-changes` until there are no more than ten. */
export function capOwners(owners: Owners): void {
  if (owners.size <= maxUpdaters) return
  const updaters = [...owners].filter(([, { operation }]) => operation === 'Update')
  let count = updaters.length
  if (count <= maxUpdaters) return
  updaters.sort(
    ([leftId, left], [rightId, right]) =>
      compareText(left.time ?? '', right.time ?? '') || compareText(leftId, rightId),
  )
  const firstOf = new Map<string, string>()
  for (const [id, owner] of updaters) {
    if (count <= maxUpdaters) return
    const { apiVersion } = owner
    const first = firstOf.get(apiVersion)
    if (first === undefined) {
      firstOf.set(apiVersion, id)
      continue
    }
    const bucket = { manager: 'ancient-changes', operation: 'Update', apiVersion, subresource: '' } as const
    const bucketId = identityOf(bucket)
    const fields = owners.get(bucketId)?.fields ?? owners.get(first)!.fields
    owners.delete(first)
    owners.delete(id)
    owners.set(bucketId, { ...bucket, time: owner.time, fields: union(owner.fields, fields) })
    count--
  }
}
