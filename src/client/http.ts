import type { Scale } from '../kinds/autoscaling/scale.ts'
import { deepFreeze } from '../schema/freeze.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../schema/kind.ts'
import { ApiError, badRequest, type Status } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'
import type { Log } from '../world/world.ts'
import { errorOf, parseJson, readAnswer } from './answer.ts'
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
import {
  type Answer,
  type Carrier,
  Connection,
  ConnectionError,
  type ConnectionOptions,
  type IncomingAnswer,
  wasCut,
} from './http-connection.ts'

export { Connection, type Endpoint, type Patience } from './http-connection.ts'

export interface HttpClientOptions extends ConnectionOptions {
  /** A bearer token, instead of a client certificate. Secret. */
  readonly token?: string
  /** Default: `coracle`. Its part before the slash is the field manager, unless a write says otherwise. */
  readonly userAgent?: string
  /** Where the server's warnings go. */
  readonly log: Log
}

/**
 * Any API server, over HTTPS.
 *
 * ```ts
 * await using client = new HttpClient({ ...endpointFromKubeconfig(text), ...world })
 * await client.get(Pod, { namespace: 'default', name: 'web-0' })
 * ```
 *
 * A connection that is lost is made anew at the next request; `Connection` says what is tried again by itself.
 * Answers that say "later" (429) are errors like others: what to do about them is the caller's to say.
 */
export class HttpClient implements Client, AsyncDisposable {
  readonly #options: HttpClientOptions
  readonly #connection: Carrier
  readonly #headers: Readonly<Record<string, string | string[]>>
  readonly #base: string

