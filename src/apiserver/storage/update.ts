import { stage } from '../../base/stage.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import type { ApiObject, ObjectMetaLike } from '../../schema/kind.ts'
import { ApiError, conflict, modifiedMessage, notFound } from '../../schema/status.ts'
import type { Mutable } from '../../schema/types.ts'
import type { KeyValue } from '../../store/store.ts'
import type { RequestContext } from '../context.ts'
import { entryOf } from '../entry.ts'
import type { Entry, UpdateOptions } from '../resource.ts'
import { admit, admitNew, validateAdmission } from './admission.ts'
import { readied, toStore, withVersions } from './conversion.ts'
import { createAdmitted } from './create.ts'
import { keyOf } from './keys.ts'
import { isOnlyNewer, recordManagers, setManagers } from './managers.ts'
import { canonical, fresh, settleNamespace, toStoredForm, withoutDuplicateOwners } from './metadata.ts'
import { removeKey } from './remove.ts'
import { hasUnsettled, keptMembers, noteSettled, passOnSettled, putBack } from './settled.ts'
import { errorKind, notANumber, parseRevision, type ResourceState } from './state.ts'
import { type Companions, changeIf } from './transaction.ts'
import { rulesOf, type UpdateRules } from './update-rules.ts'
import { validateMetadataUpdate } from './validate-metadata.ts'
import { type Reserved, withReservation } from './write-hook.ts'

export interface Updated<T extends ApiObject> {
  readonly entry: Entry<T>
  readonly created: boolean
}

interface Update<T extends ApiObject> {
  readonly state: ResourceState<T>
  readonly namespace: string
  readonly name: string
  readonly subresource: string
  readonly key: string
  readonly rules: UpdateRules<T>
  readonly change: (current: T | undefined) => ApiObject | Promise<ApiObject>
  readonly context: RequestContext
  readonly options: UpdateOptions
  /** Whoever lost to others waits for nobody on his way the next time, so that he does not lose again. */
  readonly isFirst: boolean
}

/** Changes an object; see `Resource.update`. Begins anew as long as others are faster. */
export async function update<T extends ApiObject>(
  state: ResourceState<T>,
  namespace: string,
  name: string,
  subresource: string,
  change: (current: T | undefined) => ApiObject | Promise<ApiObject>,
  context: RequestContext,
  options: UpdateOptions = {},
): Promise<Updated<T>> {
  const key = keyOf(state.kind, namespace, name)
  const rules = rulesOf(state.kind, subresource)
  const task = { state, namespace, name, subresource, key, rules, change, context, options }
  const done = await attempt({ ...task, isFirst: true })
  if (done !== undefined) return done
  return state.races.inTurn(key, async () => {
    for (;;) {
      const done = await attempt({ ...task, isFirst: false })
      if (done !== undefined) return done
    }
  })
}

/** Undefined: somebody else was faster. */
async function attempt<T extends ApiObject>(task: Update<T>): Promise<Updated<T> | undefined> {
  const [kv] = (await task.state.store.range({ from: task.key })).kvs
  return kv === undefined ? createByUpdate(task) : updateExisting(task, kv)
}

/** Undefined: somebody else made it in the meantime. */
async function createByUpdate<T extends ApiObject>(task: Update<T>): Promise<Updated<T> | undefined> {
  const { state, namespace, name, subresource, key, context } = task
  const mayCreate = task.options.forceCreate ?? state.kind.createOnUpdate
  if (!mayCreate || subresource !== '') throw notFound(state.name, name)
  checkUid(task, '')
  const given = await task.change(undefined)
  const object = fresh(state.kind, given, task.options.owned)
  const metadata = object.metadata as Mutable<ObjectMetaLike>
  metadata.name ??= name
  delete metadata.deletionTimestamp
  delete metadata.deletionGracePeriodSeconds
  settleNamespace(state.kind, namespace, metadata)
  state.kind.defaults(object)
  if (task.options.keepsManagers === true) setManagers(object, given.metadata.managedFields)
  else {
    const recording = withVersions(state.kind, () =>
      recordManagers(state, subresource, undefined, object, given, context),
    )
    if (recording instanceof Promise) await recording
  }
  const about = { operation: 'CREATE' as const, kind: state.kind, subresource, namespace, name, context }
  const admission = admitNew(state.admission, { ...about, object })
  await admission?.done
  if (askedRevision(given) !== 0) throw conflict(state.name, name, modifiedMessage)
  try {
    const known = { hasRevision: false, isComplete: admission?.isComplete !== false }
    return { entry: await createAdmitted(state, toStoredForm(state.kind, object), known, context), created: true }
  } catch (error) {
    const isRace = error instanceof ApiError && error.reason === 'AlreadyExists' && !context.dryRun
    if (isRace && (await state.store.range({ from: key })).count > 0) return undefined
    throw error
  }
}

