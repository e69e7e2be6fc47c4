import type { Scale } from '../kinds/autoscaling/scale.ts'
import { clone, deepFreeze } from '../schema/freeze.ts'
import { applyJsonPatch } from '../schema/json-patch.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../schema/kind.ts'
import { applyMergePatch } from '../schema/merge-patch.ts'
import { ApiError, notFound } from '../schema/status.ts'
import { applyStrategicMergePatch } from '../schema/strategic-merge.ts'
import type { Draft, ObjectType, Type } from '../schema/types.ts'
import { errorOf, type RawAnswer, readAnswer } from './answer.ts'
import type {
  Client,
  ClientUser,
  DeleteOptions,
  List,
  ListOptions,
  Patch,
  Ref,
  WatchEvent,
  WatchEvents,
  WatchOptions,
  WriteOptions,
} from './client.ts'
import { EventQueue } from './event-queue.ts'

/** What the in-process client needs of a server in the same process. `apiserver/`'s `Registry` is one. */
export interface LocalServer {
  resource<T extends ApiObject>(kind: Kind<T>): LocalResource<T>
  /** POST to a sub-resource. */
  createSubresource(
    kind: Kind,
    namespace: string,
    name: string,
    subresource: string,
    body: ApiObject,
    context: LocalContext,
  ): Promise<unknown>
  /** What the `scale` sub-resource shows. */
  scale(kind: Kind, namespace: string, name: string): Promise<Scale>
  updateScale(kind: Kind, scale: Scale, context: LocalContext): Promise<Scale>
  /**
   * A GET as this user, or a POST of what is `posted`, answered as one that came over a socket. Absent: there is nobody
   * to answer it.
   */
  readonly read?: (path: string, context: LocalContext, more?: ReadOptions) => Promise<RawAnswer>
  /** Told of every request; what it gives is told the code of its answer. */
  readonly counted?: (method: string) => (code: number) => void
}

export interface ReadOptions {
  readonly posted?: object
  /** Which form of JSON; absent: the plain one. */
  readonly accept?: string
}

export interface LocalContext {
  readonly user: { readonly name: string; readonly groups: readonly string[] }
  readonly dryRun: boolean
  readonly fieldManager: string
  readonly userAgent: string
  readonly fieldValidation: 'Ignore'
  readonly warn: (message: string) => void
  readonly signal: AbortSignal
}

export interface LocalEntry<T> {
  readonly object: T
}

export interface LocalResource<T extends ApiObject> {
  get(namespace: string, name: string, options: { readonly resourceVersion?: string }): Promise<LocalEntry<T>>
  list(
    namespace: string,
    options: Omit<ListOptions, 'namespace'>,
  ): Promise<{
    readonly entries: readonly LocalEntry<T>[]
    readonly resourceVersion: string
    readonly continue: string
  }>
  watch(namespace: string, options: LocalWatchOptions, observer: LocalObserver<T>): Promise<void>
  create(namespace: string, object: ApiObject, context: LocalContext): Promise<LocalEntry<T>>
  update(
    namespace: string,
    name: string,
    subresource: string,
    change: (current: T | undefined) => ApiObject,
    context: LocalContext,
    options?: { readonly uid?: string },
  ): Promise<{ readonly entry: LocalEntry<T> }>
  delete(
    namespace: string,
    name: string,
    options: DeleteOptions,
    context: LocalContext,
  ): Promise<{ readonly gone: boolean }>
}

export interface LocalWatchOptions extends Omit<WatchOptions, 'namespace'> {
  readonly resourceVersionMatch?: string
}

export interface LocalObserver<T> {
  event(type: 'ADDED' | 'MODIFIED' | 'DELETED', entry: LocalEntry<T>): void
  bookmark(resourceVersion: string, initialEventsEnd: boolean): void
  error(error: Error): void
}

const never = new AbortController().signal

/** The identity of the server's own components, until `as` says otherwise. */
export const serverUser: ClientUser = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }

/** The API of a server in the same process: no copies, no serialisation, the server's own frozen objects. */
export class LocalClient implements Client {
  readonly #server: LocalServer
  readonly #user: LocalContext['user']
  readonly #context: LocalContext

