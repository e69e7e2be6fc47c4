/**
 * The messages of etcd's v3 API (3.4 to 3.6), in the schema language. Keys are strings with one character for each
 * byte, as our store has them; values are bytes; ids of leases, members and clusters are bigints.
 *
 * Lists and messages that are absent on the wire are absent here.
 */
import {
  bool,
  byteString,
  explicit,
  type Infer,
  int32,
  int64,
  list,
  type ObjectType,
  object,
  optional,
  rawBytes,
  required,
  signed64,
  string,
  type Type,
  unsigned64,
} from '../schema/types.ts'

const message = <const F extends ObjectType['fields']>(name: string, fields: F) =>
  object(`etcdserverpb.${name}`, '', fields)
const scalar = <T extends Type>(number: number, type: T) => required(number, type, '')
const maybe = <T extends Type>(number: number, type: T) => optional(number, type, '')
/** A member of a `oneof`, or a message whose being there means something. */
const given = <T extends Type>(number: number, type: T) => explicit(number, type, '')

export const ResponseHeader = message('ResponseHeader', {
  clusterId: scalar(1, unsigned64),
  memberId: scalar(2, unsigned64),
  revision: scalar(3, int64),
  raftTerm: scalar(4, unsigned64),
})
const header = given(1, ResponseHeader)

export const KeyValue = message('KeyValue', {
  key: scalar(1, byteString),
  createRevision: scalar(2, int64),
  modRevision: scalar(3, int64),
  version: scalar(4, int64),
  value: scalar(5, rawBytes),
  lease: scalar(6, signed64),
})

export const eventType = { put: 0, delete: 1 } as const
export const Event = message('Event', { type: scalar(1, int32), kv: given(2, KeyValue), prevKv: given(3, KeyValue) })

// KV

export const sortOrder = { none: 0, ascend: 1, descend: 2 } as const
export const sortTarget = { key: 0, version: 1, create: 2, mod: 3, value: 4 } as const
export const RangeRequest = message('RangeRequest', {
  key: maybe(1, byteString),
  rangeEnd: maybe(2, byteString),
  limit: maybe(3, int64),
  revision: maybe(4, int64),
  sortOrder: maybe(5, int32),
  sortTarget: maybe(6, int32),
  serializable: maybe(7, bool),
  keysOnly: maybe(8, bool),
  countOnly: maybe(9, bool),
  minModRevision: maybe(10, int64),
  maxModRevision: maybe(11, int64),
  minCreateRevision: maybe(12, int64),
  maxCreateRevision: maybe(13, int64),
})
export const RangeResponse = message('RangeResponse', {
  header,
  kvs: maybe(2, list(KeyValue)),
  more: scalar(3, bool),
  count: scalar(4, int64),
})
export const PutRequest = message('PutRequest', {
  key: maybe(1, byteString),
  value: maybe(2, rawBytes),
  lease: maybe(3, signed64),
  prevKv: maybe(4, bool),
  ignoreValue: maybe(5, bool),
  ignoreLease: maybe(6, bool),
})
export const PutResponse = message('PutResponse', { header, prevKv: given(2, KeyValue) })
export const DeleteRangeRequest = message('DeleteRangeRequest', {
  key: maybe(1, byteString),
  rangeEnd: maybe(2, byteString),
  prevKv: maybe(3, bool),
})
export const DeleteRangeResponse = message('DeleteRangeResponse', {
  header,
  deleted: scalar(2, int64),
  prevKvs: maybe(3, list(KeyValue)),
})

export const compareResult = { '=': 0, '>': 1, '<': 2, '!=': 3 } as const
export const compareTarget = { version: 0, create: 1, mod: 2, value: 3, lease: 4 } as const
export const Compare = message('Compare', {
  result: scalar(1, int32),
  target: scalar(2, int32),
  key: maybe(3, byteString),
  version: given(4, int64),
  createRevision: given(5, int64),
  modRevision: given(6, int64),
  value: given(7, rawBytes),
  lease: given(8, signed64),
  rangeEnd: maybe(64, byteString),
})

// A transaction holds operations, and an operation may be a transaction: TypeScript cannot infer such a circle, so its
// types are written out and the schema is tied together at run time.

export interface RequestOp {
  readonly requestRange?: Infer<typeof RangeRequest>
  readonly requestPut?: Infer<typeof PutRequest>
  readonly requestDeleteRange?: Infer<typeof DeleteRangeRequest>
  readonly requestTxn?: TxnRequest
}
export interface TxnRequest {
  readonly compare?: readonly Infer<typeof Compare>[]
  readonly success?: readonly RequestOp[]
  readonly failure?: readonly RequestOp[]
}
export interface ResponseOp {
  readonly responseRange?: Infer<typeof RangeResponse>
  readonly responsePut?: Infer<typeof PutResponse>
  readonly responseDeleteRange?: Infer<typeof DeleteRangeResponse>
  readonly responseTxn?: TxnResponse
}
export interface TxnResponse {
  readonly header?: Infer<typeof ResponseHeader>
  readonly succeeded: boolean
  readonly responses?: readonly ResponseOp[]
}

