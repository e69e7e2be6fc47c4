import { secondsTime } from '../../base/seconds-time.ts'
import { CustomResourceDefinition } from '../../kinds/apiextensions/custom-resource-definition.ts'
import { equalJson } from '../../schema/freeze.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { isNotFound } from '../../schema/status.ts'
import type { Clock, Log } from '../../world/world.ts'
import { serverContext } from '../context.ts'
import { follow } from '../follow.ts'
import type { OutgoingParts } from '../outgoing.ts'
import type { Registry } from '../registry.ts'
import { ApiServices, type GroupVersion, groupVersionName } from './api-services.ts'
import { Cleanup } from './cleanup.ts'
import { type CustomKind, customKinds } from './custom-kind.ts'
import { conditionOf, namesTaken, statusWithNames } from './names.ts'
import { compareVersions } from './versions.ts'

export interface CustomResourcesOptions {
  readonly registry: Registry
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
  /** By which conversion webhooks are asked. */
  readonly outgoing: OutgoingParts
}

/** A definition, and what is served because of it. */
interface Known {
  readonly definition: CustomResourceDefinition
  readonly kinds: readonly CustomKind[]
}

/** As many changes in a row are made known at once; further ones wait for others, until there was none for a while. */
const mostAtOnce = 50
const publishPauseMs = 1_000
const publishDelayMs = 50

/**
 * Serves what CustomResourceDefinitions define. Follows them, gives them their names, says in their status that they are
 * established, and tells the registry which kinds there are from now on; deletes the objects of those that are deleted.
 *
 * Resolves when everything that is defined in the store is served.
 */
export async function serveCustomResources(options: CustomResourcesOptions): Promise<void> {
  const served = new CustomResources(options)
  const { registry, signal, log } = options
  await follow(registry.resource(CustomResourceDefinition), signal, log, (definition, isThere) =>
    served.take(definition, isThere),
  )
  await served.begin()
}

class CustomResources {
  readonly #options: CustomResourcesOptions
  readonly #builtIn: readonly Kind[]
  readonly #known = new Map<string, Known>()
  /** The definitions of each group by name: those that may be in each other's way. */
  readonly #groups = new Map<string, Map<string, CustomResourceDefinition>>()
  /** By group, versions in order: as discovery lists them. */
  readonly #kinds: CustomKind[] = []
  readonly #services: ApiServices
  readonly #cleanups = new Map<string, Cleanup>()
  #hasBegun = false
  #publishing = false
  #lastChange = 0
  /** How many changes in a row were made known at once. */
  #published = 0
  /** Versions of groups (`v1.example.com`) that may have come or gone since changes were last made known. */
  readonly #touched = new Map<string, GroupVersion>()

  constructor(options: CustomResourcesOptions) {
    this.#options = options
    this.#builtIn = options.registry.storedKinds
    this.#services = new ApiServices(options.registry, serverContext, options.log)
  }

