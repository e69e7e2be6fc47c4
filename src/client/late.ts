import type { ApiObject, Kind } from '../schema/kind.ts'
import type { Client, ClientUser, WatchEvent, WatchOptions } from './client.ts'
import { type Call, ForwardingClient } from './forwarding.ts'

/** Where the client comes from that does the work, for each call anew; rejects with an `ApiError`. */
export type FindClient = () => Promise<Client>

/** A client whose credential must be had first, or changes: each call goes to the one that is right at the time. */
export class LateClient extends ForwardingClient {
  readonly #find: FindClient
  readonly #as: (user: ClientUser) => Client
  readonly #failed: ((error: unknown) => void) | undefined

  /** @param failed is told why a call failed, before the caller is */
  constructor(find: FindClient, as: (user: ClientUser) => Client, failed?: (error: unknown) => void) {
    super()
    this.#find = find
    this.#as = as
    this.#failed = failed
  }

  protected override async forward<T>(call: Call<T>): Promise<T> {
    const client = await this.#find()
    try {
      return await call.make(client)
    } catch (error) {
      this.#failed?.(error)
      throw error
    }
  }

  async *watch<T extends ApiObject>(
    kind: Kind<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const client = await this.#find()
    try {
      yield* client.watch(kind, options)
    } catch (error) {
      this.#failed?.(error)
      throw error
    }
  }

  as(user: ClientUser): Client {
    return this.#as(user)
  }
}