const requestFields: Record<string, ObjectType['fields'][string]> = {
  requestRange: given(1, RangeRequest),
  requestPut: given(2, PutRequest),
  requestDeleteRange: given(3, DeleteRangeRequest),
}
const responseFields: Record<string, ObjectType['fields'][string]> = {
  responseRange: given(1, RangeResponse),
  responsePut: given(2, PutResponse),
  responseDeleteRange: given(3, DeleteRangeResponse),
}
export const RequestOp = message('RequestOp', requestFields)
export const ResponseOp = message('ResponseOp', responseFields)
export const TxnRequest = message('TxnRequest', {
  compare: maybe(1, list(Compare)),
  success: maybe(2, list(RequestOp)),
  failure: maybe(3, list(RequestOp)),
})
export const TxnResponse = message('TxnResponse', {
  header,
  succeeded: scalar(2, bool),
  responses: maybe(3, list(ResponseOp)),
})
requestFields['requestTxn'] = given(4, TxnRequest)
responseFields['responseTxn'] = given(4, TxnResponse)

export const CompactionRequest = message('CompactionRequest', { revision: maybe(1, int64), physical: maybe(2, bool) })
export const CompactionResponse = message('CompactionResponse', { header })

// Watch

export const filterType = { noPut: 0, noDelete: 1 } as const
export const WatchCreateRequest = message('WatchCreateRequest', {
  key: maybe(1, byteString),
  rangeEnd: maybe(2, byteString),
  startRevision: maybe(3, int64),
  progressNotify: maybe(4, bool),
  filters: maybe(5, list(int32)),
  prevKv: maybe(6, bool),
  watchId: maybe(7, int64),
  fragment: maybe(8, bool),
})
export const WatchCancelRequest = message('WatchCancelRequest', { watchId: scalar(1, int64) })
export const WatchProgressRequest = message('WatchProgressRequest', {})
export const WatchRequest = message('WatchRequest', {
  createRequest: given(1, WatchCreateRequest),
  cancelRequest: given(2, WatchCancelRequest),
  progressRequest: given(3, WatchProgressRequest),
})
export const WatchResponse = message('WatchResponse', {
  header,
  watchId: scalar(2, int64),
  created: scalar(3, bool),
  canceled: scalar(4, bool),
  compactRevision: scalar(5, int64),
  cancelReason: scalar(6, string),
  fragment: scalar(7, bool),
  events: maybe(11, list(Event)),
})

// Lease

export const LeaseGrantRequest = message('LeaseGrantRequest', { ttl: maybe(1, int64), id: maybe(2, signed64) })
export const LeaseGrantResponse = message('LeaseGrantResponse', {
  header,
  id: scalar(2, signed64),
  ttl: scalar(3, int64),
  error: scalar(4, string),
})
export const LeaseRevokeRequest = message('LeaseRevokeRequest', { id: maybe(1, signed64) })
export const LeaseRevokeResponse = message('LeaseRevokeResponse', { header })
export const LeaseKeepAliveRequest = message('LeaseKeepAliveRequest', { id: maybe(1, signed64) })
export const LeaseKeepAliveResponse = message('LeaseKeepAliveResponse', {
  header,
  id: scalar(2, signed64),
  ttl: scalar(3, int64),
})
export const LeaseTimeToLiveRequest = message('LeaseTimeToLiveRequest', {
  id: maybe(1, signed64),
  keys: maybe(2, bool),
})
export const LeaseTimeToLiveResponse = message('LeaseTimeToLiveResponse', {
  header,
  id: scalar(2, signed64),
  ttl: scalar(3, int64),
  grantedTtl: scalar(4, int64),
  keys: maybe(5, list(byteString)),
})
export const LeaseLeasesRequest = message('LeaseLeasesRequest', {})
export const LeaseStatus = message('LeaseStatus', { id: scalar(1, signed64) })
export const LeaseLeasesResponse = message('LeaseLeasesResponse', { header, leases: maybe(2, list(LeaseStatus)) })

// Cluster

export const Member = message('Member', {
  id: scalar(1, unsigned64),
  name: scalar(2, string),
  peerUrls: maybe(3, list(string)),
  clientUrls: maybe(4, list(string)),
  isLearner: scalar(5, bool),
})
const members = maybe(2, list(Member))
export const MemberAddRequest = message('MemberAddRequest', {
  peerUrls: maybe(1, list(string)),
  isLearner: maybe(2, bool),
})
export const MemberAddResponse = message('MemberAddResponse', {
  header,
  member: given(2, Member),
  members: maybe(3, list(Member)),
})
export const MemberRemoveRequest = message('MemberRemoveRequest', { id: maybe(1, unsigned64) })
export const MemberRemoveResponse = message('MemberRemoveResponse', { header, members })
export const MemberUpdateRequest = message('MemberUpdateRequest', {
  id: maybe(1, unsigned64),
  peerUrls: maybe(2, list(string)),
})
export const MemberUpdateResponse = message('MemberUpdateResponse', { header, members })
export const MemberListRequest = message('MemberListRequest', { linearizable: maybe(1, bool) })
export const MemberListResponse = message('MemberListResponse', { header, members })
export const MemberPromoteRequest = message('MemberPromoteRequest', { id: maybe(1, unsigned64) })
export const MemberPromoteResponse = message('MemberPromoteResponse', { header, members })

