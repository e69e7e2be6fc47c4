/** Cluster and Auth of etcd's protocol: one member, to which none can be added, and no users. */
import { bool, object, required, unsigned64 } from '../../schema/types.ts'
import type { Store } from '../../store/store.ts'
import { type Method, methods, ResponseHeader } from '../messages.ts'
import { GrpcError, refusal } from './errors.ts'
import { type Route, unary } from './grpc.ts'
import type { Identity } from './identity.ts'

const nothing = object('etcdserverpb.AuthRequest', '', {})
const authAnswer = object('etcdserverpb.AuthStatusResponse', '', {
  header: required(1, ResponseHeader, ''),
  enabled: required(2, bool, ''),
  authRevision: required(3, unsigned64, ''),
})

const memberRefusal = () =>
  new GrpcError(
    'failedPrecondition',
    'etcdserver: the embedded store of Coracle has one member and always will; `coracle etcd migrate` moves what is in it to an etcd, which can have more',
  )

const authRefusal = () =>
  new GrpcError(
    'failedPrecondition',
    'etcdserver: the embedded store of Coracle has no users; who may connect is decided by client certificates (--etcd-trusted-ca-file)',
  )

/** Those of `etcdserverpb.Auth` that would change or need users. */
const refusedAuth = [
  'AuthEnable',
  ...['UserAdd', 'UserGet', 'UserList', 'UserDelete', 'UserChangePassword', 'UserGrantRole', 'UserRevokeRole'],
  ...['RoleAdd', 'RoleGet', 'RoleList', 'RoleDelete', 'RoleGrantPermission', 'RoleRevokePermission'],
] as const

export function clusterRoutes(store: Store, identity: Identity): Route[] {
  const header = () => identity.header(store.revision)
  const refuse = async () => {
    throw memberRefusal()
  }
  const known = async ({ id = 0n }: { id?: bigint | undefined }) => {
    if (id !== identity.memberId) throw refusal('etcdserver: member not found')
    throw memberRefusal()
  }
  return [
    unary(methods.memberList, async () => ({ header: header(), members: [identity.member()] })),
    unary(methods.memberAdd, refuse),
    unary(methods.memberRemove, known),
    unary(methods.memberUpdate, known),
    unary(methods.memberPromote, known),
  ]
}

export function authRoutes(store: Store, identity: Identity): Route[] {
  const state = async () => ({ header: identity.header(store.revision), enabled: false, authRevision: 1n })
  const method = (name: string): Method<typeof nothing, typeof authAnswer> => ({
    path: `/etcdserverpb.Auth/${name}`,
    request: nothing,
    response: authAnswer,
  })
  return [
    unary(method('AuthStatus'), state),
    unary(method('AuthDisable'), state),
    unary(method('Authenticate'), async () => {
      throw refusal('etcdserver: authentication is not enabled')
    }),
    ...refusedAuth.map((name) =>
      unary(method(name), async () => {
        throw authRefusal()
      }),
    ),
  ]
}
