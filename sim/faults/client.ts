import type { Client, ClientUser, WatchEvent, WatchOptions } from '../../src/client/client.ts'
import { type Call, ForwardingClient } from '../../src/client/forwarding.ts'
import type { ApiObject, Kind } from '../../src/schema/kind.ts'
import { ApiError } from '../../src/schema/status.ts'
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
export class FaultyClient extends ForwardingClient {
  readonly #client: Client
  readonly #faults: Faults

  constructor(client: Client, faults: Faults) {
    super()
    this.#client = client
    this.#faults = faults
  }

  protected override async forward<T>({ writes, make }: Call<T>): Promise<T> {
    await this.#delay()
    this.#mayRefuse()
    const result = await make(this.#client)
    if (writes && this.#happens('answerLost'))
      throw new LostConnection('the connection was lost before the answer was complete')
    return result
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
