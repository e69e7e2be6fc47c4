/** Who owns which fields of what is written: `metadata.managedFields` of every object (KEP-555). */

import { secondsTime } from '../../base/seconds-time.ts'
import { Scale } from '../../kinds/autoscaling/scale.ts'
import { clone, sharing } from '../../schema/freeze.ts'
import type { ApiObject, Kind, ObjectMetaLike } from '../../schema/kind.ts'
import { apiVersionOf } from '../../schema/kind.ts'
import { isSame } from '../../schema/managed-fields/compare.ts'
import { emptyListsOf } from '../../schema/managed-fields/empty-lists.ts'
import { emptySet, type FieldSet, leaf } from '../../schema/managed-fields/field-set.ts'
import {
  decodeOwners,
  encodeOwners,
  type ManagedFieldsEntryLike,
  type Owners,
} from '../../schema/managed-fields/owners.ts'
import { fieldElement } from '../../schema/managed-fields/path-element.ts'
import { ownersAfterScale, type ScalePath, scaleOwners, scaleVersion } from '../../schema/managed-fields/scale.ts'
import { afterUpdate, type Write } from '../../schema/managed-fields/tracking.ts'
import type { Mutable } from '../../schema/types.ts'
import type { RequestContext } from '../context.ts'
import { versionNow } from './conversion.ts'
import { resetFields } from './reset-fields.ts'
import type { ResourceState } from './state.ts'

/** What the tracking of fields needs to know of a resource. */
export type Tracked<T extends ApiObject = ApiObject> = Pick<ResourceState<T>, 'kind' | 'clock' | 'version'>

/** What a write is to the tracking of fields. */
export function writeOf(state: Tracked, subresource: string, context: RequestContext): Write {
  const { kind, clock } = state
  return {
    schema: kind.schema,
    apiVersion: apiVersionOf(kind),
    subresource,
    reset: resetFields(kind, subresource),
    manager: context.fieldManager,
    now: secondsTime(clock.now()),
    inVersion: (apiVersion, object) => inVersion(kind, state.version(apiVersion), object),
  }
}

/**
 * Sets `managedFields` of an object that is about to be stored, before admission changes it: what the server fills in
 * later belongs to nobody. Gives the object with the parts of the old one in the place of those that are the same.
 * @param given the object as it was sent, with what it says of managed fields
 */
export function recordManagers<T extends ApiObject>(
  state: Tracked<T>,
  subresource: string,
  old: T | undefined,
  object: Mutable<T>,
  given: ApiObject,
  context: RequestContext,
): T {
  const shared = sharing(object as unknown as T, old)
  const known = ownersOf(old, subresource === '' ? given : undefined)
  const { kind } = state
  const tracked = asTracked(kind, shared)
  const write = { ...writeOf(state, subresource, context), given: emptyListsOf(kind.schema, given) }
  const owners =
    subresource === 'scale'
      ? afterScale(kind, write, old!, shared, known)
      : afterUpdate(write, old, tracked === shared ? shared : sharing(tracked, old), known)
  setManagers(object, owners === known && old !== undefined ? keptEntries(old, known) : encodeOwners(owners))
  return shared
}

export function setManagers(object: Mutable<ApiObject>, entries: readonly unknown[] | undefined): void {
  const metadata = object.metadata as Mutable<ObjectMetaLike>
  if (entries === undefined) delete metadata.managedFields
  else metadata.managedFields = entries as unknown[]
}

/** Whether two lists of managed fields differ in nothing but their times. */
export function isOnlyNewer(entries: readonly unknown[] = [], old: readonly unknown[] = []): boolean {
  if (entries === old) return true
  if (entries.length !== old.length) return false
  return entries.every((entry, index) => {
    const { time: _, ...known } = old[index] as ManagedFieldsEntryLike
    const { time: _time, ...fields } = entry as ManagedFieldsEntryLike
    return isSame(fields, known)
  })
}

/**
 * Who owns fields before the write. The client may say so, so that owners can be moved or put away; who does not know
 * of managed fields, or spoils them, changes nothing.
 */