async function updateExisting<T extends ApiObject>(task: Update<T>, kv: KeyValue): Promise<Updated<T> | undefined> {
  const { state, namespace, name, subresource, context, isFirst } = task
  const { kind } = state
  const readying = readied(kind, [kv])
  if (readying !== undefined) await readying
  const current = entryOf(kind, kv)
  const old = current.object
  checkUid(task, old.metadata.uid ?? '')
  const given = await task.change(old)
  if (given === old) return { entry: current, created: false }
  const { owned, derived, keepsManagers } = task.options
  const kept = keptMembers(given, current)
  if (isFirst) await stage
  const changed = derived
    ? toStoredForm(kind, given)
    : fresh(kind, given, owned && !hasUnsettled(given, current, kept), kept)
  settleNamespace(kind, namespace, changed.metadata as Mutable<ObjectMetaLike>)
  withoutDuplicateOwners(changed.metadata as Mutable<ObjectMetaLike>, context.warn)
  if (!derived) kind.defaults(changed)
  if (isFirst) await stage
  let settled = kept
  if (keepsManagers === true) setManagers(changed, given.metadata.managedFields)
  else {
    const recording = withVersions(kind, () => recordManagers(state, subresource, old, changed, given, context))
    settled = noteSettled(state, current, recording instanceof Promise ? await recording : recording)
  }
  if (isFirst) await stage
  const about = { operation: 'UPDATE' as const, kind, subresource, namespace, name, oldObject: old, context }
  const admission = admit(state.admission, { ...about, object: changed })
  if (admission !== undefined) await admission
  else putBack(changed, old, settled, kept)
  checkRevision(state, name, askedRevision(given), kv.modRevision)

  const prepared = toStoredForm(kind, changed)
  carrySystemFields(prepared.metadata as Mutable<ObjectMetaLike>, old.metadata)
  const reservation = subresource === '' ? state.hook?.update(prepared, old, context.dryRun) : undefined
  return withReservation(reservation, (companions) => writeChange(task, kv, prepared, companions))
}

async function writeChange<T extends ApiObject>(
  task: Update<T>,
  kv: KeyValue,
  prepared: Mutable<T>,
  { ops, absent }: Reserved<T>,
): Promise<Updated<T> | undefined> {
  const { state, namespace, name, subresource, key, rules, context, isFirst } = task
  const { kind } = state
  const current = entryOf(kind, kv)
  const old = current.object
  rules.prepareUpdate(prepared, old)
  if (isFirst) await stage
  const object = canonical(kind, prepared, old)
  if (isFirst) await stage
  validate(task, object, old)
  const together: Companions[] = []
  const validation = validateAdmission(state.admission, {
    operation: 'UPDATE',
    kind,
    subresource,
    namespace,
    name,
    object,
    oldObject: old,
    context,
    together: (companions) => void together.push(companions),
  })
  if (validation !== undefined) await validation
  if (shouldDelete(task, object, old)) return deleteInstead(task, object, kv)
  if (isSame(object, old) && state.store.isStale?.(kv) !== true) return { entry: current, created: false }
  if (isFirst) await stage
  const storing = toStore(kind, object, current)
  const { value, entry } = storing instanceof Promise ? await storing : storing
  passOnSettled(current, object, entry, task.options.derived)
  if (context.dryRun) return { entry: entry.at(kv.modRevision), created: false }
  const lease = kind.ttlSeconds === undefined ? kv.lease : await state.leases.leaseFor(kind.ttlSeconds)
  const put = { type: 'put', key, value, memo: entry, ...(lease !== 0n && { lease }) } as const
  const booked = () => together.flatMap((companions) => companions())
  const outcome = await changeIf(state.store, key, kv.modRevision, put, ops(object), false, absent(object), booked)
  return outcome.succeeded ? { entry: entryOf(kind, outcome.kv!), created: false } : undefined
}

