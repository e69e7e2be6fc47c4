import type { Client } from '../../client/client.ts'
import { Deployment } from '../../kinds/apps/deployment.ts'
import { ReplicaSet } from '../../kinds/apps/replica-set.ts'
import { StatefulSet } from '../../kinds/apps/stateful-set.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { ReplicationController } from '../../kinds/core/replication-controller.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { isNotFound } from '../../schema/status.ts'
import type { Scalable } from './budgets.ts'
import { controllerOf } from './selection.ts'
import { isSingle } from './surge.ts'

/** Who runs a pod, and would run another in its place. */
export interface Owner {
  /** As kubectl names it: `deployment/web`, `job/backup`. */
  readonly reference: string
  /** Absent: it has no number of replicas, or is not there. */
  readonly scalable: Scalable | undefined
}

const scalableKinds: readonly Kind[] = [ReplicaSet, StatefulSet, ReplicationController]

/** Finds the owners of pods; each is asked for once. Nothing for a pod that nobody runs. */
export async function findOwners(client: Client, pods: readonly Pod[]): Promise<ReadonlyMap<Pod, Owner>> {
  const known = new Map<string, Promise<Owner>>()
  const found = await Promise.all(
    pods.map(async (pod): Promise<readonly [Pod, Owner][]> => {
      const reference = controllerOf(pod)
      if (!reference) return []
      const key = `${pod.metadata.namespace}/${reference.uid}`
      if (!known.has(key)) known.set(key, ownerOf(client, pod.metadata.namespace!, reference))
      return [[pod, await known.get(key)!]]
    }),
  )
  return new Map(found.flat())
}

async function ownerOf(
  client: Client,
  namespace: string,
  { kind, name }: { readonly kind: string; readonly name: string },
): Promise<Owner> {
  const unknown: Owner = { reference: `${kind.toLowerCase()}/${name}`, scalable: undefined }
  const owner = await find(client, kind, namespace, name)
  if (!owner) return unknown
  const above = controllerOf(owner)
  if (above?.kind !== 'Deployment') return { ...unknown, scalable: scalableOf(unknown.reference, owner, false) }
  const deployment = await ifThere(client.get(Deployment, { namespace, name: above.name }))
  if (!deployment) return unknown
  const reference = `deployment/${above.name}`
  return { reference, scalable: scalableOf(reference, deployment, isSingle(deployment)) }
}

async function find(client: Client, kind: string, namespace: string, name: string): Promise<ApiObject | undefined> {
  const scalable = scalableKinds.find((one) => one.kind === kind)
  return scalable && (await ifThere(client.get(scalable, { namespace, name })))
}

const scalableOf = (reference: string, owner: ApiObject, canSurge: boolean): Scalable => ({
  reference,
  replicas: (owner as ApiObject & { spec?: { replicas?: number } }).spec?.replicas ?? 1,
  canSurge,
})

async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
