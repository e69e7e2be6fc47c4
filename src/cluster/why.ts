import type { Client } from '../client/client.ts'
import { Pod } from '../kinds/core/pod.ts'
import { type Explanation, explain } from '../scheduler/explain.ts'
import type { Objects, Reader } from '../scheduler/plugin.ts'
import { readKinds } from '../scheduler/reads.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import { isNotFound } from '../schema/status.ts'

export type { Explanation, NodeVerdict, Objection } from '../scheduler/explain.ts'

export interface PodExplanation {
  readonly pod: Pod
  readonly explanation: Explanation
}

/**
 * Why a pod is not placed: the scheduler's rules, gone through once more with what the API says now. Works with any
 * cluster. Throws what the client throws when there is no such pod.
 */
export async function whyPod(
  client: Client,
  ref: { readonly namespace: string; readonly name: string },
): Promise<PodExplanation> {
  const pod = await client.get(Pod, ref)
  return { pod, explanation: explain(pod, await readObjects(client)) }
}

/** All that the scheduler's rules look at. */
export async function readObjects(client: Client): Promise<Objects> {
  const lists = await Promise.all(readKinds.map(async (kind) => [kind, await listOf(client, kind)] as const))
  return objectsOf(new Map(lists))
}

/** Older servers lack some kinds. */
async function listOf(client: Client, kind: Kind): Promise<readonly ApiObject[]> {
  try {
    return (await client.list(kind)).items
  } catch (error) {
    if (isNotFound(error)) return []
    throw error
  }
}

/** Looked up once for each kind and not at each look: rules ask for the same claim on every node. */
function objectsOf(lists: ReadonlyMap<Kind, readonly ApiObject[]>): Objects {
  const readers = new Map<Kind, Reader<ApiObject>>()
  for (const [kind, all] of lists) {
    const byName = new Map(all.map((object) => [keyOf(object.metadata.namespace, object.metadata.name), object]))
    const byNamespace = Map.groupBy(all, ({ metadata }) => metadata.namespace ?? '')
    readers.set(kind, {
      get: (namespace, name) => byName.get(keyOf(namespace, name)),
      list: (namespace) => (namespace === undefined ? all : (byNamespace.get(namespace) ?? [])),
    })
  }
  return { of: <T extends ApiObject>(kind: Kind<T>) => readers.get(kind as unknown as Kind) as unknown as Reader<T> }
}

const keyOf = (namespace = '', name = '') => `${namespace}/${name}`