  constructor(localServer: LocalServer, user: ClientUser = serverUser) {
    this.#server = localServer
    const userAgent = user.userAgent ?? 'coracle'
    this.#user = { name: user.name, groups: user.groups ?? [] }
    this.#context = {
      user: this.#user,
      dryRun: false,
      fieldManager: userAgent.split('/', 1)[0]!,
      userAgent,
      fieldValidation: 'Ignore',
      warn: () => {},
      signal: never,
    }
  }

  async get<T extends ApiObject>(
    kind: Kind<T>,
    ref: Ref,
    options: { readonly resourceVersion?: string } = {},
  ): Promise<T> {
    const asked = this.#server.resource(kind).get(ref.namespace ?? '', ref.name, options)
    return (await this.#counted('GET', asked)).object
  }

  async list<T extends ApiObject>(kind: Kind<T>, { namespace = '', ...options }: ListOptions = {}): Promise<List<T>> {
    const page = await this.#counted('GET', this.#server.resource(kind).list(namespace, options))
    return {
      items: page.entries.map((entry) => entry.object),
      resourceVersion: page.resourceVersion,
      ...(page.continue !== '' && { continue: page.continue }),
    }
  }

  async create<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    const decoded = toObject(kind, object)
    const { namespace = '' } = decoded.metadata
    if (isQuestion(kind) && this.#server.read !== undefined) {
      const answer = await this.#server.read(collectionOf(kind, namespace), this.#context, { posted: decoded })
      return deepFreeze(readAnswer(answer)) as T
    }
    const created = this.#server.resource(kind).create(namespace, decoded, this.#contextOf(options))
    return (await this.#counted('POST', created)).object
  }

  update<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    return this.#put(kind, object, options?.subresource ?? '', options)
  }

  updateStatus<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    return this.#put(kind, object, 'status', options)
  }

  async #put<T extends ApiObject>(
    kind: Kind<T>,
    object: Draft<T>,
    subresource: string,
    options: WriteOptions | undefined,
  ): Promise<T> {
    const { name = '', namespace = '', uid } = (object as Draft<ApiObject>).metadata ?? {}
    const change = () => toObject(kind, object)
    const resource = this.#server.resource(kind)
    const context = this.#contextOf(options)
    const updated = resource.update(namespace, name, subresource, change, context, uid ? { uid } : {})
    return (await this.#counted('PUT', updated)).entry.object
  }

  async patch<T extends ApiObject>(kind: Kind<T>, ref: Ref, patch: Patch, options?: WriteOptions): Promise<T> {
    const change = (current: T | undefined) => {
      if (current === undefined) throw notFound({ group: kind.group, resource: kind.plural }, ref.name)
      return toObject(kind, patched(kind, current, patch))
    }
    const resource = this.#server.resource(kind)
    const context = this.#contextOf(options)
    const updated = resource.update(ref.namespace ?? '', ref.name, options?.subresource ?? '', change, context)
    return (await this.#counted('PATCH', updated)).entry.object
  }

  async delete<T extends ApiObject>(
    kind: Kind<T>,
    ref: Ref,
    { dryRun, ...options }: DeleteOptions = {},
  ): Promise<boolean> {
    const context = dryRun ? { ...this.#context, dryRun } : this.#context
    const deleted = this.#server.resource(kind).delete(ref.namespace ?? '', ref.name, options, context)
    return (await this.#counted('DELETE', deleted)).gone
  }

  createSubresource<T extends ApiObject>(kind: Kind<T>, ref: Ref, subresource: string, body: object): Promise<unknown> {
    const sent = clone(body) as ApiObject
    const { namespace = '', name } = ref
    const created = this.#server.createSubresource(kind, namespace, name, subresource, sent, this.#context)
    return this.#counted('POST', created)
  }

  scale<T extends ApiObject>(kind: Kind<T>, { namespace = '', name }: Ref): Promise<Scale> {
    return this.#server.scale(kind as unknown as Kind, namespace, name)
  }

  updateScale<T extends ApiObject>(kind: Kind<T>, scale: Scale): Promise<Scale> {
    return this.#server.updateScale(kind as unknown as Kind, structuredClone(scale), this.#context)
  }

  async read(path: string, accept?: string): Promise<unknown> {
    if (this.#server.read === undefined) throw errorOf({ status: 404, body: Buffer.alloc(0) })
    return deepFreeze(readAnswer(await this.#server.read(path, this.#context, accept === undefined ? {} : { accept })))
  }

  watch<T extends ApiObject>(
    kind: Kind<T>,
    { namespace = '', signal, onOpen, ...options }: WatchOptions,
  ): WatchEvents<T> {
    const stop = new AbortController()
    const events = new EventQueue<WatchEvent<T>>(() => stop.abort())
    const match = options.sendInitialEvents === undefined ? {} : { resourceVersionMatch: 'NotOlderThan' }
    const watching = this.#server.resource(kind).watch(
      namespace,
      { ...options, ...match, signal: AbortSignal.any([signal, stop.signal]) },
      {
        event: (type, entry) => events.push({ type, object: entry.object }),
        bookmark: (resourceVersion, initialEventsEnd) =>
          events.push({ type: 'BOOKMARK', resourceVersion, initialEventsEnd }),
        error: (error) => events.fail(error),
      },
    )
    let isOver = false
    watching.then(
      () => events.end(),
      (error) => {
        isOver = true
        events.fail(error)
      },
    )
    // What is wrong with the question is said at once.
    if (onOpen !== undefined) queueMicrotask(() => isOver || onOpen())
    return events
  }

  as(user: ClientUser): LocalClient {
    return new LocalClient(this.#server, user)
  }

  /** Gives back the very promise: who is not counted loses no time by it. */
  #counted<T>(method: string, request: Promise<T>): Promise<T> {
    const { counted } = this.#server
    if (counted !== undefined) {
      const answered = counted(method)
      request.then(
        () => answered(method === 'POST' ? 201 : 200),
        (error: unknown) => answered(error instanceof ApiError ? error.code : 500),
      )
    }
    return request
  }

  #contextOf(options: WriteOptions | undefined): LocalContext {
    if (options?.dryRun === undefined && options?.fieldManager === undefined) return this.#context
    const { dryRun = false, fieldManager = this.#context.fieldManager } = options
    return { ...this.#context, dryRun, fieldManager }
  }
}

/** A draft that says what it is. The server copies it but for raw values, which it would share. */
function toObject<T extends ApiObject>(kind: Kind<T>, draft: object): ApiObject {
  const own = holdsRawValues(kind.schema) ? structuredClone(draft) : draft
  return { metadata: {}, ...own, kind: kind.kind, apiVersion: apiVersionOf(kind) } as ApiObject
}

const rawHolders = new WeakMap<ObjectType, boolean>()

/** Whether decoding passes parts of such objects on as they are, so that the caller would share them with the server. */
function holdsRawValues(type: ObjectType): boolean {
  let holds = rawHolders.get(type)
  if (holds === undefined) {
    holds = reachesRaw(type, new Set())
    rawHolders.set(type, holds)
  }
  return holds
}

function reachesRaw(type: Type, seen: Set<Type>): boolean {
  switch (type.type) {
    case 'object':
      if (seen.has(type)) return false
      seen.add(type)
      // Nobody writes into managed fields once they are made.
      return Object.entries(type.fields).some(
        ([name, field]) => name !== 'managedFields' && reachesRaw(field.type, seen),
      )
    case 'list':
      return reachesRaw(type.items, seen)
    case 'map':
      return reachesRaw(type.values, seen)
    default:
      return type.type === 'json' || type.type === 'rawObject'
  }
}

function patched(kind: Kind, current: ApiObject, patch: Patch): object {
  switch (patch.type) {
    case 'merge':
      return applyMergePatch(current, patch.body)
    case 'strategic':
      return applyStrategicMergePatch(current, patch.body, kind.schema)
    case 'json': {
      const result = applyJsonPatch(current, patch.body)
      if (typeof result === 'object' && result !== null) return result
      throw new ApiError('Invalid', 'the patch does not leave an object')
    }
  }
}

/** What is answered and never stored: reviews. */
const isQuestion = ({ verbs }: Pick<Kind, 'verbs'>): boolean => !verbs.includes('get')

function collectionOf(
  { group, version, plural }: Pick<Kind, 'group' | 'version' | 'plural'>,
  namespace: string,
): string {
  const root = group === '' ? '/api' : `/apis/${group}`
  return `${root}/${version}/${namespace === '' ? '' : `namespaces/${namespace}/`}${plural}`
}
