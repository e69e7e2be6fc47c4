import { secondsTime } from '../../base/seconds-time.ts'
import { stage } from '../../base/stage.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import type { ApiObject } from '../../schema/kind.ts'
import { ApiError, alreadyExists, type GroupResource } from '../../schema/status.ts'
import type { Mutable } from '../../schema/types.ts'
import type { KeyValue } from '../../store/store.ts'
import type { RequestContext } from '../context.ts'
import { entryOf, lastShownOf } from '../entry.ts'
import type { DraftOptions, Entry } from '../resource.ts'
import { admitNew, validateAdmission } from './admission.ts'
import { storedObject, toStore, withVersions } from './conversion.ts'
import { keyOf } from './keys.ts'
import { recordManagers } from './managers.ts'
import {
  canonical,
  fresh,
  generateName,
  settleNamespace,
  toStoredForm,
  wipeSystemFields,
  withoutDuplicateOwners,
} from './metadata.ts'
import { settleNew } from './settled.ts'
import { errorKind, type ResourceState } from './state.ts'
import { type Companions, changeIf } from './transaction.ts'
import { validateMetadata } from './validate-metadata.ts'
import { alone, type Reserved, TakenMeanwhileError, withReservation } from './write-hook.ts'

/** How often a name is generated anew when it is taken (KEP-4420). */
const nameAttempts = 8

/** Makes a new object of a draft, which is left as it is unless it is `owned`. */
export async function create<T extends ApiObject>(
  state: ResourceState<T>,
  namespace: string,
  given: ApiObject,
  context: RequestContext,
  { owned }: DraftOptions = {},
): Promise<Entry<T>> {
  const { kind } = state
  const object = fresh(kind, given, owned)
  const metadata = object.metadata as Mutable<ApiObject['metadata']>
  wipeSystemFields(metadata)
  settleNamespace(kind, namespace, metadata)
  withoutDuplicateOwners(metadata, context.warn)
  kind.defaults(object)
  await stage
  const recording = withVersions(kind, () => recordManagers(state, '', undefined, object, given, context))
  if (recording instanceof Promise) await recording
  await stage
  const attributes = {
    operation: 'CREATE' as const,
    kind,
    subresource: '',
    namespace: metadata.namespace ?? '',
    name: metadata.name ?? '',
    object,
    context,
  }
  const admission = admitNew(state.admission, attributes)
  if (admission !== undefined) await admission.done
  // Admission may have put fields anywhere.
  const admitted = admission === undefined ? object : toStoredForm(kind, object)
  const hasRevision = (given.metadata?.resourceVersion ?? '') !== ''
  return createAdmitted(state, admitted, { hasRevision, isComplete: admission?.isComplete !== false }, context)
}

/** What is known of an object that has passed mutating admission. */
interface Known {
  /** The client stated a resourceVersion, which a new object cannot have. */
  readonly hasRevision: boolean
  /** Defaults would leave it as it is. */
  readonly isComplete: boolean
}

