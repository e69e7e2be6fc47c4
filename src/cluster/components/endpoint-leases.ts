import type { Client } from '../../client/client.ts'
import { Endpoints } from '../../kinds/core/endpoints.ts'
import { EndpointSlice } from '../../kinds/discovery/endpoint-slice.ts'
import { equalJson } from '../../schema/freeze.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../../schema/status.ts'
import type { Draft } from '../../schema/types.ts'
import { LeaseNotFoundError, prefixEnd, type Store } from '../../store/store.ts'
import type { Clock, Log } from '../../world/world.ts'

export interface EndpointLeasesOptions {
  readonly store: Store
  readonly client: Client
  /** Under which this server is reached. */
  readonly address: string
  readonly port: number
  readonly clock: Clock
  readonly log: Log
}

/** Where the reference's API servers say that they live: a key for each address, gone with its lease. */
const folder = '/registry/masterleases/'
const leaseSeconds = 15
const renewMs = 10_000

/**
 * Keeps the endpoints of the service `kubernetes` at the API servers that live: each holds a key under a lease of its
 * own (`--endpoint-reconciler-type=lease`), and all write what follows from the keys. A server that is killed leaves the
 * endpoints when its lease runs out, one that stops leaves at once.
 */
export class EndpointLeases {
  readonly #options: EndpointLeasesOptions
  readonly #stop = new AbortController()
  #lease: bigint | undefined
  #running: Promise<void> = Promise.resolve()
  #writing: Promise<void> | undefined
  #isStale = false

  constructor(options: EndpointLeasesOptions) {
    this.#options = options
  }

  /** Resolves when this server is among the endpoints, or could not be put there yet. */
  async start(): Promise<void> {
    await this.#renew()
    this.#running = this.#keepOn()
    this.#watch()
  }

  /** Leaves the endpoints. */
  async stop(): Promise<void> {
    const { store, log } = this.#options
    this.#stop.abort()
    await this.#running
    try {
      if (this.#lease !== undefined) await store.leaseRevoke(this.#lease)
      await this.#write()
    } catch (error) {
      log('warn', 'this server could not be taken out of the endpoints', { error: String(error) })
    }
  }

  async #keepOn(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await this.#options.clock.after(renewMs, signal).catch(() => {})
      if (!signal.aborted) await this.#renew()
    }
  }

  async #renew(): Promise<void> {
    try {
      await this.#hold()
      await this.#write()
    } catch (error) {
      this.#options.log('warn', 'the endpoints of the API could not be brought up to date', { error: String(error) })
    }
  }

  async #hold(): Promise<void> {
    const { store, address, port } = this.#options
    try {
      if (this.#lease !== undefined) await store.leaseKeepAlive(this.#lease)
      const held = store.rangeNow({ from: folder + address }).kvs[0]
      if (this.#lease !== undefined && held?.lease === this.#lease) return
    } catch (error) {
      if (!(error instanceof LeaseNotFoundError)) throw error
      this.#lease = undefined
    }
    this.#lease ??= (await store.leaseGrant(leaseSeconds)).id
    const value = Buffer.from(JSON.stringify(endpointsOf([address], port)))
    await store.txn({ then: [{ type: 'put', key: folder + address, value, lease: this.#lease }] })
  }

  /** Another server has come or gone. */
  #watch(): void {
    const { store } = this.#options
    const { signal } = this.#stop
    const begin = () => {
      if (signal.aborted) return
      store.watch(
        { from: folder, to: prefixEnd(folder), signal },
        { onEvents: () => void this.#write().catch(() => {}), onError: () => void this.#later(begin) },
      )
    }
    begin()
  }

  async #later(run: () => void): Promise<void> {
    await this.#options.clock.after(1000, this.#stop.signal).then(run, () => {})
  }

  /** One write at a time; what comes meanwhile is written after it. */
  #write(): Promise<void> {
    this.#isStale = true
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined
    })
    return this.#writing
  }

  async #writeAll(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false
      const { store, client, port } = this.#options
      const { kvs } = await store.range({ from: folder, to: prefixEnd(folder) })
      const addresses = kvs.map(({ key }) => key.slice(folder.length)).sort()
      await put(client, Endpoints, endpointsOf(addresses, port), addresses.length === 0)
      await put(client, EndpointSlice, sliceOf(addresses, port), addresses.length === 0)
    }
  }
}

const name = 'kubernetes'
const namespace = 'default'
const portsOf = (port: number) => [{ name: 'https', port, protocol: 'TCP' as const }]

function endpointsOf(addresses: readonly string[], port: number): Draft<Endpoints> {
  return {
    kind: 'Endpoints',
    apiVersion: 'v1',
    metadata: { name, namespace, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    ...(addresses.length > 0 && { subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: portsOf(port) }] }),
  }
}

function sliceOf(addresses: readonly string[], port: number): Draft<EndpointSlice> {
  return {
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: addresses[0]?.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: portsOf(port),
  }
}

/** Nothing is written when all is so already, or when nobody is left to say it of. */
async function put<T extends ApiObject>(
  client: Client,
  kind: Kind<T>,
  wanted: Draft<T>,
  isEmpty: boolean,
): Promise<void> {
  try {
    const present = await client.get(kind, { namespace, name })
    const { metadata: _, ...content } = wanted as Draft<ApiObject>
    const same = Object.entries(content).every(([key, value]) =>
      equalJson((present as Record<string, unknown>)[key], value),
    )
    if (!same || isEmpty) await client.update(kind, { ...present, ...content } as Draft<T>)
  } catch (error) {
    if (isNotFound(error)) return create(client, kind, wanted)
    if (!isConflict(error)) throw error
  }
}

async function create<T extends ApiObject>(client: Client, kind: Kind<T>, wanted: Draft<T>): Promise<void> {
  try {
    await client.create(kind, wanted)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}
