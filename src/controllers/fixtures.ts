import { Deployment } from '../kinds/apps/deployment.ts'
import { ReplicaSet } from '../kinds/apps/replica-set.ts'
import { Node } from '../kinds/core/node.ts'
import { Pod } from '../kinds/core/pod.ts'
import type { Change } from '../reconciler/changes.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../schema/kind.ts'
import type { Draft } from '../schema/types.ts'
import { controllerReference } from './shared/owner.ts'

/** For tests: the moment at which they all take place. */
export const now: number = Date.UTC(2026, 0, 1, 12)
export const nowText = '2026-01-01T12:00:00Z'
const earlier = '2026-01-01T11:00:00Z'

/** An object as the server would have it, of what a test cares about. */
export function object<T extends ApiObject>(kind: Kind<T>, name: string, rest: Draft<T>): T {
  const metadata = {
    name,
    ...(kind.namespaced && { namespace: 'default' }),
    uid: `uid-${kind.singular}-${name}`,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: earlier,
    ...rest.metadata,
  }
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, status: {}, ...rest, metadata } as unknown as T
}

const template = (image: string) => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'main', image }] },
})

export function replicaSet(name: string, replicas: number, rest: Draft<ReplicaSet> = {}): ReplicaSet {
  const spec = { replicas, selector: { matchLabels: { app: 'web' } }, template: template('web:1'), ...rest.spec }
  return object<ReplicaSet>(ReplicaSet, name, { ...rest, spec } as Draft<ReplicaSet>)
}

export function deployment(replicas: number, rest: Draft<Deployment> = {}, image = 'web:1'): Deployment {
  const spec = {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: template(image),
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    ...rest.spec,
  }
  return object<Deployment>(Deployment, 'web', { ...rest, spec } as Draft<Deployment>)
}

export type PodTraits = Partial<{
  node: string
  phase: string
  readySince: string
  labels: Record<string, string>
  created: string
  owner: { readonly kind: Kind; readonly object: ApiObject }
  deleted: boolean
  rest: Draft<Pod>
}>

export function pod(name: string, traits: PodTraits = {}): Pod {
  const { node, phase = 'Pending', readySince, labels = { app: 'web' }, created, owner, deleted, rest = {} } = traits
  const condition = { type: 'Ready', status: 'True', lastTransitionTime: readySince }
  return object<Pod>(Pod, name, {
    ...rest,
    metadata: {
      labels,
      ...(created && { creationTimestamp: created }),
      ...(owner && { ownerReferences: [controllerReference(owner.kind, owner.object)] }),
      ...(deleted && { deletionTimestamp: nowText }),
      ...rest.metadata,
    },
    spec: { containers: [{ name: 'main', image: 'web:1' }], ...(node && { nodeName: node }), ...rest.spec },
    status: {
      phase: readySince ? 'Running' : phase,
      ...(readySince && { conditions: [condition] }),
      ...rest.status,
    },
  } as Draft<Pod>)
}

export function node(name: string, rest: Draft<Node> = {}): Node {
  const ready = { type: 'Ready', status: 'True', lastHeartbeatTime: nowText, lastTransitionTime: earlier }
  return object<Node>(Node, name, {
    ...rest,
    metadata: { labels: { 'kubernetes.io/hostname': name }, ...rest.metadata },
    spec: { ...rest.spec },
    status: { conditions: [ready], ...rest.status },
  } as Draft<Node>)
}

/** Changes as lines to compare: what a test of a reconcile function reads. */
export function lines(changes: readonly Change[]): string[] {
  return changes.map(line)
}

function line(change: Change): string {
  switch (change.type) {
    case 'event':
      return `${change.eventType} ${change.reason}: ${change.message}`
    case 'again':
      return `again after ${change.afterMs} ms`
    case 'create':
      return `create ${change.kind.singular}/${change.object.metadata?.name ?? change.object.metadata?.generateName}`
    case 'update':
      return `update ${change.kind.singular}/${change.object.metadata?.name}${change.subresource ? ` ${change.subresource}` : ''}`
    case 'ask':
      return 'ask'
    case 'confirm':
      return `confirm ${change.kind.singular}/${change.object.metadata.name}`
    case 'patch':
      return `patch ${change.kind.singular}/${change.ref.name}${change.subresource ? ` ${change.subresource}` : ''}`
    case 'remove':
      return `remove ${change.kind.singular}/${change.ref.name}`
  }
}

/** The object of the first change of this type. */
export function written<T extends ApiObject>(changes: readonly Change[], kind: Kind<T>, subresource?: string): T {
  const found = changes.find(
    (change) =>
      (change.type === 'update' ? change.subresource === subresource : change.type === 'create') &&
      'kind' in change &&
      change.kind === (kind as Kind),
  )
  if (found === undefined || !('object' in found)) throw new Error(`no ${kind.singular} was written`)
  return found.object as T
}
