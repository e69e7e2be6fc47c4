import type { Scale } from '../kinds/autoscaling/scale.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import type { Draft } from '../schema/types.ts'
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
} from './client.ts'

/**
 * One client for what the server in this process has, and another for kinds that it has from aggregated API servers:
 * those are asked for by their paths.
 */
export class RoutedClient implements Client {
  readonly #own: Client
  readonly #remote: Client

  constructor(own: Client, remote: Client) {
    this.#own = own
    this.#remote = remote
  }

  get<T extends ApiObject>(kind: Kind<T>, ref: Ref, options?: { readonly resourceVersion?: string }): Promise<T> {
    return this.#of(kind).get(kind, ref, options)
  }

  list<T extends ApiObject>(kind: Kind<T>, options?: ListOptions): Promise<List<T>> {
    return this.#of(kind).list(kind, options)
  }

  create<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    return this.#of(kind).create(kind, object, options)
  }

  update<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    return this.#of(kind).update(kind, object, options)
  }

  updateStatus<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    return this.#of(kind).updateStatus(kind, object, options)
  }

  patch<T extends ApiObject>(kind: Kind<T>, ref: Ref, patch: Patch, options?: WriteOptions): Promise<T> {
    return this.#of(kind).patch(kind, ref, patch, options)
  }

  delete<T extends ApiObject>(kind: Kind<T>, ref: Ref, options?: DeleteOptions): Promise<boolean> {
    return this.#of(kind).delete(kind, ref, options)
  }

  createSubresource<T extends ApiObject>(kind: Kind<T>, ref: Ref, subresource: string, body: object): Promise<unknown> {
    return this.#of(kind).createSubresource(kind, ref, subresource, body)
  }

  scale<T extends ApiObject>(kind: Kind<T>, ref: Ref): Promise<Scale> {
    return this.#of(kind).scale(kind, ref)
  }

  updateScale<T extends ApiObject>(kind: Kind<T>, scale: Scale): Promise<Scale> {
    return this.#of(kind).updateScale(kind, scale)
  }

  read(path: string, accept?: string): Promise<unknown> {
    return this.#own.read(path, accept)
  }

  watch<T extends ApiObject>(kind: Kind<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    return this.#of(kind).watch(kind, options)
  }

  as(user: ClientUser): RoutedClient {
    return new RoutedClient(this.#own.as(user), this.#remote.as(user))
  }

  #of(kind: Pick<Kind, 'isRemote'>): Client {
    return kind.isRemote ? this.#remote : this.#own
  }
}
