/** KV of etcd's protocol: ranges with all their options, puts, deletions, transactions, compaction. */
import type { Infer } from '../../schema/types.ts'
import {
  type Compare,
  KeyNotFoundError,
  type KeyValue,
  type Op,
  type OpResult,
  type RangeQuery,
  type RangeResult,
  type Store,
  type Txn,
  type TxnResult,
} from '../../store/store.ts'
import {
  type Compare as CompareMessage,
  compareResult,
  compareTarget,
  type DeleteRangeRequest,
  methods,
  type PutRequest,
  type RangeRequest,
  type RangeResponse,
  type RequestOp,
  type ResponseOp,
  sortOrder,
  sortTarget,
  type TxnRequest,
  type TxnResponse,
} from '../messages.ts'
import type { Alarms } from './alarms.ts'
import { GrpcError, refusal } from './errors.ts'
import { type Route, unary } from './grpc.ts'
import type { Identity } from './identity.ts'

/** etcd's `--max-txn-ops`. */
const operationsMax = 128
/** etcd's `--max-request-bytes`. */
export const requestBytesMax = 1.5 * 1024 * 1024

export interface KvOptions {
  readonly store: Store
  readonly identity: Identity
  readonly alarms: Alarms
}

export function kvRoutes({ store, identity, alarms }: KvOptions): Route[] {
  const header = (revision: number) => identity.header(revision)
  const single = async (op: Op): Promise<{ result: OpResult; revision: number }> => {
    const { results, revision } = await store.txn({ then: [op] })
    return { result: results[0]!, revision }
  }
  return [
    unary(methods.range, async (request) => {
      requireRange(request)
      const result = await store.range(toQuery(request))
      return { ...toRangeResponse(result, request), header: header(result.revision) }
    }),
    unary(methods.put, async (request, bytes) => {
      requirePut(request)
      requireSize(bytes)
      await alarms.requireSpace()
      const { result, revision } = await single(toPut(request)).catch(async (error: unknown) => {
        // A put by itself has its lease looked at before its key.
        if (error instanceof KeyNotFoundError && request.lease) await store.leaseTimeToLive(request.lease)
        throw error
      })
      const previous = result.type === 'put' ? result.previous : undefined
      return { header: header(revision), ...(previous && { prevKv: toWire(previous) }) }
    }),
    unary(methods.deleteRange, async (request) => {
      const { result, revision } = await single(toDelete(request))
      const { deleted, previous } = result as Extract<OpResult, { type: 'delete' }>
      return { header: header(revision), deleted, prevKvs: previous.map(toWire) }
    }),
    unary(methods.txn, async (request, bytes) => {
      requireTxn(request as TxnRequest, operationsMax)
      requireSize(bytes)
      if (puts(request as TxnRequest)) await alarms.requireSpace()
      const result = await store.txn(toTxn(request as TxnRequest))
      const before = result.revision - (changes(result) ? 1 : 0)
      const answer = new TxnAnswer(before, result.revision).of(request as TxnRequest, result)
      return { ...answer, header: header(result.revision) }
    }),
    unary(methods.compact, async ({ revision = 0 }) => {
      await store.compact(revision)
      return { header: header(store.revision) }
    }),
  ]
}

// What is refused before the store is asked, in etcd's order.

function requireSize(bytes: number): void {
  if (bytes > requestBytesMax) throw refusal('etcdserver: request is too large')
}

function requireKey(key: string | undefined): void {
  if (!key) throw refusal('etcdserver: key is not provided')
}

function requireRange({ key, sortOrder: order = 0, sortTarget: target = 0 }: Infer<typeof RangeRequest>): void {
  requireKey(key)
  const isKnown = order >= 0 && order <= sortOrder.descend && target >= 0 && target <= sortTarget.value
  if (!isKnown) throw refusal('etcdserver: invalid sort option')
}

function requirePut({ key, value, lease, ignoreValue, ignoreLease }: Infer<typeof PutRequest>): void {
  requireKey(key)
  if (ignoreValue && value && value.length > 0) throw refusal('etcdserver: value is provided')
  if (ignoreLease && lease) throw refusal('etcdserver: lease is provided')
}

