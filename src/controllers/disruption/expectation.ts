import { Deployment } from '../../kinds/apps/deployment.ts'
import { ReplicaSet } from '../../kinds/apps/replica-set.ts'
import { StatefulSet } from '../../kinds/apps/stateful-set.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { ReplicationController } from '../../kinds/core/replication-controller.ts'
import type { OwnerReference } from '../../kinds/meta/object-meta.ts'
import type { PodDisruptionBudget } from '../../kinds/policy/pod-disruption-budget.ts'
import { asked, type Steps } from '../../reconciler/changes.ts'
import type { Context } from '../../reconciler/controller.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { scaledValue } from '../shared/int-or-percent.ts'
import { controllerOf } from '../shared/owner.ts'
import { type Failure, groupOf, readWish, type Wish } from './scale.ts'

/** Owners whose wishes the caches show. All others are asked for their scale. */
const cached: readonly Kind[] = [ReplicaSet, ReplicationController, StatefulSet]

/** Kinds of which another wish changes what is expected. */
export const scaledKinds: readonly Kind[] = [...cached, Deployment]

export interface Expectation {
  readonly expected: number
  readonly healthy: number
  /** Whether some of the pods have nobody who wishes for them. */
  readonly hasUnmanaged: boolean
}

/** How many pods there should be, and how many of them healthy. */
export function* expect(
  { spec }: PodDisruptionBudget,
  pods: readonly Pod[],
  context: Context,
): Steps<Expectation | Failure> {
  const { minAvailable, maxUnavailable } = spec
  if (maxUnavailable === undefined && typeof minAvailable !== 'string')
    return { expected: minAvailable === undefined ? 0 : pods.length, healthy: minAvailable ?? 0, hasUnmanaged: false }
  const expected = yield* expectedScale(pods, context)
  if (typeof expected !== 'number') return expected
  const healthy =
    maxUnavailable !== undefined
      ? Math.max(0, expected - scaledValue(maxUnavailable, expected, 'up'))
      : scaledValue(minAvailable, expected, 'up')
  return { expected, healthy, hasUnmanaged: pods.some((pod) => controllerOf(pod) === undefined) }
}

/** The sum of the wishes of all owners of these pods. */
function* expectedScale(pods: readonly Pod[], context: Context): Steps<number | Failure> {
  const wishes = new Map<string, number>()
  for (const pod of pods) {
    const owner = controllerOf(pod)
    if (owner === undefined || wishes.has(owner.uid)) continue
    const { name, namespace = '' } = pod.metadata
    const wish = cachedWish(namespace, owner, context) ?? (yield* asked((client) => readWish(client, namespace, owner)))
    if (wish === undefined) return { failure: `found no controllers for pod "${name}"` }
    if ('failure' in wish) return wish
    wishes.set(wish.uid, wish.replicas)
  }
  return [...wishes.values()].reduce((sum, wish) => sum + wish, 0)
}

function cachedWish(namespace: string, reference: OwnerReference, context: Context): Wish | undefined {
  const kind = cached.find((each) => names(reference, each))
  const owner = kind && present(kind, namespace, reference, context)
  const deployer = owner && controllerOf(owner)
  if (kind !== ReplicaSet || deployer?.kind !== Deployment.kind) return wishOf(owner)
  return names(deployer, Deployment) ? wishOf(present(Deployment, namespace, deployer, context)) : undefined
}

/** The object that is meant, and no later one of the same name. */
function present(kind: Kind, namespace: string, { name, uid }: OwnerReference, { get }: Context) {
  const found = get(kind, { namespace, name })
  return found?.metadata.uid === uid ? found : undefined
}

/** By kind and group: others may call what they make a StatefulSet, too. */
const names = (reference: OwnerReference, kind: Kind): boolean =>
  reference.kind === kind.kind && groupOf(reference.apiVersion) === kind.group

const wishOf = (owner: ApiObject | undefined): Wish | undefined =>
  owner && { uid: owner.metadata.uid ?? '', replicas: replicasOf(owner) }

export const replicasOf = (owner: ApiObject): number =>
  (owner as ApiObject & { spec?: { replicas?: number } }).spec?.replicas ?? 1

/** Whether nobody tells when the wish of the pod's owner changes, so that it is looked at when the pod does. */
export function isAskedFor(pod: Pod): boolean {
  const owner = controllerOf(pod)
  return owner !== undefined && !cached.some((kind) => names(owner, kind))
}
