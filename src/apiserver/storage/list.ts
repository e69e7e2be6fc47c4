import type { ApiObject } from '../../schema/kind.ts'
import { ApiError } from '../../schema/status.ts'
import { CompactedError, FutureRevisionError, type KeyValue, type RangeResult } from '../../store/store.ts'
import { entryOf } from '../entry.ts'
import type { Entry, ListOptions, Page } from '../resource.ts'
import { type ContinueToken, decodeContinue, encodeContinue } from './continue-token.ts'
import { readied } from './conversion.ts'
import { FieldIndex } from './field-index.ts'
import { folderOf, type KeyRange, keyOf, rangeOf } from './keys.ts'
import { type ReadAt, readAt } from './list-options.ts'
import { type Selection, selectionOf } from './selection.ts'
import { type ResourceState, tooLargeRevision } from './state.ts'

/** How many objects are looked at in one go when a selector leaves most of them out. */
const scanChunk = 1000

/** A page of the objects in a namespace, or (empty) in all. */
export async function list<T extends ApiObject>(
  state: ResourceState<T>,
  namespace: string,
  options: ListOptions,
): Promise<Page<T>> {
  const at = readAt(options)
  const selection = selectionOf(state.kind, options)
  const range = rangeOf(state.kind, namespace)
  const token = options.continue ? decodeContinue(options.continue) : undefined
  // What is at hand is given whole, as the reference's cache does.
  const limit = at.type === 'any' && token === undefined ? 0 : Math.max(0, options.limit ?? 0)
  const named = selection.exactField?.name === 'metadata.name' && (namespace !== '' || !state.kind.namespaced)
  if (named && token === undefined) {
    const key = keyOf(state.kind, namespace, selection.exactField!.value)
    const found = await read(state, at, { from: key }, 0, undefined)
    return {
      entries: select(state, found.result.kvs, selection),
      resourceVersion: String(found.revision),
      continue: '',
    }
  }
  if (at.type !== 'exact' && token === undefined) {
    const found = await indexedPage(state, at, namespace, limit, selection)
    if (found !== undefined) return found
  }
  if (selection.everything || limit === 0) return plainPage(state, at, range, limit, token, selection)
  return selectedPage(state, at, range, limit, token, selection)
}

/** An index knows what is in the page. Undefined: there is none, or there are more than the page may hold. */
async function indexedPage<T extends ApiObject>(
  state: ResourceState<T>,
  at: ReadAt,
  namespace: string,
  limit: number,
  selection: Selection,
): Promise<Page<T> | undefined> {
  const index = FieldIndex.for(state, selection)
  if (index === undefined) return undefined
  // So new has what it knows to be (this asks a remote store); nothing is read here, as there is no object without a name.
  await read(state, at, { from: folderOf(state.kind) }, 1, undefined)
  const found = index.find(selection.exactField!.value, namespace)
  const entries = select(state, found.kvs, selection)
  if (limit > 0 && entries.length > limit) return undefined
  return { entries, resourceVersion: String(found.revision), continue: '' }
}

/** One read of the store gives the page. */
async function plainPage<T extends ApiObject>(
  state: ResourceState<T>,
  at: ReadAt,
  range: KeyRange,
  limit: number,
  token: ContinueToken | undefined,
  selection: Selection,
): Promise<Page<T>> {
  const from = token === undefined ? range.from : range.from + token.start
  const { result, revision } = await read(state, at, { from, to: range.to }, limit, token)
  const entries = select(state, result.kvs, selection)
  if (!result.more) return { entries, resourceVersion: String(revision), continue: '' }
  return {
    entries,
    resourceVersion: String(revision),
    continue: tokenBehind(result.kvs[result.kvs.length - 1]!, range, revision),
    remainingItemCount: result.count - result.kvs.length,
  }
}

/** Reads on until the page is full: how many match behind it is not known, so it is not said. */
async function selectedPage<T extends ApiObject>(
  state: ResourceState<T>,
  at: ReadAt,
  range: KeyRange,
  limit: number,
  token: ContinueToken | undefined,
  selection: Selection,
): Promise<Page<T>> {
  const entries: Entry<T>[] = []
  let from = token === undefined ? range.from : range.from + token.start
  let next: ReadAt = at
  let position = token
  for (;;) {
    const { result, revision } = await read(state, next, { from, to: range.to }, scanChunk, position)
    for (const [index, kv] of result.kvs.entries()) {
      const entry = entryOf(state.kind, kv)
      if (!selection.matches(entry.peek())) continue
      entries.push(entry)
      if (entries.length < limit) continue
      const isMore = result.more || index < result.kvs.length - 1
      return { entries, resourceVersion: String(revision), continue: isMore ? tokenBehind(kv, range, revision) : '' }
    }
    if (!result.more) return { entries, resourceVersion: String(revision), continue: '' }
    from = `${result.kvs[result.kvs.length - 1]!.key}\0`
    next = { type: 'exact', revision }
    position = undefined
  }
}

function select<T extends ApiObject>(
  state: ResourceState<T>,
  kvs: readonly KeyValue[],
  selection: Selection,
): Entry<T>[] {
  const { kind } = state
  if (selection.everything) return kvs.map((kv) => entryOf(kind, kv))
  const entries: Entry<T>[] = []
  for (const kv of kvs) {
    const entry = entryOf(kind, kv)
    if (selection.matches(entry.peek())) entries.push(entry)
  }
  return entries
}

const tokenBehind = (last: KeyValue, range: KeyRange, revision: number): string =>
  encodeContinue({ revision, start: `${last.key.slice(range.from.length)}\0` })

interface Read {
  readonly result: RangeResult
  /** The revision whose state it is. */
  readonly revision: number
}

async function read(
  { kind, store }: ResourceState,
  at: ReadAt,
  range: { readonly from: string; readonly to?: string },
  limit: number,
  token: ContinueToken | undefined,
): Promise<Read> {
  const query = { ...range, limit }
  const exact = token === undefined ? (at.type === 'exact' ? at.revision : 0) : Math.max(0, token.revision)
  if (exact > 0) return ready(await readExact(() => store.range({ ...query, revision: exact }), exact, token))
  const result = at.type === 'any' ? store.rangeNow(query) : await store.range(query)
  if (at.type === 'not older' && at.revision > result.revision) throw tooLargeRevision(at.revision, result.revision)
  return ready({ result, revision: result.revision })

  async function ready(read: Read): Promise<Read> {
    const readying = readied(kind, read.result.kvs)
    if (readying !== undefined) await readying
    return read
  }

  async function readExact(ask: () => Promise<RangeResult>, revision: number, token: ContinueToken | undefined) {
    try {
      return { result: await ask(), revision }
    } catch (error) {
      if (error instanceof FutureRevisionError) throw tooLargeRevision(revision, store.revision)
      if (!(error instanceof CompactedError)) throw error
      throw token === undefined
        ? new ApiError('Expired', 'The resourceVersion for the provided list is too old.')
        : expiredToken(token)
    }
  }
}

/** The client may begin anew, or go on at the newest revision with the token that comes with this error. */
function expiredToken({ start }: ContinueToken): ApiError {
  return new ApiError(
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You can start a new list ' +
      'without the continue parameter, or use the continue token in this response to retrieve the remainder of the ' +
      'results. Continuing with the provided token results in an inconsistent list - objects that were created, ' +
      'modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    { metadata: { continue: encodeContinue({ revision: -1, start }) } },
  )
}
