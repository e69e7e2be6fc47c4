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

/** Where the client comes from that does the work, for each call anew; rejects with an `ApiError`. */
export type FindClient = () => Promise<Client>

/** A client whose credential must be had first, or changes: each call goes to the one that is right at the time. */
export class LateClient implements Client {
  readonly #find: FindClient
  readonly #as: (user: ClientUser) => Client
  readonly #failed: ((error: unknown) => void) | undefined

  /** @param failed is told why a call failed, before the caller is */
  constructor(find: FindClient, as: (user: ClientUser) => Client, failed?: (error: unknown) => void) {
    this.#find = find
    this.#as = as
    this.#failed = failed
  }

  get<T extends ApiObject>(kind: Kind<T>, ref: Ref, options?: { readonly resourceVersion?: string }): Promise<T> {
    return this.#ask((client) => client.get(kind, ref, options))
  }

  list<T extends ApiObject>(kind: Kind<T>, options?: ListOptions): Promise<List<T>> {
    return this.#ask((client) => client.list(kind, options))
  }

  create<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    return this.#ask((client) => client.create(kind, object, options))
  }

  update<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    return this.#ask((client) => client.update(kind, object, options))
  }

  updateStatus<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    return this.#ask((client) => client.updateStatus(kind, object, options))
  }

  patch<T extends ApiObject>(kind: Kind<T>, ref: Ref, patch: Patch, options?: WriteOptions): Promise<T> {
    return this.#ask((client) => client.patch(kind, ref, patch, options))
  }

  delete<T extends ApiObject>(kind: Kind<T>, ref: Ref, options?: DeleteOptions): Promise<boolean> {
    return this.#ask((client) => client.delete(kind, ref, options))
  }

  createSubresource<T extends ApiObject>(kind: Kind<T>, ref: Ref, subresource: string, body: object): Promise<unknown> {
    return this.#ask((client) => client.createSubresource(kind, ref, subresource, body))
  }

  scale<T extends ApiObject>(kind: Kind<T>, ref: Ref): Promise<Scale> {
    return this.#ask((client) => client.scale(kind, ref))
  }

  updateScale<T extends ApiObject>(kind: Kind<T>, scale: Scale): Promise<Scale> {
    return this.#ask((client) => client.updateScale(kind, scale))
  }

  read(path: string, accept?: string): Promise<unknown> {
    return this.#ask((client) => client.read(path, accept))
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

  async #ask<T>(question: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.#find()
    try {
      return await question(client)
    } catch (error) {
      this.#failed?.(error)
      throw error
    }
  }
}