  constructor(options: HttpClientOptions, user?: ClientUser, connection: Carrier = new Connection(options)) {
    this.#options = options
    this.#connection = connection
    this.#base = new URL(options.server).pathname.replace(/\/$/, '')
    this.#headers = {
      accept: 'application/json',
      'user-agent': user?.userAgent ?? options.userAgent ?? 'coracle',
      ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
      ...(user !== undefined && impersonation(user)),
    }
  }

  async get<T extends ApiObject>(
    kind: Kind<T>,
    ref: Ref,
    options: { readonly resourceVersion?: string } = {},
  ): Promise<T> {
    return this.#object('GET', pathOf(kind, ref) + queryOf({ ...options }))
  }

  async list<T extends ApiObject>(kind: Kind<T>, { namespace = '', ...options }: ListOptions = {}): Promise<List<T>> {
    const list = (await this.#call('GET', collectionOf(kind, namespace) + queryOf({ ...options }))) as SentList<T>
    const { resourceVersion = '', continue: token } = list.metadata
    // Objects in a list do not say what they are.
    const type = { kind: kind.kind, apiVersion: apiVersionOf(kind) }
    const items = (list.items ?? []).map((item) => ({ ...type, ...item }))
    return deepFreeze({ items, resourceVersion, ...(token && { continue: token }) })
  }

  async create<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    const { namespace = '' } = metadataOf(object)
    if (kind.namespaced && namespace === '') throw badRequest('an empty namespace may not be set during creation')
    return this.#object('POST', collectionOf(kind, namespace) + writeQuery(options), toObject(kind, object))
  }

  update<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    return this.#put(kind, object, options?.subresource, options)
  }

  updateStatus<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T> {
    return this.#put(kind, object, 'status', options)
  }

  async #put<T extends ApiObject>(
    kind: Kind<T>,
    object: Draft<T>,
    subresource: string | undefined,
    options: WriteOptions | undefined,
  ): Promise<T> {
    const { name = '', namespace = '' } = metadataOf(object)
    const path = pathOf(kind, { namespace, name }, subresource) + writeQuery(options)
    return this.#object('PUT', path, toObject(kind, object))
  }

  async patch<T extends ApiObject>(kind: Kind<T>, ref: Ref, patch: Patch, options?: WriteOptions): Promise<T> {
    const path = pathOf(kind, ref, options?.subresource) + writeQuery(options)
    return this.#object('PATCH', path, patch.body, patchTypes[patch.type])
  }

  async delete<T extends ApiObject>(
    kind: Kind<T>,
    ref: Ref,
    { dryRun = false, ...options }: DeleteOptions = {},
  ): Promise<boolean> {
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', ...options }
    const path = pathOf(kind, ref) + writeQuery({ dryRun })
    const answer = (await this.#call('DELETE', path, body)) as Status | ApiObject
    return isStatus(answer) || !isWaiting(answer)
  }

  async createSubresource<T extends ApiObject>(
    kind: Kind<T>,
    ref: Ref,
    subresource: string,
    body: object,
  ): Promise<unknown> {
    return deepFreeze(await this.#call('POST', pathOf(kind, ref, subresource), body))
  }

  scale<T extends ApiObject>(kind: Kind<T>, ref: Ref): Promise<Scale> {
    return this.#object('GET', pathOf(kind, ref, 'scale'))
  }

  updateScale<T extends ApiObject>(kind: Kind<T>, scale: Scale): Promise<Scale> {
    const { name = '', namespace = '' } = scale.metadata
    const body = { ...scale, kind: 'Scale', apiVersion: 'autoscaling/v1' }
    return this.#object('PUT', pathOf(kind, { namespace, name }, 'scale'), body)
  }

  async read(path: string, accept?: string): Promise<unknown> {
    return deepFreeze(await this.#call('GET', path, undefined, undefined, accept))
  }

  /** Begins at once, not when the first event is asked for. What is not asked for waits at the server. */
  watch<T extends ApiObject>(
    kind: Kind<T>,
    { namespace = '', signal, onOpen, ...options }: WatchOptions,
  ): AsyncIterable<WatchEvent<T>> {
    const match = options.sendInitialEvents === undefined ? {} : { resourceVersionMatch: 'NotOlderThan' }
    const path = collectionOf(kind, namespace) + queryOf({ watch: true, ...options, ...match })
    const opened = signal.aborted ? undefined : this.#connection.open(this.#outgoing('GET', path))
    opened?.catch(() => {})
    return this.#events(opened, signal, onOpen)
  }

  /** Impersonates the user, for which the credential must have the right. Both clients share the connection. */
  as(user: ClientUser): HttpClient {
    return new HttpClient(this.#options, user, this.#connection)
  }

  /** Ends all that is under way, also of clients that `as` made. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#connection.close()
  }

  async *#events<T extends ApiObject>(
    opened: Promise<IncomingAnswer> | undefined,
    signal: AbortSignal,
    onOpen: (() => void) | undefined,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    if (opened === undefined) return
    const cancel = () => void opened.then(({ stream }) => stream.close(cancelCode)).catch(() => {})
    signal.addEventListener('abort', cancel, { once: true })
    try {
      const answer = await opened
      if (signal.aborted) return
      await requireSuccess(answer)
      this.#passOnWarnings(answer)
      onOpen?.()
      for await (const line of linesOf(answer.stream)) {
        yield toEvent<T>(line)
        if (signal.aborted) return
      }
      if (wasCut(answer.stream) && !signal.aborted) throw new ConnectionError('the watch was cut off')
    } catch (error) {
      if (!signal.aborted) throw toApiError(error)
    } finally {
      signal.removeEventListener('abort', cancel)
      cancel()
    }
  }

  async #object<T extends ApiObject>(method: string, path: string, body?: object, contentType?: string): Promise<T> {
    return deepFreeze((await this.#call(method, path, body, contentType)) as T)
  }

  /** What the server answers, read. Throws ApiErrors only. */
  async #call(method: string, path: string, body?: object, contentType?: string, accept?: string): Promise<unknown> {
    try {
      const outgoing = this.#outgoing(method, path, body, contentType)
      const headers = accept === undefined ? outgoing.headers : { ...outgoing.headers, accept }
      const answer = await this.#connection.request({ ...outgoing, headers })
      if (answer.status < 400) this.#passOnWarnings(answer)
      return readAnswer(answer)
    } catch (error) {
      throw toApiError(error)
    }
  }

  #outgoing(method: string, path: string, body?: object, contentType = 'application/json') {
    return {
      method,
      path: this.#base + path,
      headers: { ...this.#headers, ...(body !== undefined && { 'content-type': contentType }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }
  }

  #passOnWarnings({ headers }: Pick<Answer, 'headers'>): void {
    const { warning } = headers
    if (warning !== undefined) this.#options.log('warn', 'the server warns', { warning: String(warning) })
  }
}

interface SentList<T> {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string }
  readonly items?: readonly T[] | null
}

/** RFC 9113: CANCEL. */
const cancelCode = 8

const patchTypes: Readonly<Record<Patch['type'], string>> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
}

