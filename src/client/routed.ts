import type { ApiObject, Kind } from '../schema/kind.ts'
import type { Client, ClientUser, WatchEvents, WatchOptions } from './client.ts'
import { type Call, ForwardingClient } from './forwarding.ts'

/**
 * One client for what the server in this process has, and another for kinds that it has from aggregated API servers:
 * those are asked for by their paths.
 */
export class RoutedClient extends ForwardingClient {
  readonly #own: Client
  readonly #remote: Client

  constructor(own: Client, remote: Client) {
    super()
    this.#own = own
    this.#remote = remote
  }

  protected override forward<T>({ kind, make }: Call<T>): Promise<T> {
    return make(this.#of(kind))
  }

  watch<T extends ApiObject>(kind: Kind<T>, options: WatchOptions): WatchEvents<T> {
    return this.#of(kind).watch(kind, options)
  }

  as(user: ClientUser): RoutedClient {
    return new RoutedClient(this.#own.as(user), this.#remote.as(user))
  }

  #of(kind: Call<unknown>['kind']): Client {
    return kind?.isRemote ? this.#remote : this.#own
  }
}
