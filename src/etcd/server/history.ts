/** All that an embedded store keeps, in the form in which etcd keeps it: for snapshots and hashes. */
import { crc32c } from '../../base/crc32c.ts'
import { CompactedError, FutureRevisionError, type KeyValue, type Store, type StoreEvent } from '../../store/store.ts'
import { subRevisionOf } from '../../store/sub-revision.ts'
import { type ChangeRecord, type LeaseRecord, toRecordKey, toRecordValue } from '../records.ts'
import { type EtcdState, type SnapshotMember, toBuckets } from '../snapshot.ts'

/** The state of the store at one moment. The store is an embedded one: it answers without waiting. */
export async function stateOf(store: Store): Promise<EtcdState> {
  const before = await leasesOf(store)
  const state = { revision: store.revision, compacted: store.compacted, records: recordsOf(store) }
  // Granted after the first look and used before the records were read: known now, if it was not revoked again.
  const leases = new Map([...before, ...(await leasesOf(store))].map((lease) => [lease.id, lease]))
  return { ...state, leases: [...leases.values()] }
}

async function leasesOf(store: Store): Promise<LeaseRecord[]> {
  const ids = await store.leases()
  const leases = await Promise.all(ids.map((id) => store.leaseTimeToLive(id).catch(() => undefined)))
  return leases.flatMap((lease) => (lease ? [{ id: lease.id, ttlSeconds: lease.ttlSeconds }] : []))
}

/** In order: what was current at the compacted revision, then every change. */
export function recordsOf(store: Store): ChangeRecord[] {
  const oldest = Math.max(1, store.compacted)
  const base = store.rangeNow({ from: '\0', to: '\0', revision: oldest }).kvs.map(toRecord)
  const later = changesFrom(store, oldest).filter(({ kv, revision }) => revision > oldest || kv === undefined)
  return inOrder([...base, ...later])
}

function toRecord(kv: KeyValue): ChangeRecord {
  return { revision: kv.modRevision, sub: subRevisionOf(kv), key: kv.key, kv }
}

/** An embedded store delivers what lies in the past at once. */
function changesFrom(store: Store, fromRevision: number): ChangeRecord[] {
  const records: ChangeRecord[] = []
  const stop = new AbortController()
  const take = (events: readonly StoreEvent[]) => {
    let sub = 0
    let revision = 0
    for (const event of events) {
      sub = event.revision === revision ? sub + 1 : 0
      revision = event.revision
      records.push({ revision, sub: subRevisionOf(event) || sub, key: event.key, kv: event.kv })
    }
  }
  const fail = (error: Error) => {
    throw error
  }
  store.watch({ from: '\0', to: '\0', fromRevision, signal: stop.signal }, { onEvents: take, onError: fail })
  stop.abort()
  return records
}

/** Of two changes with the same number (where the true one was not kept) the later gets the next. */
function inOrder(records: readonly ChangeRecord[]): ChangeRecord[] {
  const sorted = records.toSorted((a, b) => a.revision - b.revision || a.sub - b.sub)
  let last: ChangeRecord | undefined
  return sorted.map((record) => {
    const isTaken = last?.revision === record.revision && last.sub >= record.sub
    last = isTaken ? { ...record, sub: last!.sub + 1 } : record
    return last
  })
}

/** etcd's hash of its keys at a revision: two stores with the same history have the same. 0: the newest. */
export function hashOfKeys(store: Store, atRevision = 0): number {
  const revision = atRevision > 0 ? atRevision : store.revision
  if (revision > store.revision) throw new FutureRevisionError()
  // etcd tells no hash at the compacted revision itself, unless it is the newest.
  if (atRevision > 0 && revision <= store.compacted) throw new CompactedError(store.compacted)
  const records = recordsOf(store).filter((record) => record.revision <= revision)
  let hash = crc32c(Buffer.from('key'))
  for (const record of withoutOutdated(records, store.compacted))
    hash = crc32c(toRecordValue(record), crc32c(toRecordKey(record), hash))
  return hash
}

/**
 * Of those up to the compacted revision etcd takes the ones that are still current, since it may have come to remove the
 * others or not; and all of them when no key is left.
 */
function withoutOutdated(records: readonly ChangeRecord[], compacted: number): ChangeRecord[] {
  const newest = new Map(records.map((record) => [record.key, record]))
  const isEmpty = [...newest.values()].every(({ kv }) => kv === undefined)
  return records.filter(
    (record) =>
      record.revision > compacted || (record.kv !== undefined && (isEmpty || newest.get(record.key) === record)),
  )
}

/** etcd's hash of its whole database. */
export async function hashOfAll(store: Store, member: SnapshotMember): Promise<number> {
  let hash = 0
  for (const { name, entries } of toBuckets(await stateOf(store), member)) {
    hash = crc32c(Buffer.from(name), hash)
    for (const entry of entries) hash = crc32c(entry.value(), crc32c(entry.key, hash))
  }
  return hash
}