/** The resourceVersion that the new object states; 0: none. */
function askedRevision(given: ApiObject): number {
  const text = given.metadata?.resourceVersion
  const revision = parseRevision(text)
  // The reference does not expect this either, and says so with a 500 without a reason.
  if (revision === undefined) throw new ApiError('', notANumber(text ?? ''))
  return revision
}

/** The optimistic lock. */
function checkRevision(state: ResourceState, name: string, asked: number, current: number): void {
  if (asked === 0) {
    if (state.kind.unconditionalUpdate) return
    const errors = new FieldErrors()
    errors.invalid('metadata.resourceVersion', 0, 'must be specified for an update')
    throw errors.toError({ group: state.name.group, kind: state.name.resource }, name)
  }
  if (asked !== current) throw conflict(state.name, name, modifiedMessage)
}

function checkUid({ state, name, key, options }: Update<never>, uid: string): void {
  const asked = options.uid ?? ''
  if (asked === '' || asked === uid) return
  throw conflict(
    state.name,
    name,
    `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ` +
      `Precondition failed: UID in precondition: ${asked}, UID in object meta: ${uid}`,
  )
}

/** What of the metadata no update changes (`rest.BeforeUpdate`). */
function carrySystemFields(metadata: Mutable<ObjectMetaLike>, old: ObjectMetaLike): void {
  metadata.name ??= old.name
  metadata.uid ??= old.uid
  metadata.creationTimestamp = old.creationTimestamp
  keep(metadata, old, 'generation')
  if (old.deletionTimestamp !== undefined) metadata.deletionTimestamp = old.deletionTimestamp
  if (old.deletionGracePeriodSeconds !== undefined)
    metadata.deletionGracePeriodSeconds ??= old.deletionGracePeriodSeconds
}

function keep(metadata: Mutable<ObjectMetaLike>, old: ObjectMetaLike, field: 'generation'): void {
  if (old[field] === undefined) delete metadata[field]
  else metadata[field] = old[field]
}

function validate<T extends ApiObject>(
  { state, name, subresource, rules, context }: Update<T>,
  object: T,
  old: T,
): void {
  const errors = new FieldErrors()
  validateMetadataUpdate(state.kind, object.metadata, old.metadata, errors)
  rules.validateUpdate(object, old, errors)
  if (errors.length > 0) throw errors.toError(errorKind(state.kind), name)
  // Who writes a status is not told about the wish.
  if (subresource !== '' && subresource !== 'scale') return
  for (const warning of state.kind.warnings(object, old)) context.warn(warning)
}

/** Whether this update takes the last finalizer of an object that is being deleted and has no grace period left. */
function shouldDelete<T extends ApiObject>({ rules }: Update<T>, object: T, old: T): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds } = old.metadata
  if (deletionTimestamp === undefined || (deletionGracePeriodSeconds ?? 0) !== 0) return false
  return (object.metadata.finalizers ?? []).length === 0 && rules.mayVanish(object)
}

/** The object goes instead of being written; the client gets what it would have been, at its last revision. */
async function deleteInstead<T extends ApiObject>(
  { state, context }: Update<T>,
  object: T,
  kv: KeyValue,
): Promise<Updated<T> | undefined> {
  const { entry } = await toStore(state.kind, object)
  if (!context.dryRun && (await removeKey(state, kv)) === undefined) return undefined
  return { entry: entry.at(kv.modRevision), created: false }
}

function isSame(object: ApiObject, old: ApiObject): boolean {
  const { managedFields } = object.metadata
  const metadata = { ...old.metadata, resourceVersion: undefined, managedFields }
  // That somebody came to the same result at a later time is no change.
  return equalJson(object, { ...old, metadata }) && isOnlyNewer(managedFields, old.metadata.managedFields)
}
