import { secondsTime } from '../../base/seconds-time.ts'
import { stage } from '../../base/stage.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import type { ApiObject, Kind, ObjectMetaLike } from '../../schema/kind.ts'
import { ApiError, isNotFound, notFound } from '../../schema/status.ts'
import type { KeyValue } from '../../store/store.ts'
import type { RequestContext } from '../context.ts'
import { entryOf, type StoredEntry } from '../entry.ts'
import type { DeleteOptions, Deletion, Entry, ListOptions, Page } from '../resource.ts'
import { validateAdmission } from './admission.ts'
import { readied, toStore } from './conversion.ts'
import { definitionToTerminate } from './delete-definition.ts'
import { namespaceToTerminate } from './delete-namespace.ts'
import { keyOf } from './keys.ts'
import { list } from './list.ts'
import { toStoredForm } from './metadata.ts'
import { propagationFinalizers } from './propagation.ts'
import { removeKey } from './remove.ts'
import { passOnSettled } from './settled.ts'
import type { ResourceState } from './state.ts'
import { changeIf } from './transaction.ts'
import { isNamespace } from './update-rules.ts'

/** What a delete comes to, given the object as it is now (`Store.Delete` and `rest.BeforeDelete` of the reference). */
type Decision<T> =
  /** Nothing changes: it is being deleted already, and nothing was asked that goes further. */
  | { readonly type: 'wait' }
  /** The object is marked, and stays. */
  | { readonly type: 'mark'; readonly object: T }
  | { readonly type: 'remove' }
  /** Watchers see it marked, with a grace period of 0, then it goes. */
  | { readonly type: 'mark and remove'; readonly object: T }

/** Deletes an object, or marks it for deletion. Begins anew as long as others are faster. */
export async function deleteOne<T extends ApiObject>(
  state: ResourceState<T>,
  namespace: string,
  name: string,
  options: DeleteOptions,
  context: RequestContext,
  isOneOfMany = false,
): Promise<Deletion<T>> {
  const key = keyOf(state.kind, namespace, name)
  validateOptions(options)
  warnOfDependents(state.kind, options, context)
  for (let isFirst = true; ; isFirst = false) {
    const [kv] = (await state.store.range({ from: key })).kvs
    if (kv === undefined) throw notFound(state.name, name)
    // Who deletes many has named none.
    const asked = isOneOfMany ? '' : name
    const done = await deleteNow(state, kv, options, { namespace, name: asked, context, isFirst })
    if (done !== undefined) return done
  }
}

interface Target {
  readonly namespace: string
  readonly name: string
  readonly context: RequestContext
  /** See `update`. */
  readonly isFirst: boolean
}

/** Undefined: somebody else changed it in the meantime. */
async function deleteNow<T extends ApiObject>(
  state: ResourceState<T>,
  kv: KeyValue,
  options: DeleteOptions,
  { namespace, name, context, isFirst }: Target,
): Promise<Deletion<T> | undefined> {
  const { kind } = state
  const readying = readied(kind, [kv])
  if (readying !== undefined) await readying
  const current = entryOf(kind, kv)
  checkPreconditions(kind, current.object.metadata, options)
  const attributes = { operation: 'DELETE' as const, kind, subresource: '', namespace, name, context }
  const about = { ...attributes, oldObject: current.object, deleteOptions: options }
  const validation = validateAdmission(state.admission, about)
  if (validation !== undefined) await validation
  const decision = decide(kind, current.object, options, state.clock.now())
  if (decision.type === 'wait') return waiting(current)
  if (decision.type === 'remove') return remove(state, kv, current, context)
  if (isFirst) await stage
  const marked = await replace(state, kv, decision.object, context)
  if (marked === undefined || decision.type === 'mark') return marked && waiting(marked.entry)
  if (context.dryRun) return gone(kind, marked.entry)
  const removed = await remove(state, marked.kv!, marked.entry, context)
  if (removed !== undefined) return removed
  // Whoever was faster either removed it, which is what was wanted, or changed what is marked: then it goes on.
  const isThere = (await state.store.range({ from: kv.key })).count > 0
  return isThere ? undefined : gone(kind, marked.entry)
}

const waiting = <T extends ApiObject>(entry: Entry<T>): Deletion<T> => ({ entry, gone: false, answersObject: true })

const gone = <T extends ApiObject>(kind: Kind<T>, entry: Entry<T>): Deletion<T> => ({
  entry,
  gone: true,
  answersObject: answersDeleted.has(`${kind.plural}.${kind.group}`),
})

