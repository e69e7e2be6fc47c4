import type { ApiObject, Kind } from '../../schema/kind.ts'
import type { RequestContext } from '../context.ts'
import type {
  ApplyOptions,
  CreateOptions,
  DeleteOptions,
  Deletion,
  Entry,
  GetOptions,
  ListOptions,
  Page,
  Resource,
  UpdateOptions,
  WatchObserver,
  WatchOptions,
} from '../resource.ts'
import { apply } from './apply.ts'
import { create } from './create.ts'
import { deleteCollection, deleteOne } from './delete.ts'
import { get } from './get.ts'
import { list } from './list.ts'
import type { ResourceState } from './state.ts'
import { update } from './update.ts'
import { watch } from './watch.ts'

/** A resource whose objects lie in the store. */
export class StoredResource<T extends ApiObject = ApiObject> implements Resource<T> {
  readonly kind: Kind<T>
  readonly #state: ResourceState<T>

  constructor(state: ResourceState<T>) {
    this.kind = state.kind
    this.#state = state
  }

  get(namespace: string, name: string, options: GetOptions = {}): Promise<Entry<T>> {
    return get(this.#state, namespace, name, options)
  }

  list(namespace: string, options: ListOptions): Promise<Page<T>> {
    return list(this.#state, namespace, options)
  }

  watch(namespace: string, options: WatchOptions, observer: WatchObserver<T>): Promise<void> {
    return watch(this.#state, namespace, options, observer)
  }

  create(
    namespace: string,
    object: ApiObject,
    context: RequestContext,
    options: CreateOptions = {},
  ): Promise<Entry<T>> {
    return create(this.#state, namespace, object, context, options)
  }

  update(
    namespace: string,
    name: string,
    subresource: string,
    change: (current: T | undefined) => ApiObject | Promise<ApiObject>,
    context: RequestContext,
    options: UpdateOptions = {},
  ): Promise<{ readonly entry: Entry<T>; readonly created: boolean }> {
    return update(this.#state, namespace, name, subresource, change, context, options)
  }

  apply(
    namespace: string,
    name: string,
    subresource: string,
    configuration: unknown,
    options: ApplyOptions,
    context: RequestContext,
  ): Promise<{ readonly entry: Entry<T>; readonly created: boolean }> {
    return apply(this.#state, namespace, name, subresource, configuration, options, context)
  }

  delete(namespace: string, name: string, options: DeleteOptions, context: RequestContext): Promise<Deletion<T>> {
    return deleteOne(this.#state, namespace, name, options, context)
  }

  deleteCollection(
    namespace: string,
    options: ListOptions,
    deleteOptions: DeleteOptions,
    context: RequestContext,
  ): Promise<Page<T>> {
    return deleteCollection(this.#state, namespace, options, deleteOptions, context)
  }
}