// Maintenance

export const alarmAction = { get: 0, activate: 1, deactivate: 2 } as const
export const alarmType = { none: 0, noSpace: 1, corrupt: 2 } as const
export const AlarmRequest = message('AlarmRequest', {
  action: maybe(1, int32),
  memberId: maybe(2, unsigned64),
  alarm: maybe(3, int32),
})
export const AlarmMember = message('AlarmMember', { memberId: scalar(1, unsigned64), alarm: scalar(2, int32) })
export const AlarmResponse = message('AlarmResponse', { header, alarms: maybe(2, list(AlarmMember)) })
export const StatusRequest = message('StatusRequest', {})
export const StatusResponse = message('StatusResponse', {
  header,
  version: scalar(2, string),
  dbSize: scalar(3, int64),
  leader: scalar(4, unsigned64),
  raftIndex: scalar(5, unsigned64),
  raftTerm: scalar(6, unsigned64),
  raftAppliedIndex: scalar(7, unsigned64),
  errors: maybe(8, list(string)),
  dbSizeInUse: scalar(9, int64),
  isLearner: scalar(10, bool),
  // From 3.6 on.
  storageVersion: maybe(11, string),
  dbSizeQuota: maybe(12, int64),
})
export const DefragmentRequest = message('DefragmentRequest', {})
export const DefragmentResponse = message('DefragmentResponse', { header })
export const HashRequest = message('HashRequest', {})
export const HashResponse = message('HashResponse', { header, hash: scalar(2, int64) })
export const HashKvRequest = message('HashKVRequest', { revision: maybe(1, int64) })
export const HashKvResponse = message('HashKVResponse', {
  header,
  hash: scalar(2, int64),
  compactRevision: scalar(3, int64),
})
export const SnapshotRequest = message('SnapshotRequest', {})
export const SnapshotResponse = message('SnapshotResponse', {
  header,
  remainingBytes: scalar(2, unsigned64),
  blob: scalar(3, rawBytes),
})
export const MoveLeaderRequest = message('MoveLeaderRequest', { targetId: maybe(1, unsigned64) })
export const MoveLeaderResponse = message('MoveLeaderResponse', { header })

/** A call: what is sent and what comes back. Which sides may send more than one message is up to who calls. */
export interface Method<Q extends ObjectType = ObjectType, A extends ObjectType = ObjectType> {
  readonly path: string
  readonly request: Q
  readonly response: A
}

const method = <Q extends ObjectType, A extends ObjectType>(path: string, request: Q, response: A): Method<Q, A> => ({
  path: `/etcdserverpb.${path}`,
  request,
  response,
})

export const methods = {
  range: method('KV/Range', RangeRequest, RangeResponse),
  put: method('KV/Put', PutRequest, PutResponse),
  deleteRange: method('KV/DeleteRange', DeleteRangeRequest, DeleteRangeResponse),
  txn: method('KV/Txn', TxnRequest, TxnResponse),
  compact: method('KV/Compact', CompactionRequest, CompactionResponse),
  watch: method('Watch/Watch', WatchRequest, WatchResponse),
  leaseGrant: method('Lease/LeaseGrant', LeaseGrantRequest, LeaseGrantResponse),
  leaseRevoke: method('Lease/LeaseRevoke', LeaseRevokeRequest, LeaseRevokeResponse),
  leaseKeepAlive: method('Lease/LeaseKeepAlive', LeaseKeepAliveRequest, LeaseKeepAliveResponse),
  leaseTimeToLive: method('Lease/LeaseTimeToLive', LeaseTimeToLiveRequest, LeaseTimeToLiveResponse),
  leaseLeases: method('Lease/LeaseLeases', LeaseLeasesRequest, LeaseLeasesResponse),
  memberAdd: method('Cluster/MemberAdd', MemberAddRequest, MemberAddResponse),
  memberRemove: method('Cluster/MemberRemove', MemberRemoveRequest, MemberRemoveResponse),
  memberUpdate: method('Cluster/MemberUpdate', MemberUpdateRequest, MemberUpdateResponse),
  memberList: method('Cluster/MemberList', MemberListRequest, MemberListResponse),
  memberPromote: method('Cluster/MemberPromote', MemberPromoteRequest, MemberPromoteResponse),
  alarm: method('Maintenance/Alarm', AlarmRequest, AlarmResponse),
  status: method('Maintenance/Status', StatusRequest, StatusResponse),
  defragment: method('Maintenance/Defragment', DefragmentRequest, DefragmentResponse),
  hash: method('Maintenance/Hash', HashRequest, HashResponse),
  hashKv: method('Maintenance/HashKV', HashKvRequest, HashKvResponse),
  snapshot: method('Maintenance/Snapshot', SnapshotRequest, SnapshotResponse),
  moveLeader: method('Maintenance/MoveLeader', MoveLeaderRequest, MoveLeaderResponse),
} as const
