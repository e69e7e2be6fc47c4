import type { RequestInfo } from '../request-info.ts'
import type { WatchCounts } from './watch-counts.ts'

/** What a request will cost (KEP-1040, "work estimation"). */
export interface Work {
  /** Seats that it takes while it is answered. */
  readonly seats: number
  /** Seats that it takes for `afterMs` behind its end, while watches are told of it. */
  readonly seatsAfter: number
  readonly afterMs: number
}

/** How much there is of a resource. */
export interface ObjectSizes {
  /** undefined: it is not kept here. */
  of(group: string, resource: string): ObjectSize | undefined
}

export interface ObjectSize {
  readonly count: number
  readonly averageBytes: number
}

const bytesPerSeat = 100_000
/** A list that is sent as it is stored takes no more memory at once than this. */
const streamedBytes = 1_000_000
/** Of lists that have to be read from the history. */
const mostListSeats = 100
const watchesPerSeat = 10
const mostWriteSeats = 10
/** How long one seat is busy with telling `watchesPerSeat` watches. */
const tellingMs = 5

const one: Work = { seats: 1, seatsAfter: 0, afterMs: 0 }

/** `mostSeats`: what its level allows one request at most; 0 where that is not said. */
export function estimate(info: RequestInfo, sizes: ObjectSizes, watches: WatchCounts, mostSeats: number): Work {
  if (!info.isResource || info.subresource !== '') return isWrite(info.verb) ? ofWrite(info, watches, mostSeats) : one
  if (info.verb === 'list') return ofList(info, sizes, mostSeats)
  if (info.verb === 'watch') return sendsAll(info) ? ofList(info, sizes, mostSeats) : one
  return isWrite(info.verb) ? ofWrite(info, watches, mostSeats) : one
}

const isWrite = (verb: string) => verb === 'create' || verb === 'update' || verb === 'patch' || verb === 'delete'

function sendsAll({ query }: RequestInfo): boolean {
  if (query.isEmpty) return false
  const asked = query.get('sendInitialEvents')
  return asked !== undefined && asked !== 'false' && asked !== '0'
}

function ofList(info: RequestInfo, sizes: ObjectSizes, mostSeats: number): Work {
  const size = sizes.of(info.group, info.resource)
  if (size === undefined) return one
  const bytes = objectsInMemory(info, size.count) * size.averageBytes
  const isCached = info.verb === 'watch' || !readsHistory(info)
  const seats = Math.ceil((isCached ? Math.min(bytes, streamedBytes) : bytes) / bytesPerSeat)
  const most = mostSeats === 0 ? mostListSeats : Math.min(mostSeats, mostListSeats)
  const bounded = Math.max(1, Math.min(seats, most))
  return bounded === 1 ? one : { seats: bounded, seatsAfter: 0, afterMs: 0 }
}

/** A page of a list that began earlier, or a list at exactly one revision. */
function readsHistory({ query }: RequestInfo): boolean {
  if (query.isEmpty) return false
  const match = query.get('resourceVersionMatch') ?? ''
  if (match !== '') return match === 'Exact'
  if ((query.get('continue') ?? '') !== '') return true
  const version = query.get('resourceVersion') ?? ''
  return limitOf(query.get('limit')) > 0 && version !== '' && version !== '0'
}

function objectsInMemory(info: RequestInfo, count: number): number {
  const { query } = info
  if (info.name !== '') return 1
  if (query.isEmpty) return count
  const limit = limitOf(query.get('limit'))
  const limited = limit > 0 ? Math.min(limit, count) : count
  const selects = (query.get('fieldSelector') ?? '') !== '' || (query.get('labelSelector') ?? '') !== ''
  return selects && info.verb === 'list' && readsHistory(info) ? Math.max(limited, count / 2) : limited
}

const limitOf = (text: string | undefined) => (text !== undefined && /^\d+$/.test(text) ? Number(text) : 0)

function ofWrite(info: RequestInfo, watches: WatchCounts, mostSeats: number): Work {
  const count = info.isResource ? watches.of(info) : 0
  if (count < watchesPerSeat) return one
  const wanted = Math.ceil(count / watchesPerSeat)
  const most = mostSeats === 0 ? mostWriteSeats : Math.min(mostSeats, mostWriteSeats)
  const seatsAfter = Math.min(wanted, most)
  return { seats: 1, seatsAfter, afterMs: (wanted * tellingMs) / seatsAfter }
}