/** The resources of which a delete answers the object that is gone (`ReturnDeletedObject`); others answer a Status. */
const answersDeleted: ReadonlySet<string> = new Set([
  'persistentvolumeclaims.',
  'persistentvolumes.',
  'pods.',
  'podtemplates.',
  'resourcequotas.',
  'serviceaccounts.',
  'services.',
  'customresourcedefinitions.apiextensions.k8s.io',
  'deviceclasses.resource.k8s.io',
  'resourceclaims.resource.k8s.io',
  'resourceclaimtemplates.resource.k8s.io',
  'resourceslices.resource.k8s.io',
  'csidrivers.storage.k8s.io',
  'csinodes.storage.k8s.io',
  'storageclasses.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
  'volumeattributesclasses.storage.k8s.io',
])

async function remove<T extends ApiObject>(
  state: ResourceState<T>,
  kv: KeyValue,
  current: StoredEntry<T>,
  context: RequestContext,
): Promise<Deletion<T> | undefined> {
  if (context.dryRun) return gone(state.kind, current)
  const revision = await removeKey(state, kv)
  return revision === undefined ? undefined : gone(state.kind, current.at(revision))
}

async function replace<T extends ApiObject>(
  state: ResourceState<T>,
  kv: KeyValue,
  object: T,
  context: RequestContext,
): Promise<{ readonly entry: StoredEntry<T>; readonly kv?: KeyValue } | undefined> {
  const current = entryOf(state.kind, kv)
  const storing = toStore(state.kind, object, current)
  const { value, entry } = storing instanceof Promise ? await storing : storing
  passOnSettled(current, object, entry)
  if (context.dryRun) return { entry: entry.at(kv.modRevision) }
  const put = { type: 'put', key: kv.key, value, memo: entry, ...(kv.lease !== 0n && { lease: kv.lease }) } as const
  const { succeeded, kv: written } = await changeIf(state.store, kv.key, kv.modRevision, put)
  return succeeded ? { entry: entryOf(state.kind, written!), kv: written! } : undefined
}

function decide<T extends ApiObject>(kind: Kind<T>, current: T, options: DeleteOptions, now: number): Decision<T> {
  if (isNamespace(kind)) {
    const terminating = namespaceToTerminate(current, options, now)
    if (terminating === 'wait') return { type: 'wait' }
    if (terminating !== 'delete') return { type: 'mark', object: toStoredForm(kind, terminating) as unknown as T }
  }
  const definition = definitionToTerminate(kind, current, now)
  if (definition !== undefined) return { type: 'mark', object: toStoredForm(kind, definition) as unknown as T }
  const { metadata } = current
  const finalizers = propagationFinalizers(kind, metadata, options)
  const mark = (change: ObjectMetaLike) =>
    toStoredForm(kind, {
      ...current,
      metadata: { ...metadata, ...change, finalizers: someOrNone(finalizers) },
    }) as unknown as T
  const grace = gracePeriod(kind, current, options)
  if (grace === 'pending') return { type: 'wait' }
  if (grace !== undefined) {
    const object = mark(graceful(metadata, grace, now))
    return { type: finalizers.length > 0 || grace > 0 ? 'mark' : 'mark and remove', object }
  }
  if (finalizers.length === 0) return { type: 'remove' }
  const isMarked = metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0
  if (isMarked && isSameList(finalizers, metadata.finalizers ?? [])) return { type: 'wait' }
  return { type: 'mark', object: mark(ungraceful(metadata, now)) }
}

/** The seconds to wait from the first delete on; 'pending' when nothing new is asked; undefined: it does not wait. */
function gracePeriod<T extends ApiObject>(
  kind: Kind<T>,
  current: T,
  options: DeleteOptions,
): number | 'pending' | undefined {
  if (kind.gracePeriod === undefined) return undefined
  const { deletionTimestamp, deletionGracePeriodSeconds: pending = 0 } = current.metadata
  // Negative values are treated as one second on the delete path.
  const asked = (options.gracePeriodSeconds ?? 0) < 0 ? 1 : options.gracePeriodSeconds
  if (deletionTimestamp === undefined) return kind.gracePeriod(current, asked)
  if (pending === 0) return undefined
  return asked === undefined || asked >= pending ? 'pending' : asked
}