function requireTxn({ compare = [], success = [], failure = [] }: TxnRequest, operations: number): void {
  const most = Math.max(compare.length, success.length, failure.length)
  if (most > operations) throw refusal('etcdserver: too many operations in txn request')
  for (const { key } of compare) requireKey(key)
  for (const op of [...success, ...failure]) requireOp(op, operations - most)
}

function requireOp({ requestRange, requestPut, requestDeleteRange, requestTxn }: RequestOp, operations: number): void {
  if (requestRange) requireRange(requestRange)
  else if (requestPut) requirePut(requestPut)
  else if (requestDeleteRange) requireKey(requestDeleteRange.key)
  else if (requestTxn) requireTxn(requestTxn, operations)
  else throw refusal('etcdserver: key not found')
}

function puts({ success = [], failure = [] }: TxnRequest): boolean {
  return [...success, ...failure].some((op) => op.requestPut !== undefined || (op.requestTxn && puts(op.requestTxn)))
}

// To the store.

function toRange(key: string | undefined, rangeEnd: string | undefined): { from: string; to?: string } {
  return { from: key ?? '', ...(rangeEnd ? { to: rangeEnd } : {}) }
}

/** What is sorted or sifted is read whole; what is cut off has to be seen to tell that there is more. */
function toQuery(request: Infer<typeof RangeRequest>): RangeQuery {
  const { key, rangeEnd, limit = 0, revision = 0, countOnly } = request
  const isWhole = (request.sortOrder ?? 0) !== sortOrder.none || sifts(request)
  return {
    ...toRange(key, rangeEnd),
    ...(revision > 0 && { revision }),
    ...(limit > 0 && !isWhole && { limit: limit + 1 }),
    ...(countOnly && { countOnly }),
  }
}

function toPut(request: Infer<typeof PutRequest>): Op {
  const { key = '', value = noBytes, lease, prevKv, ignoreValue, ignoreLease } = request
  return {
    type: 'put',
    key,
    // A copy: what came is a part of what the network delivered, and would keep all of it.
    value: Buffer.from(value),
    ...(lease && { lease }),
    ...(prevKv && { previous: true }),
    ...(ignoreValue && { keepValue: true }),
    ...(ignoreLease && { keepLease: true }),
  }
}

const noBytes = new Uint8Array(0)

function toDelete({ key, rangeEnd, prevKv }: Infer<typeof DeleteRangeRequest>): Op {
  return { type: 'delete', ...toRange(key, rangeEnd), ...(prevKv && { previous: true }) }
}

function toTxn({ compare = [], success = [], failure = [] }: TxnRequest): Txn {
  return { compare: compare.map(toCompare), then: success.map(toOp), else: failure.map(toOp) }
}

function toOp({ requestRange, requestPut, requestDeleteRange, requestTxn }: RequestOp): Op {
  if (requestRange) return { type: 'range', ...toQuery(requestRange) }
  if (requestPut) return toPut(requestPut)
  if (requestDeleteRange) return toDelete(requestDeleteRange)
  return { type: 'txn', txn: toTxn(requestTxn ?? {}) }
}

const targets = nameByNumber(compareTarget)
const results = nameByNumber(compareResult)

function nameByNumber<N extends string>(numbers: Readonly<Record<N, number>>): ReadonlyMap<number, N> {
  return new Map(Object.entries(numbers).map(([name, number]) => [number as number, name as N]))
}

function toCompare(compare: Infer<typeof CompareMessage>): Compare {
  const target = targets.get(compare.target)
  const result = results.get(compare.result)
  if (target === undefined || result === undefined)
    throw new GrpcError('invalidArgument', `etcdserver: unknown comparison ${compare.target}, ${compare.result}`)
  return {
    ...toRange(compare.key, compare.rangeEnd),
    key: compare.key ?? '',
    target,
    result,
    value: wanted(compare, target),
  }
}

function wanted(compare: Infer<typeof CompareMessage>, target: Compare['target']): Compare['value'] {
  switch (target) {
    case 'version':
      return compare.version ?? 0
    case 'create':
      return compare.createRevision ?? 0
    case 'mod':
      return compare.modRevision ?? 0
    case 'lease':
      return compare.lease ?? 0n
    case 'value':
      return compare.value ?? noBytes
    default:
      return target satisfies never
  }
}

