import { secondsTime } from '../../base/seconds-time.ts'
import { CustomResourceDefinition, cleanupFinalizer } from '../../kinds/apiextensions/custom-resource-definition.ts'
import type { ApiObject } from '../../schema/kind.ts'
import { isNotFound } from '../../schema/status.ts'
import type { Clock, Log } from '../../world/world.ts'
import type { RequestContext } from '../context.ts'
import { follow } from '../follow.ts'
import type { Registry } from '../registry.ts'
import type { Resource } from '../resource.ts'
import { storedKind } from './custom-kind.ts'
import { withCondition } from './names.ts'

export interface CleanupOptions {
  readonly registry: Registry
  readonly clock: Clock
  readonly log: Log
  readonly context: RequestContext
}

const concurrency = 50

const inProgress = {
  type: 'Terminating',
  status: 'True',
  reason: 'InstanceDeletionInProgress',
  message: 'CustomResource deletion is in progress',
}

const completed = {
  type: 'Terminating',
  status: 'False',
  reason: 'InstanceDeletionCompleted',
  message: 'removed all instances',
}

/** Deletes all objects that a definition has defined, waits for those with finalizers, then lets the definition go. */
export class Cleanup {
  readonly #definition: CustomResourceDefinition
  readonly #options: CleanupOptions
  readonly #stop = new AbortController()
  readonly #left = new Map<string, ApiObject>()
  #hasDeleted = false

  constructor(definition: CustomResourceDefinition, options: CleanupOptions) {
    this.#definition = definition
    this.#options = options
    void this.#run().catch((error) => this.#failed(error))
  }

  stop(): void {
    this.#stop.abort()
  }

  async #run(): Promise<void> {
    const { registry, log } = this.#options
    if (!this.#definition.metadata.finalizers?.includes(cleanupFinalizer)) return
    await this.#write(inProgress, false)
    const instances = registry.resource(storedKind(this.#definition))
    await follow(instances, this.#stop.signal, log, (object, isThere) => this.#see(object, isThere))
    await this.#deleteAll(instances)
    this.#hasDeleted = true
    if (this.#left.size === 0) await this.#finish()
  }

  #see(object: ApiObject, isThere: boolean): void {
    const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`
    if (isThere) this.#left.set(key, object)
    else this.#left.delete(key)
    if (this.#hasDeleted && this.#left.size === 0) void this.#finish().catch((error) => this.#failed(error))
  }

  async #deleteAll(instances: Resource): Promise<void> {
    const objects = [...this.#left.values()].filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    while (objects.length > 0) {
      await Promise.all(objects.splice(0, concurrency).map((object) => this.#delete(instances, object)))
    }
  }

  async #delete(instances: Resource, { metadata }: ApiObject): Promise<void> {
    const { namespace = '', name = '' } = metadata
    try {
      await instances.delete(namespace, name, {}, this.#options.context)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }

  async #finish(): Promise<void> {
    this.#stop.abort()
    await this.#write(completed, true)
  }

  async #write(condition: typeof inProgress, isLast: boolean): Promise<void> {
    const { registry, clock, context } = this.#options
    const time = secondsTime(clock.now())
    const change = (current: CustomResourceDefinition | undefined) => {
      if (current?.metadata.uid !== this.#definition.metadata.uid) return current
      const conditions = withCondition(current!.status.conditions ?? [], condition, time)
      const { finalizers = [], ...metadata } = current!.metadata
      const kept = isLast ? finalizers.filter((each) => each !== cleanupFinalizer) : finalizers
      return { ...current!, metadata: { ...metadata, finalizers: kept }, status: { ...current!.status, conditions } }
    }
    const { name = '' } = this.#definition.metadata
    try {
      const definitions = registry.resource(CustomResourceDefinition)
      await definitions.update('', name, 'status', (current) => change(current) as ApiObject, context)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }

  #failed(error: unknown): void {
    const { name } = this.#definition.metadata
    this.#options.log('error', 'the objects of a definition were not deleted', { name, error: String(error) })
  }
}
