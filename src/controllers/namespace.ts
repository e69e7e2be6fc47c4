import type { Client } from '../client/client.ts'
import { APIService } from '../kinds/apiregistration/api-service.ts'
import { Namespace } from '../kinds/core/namespace.ts'
import { Pod } from '../kinds/core/pod.ts'
import type { CacheChange } from '../reconciler/caches.ts'
import { type Again, type Controller, defineController, type WatchContext, watch } from '../reconciler/controller.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import { isNotFound } from '../schema/status.ts'
import { deletionConditions, type Remaining } from './namespace/conditions.ts'
import { isEqual } from './shared/equal.ts'

const finalizer = 'kubernetes'
/** As many deletions of one kind run beside one another. */
const concurrentDeletes = 50
/** Nothing may tell us when a finalizer that nobody watches for is gone: look again at least this often. */
const lookAgainMs = 8_500

/**
 * Empties a namespace that is being deleted, pods first, then lets it go. Works on what the server has, not on the
 * caches: what was created a moment before the namespace began to end must go, too.
 *
 * @param kinds gives every kind that is served, custom resources included, whenever it is asked
 */
export function namespaceController(kinds: () => readonly Kind[]): Controller {
  return defineController<Namespace>({
    name: 'namespace-controller',
    reconciles: Namespace,
    watches: kinds()
      .filter(isContent)
      .map((kind) => watch(kind, contentGone)),
    concurrency: 10,
    wakes: ({ object }) => object?.metadata.deletionTimestamp !== undefined,

    async reconcile(cached, { client, now }): Promise<Again> {
      const namespace = await client.get(Namespace, { name: cached.metadata.name! })
      if (namespace.metadata.uid !== cached.metadata.uid || !namespace.metadata.deletionTimestamp) return undefined
      if (!namespace.spec.finalizers?.includes(finalizer)) return undefined
      const emptied = await empty(client, namespace.metadata.name!, kinds().filter(isContent))
      const remaining: Remaining = { ...emptied, undiscovered: await undiscovered(client) }
      const isEmpty =
        remaining.objects.size === 0 && remaining.errors.length === 0 && remaining.undiscovered.length === 0
      const reported = isEmpty ? namespace : await report(client, namespace, remaining, now)
      if (!isEmpty) return { againAfterMs: lookAgainMs }
      const finalizers = reported.spec.finalizers!.filter((each) => each !== finalizer)
      await client.update(
        Namespace,
        { ...reported, spec: { ...reported.spec, finalizers } },
        { subresource: 'finalize' },
      )
      return undefined
    },
  })
}

const isContent = ({ namespaced, verbs }: Kind) => namespaced && verbs.includes('list') && verbs.includes('delete')

/** The last object may have been the last thing that a namespace waited for. */
function contentGone({ object, old }: CacheChange<ApiObject>, { get }: WatchContext) {
  const name = object === undefined ? old?.metadata.namespace : undefined
  if (!name) return []
  return get(Namespace, { name })?.metadata.deletionTimestamp === undefined ? [] : [{ name }]
}

/** While pods are there, what they may need to end well (their secrets, their services) stays. */
async function empty(
  client: Client,
  namespace: string,
  contents: readonly Kind[],
): Promise<Omit<Remaining, 'undiscovered'>> {
  const remaining = {
    objects: new Map<string, number>(),
    finalizers: new Map<string, number>(),
    errors: [] as string[],
  }
  await emptyKind(client, namespace, Pod, remaining)
  if (remaining.objects.size > 0) return remaining
  for (const kind of contents) if (kind !== (Pod as Kind)) await emptyKind(client, namespace, kind, remaining)
  return remaining
}

/** What an aggregated API server that cannot be asked has in the namespace is not known, so the namespace waits for it. */
async function undiscovered(client: Client): Promise<string[]> {
  const { items } = await client.list(APIService)
  return items
    .filter(({ spec, status }) => {
      const available = status.conditions?.find(({ type }) => type === 'Available')
      return spec.service !== undefined && available?.status !== 'True'
    })
    .map(({ spec }) => `${spec.group}/${spec.version}`)
}

async function emptyKind(
  client: Client,
  namespace: string,
  kind: Kind,
  remaining: { objects: Map<string, number>; finalizers: Map<string, number>; errors: string[] },
): Promise<void> {
  try {
    if ((await deleteAll(client, namespace, kind)) === 0) return
    const { items } = await client.list(kind, { namespace })
    if (items.length > 0) remaining.objects.set(`${kind.plural}.${kind.group}`, items.length)
    for (const { metadata } of items)
      for (const name of metadata.finalizers ?? [])
        remaining.finalizers.set(name, (remaining.finalizers.get(name) ?? 0) + 1)
  } catch (error) {
    // A kind that is not served (any more) has no objects.
    if (!isNotFound(error)) remaining.errors.push(error instanceof Error ? error.message : String(error))
  }
}

/** Answers how many there were. */
async function deleteAll(client: Client, namespace: string, kind: Kind): Promise<number> {
  const { items } = await client.list(kind, { namespace })
  const left = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  while (left.length > 0)
    await Promise.all(left.splice(0, concurrentDeletes).map((object) => deleteOne(client, kind, object)))
  return items.length
}

async function deleteOne(client: Client, kind: Kind, { metadata }: ApiObject): Promise<void> {
  const options = { propagationPolicy: 'Background' as const, preconditions: { uid: metadata.uid } }
  try {
    await client.delete(kind, { namespace: metadata.namespace, name: metadata.name! }, options)
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

async function report(client: Client, namespace: Namespace, remaining: Remaining, now: number): Promise<Namespace> {
  const conditions = deletionConditions(namespace.status.conditions ?? [], remaining, now)
  if (isEqual(conditions, namespace.status.conditions)) return namespace
  return client.updateStatus(Namespace, { ...namespace, status: { ...namespace.status, conditions } })
}