// From the store.

export function toWire({ key, value, createRevision, modRevision, version, lease }: KeyValue) {
  return { key, value, createRevision, modRevision, version, lease }
}

function sifts(request: Infer<typeof RangeRequest>): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request
  return Boolean(minModRevision || maxModRevision || minCreateRevision || maxCreateRevision)
}

/** Sifted, sorted, cut, in this order; the count is of all in the range. */
function toRangeResponse(result: RangeResult, request: Infer<typeof RangeRequest>): Infer<typeof RangeResponse> {
  const { limit = 0, keysOnly } = request
  let kvs = sifts(request) ? result.kvs.filter((kv) => passes(kv, request)) : result.kvs
  kvs = sorted(kvs, request)
  const more = limit > 0 && kvs.length > limit
  if (more) kvs = kvs.slice(0, limit)
  const wire = kvs.map(toWire)
  return { kvs: keysOnly ? wire.map((kv) => ({ ...kv, value: noBytes })) : wire, more, count: result.count }
}

function passes({ modRevision, createRevision }: KeyValue, request: Infer<typeof RangeRequest>): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request
  return (
    !(maxModRevision && modRevision > maxModRevision) &&
    !(minModRevision && modRevision < minModRevision) &&
    !(maxCreateRevision && createRevision > maxCreateRevision) &&
    !(minCreateRevision && createRevision < minCreateRevision)
  )
}

const orders: readonly ((a: KeyValue, b: KeyValue) => number)[] = [
  (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0),
  (a, b) => a.version - b.version,
  (a, b) => a.createRevision - b.createRevision,
  (a, b) => a.modRevision - b.modRevision,
  (a, b) => Buffer.compare(a.value, b.value),
]

/** By something other than the key, upwards is meant when nothing is said. */
function sorted(kvs: readonly KeyValue[], request: Infer<typeof RangeRequest>): readonly KeyValue[] {
  const { sortTarget: target = sortTarget.key, sortOrder: order = sortOrder.none } = request
  const compare = orders[target]!
  if (order === sortOrder.descend) return kvs.toSorted((a, b) => compare(b, a))
  return target === sortTarget.key ? kvs : kvs.toSorted(compare)
}

function changes({ results }: TxnResult): boolean {
  return results.some(
    (result) =>
      result.type === 'put' ||
      (result.type === 'delete' && result.deleted > 0) ||
      (result.type === 'txn' && changes(result.result)),
  )
}

/** Each answer says at which revision it stands: that of before until something is changed. */
class TxnAnswer {
  readonly #after: number
  #revision: number

  constructor(before: number, after: number) {
    this.#revision = before
    this.#after = after
  }

  of({ success = [], failure = [] }: TxnRequest, { succeeded, results }: TxnResult): TxnResponse {
    const ops = succeeded ? success : failure
    return { succeeded, responses: results.map((result, i) => this.#one(ops[i]!, result)) }
  }

  #one(op: RequestOp, result: OpResult): ResponseOp {
    if (result.type === 'put' || (result.type === 'delete' && result.deleted > 0)) this.#revision = this.#after
    const header = headerAt(this.#revision)
    switch (result.type) {
      case 'put':
        return { responsePut: { header, ...(result.previous && { prevKv: toWire(result.previous) }) } }
      case 'delete':
        return { responseDeleteRange: { header, deleted: result.deleted, prevKvs: result.previous.map(toWire) } }
      case 'range':
        return { responseRange: { ...toRangeResponse(result, op.requestRange ?? {}), header } }
      case 'txn':
        // etcd leaves the header of a nested one empty.
        return { responseTxn: { ...this.of(op.requestTxn ?? {}, result.result), header: headerAt(0) } }
      default:
        return result satisfies never
    }
  }
}

/** Within a transaction only the revision is told. */
function headerAt(revision: number) {
  return { clusterId: 0n, memberId: 0n, revision, raftTerm: 0n }
}
