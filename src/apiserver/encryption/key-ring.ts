import { Buffer } from 'node:buffer'
import type { Kind } from '../../schema/kind.ts'
import type { KeyRing } from '../../store/encrypted.ts'
import { aesCbc, aesGcm } from '../../store/encryption/aes.ts'
import { KmsProvider, type KmsTools } from '../../store/encryption/kms.ts'
import { secretbox } from '../../store/encryption/secretbox.ts'
import {
  identity,
  type PrefixedTransformer,
  prefixTransformers,
  type ValueTransformer,
} from '../../store/encryption/transformer.ts'
import type { Store } from '../../store/store.ts'
import { EncryptionConfigError, type ProviderSettings, type ResourceEncryption } from './configuration.ts'

const folder = '/registry/'

/**
 * What of the store is encrypted, and with which keys: what an `EncryptionConfiguration` says, until another one takes its
 * place.
 */
export class EncryptionKeyRing implements KeyRing, AsyncDisposable {
  generation = 0
  readonly #tools: KmsTools
  /** By what stands between `/registry/` and a namespace or a name. */
  readonly #resources: ReadonlyMap<string, { readonly resource: string; readonly group: string }>
  #active: Transformers

  private constructor(kinds: readonly Kind[], tools: KmsTools, active: Transformers) {
    this.#tools = tools
    // Both kinds of events lie in one place, which counts as that of the one without a group: it comes last.
    const sorted = [...kinds].sort((a, b) => (a.group < b.group ? 1 : -1))
    this.#resources = new Map(
      sorted.map(({ storagePrefix, plural, group }) => [storagePrefix, { resource: plural, group }]),
    )
    this.#active = active
  }

  /** Waits until plugins have answered, or have not in time: one that is not there yet can come later. */
  static async open(
    configuration: readonly ResourceEncryption[],
    kinds: readonly Kind[],
    tools: KmsTools,
  ): Promise<EncryptionKeyRing> {
    return new EncryptionKeyRing(kinds, tools, await Transformers.open(configuration, tools))
  }

  transformerOf(key: string): ValueTransformer | undefined {
    const place = this.#placeOf(key)
    return place === undefined ? undefined : this.#active.ofPlace(place, this.#resources)
  }

  /**
   * From now on another configuration holds. Everything goes on as it was when it throws: a plugin that it names must be
   * well, and what is stored must be prepared for.
   */
  async use(configuration: readonly ResourceEncryption[], store: Store): Promise<void> {
    const next = await Transformers.open(configuration, this.#tools)
    try {
      await next.check()
      await this.#prepare(next, store)
    } catch (error) {
      next[Symbol.dispose]()
      throw error
    }
    const previous = this.#active
    this.#active = next
    this.generation++
    previous[Symbol.dispose]()
  }

  /** Fetches the keys of all that is stored. `store` is what lies below: it shows values as they are stored. */
  prepare(store: Store): Promise<void> {
    return this.#prepare(this.#active, store)
  }

  /** Whether somebody else has to be asked for keys. */
  get asksPlugins(): boolean {
    return this.#active.plugins.length > 0
  }

  /** Rejects with what is wrong with the plugins. */
  check(): Promise<void> {
    return this.#active.check()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#active[Symbol.dispose]()
  }

  async #prepare(transformers: Transformers, store: Store): Promise<void> {
    if (transformers.plugins.length === 0) return
    const fetching = new Set<Promise<void>>()
    for await (const { key, value } of store.snapshot()) {
      const place = this.#placeOf(key)
      const transformer = place === undefined ? undefined : transformers.ofPlace(place, this.#resources)
      const fetch = transformer?.prepare?.(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
      // Who reads what cannot be fetched is told why.
      if (fetch) fetching.add(fetch.catch(() => {}))
    }
    await Promise.all(fetching)
  }

  /** `secrets`, `services/specs`, `example.com/boats`. */
  #placeOf(key: string): string | undefined {
    if (!key.startsWith(folder)) return undefined
    const slash = key.indexOf('/', folder.length)
    if (slash < 0) return undefined
    const first = key.slice(folder.length, slash)
    if (this.#resources.has(first)) return first
    const second = key.indexOf('/', slash + 1)
    return second < 0 ? undefined : key.slice(folder.length, second)
  }
}

/** One configuration at work. */
class Transformers implements Disposable {
  readonly plugins: readonly KmsProvider[]
  readonly #byResource: ReadonlyMap<string, ValueTransformer>
  readonly #byPlace = new Map<string, ValueTransformer | undefined>()

  private constructor(plugins: readonly KmsProvider[], byResource: ReadonlyMap<string, ValueTransformer>) {
    this.plugins = plugins
    this.#byResource = byResource
  }

  static async open(configuration: readonly ResourceEncryption[], tools: KmsTools): Promise<Transformers> {
    const plugins: KmsProvider[] = []
    const candidates = new Map<string, PrefixedTransformer[]>()
    for (const { resources, providers } of configuration) {
      const made = providers.map((provider) => transformerOf(provider, tools, plugins))
      for (const { resource, group } of resources) {
        const name = `${resource}.${group}`
        candidates.set(name, [...(candidates.get(name) ?? []), ...made])
      }
    }
    await Promise.all(plugins.map((plugin) => plugin.start()))
    const byResource = [...candidates].map(
      ([name, made]) => [name, prefixTransformers(made, 'no matching prefix found')] as const,
    )
    return new Transformers(plugins, new Map(byResource))
  }

  ofPlace(
    place: string,
    resources: ReadonlyMap<string, { readonly resource: string; readonly group: string }>,
  ): ValueTransformer | undefined {
    if (this.#byPlace.has(place)) return this.#byPlace.get(place)
    const found = this.#find(resources.get(place) ?? customResource(place))
    if (this.#byPlace.size < placesRemembered) this.#byPlace.set(place, found)
    return found
  }

  async check(): Promise<void> {
    const faults: string[] = []
    for (const [index, plugin] of this.plugins.entries()) {
      await plugin.check().catch((error: Error) => faults.push(`kms-provider-${index}: ${error.message}`))
    }
    if (faults.length > 0) throw new EncryptionConfigError(faults.length === 1 ? faults[0] : `[${faults.join(', ')}]`)
  }

  [Symbol.dispose](): void {
    for (const plugin of this.plugins) plugin[Symbol.dispose]()
  }

  #find(name: { readonly resource: string; readonly group: string } | undefined): ValueTransformer | undefined {
    if (name === undefined) return undefined
    const { resource, group } = name
    for (const rule of [`${resource}.${group}`, `*.${group}`, '*.*']) {
      const found = this.#byResource.get(rule)
      if (found !== undefined) return found
    }
    return undefined
  }
}

const placesRemembered = 10_000

/** Custom resources lie under their group, which has a dot. Everything else that we do not know is no resource. */
function customResource(place: string): { readonly resource: string; readonly group: string } | undefined {
  const [group, resource] = place.split('/')
  return group?.includes('.') && resource !== undefined ? { resource, group } : undefined
}

function transformerOf(provider: ProviderSettings, tools: KmsTools, plugins: KmsProvider[]): PrefixedTransformer {
  switch (provider.type) {
    case 'identity':
      return { prefix: Buffer.alloc(0), transformer: identity }
    case 'aesgcm':
      return keyed(provider, (secret) => aesGcm(secret, tools.random), 'AES')
    case 'aescbc':
      return keyed(provider, (secret) => aesCbc(secret, tools.random), 'AES')
    case 'secretbox':
      return keyed(provider, (secret) => secretbox(secret, tools.random), 'Secretbox')
    case 'kms': {
      const plugin = new KmsProvider(provider, tools)
      plugins.push(plugin)
      return { prefix: Buffer.from(`k8s:enc:kms:v2:${provider.name}:`), transformer: plugin }
    }
  }
}

type Keyed = Extract<ProviderSettings, { readonly keys: unknown }>

function keyed(
  { type, keys }: Keyed,
  make: (secret: Uint8Array) => ValueTransformer,
  name: string,
): PrefixedTransformer {
  const candidates = keys.map((key) => ({ prefix: Buffer.from(`${key.name}:`), transformer: make(key.secret) }))
  const unknown = `no matching key was found for the provided ${name} transformer`
  return { prefix: Buffer.from(`k8s:enc:${type}:v1:`), transformer: prefixTransformers(candidates, unknown) }
}