function graceful(metadata: ObjectMetaLike, grace: number, now: number): ObjectMetaLike {
  if (metadata.deletionTimestamp !== undefined) {
    // A grace period can only become shorter; it counts from the first delete on.
    const begun = Date.parse(metadata.deletionTimestamp) - (metadata.deletionGracePeriodSeconds ?? 0) * 1000
    return { deletionTimestamp: secondsTime(begun + grace * 1000), deletionGracePeriodSeconds: grace }
  }
  return {
    ...raisedGeneration(metadata),
    deletionTimestamp: secondsTime(now + grace * 1000),
    deletionGracePeriodSeconds: grace,
  }
}

/** The mark of what has no grace period but finalizers that it waits for. */
function ungraceful(metadata: ObjectMetaLike, now: number): ObjectMetaLike {
  const { deletionTimestamp } = metadata
  const isPast = deletionTimestamp !== undefined && Date.parse(deletionTimestamp) <= now
  return {
    ...(deletionTimestamp === undefined && raisedGeneration(metadata)),
    deletionTimestamp: isPast ? deletionTimestamp : secondsTime(now),
    deletionGracePeriodSeconds: 0,
  }
}

/** To be deleted is a change of the wish, for kinds that count those. */
const raisedGeneration = ({ generation = 0 }: ObjectMetaLike) => (generation > 0 ? { generation: generation + 1 } : {})

const someOrNone = (list: readonly string[]) => (list.length === 0 ? undefined : list)

const isSameList = (left: readonly string[], right: readonly string[]) =>
  left.length === right.length && left.every((item, index) => item === right[index])

const propagationPolicies = ['Foreground', 'Background', 'Orphan']

function validateOptions({ propagationPolicy, orphanDependents }: DeleteOptions): void {
  if (propagationPolicy === undefined) return
  const errors = new FieldErrors()
  if (orphanDependents !== undefined) {
    errors.invalid(
      'propagationPolicy',
      propagationPolicy,
      'orphanDependents and deletionPropagation cannot be both set',
    )
  }
  if (!propagationPolicies.includes(propagationPolicy)) {
    errors.notSupported('propagationPolicy', propagationPolicy, [...propagationPolicies, 'nil'])
  }
  if (errors.length > 0) throw errors.toError({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '')
}

function warnOfDependents({ deleteWarning }: Kind, options: DeleteOptions, context: RequestContext): void {
  const { propagationPolicy, orphanDependents } = options
  if (deleteWarning !== '' && propagationPolicy === undefined && orphanDependents === undefined) {
    context.warn(deleteWarning)
  }
}

function checkPreconditions(kind: Kind, metadata: ObjectMetaLike, { preconditions }: DeleteOptions): void {
  const { uid, resourceVersion } = preconditions ?? {}
  if (uid !== undefined && uid !== metadata.uid) {
    throw unmet(
      kind,
      metadata,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). ` +
        'The object might have been deleted and then recreated',
    )
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw unmet(
      kind,
      metadata,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record ` +
        `(${metadata.resourceVersion}). The object might have been modified`,
    )
  }
}

/** The reference names the kind here, where other conflicts name the resource. */
function unmet(kind: Kind, metadata: ObjectMetaLike, why: string): ApiError {
  const qualified = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`
  const name = metadata.name ?? ''
  return new ApiError('Conflict', `Operation cannot be fulfilled on ${qualified} "${name}": ${why}`, {
    details: { name, ...(kind.group !== '' && { group: kind.group }), kind: kind.kind },
  })
}

/** Deletes all objects of a page. Answers the objects as they were listed. The first error ends it. */
export async function deleteCollection<T extends ApiObject>(
  state: ResourceState<T>,
  namespace: string,
  options: ListOptions,
  deleteOptions: DeleteOptions,
  context: RequestContext,
): Promise<Page<T>> {
  validateOptions(deleteOptions)
  warnOfDependents(state.kind, deleteOptions, context)
  const page = await list(state, namespace, options)
  const left = page.entries.values()
  let hasFailed = false
  const deleteSome = async () => {
    for (const { object } of left) {
      if (hasFailed) return
      const { namespace: inside = '', name = '' } = object.metadata
      try {
        await deleteOne(state, inside, name, deleteOptions, context, true)
      } catch (error) {
        if (isNotFound(error)) continue
        hasFailed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: deletesAtOnce }, deleteSome))
  return page
}

/** So many share their trips to the disk. */
const deletesAtOnce = 32
