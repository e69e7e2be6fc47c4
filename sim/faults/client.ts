import type {
  Client,
  ClientUser,
  DeleteOptions,
  List,
  ListOptions,
  Patch,
  Ref,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../../src/client/client.ts'
import type { Scale } from '../../src/kinds/autoscaling/scale.ts'
import type { ApiObject, Kind } from '../../src/schema/kind.ts'
import { ApiError } from '../../src/schema/status.ts'
import type { Draft } from '../../src/schema/types.ts'
import type { Clock, Random } from '../../src/world/world.ts'

/** How likely what is, from 0 to 1, for each call or event. All 0: nothing goes wrong. */
export interface FaultRates {
  /** A call is refused, and nothing was done. */
  readonly refused: number
  /** A write is done, but its answer does not arrive. */
  readonly answerLost: number
  /** A call, or an event of a watch, takes its time. */
  readonly slow: number
  /** A watch ends after an event. */
  readonly watchDropped: number
}

export const noFaults: FaultRates = { refused: 0, answerLost: 0, slow: 0, watchDropped: 0 }

/** What decides about faults: shared by all clients of a run, so that they can be ended for all at once. */
export interface Faults {
  readonly clock: Clock
  readonly random: Random
  rates: FaultRates
}

/** What a client throws that has no answer. */
export class LostConnection extends Error {}

const slowestMs = 2_000

/** An API that is as bad as its network: a client of another's making, whose calls fail, are late, or are half done. */
export class FaultyClient implements Client {
  readonly #client: Client
  readonly #faults: Faults

  constructor(client: Client, faults: Faults) {
    this.#client = client
    this.#faults = faults
  }

  get<T extends ApiObject>(kind: Kind<T>, ref: Ref, options?: { readonly resourceVersion?: string }): Promise<T> {
    return this.#read(() => this.#client.get(kind, ref, options))
  }

  list<T extends ApiObject>(kind: Kind<T>, options?: ListOptions): Promise<List<T>> {
    return this.#read(() => this.#client.list(kind, options))
  }

  create<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    return this.#write(() => this.#client.create(kind, object, options))
  }

  update<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    return this.#write(() => this.#client.update(kind, object, options))
  }

  updateStatus<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    return this.#write(() => this.#client.updateStatus(kind, object, options))
  }

  patch<T extends ApiObject>(kind: Kind<T>, ref: Ref, patch: Patch, options?: WriteOptions): Promise<T> {
    return this.#write(() => this.#client.patch(kind, ref, patch, options))
  }

  delete<T extends ApiObject>(kind: Kind<T>, ref: Ref, options?: DeleteOptions): Promise<boolean> {
    return this.#write(() => this.#client.delete(kind, ref, options))
  }

  createSubresource<T extends ApiObject>(kind: Kind<T>, ref: Ref, subresource: string, body: object): Promise<unknown> {
    return this.#write(() => this.#client.createSubresource(kind, ref, subresource, body))
  }

  scale<T extends ApiObject>(kind: Kind<T>, ref: Ref): Promise<Scale> {
    return this.#read(() => this.#client.scale(kind, ref))
  }

  updateScale<T extends ApiObject>(kind: Kind<T>, scale: Scale): Promise<Scale> {
    return this.#write(() => this.#client.updateScale(kind, scale))
  }

  read(path: string, accept?: string): Promise<unknown> {
    return this.#read(() => this.#client.read(path, accept))
  }

  async *watch<T extends ApiObject>(kind: Kind<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    await this.#delay()
    this.#mayRefuse()
    for await (const event of this.#client.watch(kind, options)) {
      await this.#delay()
      yield event
      if (this.#happens('watchDropped')) return
    }
  }

  as(user: ClientUser): Client {
    return new FaultyClient(this.#client.as(user), this.#faults)
  }

  async #read<T>(call: () => Promise<T>): Promise<T> {
    await this.#delay()
    this.#mayRefuse()
    return call()
  }

  async #write<T>(call: () => Promise<T>): Promise<T> {
    await this.#delay()
    this.#mayRefuse()
    const result = await call()
    if (this.#happens('answerLost')) throw new LostConnection('the connection was lost before the answer was complete')
    return result
  }

  #mayRefuse(): void {
    if (!this.#happens('refused')) return
    const { random } = this.#faults
    const refusals = [
      () => new ApiError('InternalError', 'Internal error occurred: simulated'),
      () => new ApiError('ServiceUnavailable', 'simulated'),
      () => new ApiError('Timeout', 'simulated'),
      () => new ApiError('TooManyRequests', 'simulated', { details: { retryAfterSeconds: 1 } }),
      () => new LostConnection('connection refused'),
    ]
    throw refusals[random.int(refusals.length)]!()
  }

  async #delay(): Promise<void> {
    const { clock, random } = this.#faults
    if (this.#happens('slow')) await clock.after(random.int(slowestMs))
  }

  #happens(fault: keyof FaultRates): boolean {
    const { random, rates } = this.#faults
    return rates[fault] > 0 && random.next() < rates[fault]
  }
}
