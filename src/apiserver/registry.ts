import type { Scale } from '../kinds/autoscaling/scale.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import { notFound } from '../schema/status.ts'
import type { Store } from '../store/store.ts'
import type { World } from '../world/world.ts'
import type { AdmissionPlugin } from './admission.ts'
import type { LocalApi } from './aggregation/local.ts'
import type { RequestContext } from './context.ts'
import type { Resource } from './resource.ts'
import { FieldIndex } from './storage/field-index.ts'
import { folderOf } from './storage/keys.ts'
import { LeasePool } from './storage/lease-pool.ts'
import { Races } from './storage/races.ts'
import { StoredResource } from './storage/stored-resource.ts'
import { WatchHub } from './storage/watch-hub.ts'
import type { WriteHook } from './storage/write-hook.ts'
import { admitted } from './subresources/admitted.ts'
import { postedTypes } from './subresources/body-types.ts'
import { subresourceCreators } from './subresources/index.ts'
import type { SubresourceCreator } from './subresources/resources.ts'
import { scaleOf, updateScale } from './subresources/scale.ts'
import type { TokenIssuer } from './subresources/token.ts'

export interface RegistryOptions {
  readonly store: Store
  readonly kinds: readonly Kind[]
  readonly world: Pick<World, 'clock' | 'random' | 'log'>
  /** In the order in which they are asked. */
  readonly admission: readonly AdmissionPlugin[]
  /** What has to happen around the writes of some kinds. */
  readonly hooks?: ReadonlyMap<Kind, WriteHook>
  /** Signs the tokens of service accounts. Absent: nobody gets one. */
  readonly tokens?: TokenIssuer
  /** Resources of which nothing is stored, because their objects are made when somebody asks. */
  readonly computed?: ReadonlyMap<Kind, Resource>
}

/**
 * All resources of a server over one store. Cheap to make: what it holds is made when it is first asked for, and what
 * only depends on kinds is shared by all registries of the process.
 */
export class Registry {
  readonly store: Store
  readonly world: Pick<World, 'clock' | 'random' | 'log'>
  readonly admission: readonly AdmissionPlugin[]
  #kinds: readonly Kind[]
  #stored: readonly Kind[]
  readonly #local: LocalApi[] = []
  #generation = 1
  #paths: ReadonlyMap<string, Kind> | undefined
  readonly #resources = new Map<Kind, Resource>()
  readonly #hubs = new Map<string, WatchHub>()
  readonly #leases: LeasePool
  readonly #races = new Races()
  readonly #hooks: ReadonlyMap<Kind, WriteHook>
  readonly #creators: Readonly<Record<string, SubresourceCreator>>
  readonly #computed: ReadonlyMap<Kind, Resource> | undefined

  constructor({ store, kinds, world, admission, tokens, hooks, computed }: RegistryOptions) {
    this.store = store
    this.world = world
    this.admission = admission
    this.#kinds = kinds
    this.#stored = kinds
    this.#leases = new LeasePool(store, world.clock)
    this.#hooks = hooks ?? new Map()
    this.#creators = subresourceCreators(tokens)
    this.#computed = computed
  }

  get kinds(): readonly Kind[] {
    return this.#kinds
  }

  isCustom(kind: Kind): boolean {
    return kind.isCustom === true
  }

  /** Raised whenever `kinds` changes. */
  get generation(): number {
    return this.#generation
  }

  /** What is served and stored. */
  get storedKinds(): readonly Kind[] {
    return this.#stored
  }

  /** What is served and not stored. */
  get localApis(): readonly LocalApi[] {
    return this.#local
  }

  /** Serves what this process answers without a store, besides everything else. */
  serveLocal(api: LocalApi): void {
    this.#local.push(api)
    this.setKinds(this.#stored)
  }

  /** Serves other stored kinds from now on: those of CustomResourceDefinitions come and go. */
  setKinds(stored: readonly Kind[]): void {
    this.#stored = stored
    const kinds = [...stored, ...this.#local.flatMap((api) => api.kinds)]
    const served = new Set(kinds)
    for (const kind of this.#kinds) {
      if (served.has(kind)) continue
      this.#resources.delete(kind)
      this.#hubs.get(folderOf(kind))?.end(kind)
    }
    this.#kinds = kinds
    this.#generation++
    this.#paths = undefined
  }

  /** The kind behind a path such as `/apis/apps/v1/deployments`. */
  find(group: string, version: string, plural: string): Kind | undefined {
    this.#paths ??= new Map(this.#kinds.map((kind) => [`${kind.group}/${kind.version}/${kind.plural}`, kind]))
    return this.#paths.get(`${group}/${version}/${plural}`)
  }

  /** What a POST to a sub-resource does. */
  subresourceCreator(kind: Kind, subresource: string): SubresourceCreator | undefined {
    const name = `${kind.plural}.${kind.group}/${subresource}`
    const create = this.#creators[name]
    const bodyKind = postedTypes[name]
    return create && bodyKind && admitted(create, kind, subresource, bodyKind, this.admission)
  }

  /** POST to a sub-resource by somebody in this process. Throws NotFound when there is none such. */
  createSubresource(
    kind: Kind,
    namespace: string,
    name: string,
    subresource: string,
    body: ApiObject,
    context: RequestContext,
  ): Promise<object> {
    const create = this.subresourceCreator(kind, subresource)
    if (create === undefined) throw notFound({ group: kind.group, resource: kind.plural }, name)
    return create(this, namespace, name, body, context)
  }

  /** The number of replicas of an object, for somebody in this process. */
  async scale(kind: Kind, namespace: string, name: string): Promise<Scale> {
    const { object } = await this.resource(kind).get(namespace, name)
    kind.scale?.checkRead?.(object)
    return scaleOf(kind, object)
  }

  updateScale(kind: Kind, scale: Scale, context: RequestContext): Promise<Scale> {
    const { namespace = '', name = '', uid } = scale.metadata
    return updateScale(this.resource(kind), namespace, name, () => scale, context, uid ? { uid } : {})
  }

  resource<T extends ApiObject>(kind: Kind<T>): Resource<T> {
    let resource = this.#resources.get(kind)
    if (resource === undefined) {
      resource = this.#make(kind)
      this.#resources.set(kind, resource)
    }
    return resource as Resource<T>
  }

  #make(kind: Kind): Resource {
    const computed = this.#computed?.get(kind)
    if (computed !== undefined) return computed
    const local = this.#local.find((api) => api.kinds.includes(kind))
    if (local !== undefined) return local.resource(kind)
    const { store, admission } = this
    const { clock, random } = this.world
    const name = { group: kind.group, resource: kind.plural }
    return new StoredResource({
      kind,
      name,
      store,
      clock,
      random,
      admission,
      hub: this.#hub(kind),
      indexes: kind.indexedFields.map((field) => new FieldIndex(kind, field, store)),
      leases: this.#leases,
      races: this.#races,
      hook: this.#hooks.get(kind),
      version: (apiVersion) => this.#version(kind, apiVersion),
    })
  }

  #version(kind: Kind, apiVersion: string): Kind | undefined {
    const slash = apiVersion.indexOf('/')
    return this.find(slash < 0 ? '' : apiVersion.slice(0, slash), apiVersion.slice(slash + 1), kind.plural)
  }

  /** Versions of a resource share what watches the store. */
  #hub(kind: Kind): WatchHub {
    const folder = folderOf(kind)
    let hub = this.#hubs.get(folder)
    if (hub === undefined) {
      hub = new WatchHub(this.store, this.world.clock, folder)
      this.#hubs.set(folder, hub)
    }
    return hub
  }
}
