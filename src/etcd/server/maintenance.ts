/**
 * Maintenance of etcd's protocol. The embedded store uses free space again by itself, so there is nothing to defragment.
 */
import type { Store } from '../../store/store.ts'
import { alarmAction, alarmType, methods } from '../messages.ts'
import { writeSnapshot } from '../snapshot.ts'
import type { Alarms } from './alarms.ts'
import { refusal } from './errors.ts'
import { type Route, type ServerCall, streaming, unary } from './grpc.ts'
import { hashOfAll, hashOfKeys, stateOf } from './history.ts'
import { apiVersion, type Identity } from './identity.ts'

export interface MaintenanceOptions {
  readonly store: Store
  readonly identity: Identity
  readonly alarms: Alarms
}

/** etcd sends so much at a time, too. */
const blobBytes = 32 * 1024
/** Bytes of the hash behind a snapshot, which do not count as remaining. */
const hashBytes = 32

export function maintenanceRoutes({ store, identity, alarms }: MaintenanceOptions): Route[] {
  const header = () => identity.header(store.revision)
  const alarm = () => ({ memberId: identity.memberId, alarm: alarmType.noSpace })
  return [
    unary(methods.status, async () => {
      const { revision, sizeBytes } = await store.status()
      const index = BigInt(revision)
      return {
        header: header(),
        version: apiVersion,
        ...{ dbSize: sizeBytes, dbSizeInUse: sizeBytes, isLearner: false },
        ...{ leader: identity.memberId, raftTerm: identity.term, raftIndex: index, raftAppliedIndex: index },
        errors: alarms.isRaised ? [`memberID:${identity.memberId} alarm:NOSPACE `] : [],
      }
    }),
    unary(methods.alarm, async ({ action = alarmAction.get, memberId = 0n, alarm: kind = alarmType.none }) => {
      const concerns = (memberId === 0n || memberId === identity.memberId) && kind !== alarmType.corrupt
      if (action === alarmAction.activate && kind === alarmType.noSpace && concerns) alarms.raise()
      const told = alarms.isRaised && concerns ? [alarm()] : []
      if (action === alarmAction.deactivate && concerns) alarms.disarm()
      return { header: header(), alarms: told }
    }),
    unary(methods.defragment, async () => ({ header: header() })),
    unary(methods.hash, async () => ({ header: header(), hash: await hashOfAll(store, identity.member()) })),
    unary(methods.hashKv, async ({ revision = 0 }) => {
      const hash = hashOfKeys(store, revision)
      // etcd says -1 as long as nothing was compacted.
      return { header: header(), hash, compactRevision: store.compacted || -1 }
    }),
    streaming(methods.snapshot, (call) => {
      const send = () =>
        void sendSnapshot(call, store, identity).then(
          () => call.end(),
          (error: unknown) => call.end(error),
        )
      call.listen(send, () => {})
    }),
    unary(methods.moveLeader, async ({ targetId = 0n }) => {
      if (targetId !== identity.memberId) throw refusal('etcdserver: bad leader transferee')
      return { header: header() }
    }),
  ]
}

type SnapshotCall = ServerCall<unknown, { header: undefined; remainingBytes: bigint; blob: Uint8Array }>

async function sendSnapshot(call: SnapshotCall, store: Store, identity: Identity): Promise<void> {
  const snapshot = writeSnapshot(await stateOf(store), identity.member())
  let remaining = snapshot.size - hashBytes
  for (const piece of snapshot.pieces()) {
    for (let at = 0; at < piece.length; at += blobBytes) {
      const blob = piece.subarray(at, at + blobBytes)
      remaining = Math.max(0, remaining - blob.length)
      call.send({ header: undefined, remainingBytes: BigInt(remaining), blob })
      await call.drained()
      if (call.signal.aborted) return
    }
  }
}
