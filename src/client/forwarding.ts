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
  WatchEvents,
  WatchOptions,
  WriteOptions,
} from './client.ts'

/** A call on its way to the client that makes it. */
export interface Call<T> {
  /** Undefined: a path is read. */
  readonly kind: Pick<Kind, 'isRemote'> | undefined
  readonly writes: boolean
  make(client: Client): Promise<T>
}

/** A client that makes no call itself: who extends it says once to whom all calls go, and what happens on the way. */
export abstract class ForwardingClient implements Client {
  protected abstract forward<T>(call: Call<T>): Promise<T>
  abstract watch<T extends ApiObject>(kind: Kind<T>, options: WatchOptions): WatchEvents<T>
  abstract as(user: ClientUser): Client

  get<T extends ApiObject>(kind: Kind<T>, ref: Ref, options?: { readonly resourceVersion?: string }): Promise<T> {
    return this.forward({ kind, writes: false, make: (client) => client.get(kind, ref, options) })
  }

  list<T extends ApiObject>(kind: Kind<T>, options?: ListOptions): Promise<List<T>> {
    return this.forward({ kind, writes: false, make: (client) => client.list(kind, options) })
  }

  create<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    return this.forward({ kind, writes: true, make: (client) => client.create(kind, object, options) })
  }

  update<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    return this.forward({ kind, writes: true, make: (client) => client.update(kind, object, options) })
  }

  updateStatus<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    return this.forward({ kind, writes: true, make: (client) => client.updateStatus(kind, object, options) })
  }

  patch<T extends ApiObject>(kind: Kind<T>, ref: Ref, patch: Patch, options?: WriteOptions): Promise<T> {
    return this.forward({ kind, writes: true, make: (client) => client.patch(kind, ref, patch, options) })
  }

  delete<T extends ApiObject>(kind: Kind<T>, ref: Ref, options?: DeleteOptions): Promise<boolean> {
    return this.forward({ kind, writes: true, make: (client) => client.delete(kind, ref, options) })
  }

  createSubresource<T extends ApiObject>(kind: Kind<T>, ref: Ref, subresource: string, body: object): Promise<unknown> {
    return this.forward({
      kind,
      writes: true,
      make: (client) => client.createSubresource(kind, ref, subresource, body),
    })
  }

  scale<T extends ApiObject>(kind: Kind<T>, ref: Ref): Promise<Scale> {
    return this.forward({ kind, writes: false, make: (client) => client.scale(kind, ref) })
  }

  updateScale<T extends ApiObject>(kind: Kind<T>, scale: Scale): Promise<Scale> {
    return this.forward({ kind, writes: true, make: (client) => client.updateScale(kind, scale) })
  }

  read(path: string, accept?: string): Promise<unknown> {
    return this.forward({ kind: undefined, writes: false, make: (client) => client.read(path, accept) })
  }
}