function ownersOf(old: ApiObject | undefined, given: ApiObject | undefined): Owners {
  const stated = given?.metadata?.managedFields
  if (stated !== undefined && stated !== old?.metadata.managedFields) {
    if (isReset(stated)) return new Map()
    const owners = decodeOwners(stated)
    if (owners !== undefined && owners.size > 0) return owners
  }
  return decodeOwners(old?.metadata.managedFields) ?? new Map()
}

/** An empty list, or one empty entry: everybody's ownership ends. */
function isReset(entries: readonly unknown[]): boolean {
  return entries.length === 0 || (entries.length === 1 && Object.keys(entries[0] as object).length === 0)
}

const keptEntries = (old: ApiObject, owners: Owners) => (owners.size === 0 ? undefined : old.metadata.managedFields)

/** The managed fields of a new object that the server makes, or that nobody stores. */
export function managersOfNew(
  kind: TrackedKind,
  object: ApiObject,
  { manager, now, subresource = '' }: { readonly manager: string; readonly now: string; readonly subresource?: string },
): readonly unknown[] | undefined {
  const write: Write = {
    schema: kind.schema,
    apiVersion: apiVersionOf(kind),
    subresource,
    reset: emptySet,
    manager,
    now,
    inVersion: () => undefined,
  }
  return encodeOwners(afterUpdate(write, undefined, object, new Map()))
}

type TrackedKind = Pick<Kind, 'group' | 'version' | 'schema'>

/**
 * The object with the annotations that the reference makes of fields which a version does not have, whenever it
 * converts one. An object in store has them.
 */
function asTracked<T extends ApiObject>(kind: Kind<T>, object: T): T {
  if (kind.group === 'apps' && kind.kind === 'DaemonSet') return withTemplateGeneration(object)
  const { storedAs } = kind
  if (kind.kind !== 'HorizontalPodAutoscaler' || storedAs === undefined) return object
  return storedAs.fromStored(storedAs.toStored(clone(object))) as T
}

const templateGeneration = 'deprecated.daemonset.template.generation'

function withTemplateGeneration<T extends ApiObject>(object: T): T {
  const { annotations } = object.metadata
  if (annotations?.[templateGeneration] !== undefined) return object
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [templateGeneration]: '0' } } }
}

/** Versions of a resource are converted by the one that is not stored. */
function inVersion(kind: Kind, other: Kind | undefined, object: ApiObject): ReturnType<Write['inVersion']> {
  if (other === undefined) return undefined
  const { schema } = other
  if (kind.conversion !== undefined) return { schema, object: versionNow(object, apiVersionOf(other), schema) }
  if (isStoredAs(kind, other)) return { schema, object: kind.storedAs!.toStored(clone(object)) }
  return isStoredAs(other, kind) ? { schema, object: other.storedAs!.fromStored(clone(object)) } : undefined
}

const isStoredAs = ({ storedAs }: Kind, other: Kind) =>
  storedAs !== undefined && storedAs.group === other.group && storedAs.version === other.version

/** The write as one to the scale, which has a schema of its own. */
function afterScale<T extends ApiObject>(kind: Kind<T>, write: Write, old: T, object: T, owners: Owners): Owners {
  const place = scalePlace(kind)
  const before = scaleOwners(owners, place)
  const after = afterUpdate(scaleWriteOf(write), replicasOf(kind, old), replicasOf(kind, object), before)
  return ownersAfterScale(owners, after, place)
}

const replicasPath = ['spec', 'replicas']

/** Where a kind has the number of its replicas; its versions are taken to have it at the same place. */
export function scalePlace(kind: Kind): ScalePath {
  const path = (kind.scale?.path ?? replicasPath).map(fieldElement)
  return { path, apiVersion: apiVersionOf(kind), knows: (apiVersion) => groupOf(apiVersion) === kind.group }
}

const groupOf = (apiVersion: string) => (apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '')

const scaleStatus: FieldSet = { 'f:status': leaf }

/** The same write as one to the scale. */
export function scaleWriteOf(write: Write): Write {
  return { ...write, schema: Scale, apiVersion: scaleVersion, reset: scaleStatus, inVersion: () => undefined }
}

function replicasOf<T extends ApiObject>(kind: Kind<T>, object: T): ApiObject {
  const replicas = kind.scale?.replicas(object) ?? 0
  return { metadata: {}, spec: replicas === 0 ? {} : { replicas } } as ApiObject
}
