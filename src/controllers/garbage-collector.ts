import { deferred } from '../base/deferred.ts'
import type { Client } from '../client/client.ts'
import { CustomResourceDefinition } from '../kinds/apiextensions/custom-resource-definition.ts'
import { APIService } from '../kinds/apiregistration/api-service.ts'
import { WorkQueue } from '../reconciler/queue.ts'
import { queueNameOf } from '../reconciler/queue-metrics.ts'
import { isRemote, RemoteKinds } from '../reconciler/remote-kinds.ts'
import type { Running, RuntimeOptions, SpecialController } from '../reconciler/runtime.ts'
import { onServedKinds } from '../reconciler/served-kinds.ts'
import { type ApiObject, apiVersionOf, type Kind, type OwnerReferenceLike } from '../schema/kind.ts'
import { isConflict, isNotFound } from '../schema/status.ts'
import {
  foregroundFinalizer,
  hasFinalizer,
  type Item,
  isGoing,
  OwnerGraph,
  orphanFinalizer,
  ownersOf,
  waitsForDependents,
} from './garbage-collector/graph.ts'

const concurrency = 20
const orphanPrefix = 'orphan/'
/** Nobody tells what aggregated API servers begin to serve: while there are any, they are asked this often. */
const askAgainMs = 30_000

/** Owners in the three ways that matter to an object that they own. */
interface Owners {
  readonly solid: OwnerReferenceLike[]
  readonly dangling: OwnerReferenceLike[]
  readonly waiting: OwnerReferenceLike[]
}

/** `kinds` gives all that the API server serves itself. */
export function garbageCollectorController(
  kinds: () => readonly Kind[],
  remoteKinds = new RemoteKinds(),
): SpecialController {
  return {
    name: 'garbage-collector-controller',
    serviceAccount: 'generic-garbage-collector',
    start: (options) => new GarbageCollector(kinds, remoteKinds, options),
  }
}

/**
 * Deletes what nobody owns any more. It watches every kind to know who owns whom, but never deletes on the word of a
 * cache: whether an owner is really gone, the server says. Events own nothing and are not watched.
 *
 * It is no `defineController`, because it looks after all kinds at once and goes by uid: a name may have changed hands.
 */
export class GarbageCollector implements Running {
  readonly name = 'garbage-collector-controller'
  readonly #options: RuntimeOptions
  readonly #client: Client
  readonly #served: () => readonly Kind[]
  readonly #graph = new OwnerGraph()
  readonly #queue: WorkQueue
  readonly #kinds = new Map<string, Kind>()
  readonly #unsubscribe = new Map<Kind, () => void>()
  readonly #underWay = new Set<Promise<void>>()
  /** Uids of owners that the server does not have; a uid never comes back. */
  readonly #absent = new Set<string>()
  /** Kinds that were not seen whole yet. */
  readonly #syncing = new Set<Kind>()
  #stopped = false
  readonly #unfollow: (() => void)[] = []
  readonly #remoteKinds: RemoteKinds
  /** Kinds of aggregated API servers. Those of one that cannot be asked stay what they were. */
  #remote: readonly Kind[] = []
  /** What was there when kinds were looked at the last time. */
  #seen: { readonly served?: readonly Kind[]; readonly remote?: readonly Kind[] } = {}
  #cancelAsking: () => void = () => {}
  #asked = 0
  #idle = deferred()

  constructor(kinds: () => readonly Kind[], remoteKinds: RemoteKinds, options: RuntimeOptions) {
    this.#served = kinds
    this.#remoteKinds = remoteKinds
    this.#options = options
    this.#client = options.client
    const meter = options.queueMetrics?.of(queueNameOf(this.name))
    this.#queue = new WorkQueue(options.world.clock, () => queueMicrotask(() => this.#pump()), meter)
    this.#followKinds()
  }

