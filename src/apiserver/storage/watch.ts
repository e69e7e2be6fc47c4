import { FieldErrors } from '../../schema/field-errors.ts'
import type { ApiObject } from '../../schema/kind.ts'
import { badRequest } from '../../schema/status.ts'
import { CompactedError, prefixEnd } from '../../store/store.ts'
import { entryOf } from '../entry.ts'
import type { WatchObserver, WatchOptions } from '../resource.ts'
import { ConvertedWatch } from './converted-watch.ts'
import { FieldIndex } from './field-index.ts'
import { folderOf, rangeOf } from './keys.ts'
import { selectionOf } from './selection.ts'
import { notANumber, parseRevision, type ResourceState, tooLargeRevision } from './state.ts'
import { Change, type Member, namespaceOf, tooOld, WatchHub } from './watch-hub.ts'

/** Watches until the signal aborts or the observer was told an error; then it resolves. */
export async function watch<T extends ApiObject>(
  state: ResourceState<T>,
  namespace: string,
  options: WatchOptions,
  observer: WatchObserver<T>,
): Promise<void> {
  checkOptions(options)
  const { resourceVersion = '', sendInitialEvents, signal } = options
  const revision = parseRevision(resourceVersion)
  if (revision === undefined) {
    const value = JSON.stringify(resourceVersion)
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${value}: ${notANumber(resourceVersion)}`,
    )
  }
  const selection = selectionOf(state.kind, options)
  const { promise, resolve } = Promise.withResolvers<void>()
  const member: Member = {
    kind: state.kind,
    namespace: state.kind.namespaced ? namespace : '',
    selection,
    observer: observer as WatchObserver,
    wantsBookmarks: options.allowWatchBookmarks === true,
    after: revision,
    ended: resolve,
  }
  if (signal.aborted) return
  signal.addEventListener(
    'abort',
    () => {
      state.hub.leave(member)
      resolve()
    },
    { once: true },
  )
  if (state.kind.conversion !== undefined) {
    const converted = new ConvertedWatch(state, member, signal)
    if (sendInitialEvents ?? revision === 0)
      await converted.beginWithList(resourceVersion === '0', sendInitialEvents === true)
    else {
      if (revision === 0) member.after = state.store.revision
      converted.begin()
    }
  } else if (sendInitialEvents ?? revision === 0)
    await beginWithList(state, member, resourceVersion, sendInitialEvents === true, signal)
  else if (revision === 0) beginNow(state, member)
  else beginAfter(state, member, signal)
  await promise
}

function checkOptions({ resourceVersionMatch = '', sendInitialEvents }: WatchOptions): void {
  const path = 'resourceVersionMatch'
  const errors = new FieldErrors()
  if (sendInitialEvents !== undefined && resourceVersionMatch !== 'NotOlderThan') {
    errors.forbidden(path, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')
  }
  if (resourceVersionMatch !== '') {
    if (sendInitialEvents === undefined) {
      errors.forbidden(path, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided')
    }
    if (resourceVersionMatch !== 'NotOlderThan') errors.notSupported(path, resourceVersionMatch, ['NotOlderThan'])
  }
  if (errors.length > 0) throw errors.toError({ group: 'meta.k8s.io', kind: 'ListOptions' }, '')
}

/** What is there comes first, as if it had just been made; then everything after. */
async function beginWithList(
  state: ResourceState,
  member: Member,
  resourceVersion: string,
  marksEnd: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { kind, store } = state
  const range = rangeOf(kind, member.namespace)
  const isAny = resourceVersion === '0'
  // The newest state of a remote store is asked for before the watch joins, so that what comes meanwhile is not lost.
  if (!isAny) await store.currentRevision()
  const index = FieldIndex.for(state, member.selection)
  // Who is just being told of a change may begin a watch before the index is told.
  if (index !== undefined) await undefined
  if (signal.aborted) return
  const result = index?.find(member.selection.exactField!.value, member.namespace) ?? store.rangeNow(range)
  if (member.after > result.revision) throw tooLargeRevision(member.after, result.revision)
  member.after = result.revision
  for (const kv of result.kvs) {
    const entry = entryOf(kind, kv)
    if (member.selection.everything || member.selection.matches(entry.object)) member.observer.event('ADDED', entry)
    if (signal.aborted) return
  }
  if (marksEnd && member.wantsBookmarks) member.observer.bookmark(String(result.revision), true)
  if (!signal.aborted) state.hub.join(member)
}

function beginNow(state: ResourceState, member: Member): void {
  member.after = state.store.revision
  state.hub.join(member)
}

/**
 * What happened since is replayed by a watch of its own, which hands over to the hub. A store that replays within the
 * call has said everything when it comes back; with one that answers later the own watch stays.
 */
function beginAfter(state: ResourceState, member: Member, signal: AbortSignal): void {
  const { store, hub } = state
  const asked = member.after
  if (asked >= store.revision) {
    hub.join(member)
    return
  }
  if (asked < store.compacted) throw tooOld(asked, store.compacted)
  const folder = folderOf(state.kind)
  const replay = new AbortController()
  let stands = false
  let isCalling = true
  let failure: Error | undefined
  store.watch(
    { from: folder, to: prefixEnd(folder), fromRevision: asked + 1, signal: AbortSignal.any([signal, replay.signal]) },
    {
      onEvents(events) {
        for (const event of events) {
          if (signal.aborted) return
          if (member.namespace !== '' && member.namespace !== namespaceOf(event.key, folder)) continue
          WatchHub.deliver(member, new Change(event))
        }
      },
      onProgress: () => {
        stands = true
      },
      onError(error) {
        failure = error instanceof CompactedError ? tooOld(asked, error.compactRevision) : error
        // What is refused within the call is an answer; everything else ends what has begun.
        if (isCalling && !stands) return
        member.observer.error(failure)
        member.ended()
      },
    },
  )
  isCalling = false
  if (failure !== undefined && !stands) throw failure
  if (!stands || signal.aborted) return
  replay.abort()
  member.after = Math.max(asked, store.revision)
  hub.join(member)
}
