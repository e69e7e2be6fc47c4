/**
 * etcd's refusals: the texts and gRPC codes that its clients compare (`api/v3rpc/rpctypes`). A store's error carries
 * etcd's text; the code for it is looked up here.
 */
import { NoSpaceError, StoreClosedError } from '../../store/store.ts'

export const grpcStatus = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  notFound: 5,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const

export type GrpcCode = keyof typeof grpcStatus

/** What a call ends with instead of an answer. */
export class GrpcError extends Error {
  readonly code: GrpcCode
  constructor(code: GrpcCode, message: string) {
    super(message)
    this.code = code
  }
}

/** By text, as etcd has them. */
const codes: Readonly<Record<string, GrpcCode>> = {
  'etcdserver: key is not provided': 'invalidArgument',
  'etcdserver: key not found': 'invalidArgument',
  'etcdserver: value is provided': 'invalidArgument',
  'etcdserver: lease is provided': 'invalidArgument',
  'etcdserver: too many operations in txn request': 'invalidArgument',
  'etcdserver: duplicate key given in txn request': 'invalidArgument',
  'etcdserver: invalid sort option': 'invalidArgument',
  'etcdserver: request is too large': 'invalidArgument',
  'etcdserver: mvcc: required revision has been compacted': 'outOfRange',
  'etcdserver: mvcc: required revision is a future revision': 'outOfRange',
  'etcdserver: mvcc: database space exceeded': 'resourceExhausted',
  'etcdserver: requested lease not found': 'notFound',
  'etcdserver: lease already exists': 'failedPrecondition',
  'etcdserver: too large lease TTL': 'outOfRange',
  'etcdserver: member not found': 'notFound',
  'etcdserver: bad leader transferee': 'failedPrecondition',
  'etcdserver: authentication is not enabled': 'failedPrecondition',
}

/** One of the refusals above. */
export function refusal(message: keyof typeof codes & string): GrpcError {
  return new GrpcError(codes[message] ?? 'unknown', message)
}

export function toGrpcError(error: unknown): GrpcError {
  if (error instanceof GrpcError) return error
  // Where the disk is full it says more than etcd would; the code is the same.
  if (error instanceof NoSpaceError) return new GrpcError('resourceExhausted', error.message)
  if (error instanceof StoreClosedError) return new GrpcError('unavailable', 'etcdserver: server stopped')
  const { message } = error as Error
  return new GrpcError(codes[message] ?? 'unknown', message)
}