  /** Custom resources come and go a moment after their definition does, those of other servers with their APIService. */
  #followKinds(): void {
    this.#watchKinds()
    const served = this.#served()
    if (served.includes(CustomResourceDefinition))
      this.#unfollow.push(onServedKinds(this.#options, () => this.#watchKinds()))
    if (served.includes(APIService)) {
      const services = this.#options.caches.of(APIService)
      this.#unfollow.push(
        services.onChange(({ object, old }) => {
          if ((object && isRemote(object)) || (old && isRemote(old))) this.#askSoon(0)
        }),
      )
    }
  }

  #watchKinds(): void {
    const served = this.#served()
    if (this.#stopped || (served === this.#seen.served && this.#remote === this.#seen.remote)) return
    this.#seen = { served, remote: this.#remote }
    const now = new Set([...served, ...this.#remote])
    for (const kind of this.#unsubscribe.keys()) if (!now.has(kind)) this.#unwatchKind(kind)
    for (const kind of now) this.#watchKind(kind)
    this.#pump()
  }

  #askSoon(afterMs: number): void {
    this.#cancelAsking()
    this.#cancelAsking = this.#options.world.clock.timer(afterMs, () => void this.#askOthers())
  }

  async #askOthers(): Promise<void> {
    const turn = ++this.#asked
    try {
      const { kinds, undiscovered } = await this.#remoteKinds.discover(this.#client)
      // Who has asked since knows better.
      if (this.#stopped || turn !== this.#asked) return
      const stale = new Set(undiscovered)
      this.#remote = [...kinds, ...this.#remote.filter((kind) => stale.has(apiVersionOf(kind)))]
      this.#watchKinds()
      if (kinds.length + undiscovered.length > 0) this.#askSoon(askAgainMs)
    } catch (error) {
      if (this.#stopped) return
      this.#options.world.log('warn', 'aggregated API servers were not asked', { error: String(error) })
      this.#askSoon(askAgainMs)
    }
  }

  #watchKind(kind: Kind): void {
    if (this.#unsubscribe.has(kind) || !isCollectable(kind)) return
    this.#kinds.set(`${kind.group}/${kind.kind}`, kind)
    this.#unsubscribe.set(kind, () => {})
    // Nobody waits for a server of somebody else's: what it has is looked for when it matters.
    if (!kind.isRemote) this.#syncing.add(kind)
    void this.#subscribe(kind)
  }

  #unwatchKind(kind: Kind): void {
    this.#unsubscribe.get(kind)?.()
    this.#unsubscribe.delete(kind)
    this.#syncing.delete(kind)
    const name = `${kind.group}/${kind.kind}`
    if (this.#kinds.get(name) === kind) this.#kinds.delete(name)
    this.#options.caches.forget(kind)
  }

  get busy(): boolean {
    return this.#syncing.size > 0 || !this.#queue.idle
  }

  get catchesUp(): boolean {
    return this.#queue.catchesUp
  }

  async idle(): Promise<void> {
    while (!this.#stopped && this.busy) await this.#idle.promise
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const unfollow of this.#unfollow) unfollow()
    this.#cancelAsking()
    for (const unsubscribe of this.#unsubscribe.values()) unsubscribe()
    this.#queue.close()
    this.#idle.resolve()
    await Promise.all(this.#underWay)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #subscribe(kind: Kind): Promise<void> {
    const cache = this.#options.caches.of(kind)
    await cache.synced
    this.#syncing.delete(kind)
    if (!this.#stopped && this.#unsubscribe.has(kind)) {
      const unsubscribe = cache.onChange((change) => {
        const { look, orphan } = this.#graph.apply(kind, change)
        for (const uid of look) this.#queue.add(uid)
        for (const uid of orphan) this.#queue.add(orphanPrefix + uid)
      })
      this.#unsubscribe.set(kind, unsubscribe)
    }
    this.#pump()
  }

  /** Nothing is judged before everything was seen once. */
  #pump(): void {
    if (this.#syncing.size > 0 || this.#stopped) return
    while (this.#underWay.size < concurrency) {
      const key = this.#queue.take()
      if (key === undefined) break
      const work = this.#work(key).finally(() => {
        this.#underWay.delete(work)
        this.#queue.done(key)
        this.#pump()
      })
      this.#underWay.add(work)
    }
    if (!this.#queue.idle) return
    this.#idle.resolve()
    this.#idle = deferred()
  }

  async #work(key: string): Promise<void> {
    try {
      if (key.startsWith(orphanPrefix)) await this.#orphan(key.slice(orphanPrefix.length))
      else await this.#look(key)
      this.#queue.succeeded(key)
    } catch (error) {
      if (this.#stopped) return
      if (isConflict(error) || isNotFound(error)) return this.#queue.retryOutdated(key)
      const retryMs = this.#queue.retry(key)
      this.#options.world.log('warn', 'garbage collection failed', { uid: key, error: String(error), retryMs })
    }
  }

  async #look(uid: string): Promise<void> {
    const item = this.#graph.get(uid)
    if (item === undefined) return
    if (waitsForDependents(item.object)) return this.#finishForeground(item)
    if (isGoing(item.object)) return
    const object = await this.#live(item)
    if (object === undefined || ownersOf(object).length === 0 || isGoing(object)) return
    await this.#judge({ kind: item.kind, object })
  }

  /** An owner goes when no dependent that blocks it is left. */
  async #finishForeground(item: Item): Promise<void> {
    const { uid } = item.object.metadata
    const blocking = this.#graph
      .dependentsOf(uid!)
      .filter(({ object }) => ownersOf(object).some((owner) => owner.uid === uid && owner.blockOwnerDeletion))
    if (blocking.length === 0) return this.#removeFinalizer(item, foregroundFinalizer)
    for (const { object } of blocking) if (!waitsForDependents(object)) this.#queue.add(object.metadata.uid!)
  }

  async #judge(item: Item): Promise<void> {
    const { solid, dangling, waiting } = await this.#ownersOf(item)
    if (solid.length > 0) {
      if (dangling.length + waiting.length > 0) await this.#setOwners(item, solid)
      return
    }
    const dependents = this.#graph.dependentsOf(item.object.metadata.uid!)
    if (waiting.length > 0 && dependents.length > 0) {
      // In a circle of owners that wait for one another somebody has to stop blocking.
      if (dependents.some(({ object }) => waitsForDependents(object))) await this.#unblockOwners(item)
      return this.#delete(item, 'Foreground')
    }
    if (hasFinalizer(item.object, orphanFinalizer)) return this.#delete(item, 'Orphan')
    return this.#delete(item, hasFinalizer(item.object, foregroundFinalizer) ? 'Foreground' : 'Background')
  }

  async #ownersOf({ object, kind }: Item): Promise<Owners> {
    const owners: Owners = { solid: [], dangling: [], waiting: [] }
    for (const reference of ownersOf(object)) {
      const owner = await this.#findOwner(reference, object, kind)
      if (owner === 'unknown') owners.solid.push(reference)
      else if (owner === undefined) owners.dangling.push(reference)
      else if (waitsForDependents(owner)) owners.waiting.push(reference)
      else owners.solid.push(reference)
    }
    return owners
  }

  /** Owners of kinds that nobody serves, and namespaced owners of objects that have no namespace, cannot be judged. */
  async #findOwner(
    reference: OwnerReferenceLike,
    { metadata }: ApiObject,
    dependentKind: Kind,
  ): Promise<ApiObject | 'unknown' | undefined> {
    const known = this.#graph.get(reference.uid)
    if (known !== undefined && isRightPlace(known, reference, metadata.namespace)) return known.object
    if (this.#absent.has(reference.uid)) return undefined
    const kind = this.#kinds.get(`${groupOf(reference.apiVersion)}/${reference.kind}`)
    if (kind === undefined || (kind.namespaced && !dependentKind.namespaced)) return 'unknown'
    const namespace = kind.namespaced ? metadata.namespace : ''
    const owner = await found(this.#client.get(kind, { namespace, name: reference.name }))
    if (owner?.metadata.uid === reference.uid) return owner
    if (known === undefined) this.#rememberAbsent(reference.uid)
    return undefined
  }

  #rememberAbsent(uid: string): void {
    if (this.#absent.size >= 500) this.#absent.delete(this.#absent.values().next().value!)
    this.#absent.add(uid)
  }

  async #orphan(uid: string): Promise<void> {
    const item = this.#graph.get(uid)
    if (item === undefined) return
    const dependents = this.#graph.dependentsOf(uid)
    while (dependents.length > 0) {
      const group = dependents.splice(0, concurrency)
      await Promise.all(group.map((dependent) => this.#letGo(dependent, uid)))
    }
    await this.#removeFinalizer(item, orphanFinalizer)
  }

  async #letGo(item: Item, owner: string): Promise<void> {
    const object = await this.#live(item)
    if (object === undefined) return
    const rest = ownersOf(object).filter(({ uid }) => uid !== owner)
    if (rest.length < ownersOf(object).length) await this.#setOwners({ kind: item.kind, object }, rest)
  }

  async #setOwners({ kind, object }: Item, owners: readonly OwnerReferenceLike[]): Promise<void> {
    await this.#patch({ kind, object }, { ownerReferences: owners.length > 0 ? owners : null })
  }

  async #unblockOwners(item: Item): Promise<void> {
    const ownerReferences = ownersOf(item.object).map((owner) => ({ ...owner, blockOwnerDeletion: false }))
    await this.#patch(item, { ownerReferences })
  }

  async #removeFinalizer(item: Item, finalizer: string): Promise<void> {
    const object = await this.#live(item)
    if (object === undefined || !hasFinalizer(object, finalizer)) return
    const finalizers = object.metadata.finalizers!.filter((each) => each !== finalizer)
    await this.#patch({ kind: item.kind, object }, { finalizers: finalizers.length > 0 ? finalizers : null })
  }

  /** Lists are replaced whole, so nobody may have written in between. */
  async #patch({ kind, object }: Item, metadata: object): Promise<void> {
    const { namespace, name = '', uid, resourceVersion } = object.metadata
    const body = { metadata: { ...metadata, uid, resourceVersion } }
    await found(this.#client.patch(kind, { namespace, name }, { type: 'merge', body }))
  }

  async #delete({ kind, object }: Item, propagationPolicy: 'Background' | 'Foreground' | 'Orphan'): Promise<void> {
    const { namespace, name = '', uid, resourceVersion } = object.metadata
    const options = { propagationPolicy, preconditions: { uid, resourceVersion } }
    await found(this.#client.delete(kind, { namespace, name }, options))
  }

  /** The object as the server has it, if it still is the same. */
  async #live({ kind, object: { metadata } }: Item): Promise<ApiObject | undefined> {
    const object = await found(this.#client.get(kind, { namespace: metadata.namespace, name: metadata.name! }))
    return object?.metadata.uid === metadata.uid ? object : undefined
  }
}

/** An owner is found in the namespace of what it owns, or in none. */
function isRightPlace({ kind, object }: Item, reference: OwnerReferenceLike, namespace: string | undefined): boolean {
  if (kind.kind !== reference.kind || object.metadata.name !== reference.name) return false
  return !kind.namespaced || object.metadata.namespace === namespace
}

const isCollectable = ({ kind, verbs }: Kind) =>
  kind !== 'Event' && verbs.includes('watch') && verbs.includes('list') && verbs.includes('delete')

const groupOf = (apiVersion: string) => (apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '')

async function found<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
