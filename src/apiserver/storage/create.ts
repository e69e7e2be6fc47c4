import { secondsTime } from '../../base/seconds-time.ts'
import { stage } from '../../base/stage.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import type { ApiObject, Kind, ObjectMetaLike } from '../../schema/kind.ts'
import { ApiError, alreadyExists, type GroupResource } from '../../schema/status.ts'
import type { Mutable } from '../../schema/types.ts'
import type { KeyValue } from '../../store/store.ts'
import type { RequestContext } from '../context.ts'
import { entryOf, lastShownOf } from '../entry.ts'
import type { CreateOptions, Entry } from '../resource.ts'
import { admitNew, isAdmissionConcerned, validateAdmission } from './admission.ts'
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

/**
 * What constant drafts have become, each as it was stored the last time. An image of the program has them, and a start of
 * it stores some two hundred.
 */
const outcomes = new WeakMap<ApiObject, ApiObject>()

/** Makes a new object of a draft, which is left as it is unless it is `owned`. */
export async function create<T extends ApiObject>(
  state: ResourceState<T>,
  namespace: string,
  given: ApiObject,
  context: RequestContext,
  { owned, constant }: CreateOptions = {},
): Promise<Entry<T>> {
  const { kind } = state
  const outcome = constant ? outcomes.get(given) : undefined
  if (outcome !== undefined && !isAdmissionConcerned(state.admission, attributesOf(kind, outcome, context))) {
    // Whoever remembers goes through as many stages as who does not: what comes first must not depend on it.
    await stage
    await stage
    const known = { hasRevision: false, isComplete: true, constant: given }
    return createAdmitted(state, outcome as unknown as Mutable<T>, known, context)
  }
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
  const admission = admitNew(state.admission, attributesOf(kind, object, context))
  if (admission !== undefined) await admission.done
  // Admission may have put fields anywhere.
  const admitted = admission === undefined ? object : toStoredForm(kind, object)
  const hasRevision = (given.metadata?.resourceVersion ?? '') !== ''
  const isComplete = admission?.isComplete !== false
  const mayRemember = constant && admission === undefined && state.hook === undefined
  return createAdmitted(state, admitted, { hasRevision, isComplete, ...(mayRemember && { constant: given }) }, context)
}

/** As admission sees the creation. */
function attributesOf<O extends ApiObject>(kind: Kind, object: O, context: RequestContext) {
  const { namespace = '', name = '' } = object.metadata
  return { operation: 'CREATE', kind, subresource: '', namespace, name, object, context } as const
}

/** What is known of an object that has passed mutating admission. */
interface Known {
  /** The client stated a resourceVersion, which a new object cannot have. */
  readonly hasRevision: boolean
  /** Defaults would leave it as it is. */
  readonly isComplete: boolean
  /** The draft, of which the same always becomes. */
  readonly constant?: ApiObject
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
  const { constant } = known
  const remembered = constant && outcomes.get(constant)
  const made = { uid: state.random.uuid(), creationTimestamp: secondsTime(state.clock.now()) }
  const object = remembered === undefined ? complete(kind, prepared, made) : madeAgain(remembered as T, made)
  await stage
  const metadata = object.metadata as ApiObject['metadata']
  const namespace = metadata.namespace ?? ''
  const name = metadata.name ?? ''
  if (remembered === undefined) validate(kind, object, context)
  const together: Companions[] = []
  const validation = validateAdmission(state.admission, {
    ...attributesOf(kind, object, context),
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
  if (constant) outcomes.set(constant, object)
  return entryOf(kind, outcome.kv!)
}

type Made = Pick<Mutable<ObjectMetaLike>, 'uid' | 'creationTimestamp'>

/** The object as it is to be stored. */
function complete<T extends ApiObject>(kind: Kind<T>, prepared: Mutable<T>, made: Made): T {
  Object.assign(prepared.metadata as object, made)
  kind.prepareCreate(prepared)
  return canonical(kind, prepared, lastShownOf(kind))
}

/** What was stored before, as another one. */
function madeAgain<T extends ApiObject>(outcome: T, made: Made): T {
  const { managedFields, ...metadata } = outcome.metadata as ObjectMetaLike
  const entries = managedFields?.map((entry) => ({ ...(entry as object), time: made.creationTimestamp }))
  return { ...outcome, metadata: { ...metadata, ...made, ...(entries && { managedFields: entries }) } }
}

function validate<T extends ApiObject>(kind: Kind<T>, object: T, context: RequestContext): void {
  const errors = new FieldErrors()
  validateMetadata(kind, object.metadata, errors)
  kind.validate(object, errors)
  if (errors.length > 0) throw errors.toError(errorKind(kind), object.metadata.name ?? '')
  for (const warning of kind.warnings(object, undefined)) context.warn(warning)
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
