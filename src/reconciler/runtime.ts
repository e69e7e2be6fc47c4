import { deferred } from '../base/deferred.ts'
import type { Client, Ref } from '../client/client.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../schema/status.ts'
import type { World } from '../world/world.ts'
import { perform, type Writer } from './apply.ts'
import { type CacheChange, type Caches, controllerIndex } from './caches.ts'
import type { Steps } from './changes.ts'
import type { Again, Context, Controller, Watch, WatchContext } from './controller.ts'
import { EventRecorder } from './events.ts'
import type { Gate } from './gate.ts'
import { WorkQueue } from './queue.ts'
import { type QueueMetrics, queueNameOf } from './queue-metrics.ts'
import { onServedKinds } from './served-kinds.ts'
import { Unseen } from './unseen.ts'

export interface RuntimeOptions {
  readonly client: Client
  readonly caches: Caches
  readonly world: World
  /** Counts what the work queues do. Absent: nobody wants to know. */
  readonly queueMetrics?: QueueMetrics
  /** Names of controllers that look at an object only when they are told to: see `Steppable`. */
  readonly stepped?: readonly string[]
  /** Where events wait for their turn. Absent: they have it at once. */
  readonly events?: Gate
}

/** Something that works in the background until it is stopped. */
export interface Running extends AsyncDisposable {
  readonly name: string
  /** Something is to be done now. What waits for a time does not count. */
  readonly busy: boolean
  /** Something will be tried again in a moment whose last try met with what others had written meanwhile. */
  readonly catchesUp?: boolean
  /** Resolves when nothing is to be done. More may come the moment after. */
  idle(): Promise<void>
  /** Ends it; resolves when what was under way is through. */
  stop(): Promise<void>
}

/** What works only when it is told to. */
export interface Steppable extends Running {
  /** Looks at the object that has waited longest, and says which (`default/web`); undefined: none waits. */
  step(): Promise<string | undefined>
}

/** A controller that is made otherwise than by `defineController`, because it does not go by one kind's objects. */
export interface SpecialController {
  readonly name: string
  readonly serviceAccount: string | undefined
  start(options: RuntimeOptions): Running
}

/**
 * Starts a controller. It begins its work when its caches have synced, and writes as its own service account, as the
 * reference's controller manager does: RBAC knows each by name, and `managedFields` tell who wrote.
 */
export function startController(
  controller: Controller | SpecialController,
  options: RuntimeOptions,
): Running | Steppable {
  const { serviceAccount } = controller
  const user = serviceAccount === undefined ? theManager : accountOf(serviceAccount)
  const client = options.client.as({ ...user, userAgent: 'kube-controller-manager' })
  const ownOptions = { ...options, client }
  return 'start' in controller ? controller.start(ownOptions) : new ControllerRuntime(controller, ownOptions)
}

const theManager = { name: 'system:kube-controller-manager', groups: ['system:authenticated'] }

const accountOf = (name: string) => ({
  name: `system:serviceaccount:kube-system:${name}`,
  groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
})

class ControllerRuntime implements Steppable {
  readonly name: string
  readonly #controller: Controller
  readonly #options: RuntimeOptions
  readonly #queue: WorkQueue
  readonly #unseen: Unseen
  readonly #recorder: EventRecorder
  readonly #readable: Set<Kind>
  /** Kinds that may go again, with what ends listening to them. */
  readonly #followed = new Map<Kind, () => void>()
  readonly #writable: ReadonlySet<Kind>
  readonly #watchContext: WatchContext
  readonly #unsubscribe: (() => void)[] = []
  readonly #underWay = new Set<Promise<void>>()
  readonly #isStepped: boolean
  readonly #begun: Promise<void>
  #parked = 0
  #started = false
  #stopped = false
  #idle = deferred()