/** The second half, also of a PUT that creates: the object has passed mutating admission. */
export async function createAdmitted<T extends ApiObject>(
  state: ResourceState<T>,
  object: Mutable<T>,
  known: Known,
  context: RequestContext,
): Promise<Entry<T>> {
  const metadata = object.metadata as Mutable<ApiObject['metadata']>
  const base = metadata.generateName ?? ''
  if (state.kind.namedByServer && !metadata.name && base === '') metadata.name = state.random.uuid()
  const isNamed = (metadata.name ?? '') !== ''
  if (isNamed || base === '') return finishCreate(state, object, known, context)
  for (let attempt = 1; ; attempt++) {
    metadata.name = generateName(base, state.random)
    try {
      return await finishCreate(state, object, known, context)
    } catch (error) {
      if (attempt === nameAttempts || !(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error
    }
  }
}

async function finishCreate<T extends ApiObject>(
  state: ResourceState<T>,
  prepared: Mutable<T>,
  known: Known,
  context: RequestContext,
): Promise<Entry<T>> {
  const { hook } = state
  if (!hook) return writeNew(state, prepared, known, context, alone)
  for (let attempt = 1; ; attempt++) {
    // What is reserved is put into the object, and may have to be put there anew.
    const given = structuredClone(prepared)
    try {
      const write = (reserved: Reserved<T>) => writeNew(state, given, known, context, reserved)
      return await withReservation(hook.create(given, context.dryRun), write)
    } catch (error) {
      if (attempt === reservationAttempts || !(error instanceof TakenMeanwhileError)) throw error
    }
  }
}

/** How often something is reserved anew that another server was faster to take. */
const reservationAttempts = 8

async function writeNew<T extends ApiObject>(
  state: ResourceState<T>,
  prepared: Mutable<T>,
  known: Known,
  context: RequestContext,
  { ops, absent }: Reserved<T>,
): Promise<Entry<T>> {
  const { kind, store } = state
  const preparedMetadata = prepared.metadata as Mutable<ApiObject['metadata']>
  preparedMetadata.uid = state.random.uuid()
  preparedMetadata.creationTimestamp = secondsTime(state.clock.now())
  kind.prepareCreate(prepared)
  const object = canonical(kind, prepared, lastShownOf(kind))
  await stage
  const metadata = object.metadata as ApiObject['metadata']
  const namespace = metadata.namespace ?? ''
  const name = metadata.name ?? ''
  const errors = new FieldErrors()
  validateMetadata(kind, metadata, errors)
  kind.validate(object, errors)
  if (errors.length > 0) throw errors.toError(errorKind(kind), name)
  for (const warning of kind.warnings(object, undefined)) context.warn(warning)
  const together: Companions[] = []
  const validation = validateAdmission(state.admission, {
    operation: 'CREATE',
    kind,
    subresource: '',
    namespace,
    name,
    object,
    context,
    together: (companions) => void together.push(companions),
  })
  if (validation !== undefined) await validation
  if (known.hasRevision) throw new ApiError('', 'resourceVersion should not be set on objects to be created')
  const key = keyOf(kind, namespace, name)
  await stage
  const storing = toStore(kind, object)
  const { value, entry } = storing instanceof Promise ? await storing : storing
  if (known.isComplete) settleNew(state, object, entry)
  if (context.dryRun) {
    const [existing] = (await store.range({ from: key })).kvs
    if (existing !== undefined) throw isThere(state, metadata, existing)
    return entry
  }
  const lease = kind.ttlSeconds === undefined ? undefined : await state.leases.leaseFor(kind.ttlSeconds)
  const put = { type: 'put', key, value, memo: entry, ...(lease !== undefined && { lease }) } as const
  const booked = () => together.flatMap((companions) => companions())
  const outcome = await changeIf(store, key, 0, put, ops(object), true, absent(object), booked)
  if (!outcome.succeeded && outcome.kv === undefined)
    throw new TakenMeanwhileError(`${name}: what it was given is taken`)
  if (!outcome.succeeded) throw isThere(state, metadata, outcome.kv)
  return entryOf(kind, outcome.kv!)
}

function isThere(state: ResourceState, metadata: ApiObject['metadata'], existing: KeyValue | undefined): ApiError {
  const name = metadata.name ?? ''
  const error = (metadata.generateName ?? '') === '' ? alreadyExists(state.name, name) : nameTaken(state.name, name)
  const isDeleting = existing !== undefined && storedObject(existing).metadata.deletionTimestamp !== undefined
  if (!isDeleting) return error
  return new ApiError('AlreadyExists', `object is being deleted: ${error.message}`, { details: error.details! })
}

function nameTaken(resource: GroupResource, name: string): ApiError {
  const { message, details } = alreadyExists(resource, name)
  return new ApiError('AlreadyExists', `${message}, the server was not able to generate a unique name for the object`, {
    details: { ...details, retryAfterSeconds: 1 },
  })
}
