import type { Client } from '../client/client.ts'
import { Lease } from '../kinds/coordination/lease.ts'
import { ApiError, isNotFound } from '../schema/status.ts'
import type { World } from '../world/world.ts'

export interface LeaderOptions {
  readonly client: Client
  readonly world: World
  /** Usually `kube-system`. */
  readonly namespace: string
  /** `kube-controller-manager`, `kube-scheduler`. */
  readonly name: string
  /** Who we are; differs between any two that compete. */
  readonly identity: string
  /** Others wait this long after they last saw the leader renew. */
  readonly leaseMs?: number
  /** The leader gives up when it could not renew for this long. Less than `leaseMs`. */
  readonly renewWithinMs?: number
  /** How long between two tries. */
  readonly retryMs?: number
}

interface Observed {
  readonly text: string
  readonly atMs: number
}

/**
 * Waits until it holds the lease, runs `lead`, and renews meanwhile. The signal that `lead` gets aborts when the lease
 * is lost or `signal` aborts; when `lead` has ended, the lease is given back, and the function returns.
 * The lease is written as the reference's `leaderelection` writes it, so that the two can take turns.
 */
export async function leadWhileElected(
  options: LeaderOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const election = new Election(options)
  if (!(await election.acquire(signal))) return
  const reign = new AbortController()
  const end = () => reign.abort()
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  const renewing = election.renewUntil(reign.signal).finally(end)
  try {
    await lead(reign.signal)
  } finally {
    end()
    signal.removeEventListener('abort', end)
    await renewing
    await election.release()
  }
}

class Election {
  readonly #options: Required<LeaderOptions>
  #observed: Observed | undefined

  constructor(options: LeaderOptions) {
    this.#options = { leaseMs: 15_000, renewWithinMs: 10_000, retryMs: 2_000, ...options }
  }

  /** Answers false when the signal was faster. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    const { world, retryMs } = this.#options
    while (!signal.aborted) {
      if (await this.#try()) return true
      // Up to 1.2 times as long more, so that those who wait do not all come at once.
      await pause(world, retryMs * (1 + 1.2 * world.random.next()), signal)
    }
    return false
  }

  /** Returns when the lease could not be renewed in time, also when that is because nobody answers. */
  async renewUntil(signal: AbortSignal): Promise<void> {
    const { world, retryMs, renewWithinMs } = this.#options
    let renewedAt = world.clock.monotonic()
    while (!signal.aborted) {
      await pause(world, retryMs, signal)
      const triedAt = world.clock.monotonic()
      const leftMs = renewedAt + renewWithinMs - triedAt
      if (signal.aborted || leftMs <= 0) return
      if (await this.#within(leftMs, this.#try())) renewedAt = triedAt
    }
  }

  /** Nothing when there is no answer in time: who waits for one must not stay in office meanwhile. */
  #within<T>(ms: number, answer: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve) => {
      const cancel = this.#options.world.clock.timer(ms, () => resolve(undefined))
      void answer.then(resolve).finally(cancel)
    })
  }

  /** Lets the next one in without waiting for the lease to run out. */
  async release(): Promise<void> {
    await this.#within(this.#options.renewWithinMs, this.#giveBack())
  }

  async #giveBack(): Promise<void> {
    const lease = await this.#read().catch(() => undefined)
    if (lease?.spec.holderIdentity !== this.#options.identity) return
    const now = microTime(this.#options.world.clock.now())
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now }
    await this.#options.client.update(Lease, { ...lease, spec }).catch(() => {})
  }

  /** One try to get or keep the lease. Whatever goes wrong means: not now. */
  async #try(): Promise<boolean> {
    try {
      const lease = await this.#read()
      if (lease === undefined) return await this.#create()
      if (this.#isHeldByOther(lease)) return false
      return await this.#take(lease)
    } catch (error) {
      // Without an answer it is no ApiError.
      const { world, name } = this.#options
      if (!(error instanceof ApiError)) world.log('warn', 'lease not renewed', { lease: name, error: String(error) })
      return false
    }
  }

  async #read(): Promise<Lease | undefined> {
    const { client, namespace, name } = this.#options
    try {
      return await client.get(Lease, { namespace, name })
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  /** By our own clock: a holder that has not renewed for the length of the lease, since we first saw this renewal, is gone. */
  #isHeldByOther({ spec }: Lease): boolean {
    const { world, identity, leaseMs } = this.#options
    const text = JSON.stringify(spec)
    const now = world.clock.monotonic()
    if (this.#observed?.text !== text) this.#observed = { text, atMs: now }
    if (!spec.holderIdentity || spec.holderIdentity === identity) return false
    const lengthMs = spec.leaseDurationSeconds ? spec.leaseDurationSeconds * 1000 : leaseMs
    return now < this.#observed.atMs + lengthMs
  }

  async #create(): Promise<boolean> {
    const { client, namespace, name } = this.#options
    const now = microTime(this.#options.world.clock.now())
    const spec = { ...this.#claim(now), acquireTime: now, leaseTransitions: 0 }
    await client.create(Lease, { metadata: { name, namespace }, spec })
    return true
  }

  async #take(lease: Lease): Promise<boolean> {
    const now = microTime(this.#options.world.clock.now())
    const isOurs = lease.spec.holderIdentity === this.#options.identity
    const transitions = lease.spec.leaseTransitions ?? 0
    const spec = {
      ...lease.spec,
      ...this.#claim(now),
      acquireTime: isOurs ? lease.spec.acquireTime : now,
      leaseTransitions: isOurs ? transitions : transitions + 1,
    }
    await this.#options.client.update(Lease, { ...lease, spec })
    return true
  }

  #claim(now: string) {
    const { identity, leaseMs } = this.#options
    return { holderIdentity: identity, leaseDurationSeconds: leaseMs / 1000, renewTime: now }
  }
}

const pause = (world: World, ms: number, signal: AbortSignal) => world.clock.after(ms, signal).catch(() => {})

const microTime = (ms: number) => new Date(ms).toISOString().replace(/\.(\d{3})Z$/, '.$1000Z')