  constructor(controller: Controller, options: RuntimeOptions) {
    const { world, caches } = options
    const { reconciles, owns, watches, reads, writes } = controller
    this.name = controller.name
    this.#controller = controller
    this.#options = options
    const meter = options.queueMetrics?.of(queueNameOf(controller.name))
    this.#queue = new WorkQueue(world.clock, () => this.#pumpSoon(), meter)
    const watched = new Set([reconciles, ...owns, ...watches.map((watch) => watch.kind)])
    this.#unseen = new Unseen(caches, watched)
    this.#recorder = new EventRecorder(controller.eventSource, {
      client: options.client,
      clock: world.clock,
      random: world.random.fork(`${controller.name} of ${reconciles.plural}`),
      log: world.log,
      ...(options.events && { gate: options.events }),
    })
    this.#readable = new Set([...watched, ...reads])
    this.#writable = new Set([reconciles, ...owns, ...writes])
    this.#watchContext = this.#readsOf()
    this.#isStepped = options.stepped?.includes(controller.name) ?? false
    this.#begun = this.#start()
  }

  get busy(): boolean {
    return !this.#started || this.#works || this.#recorder.busy
  }

  get #works(): boolean {
    return this.#isStepped ? this.#underWay.size > 0 : !this.#queue.idle || this.#parked > 0
  }

  get catchesUp(): boolean {
    return !this.#isStepped && this.#queue.catchesUp
  }

  async step(): Promise<string | undefined> {
    await this.#begun
    const key = this.#queue.take()
    if (key === undefined) return undefined
    await this.#unseen.wait(key)
    await this.#work(key)
    await this.#recorder.idle
    return key
  }

  async idle(): Promise<void> {
    while (!this.#stopped && this.busy) {
      await (this.#started && !this.#works && this.#recorder.busy ? this.#recorder.idle : this.#idle.promise)
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    for (const unsubscribe of this.#followed.values()) unsubscribe()
    this.#queue.close()
    this.#idle.resolve()
    await Promise.all(this.#underWay)
    await this.#recorder.idle
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #start(): Promise<void> {
    const { caches } = this.#options
    await Promise.all([...this.#readable].map((kind) => caches.of(kind).synced))
    if (this.#stopped) return
    const { reconciles, owns, watches } = this.#controller
    this.#listen(reconciles, (change) => this.#selfChanged(change))
    for (const kind of owns) this.#listen(kind, (change) => this.#ownedChanged(change))
    for (const watch of watches) this.#listen(watch.kind, (change) => this.#watchedChanged(watch, change))
    if (this.#controller.follows !== undefined) this.#followKinds(this.#controller.follows)
    this.#started = true
    this.#settleIdle()
    this.#pump()
  }

  #followKinds(follows: () => readonly Watch[]): void {
    let known: readonly Watch[] = []
    const update = () => {
      const watches = follows()
      if (this.#stopped || watches === known) return
      known = watches
      const now = new Map(watches.map((watch) => [watch.kind, watch]))
      for (const kind of [...this.#followed.keys()]) if (!now.has(kind)) this.#unfollow(kind)
      for (const watch of now.values()) if (!this.#readable.has(watch.kind)) void this.#follow(watch)
    }
    this.#unsubscribe.push(onServedKinds(this.#options, update))
    update()
  }

  /** What there is of the kind may concern every object. */
  async #follow(watch: Watch): Promise<void> {
    const { kind } = watch
    if (this.#followed.has(kind)) return
    this.#followed.set(kind, () => {})
    const cache = this.#options.caches.of(kind)
    await cache.synced
    if (this.#stopped || !this.#followed.has(kind)) return
    this.#readable.add(kind)
    this.#followed.set(
      kind,
      cache.onChange((change) => this.#watchedChanged(watch, change)),
    )
    for (const object of this.#options.caches.of(this.#controller.reconciles).list()) {
      this.#queue.add(keyOf(refOf(object)))
    }
  }

  #unfollow(kind: Kind): void {
    this.#followed.get(kind)?.()
    this.#followed.delete(kind)
    this.#readable.delete(kind)
  }

  #listen(kind: Kind, wake: (change: CacheChange<ApiObject>) => void): void {
    this.#unsubscribe.push(
      this.#options.caches.of(kind).onChange((change) => {
        this.#unseen.changed(change)
        wake(change)
      }),
    )
  }

  #selfChanged(change: CacheChange<ApiObject>): void {
    if (this.#controller.wakes(change, this.#watchContext))
      this.#wake(keyOf(refOf(change.object ?? change.old)), isSameWish(change))
    if (change.object !== undefined) this.#wakeAtItsTime(change.object)
  }

  #wakeAtItsTime(object: ApiObject): void {
    const at = this.#controller.wakeAt(object)
    if (at !== undefined) this.#queue.addAfter(keyOf(refOf(object)), at - this.#options.world.clock.now())
  }

  #ownedChanged({ object, old }: CacheChange<ApiObject>): void {
    const owner = object && this.#ownerKey(object)
    const isStill = old?.metadata.ownerReferences === object?.metadata.ownerReferences
    const formerOwner = isStill ? owner : old && this.#ownerKey(old)
    if (owner !== undefined) this.#wake(owner, true)
    if (formerOwner !== undefined && formerOwner !== owner) this.#wake(formerOwner, true)
  }

  #wake(key: string, mayWait: boolean): void {
    const { gatherMs } = this.#controller
    if (mayWait && gatherMs > 0 && !this.#isStepped) this.#queue.addSoon(key, gatherMs)
    else this.#queue.add(key)
  }

  #ownerKey({ metadata }: ApiObject): string | undefined {
    const owner = metadata.ownerReferences?.find((reference) => reference.controller === true)
    const { reconciles } = this.#controller
    if (owner === undefined || owner.kind !== reconciles.kind || groupOf(owner.apiVersion) !== reconciles.group) return
    return keyOf({ namespace: reconciles.namespaced ? metadata.namespace : '', name: owner.name })
  }

  #watchedChanged(watch: Watch, change: CacheChange<ApiObject>): void {
    for (const wake of watch.wakes(change, this.#watchContext)) this.#queue.addAfter(keyOf(wake), wake.afterMs ?? 0)
  }

  /** Not at once: of the many changes that come together, most wake the same few keys. */
  #pumpSoon(): void {
    queueMicrotask(() => this.#pump())
  }

  #pump(): void {
    if (!this.#started || this.#stopped) return
    while (!this.#isStepped && this.#underWay.size < this.#controller.concurrency) {
      const key = this.#queue.take()
      if (key === undefined) break
      this.#begin(key)
    }
    this.#settleIdle()
  }

  #begin(key: string): void {
    const wait = this.#unseen.wait(key)
    if (wait !== undefined) return this.#park(key, wait)
    void this.#work(key)
  }

  #work(key: string): Promise<void> {
    const run = this.#run(key).finally(() => {
      this.#underWay.delete(run)
      this.#queue.done(key)
      this.#pump()
    })
    this.#underWay.add(run)
    return run
  }

  /** The key takes no worker's place while it waits for the caches. */
  #park(key: string, wait: Promise<void>): void {
    this.#parked++
    void wait.then(() => {
      this.#parked--
      this.#queue.done(key)
      this.#queue.add(key)
    })
  }

  async #run(key: string): Promise<void> {
    const ref = refOfKey(key)
    const object = this.#options.caches.of(this.#controller.reconciles).get(ref.namespace ?? '', ref.name)
    try {
      await this.#reconcile(key, ref, object)
      this.#queue.succeeded(key)
    } catch (error) {
      this.#failed(key, error)
    }
    if (object !== undefined) this.#wakeAtItsTime(object)
  }

  async #reconcile(key: string, ref: Ref, object: ApiObject | undefined): Promise<void> {
    const context = this.#contextFor(object)
    const steps = object ? this.#controller.reconcile(object, context) : this.#controller.gone(ref, context)
    if (steps === undefined) return
    if (isSteps(steps)) return perform(steps, this.#writerFor(key, ref, object))
    const again = await steps
    if (again !== undefined) this.#queue.addAfter(key, again.againAfterMs)
  }

  /** Others write too: a conflict is no news, the next look at the caches settles it. */
  #failed(key: string, error: unknown): void {
    if (this.#stopped) return
    if (isConflict(error) || isAlreadyExists(error) || isNotFound(error)) return this.#queue.retryOutdated(key)
    const retryMs = this.#queue.retry(key)
    this.#options.world.log('warn', 'reconcile failed', {
      controller: this.name,
      key,
      error: error instanceof Error ? error.message : String(error),
      retryMs,
    })
  }

  #writerFor(key: string, ref: Ref, object: ApiObject | undefined): Writer {
    const { reconciles } = this.#controller
    return {
      name: this.name,
      client: this.#options.client,
      allowed: this.#writable,
      event: ({ reason, message, eventType, about, annotations }) => {
        const subject = about ?? { kind: reconciles, object: object ?? { metadata: ref } }
        this.#recorder.record({ ...subject, reason, message, type: eventType, annotations })
      },
      again: (afterMs) => this.#queue.addAfter(key, afterMs),
      wrote: (kind, written) => this.#unseen.wrote(key, kind, written),
      removed: ({ kind, ref: removed, options }) => {
        const uid = options.preconditions?.uid
        if (uid !== undefined) this.#unseen.removed(key, { kind, ref: removed, uid })
      },
    }
  }

  #contextFor(object: ApiObject | undefined): Context {
    const { world, client } = this.#options
    const reads = this.#watchContext
    return {
      get: reads.get,
      list: reads.list,
      by: reads.by,
      reads: (kind) => this.#readable.has(kind),
      now: world.clock.now(),
      random: world.random,
      clock: world.clock,
      client,
      owned: (kind) => (object?.metadata.uid ? reads.by(controllerIndex(kind), object.metadata.uid) : []),
    }
  }

  #readsOf(): WatchContext {
    const cacheOf = <T extends ApiObject>(kind: Kind<T>) => {
      if (!this.#readable.has(kind))
        throw new Error(`controller ${this.name} reads ${kind.plural} without having declared it`)
      return this.#options.caches.of(kind)
    }
    const { clock } = this.#options.world
    return {
      get now() {
        return clock.now()
      },
      get: (kind, ref) => cacheOf(kind).get(ref.namespace ?? '', ref.name),
      list: (kind, namespace) => [...cacheOf(kind).list(namespace)],
      by: (index, value) => [...cacheOf(index.kind).by(index, value)],
    }
  }

  #settleIdle(): void {
    if (this.#started && !this.#works) {
      this.#idle.resolve()
      this.#idle = deferred()
    }
  }
}

/** Something has changed about an object, but not what is wished of it. */
const isSameWish = ({ object, old }: CacheChange<ApiObject>): boolean =>
  object !== undefined &&
  old !== undefined &&
  object.metadata.generation === old.metadata.generation &&
  object.metadata.deletionTimestamp === old.metadata.deletionTimestamp

const isSteps = (steps: Steps | Promise<Again>): steps is Steps => Symbol.iterator in steps
const refOf = ({ metadata }: ApiObject): Ref => ({ namespace: metadata.namespace ?? '', name: metadata.name! })
const keyOf = ({ namespace, name }: Ref): string => (namespace ? `${namespace}/${name}` : name)
const groupOf = (apiVersion: string) => (apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '')

function refOfKey(key: string): Ref {
  const slash = key.indexOf('/')
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}
