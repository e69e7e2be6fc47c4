import { EtcdError, grpcCode } from '../../etcd/client.ts'
import { LifecycleError } from '../failure.ts'
import { EtcdAccessError } from './access.ts'

/** What cannot be done to an etcd cluster, and what to do next. */
export class EtcdCareError extends LifecycleError {}

/** The error in words for the operator, with the next step where there is one; nothing when it is none of etcd's. */
export function explainEtcd(error: unknown): EtcdCareError | undefined {
  if (error instanceof EtcdCareError) return error
  if (error instanceof EtcdAccessError) return new EtcdCareError(error.message, { cause: error })
  if (!(error instanceof EtcdError)) return undefined
  const { message } = error
  const hint = hints.find(([words]) => message.includes(words))?.[1]
  const text = error.code === grpcCode.deadlineExceeded ? `context deadline exceeded (${message})` : message
  return new EtcdCareError(text, { ...(hint && { hint }), cause: error })
}

const hints: readonly (readonly [words: string, hint: string])[] = [
  [
    'no leader',
    'no majority of the members can be reached: see "coracle etcd status", and start the members that are down',
  ],
  ['did not answer within', 'no majority of the members answers: see "coracle etcd status" and "coracle etcd health"'],
  [
    'unhealthy cluster',
    'a member that is listed does not run or has just come up: see "coracle etcd health", and try again in a few seconds',
  ],
  [
    're-configuration failed due to not enough started members',
    'start the members that are listed as unstarted, or remove them',
  ],
  ['too many learner members', 'promote or remove the learner that is there: see "coracle etcd member list"'],
  ['which is in sync with leader', 'it has not caught up with the leader yet: try again when it has'],
  ['member not found', 'see "coracle etcd member list"'],
  ['Peer URLs already exists', 'a member with this address is listed: remove it first when it will not come back'],
  ['database space exceeded', 'make room with: coracle etcd check --free'],
  ['required revision has been compacted', 'it is compacted already'],
  ['is a future revision', 'see the newest revision with: coracle etcd status -o json'],
  ['user name is empty', 'this etcd has users, and "coracle etcd" has certificates only: use etcdctl --user'],
  ['cannot reach', 'is etcd running there, and do scheme, address and certificates fit?'],
]
