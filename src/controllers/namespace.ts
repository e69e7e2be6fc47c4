import type { Client } from '../client/client.ts'
import { APIService } from '../kinds/apiregistration/api-service.ts'
import { Namespace } from '../kinds/core/namespace.ts'
import { Pod } from '../kinds/core/pod.ts'
import type { CacheChange } from '../reconciler/caches.ts'
import {
  type Again,
  type Controller,
  defineController,
  nobody,
  type WatchContext,
  watch,
} from '../reconciler/controller.ts'
import { isRemote, RemoteKinds } from '../reconciler/remote-kinds.ts'
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
 * caches: what was created a moment before the namespace began to end must go, too. So must what aggregated API servers
 * have in it; while one of them cannot be asked what that is, the namespace waits.
 *
 * @param kinds gives every kind that is served, custom resources included, whenever it is asked
 */
export function namespaceController(kinds: () => readonly Kind[], remoteKinds = new RemoteKinds()): Controller {
  return defineController<Namespace>({
    name: 'namespace-controller',
    reconciles: Namespace,
    watches: [
      ...kinds()
        .filter(isContent)
        .map((kind) => watch(kind, contentGone)),
      watch(APIService, serverChanged),
    ],
    concurrency: 10,
    wakes: ({ object }) => object?.metadata.deletionTimestamp !== undefined,

    async reconcile(cached, { client, now }): Promise<Again> {
      const namespace = await client.get(Namespace, { name: cached.metadata.name! })
      if (namespace.metadata.uid !== cached.metadata.uid || !namespace.metadata.deletionTimestamp) return undefined
      if (!namespace.spec.finalizers?.includes(finalizer)) return undefined
      const { kinds: remote, undiscovered } = await remoteKinds.discover(client)
      const sinceMs = now - Date.parse(namespace.metadata.deletionTimestamp)
      const leaving = { client, namespace: namespace.metadata.name!, sinceMs }
      const emptied = await empty(leaving, [...kinds(), ...remote].filter(isContent))
      const remaining: Remaining = { ...emptied, undiscovered }
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
  if (!name) return nobody
  return get(Namespace, { name })?.metadata.deletionTimestamp === undefined ? nobody : [{ name }]
}

/** A server that was waited for may be back, or be waited for no longer. */
function serverChanged({ object, old }: CacheChange<APIService>, { list }: WatchContext) {
  if (![object, old].some((service) => service !== undefined && isRemote(service))) return []
  return list(Namespace)
    .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
    .map(({ metadata }) => ({ name: metadata.name! }))
}

/** While pods are there, what they may need to end well (their secrets, their services) stays. */
async function empty(leaving: Leaving, contents: readonly Kind[]): Promise<Omit<Remaining, 'undiscovered'>> {
  const remaining: Left = { objects: new Map(), finalizers: new Map(), errors: [] }
  await emptyKind(leaving, Pod, remaining)
  if (remaining.objects.size > 0) return remaining
  for (const kind of contents) if (kind !== (Pod as Kind)) await emptyKind(leaving, kind, remaining)
  return remaining
}

/** A namespace that is being deleted. */
interface Leaving {
  readonly client: Client
  readonly namespace: string
  /** For how long already. */
  readonly sinceMs: number
}

interface Left {
  readonly objects: Map<string, number>
  readonly finalizers: Map<string, number>
  readonly errors: string[]
}

async function emptyKind({ client, namespace, sinceMs }: Leaving, kind: Kind, left: Left): Promise<void> {
  try {
    const before = await deleteAll(client, namespace, kind)
    if (before.length === 0) return
    const { items } = await client.list(kind, { namespace })
    if (items.length === 0) return
    left.objects.set(`${kind.plural}.${kind.group}`, items.length)
    const finalizers = items.flatMap(({ metadata }) => metadata.finalizers ?? [])
    for (const name of finalizers) left.finalizers.set(name, (left.finalizers.get(name) ?? 0) + 1)
    if (finalizers.length > 0 || sinceMs < graceMsOf(kind, before)) return
    const resource = `${kind.group}/${kind.version}, Resource=${kind.plural}`
    left.errors.push(`unexpected items still remain in namespace: ${namespace} for gvr: ${resource}`)
  } catch (error) {
    // A kind that is not served (any more) has no objects.
    if (!isNotFound(error)) left.errors.push(error instanceof Error ? error.message : String(error))
  }
}

/** How long objects may take to go. Only pods take their time. */
function graceMsOf(kind: Kind, objects: readonly ApiObject[]): number {
  if (kind !== (Pod as Kind)) return 0
  const running = (objects as readonly Pod[]).filter(({ status }) => !hasEnded(status.phase))
  const longest = (most: number, { spec }: Pod) => Math.max(most, spec.terminationGracePeriodSeconds ?? 0)
  return running.reduce(longest, 0) * 1000
}

const hasEnded = (phase: string | undefined) => phase === 'Succeeded' || phase === 'Failed'

/** Answers what there was. */
async function deleteAll(client: Client, namespace: string, kind: Kind): Promise<readonly ApiObject[]> {
  const { items } = await client.list(kind, { namespace })
  const left = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  while (left.length > 0)
    await Promise.all(left.splice(0, concurrentDeletes).map((object) => deleteOne(client, kind, object)))
  return items
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