  /** Before this, definitions are only noted, so that none is judged before all are known. */
  async begin(): Promise<void> {
    this.#hasBegun = true
    this.#publish()
    await this.#services.begin(() => this.#kinds)
    for (const { definition } of this.#known.values()) this.#settle(definition)
  }

  take(definition: CustomResourceDefinition, isThere: boolean): void {
    const name = definition.metadata.name!
    const old = this.#known.get(name)
    const kinds = isThere ? kindsOf(definition, old, this.#options.outgoing) : []
    if (isThere) this.#known.set(name, { definition, kinds })
    else this.#known.delete(name)
    this.#regroup(definition, isThere)
    if (kinds !== old?.kinds) this.#replaceKinds(old?.kinds ?? [], kinds)
    if (!this.#hasBegun) return
    if (isThere) this.#settle(definition)
    else this.#forget(definition)
  }

  #inGroup({ spec }: CustomResourceDefinition): CustomResourceDefinition[] {
    return [...(this.#groups.get(spec.group)?.values() ?? [])]
  }

  #regroup(definition: CustomResourceDefinition, isThere: boolean): void {
    const { group } = definition.spec
    const members = this.#groups.get(group) ?? new Map<string, CustomResourceDefinition>()
    if (isThere) members.set(definition.metadata.name!, definition)
    else members.delete(definition.metadata.name!)
    if (members.size === 0) this.#groups.delete(group)
    else this.#groups.set(group, members)
  }

  #replaceKinds(old: readonly CustomKind[], kinds: readonly CustomKind[]): void {
    if (old.length === 0 && kinds.length === 0) return
    for (const kind of old) this.#kinds.splice(this.#kinds.indexOf(kind), 1)
    for (const kind of kinds) this.#kinds.splice(placeOf(kind, this.#kinds), 0, kind)
    for (const kind of [...old, ...kinds]) this.#touched.set(groupVersionName(kind), kind)
    this.#publishSoon()
  }

  /**
   * Changes that come together are made known together. Of very many, one by one, each is not made known by itself:
   * that would cost the more the more there are.
   */
  #publishSoon(): void {
    if (this.#publishing || !this.#hasBegun) return
    this.#publishing = true
    const publish = () => {
      this.#publishing = false
      this.#publish()
      for (const groupVersion of this.#touched.values()) this.#services.set(groupVersion, this.#isServed(groupVersion))
      this.#touched.clear()
    }
    const { clock } = this.#options
    const now = clock.now()
    if (now - this.#lastChange >= publishPauseMs) this.#published = 0
    this.#lastChange = now
    if (++this.#published <= mostAtOnce) queueMicrotask(publish)
    else clock.timer(publishDelayMs, publish)
  }

  #publish(): void {
    this.#options.registry.setKinds([...this.#builtIn, ...this.#kinds])
  }

  #isServed({ group, version }: GroupVersion): boolean {
    const at = placeOf({ group, version, plural: '' }, this.#kinds)
    const next = this.#kinds[at]
    return next?.group === group && next.version === version
  }

  /** Brings the status to what follows from the definition, and its objects to their end when it is deleted. */
  #settle(definition: CustomResourceDefinition): void {
    if (definition.metadata.deletionTimestamp !== undefined) return this.#cleanUp(definition)
    const status = this.#statusOf(definition)
    if (!equalJson(status, definition.status)) void this.#writeStatus(definition)
  }

  #statusOf(definition: CustomResourceDefinition) {
    const others = this.#inGroup(definition).filter(({ metadata }) => metadata.name !== definition.metadata.name)
    return statusWithNames(definition, namesTaken(others), secondsTime(this.#options.clock.now()))
  }

  async #writeStatus({ metadata }: CustomResourceDefinition): Promise<void> {
    const { registry, log } = this.#options
    const change = (current: CustomResourceDefinition | undefined) => {
      if (current === undefined || current.metadata.deletionTimestamp !== undefined) return current!
      const status = this.#statusOf(current)
      return equalJson(status, current.status) ? current : { ...current, status }
    }
    try {
      await registry
        .resource(CustomResourceDefinition)
        .update('', metadata.name!, 'status', (current) => change(current) as ApiObject, serverContext, {
          derived: true,
        })
    } catch (error) {
      if (isNotFound(error)) return
      log('error', 'the status of a definition was not written', { name: metadata.name, error: String(error) })
    }
  }

  #cleanUp(definition: CustomResourceDefinition): void {
    const name = definition.metadata.name!
    if (this.#cleanups.has(name)) return
    this.#cleanups.set(name, new Cleanup(definition, { ...this.#options, context: serverContext }))
  }

  /** Names that were taken are free again. */
  #forget(forgotten: CustomResourceDefinition): void {
    const { name = '' } = forgotten.metadata
    this.#cleanups.get(name)?.stop()
    this.#cleanups.delete(name)
    for (const definition of this.#inGroup(forgotten)) this.#settle(definition)
  }
}

const isEstablished = (definition: CustomResourceDefinition) =>
  conditionOf(definition, 'Established')?.status === 'True'

/** The kinds that a definition makes. They stay the same as long as nothing has changed that they are made of. */
function kindsOf(
  definition: CustomResourceDefinition,
  old: Known | undefined,
  outgoing: OutgoingParts,
): readonly CustomKind[] {
  if (!isEstablished(definition)) return []
  const isSame =
    old !== undefined &&
    isEstablished(old.definition) &&
    (old.definition.metadata.deletionTimestamp === undefined) ===
      (definition.metadata.deletionTimestamp === undefined) &&
    equalJson(old.definition.spec, definition.spec) &&
    equalJson(old.definition.status.acceptedNames, definition.status.acceptedNames)
  return isSame ? old.kinds : customKinds(definition, outgoing)
}

/** Where a kind belongs in the sorted list. */
function placeOf(kind: Sorted, kinds: readonly Sorted[]): number {
  let [low, high] = [0, kinds.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareKinds(kinds[middle]!, kind) < 0) low = middle + 1
    else high = middle
  }
  return low
}

type Sorted = Pick<Kind, 'group' | 'version' | 'plural'>

function compareKinds(left: Sorted, right: Sorted): number {
  if (left.group !== right.group) return left.group < right.group ? -1 : 1
  return compareVersions(left.version, right.version) || (left.plural < right.plural ? -1 : 1)
}