const impersonation = ({ name, groups = [] }: ClientUser) => ({
  'impersonate-user': name,
  ...(groups.length > 0 && { 'impersonate-group': [...groups] }),
})

const metadataOf = (draft: object) => (draft as Draft<ApiObject>).metadata ?? {}

const toObject = (kind: Kind, draft: object): object => ({ ...draft, kind: kind.kind, apiVersion: apiVersionOf(kind) })

function collectionOf(kind: Kind, namespace: string): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`
  const within = kind.namespaced && namespace !== '' ? `/namespaces/${segment('namespace', namespace)}` : ''
  return `${root}${within}/${kind.plural}`
}

/** Throws BadRequest, in the words of client-go, for a name that would make another path. */
function pathOf(kind: Kind, { namespace = '', name }: Ref, subresource?: string): string {
  if (name === '') throw badRequest('resource name may not be empty')
  if (kind.namespaced && namespace === '')
    throw badRequest('an empty namespace may not be set when a resource name is provided')
  const behind = subresource ? `/${subresource}` : ''
  return `${collectionOf(kind, namespace)}/${segment('resource name', name)}${behind}`
}

function segment(what: string, value: string): string {
  const fault =
    value === '.' || value === '..'
      ? `may not be '${value}'`
      : ['/', '%'].filter((part) => value.includes(part)).map((part) => `may not contain '${part}'`)[0]
  if (fault !== undefined) throw badRequest(`invalid ${what} ${JSON.stringify(value)}: [${fault}]`)
  return encodeURIComponent(value)
}

const writeQuery = (options: WriteOptions | undefined): string =>
  options === undefined
    ? ''
    : queryOf({ fieldManager: options.fieldManager, dryRun: options.dryRun ? 'All' : undefined })

function queryOf(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value))
  return query.size === 0 ? '' : `?${query}`
}

const isStatus = (answer: Status | ApiObject): answer is Status => answer.kind === 'Status'

/** Some kinds answer a deletion with the object even when it is gone. */
const isWaiting = ({ metadata }: ApiObject): boolean =>
  metadata.deletionTimestamp !== undefined &&
  ((metadata.finalizers?.length ?? 0) > 0 || (metadata.deletionGracePeriodSeconds ?? 0) > 0)

function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  return new ApiError('ServiceUnavailable', (error as Error).message, { cause: error })
}

async function requireSuccess({ status, stream }: IncomingAnswer): Promise<void> {
  if (status < 400) return
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  throw errorOf({ status, body: Buffer.concat(chunks) })
}

const newline = 0x0a

/** The lines of a stream, read no faster than they are taken. */
async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let begun: Buffer[] = []
  for await (const chunk of stream) {
    let from = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      const rest = chunk.subarray(from, end)
      yield begun.length === 0 ? rest : Buffer.concat([...begun, rest])
      begun = []
      from = end + 1
    }
    if (from < chunk.length) begun.push(chunk.subarray(from))
  }
}

type SentEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly object: ApiObject }
  | { readonly type: 'ERROR'; readonly object: Status }

/** Throws what the server says went wrong. */
function toEvent<T extends ApiObject>(line: Buffer): WatchEvent<T> {
  const event = parseJson(line) as SentEvent<T>
  if (event.type === 'ERROR') throw ApiError.from(event.object)
  if (event.type !== 'BOOKMARK') return deepFreeze({ type: event.type, object: event.object })
  const { resourceVersion = '', annotations } = event.object.metadata
  return {
    type: 'BOOKMARK',
    resourceVersion,
    initialEventsEnd: annotations?.['k8s.io/initial-events-end'] === 'true',
  }
}
