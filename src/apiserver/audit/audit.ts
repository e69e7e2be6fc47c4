import type { Clock, Random } from '../../world/world.ts'
import type { UserInfo } from '../context.ts'
import type { FindType } from '../protobuf-body.ts'
import { type ApiRequest, type ApiResponse, headerValues, type Sink } from '../request.ts'
import type { RequestInfo } from '../request-info.ts'
import { type AuditBackend, type AuditEvent, type ObjectRef, type ResponseStatus, toAuditUser } from './event.ts'
import { type AuditDecision, type AuditPolicy, decide, type Stage } from './policy.ts'
import { recordedBody } from './recorded-body.ts'

export interface AuditParts {
  readonly clock: Clock
  readonly random: Random
  readonly backends: readonly AuditBackend[]
  readonly policy: AuditPolicy
  /** For what is sent and answered in protobuf. */
  readonly findType: FindType
}

/** Longer answers are not kept for the event: what is written down of them is that they were. */
const keptBytesMax = 1024 * 1024

/** Writes down what requests ask for, who asks and what became of it, as far as the policy says. */
export class Audit {
  readonly #parts: AuditParts

  constructor(parts: AuditParts) {
    this.#parts = parts
  }

  /** Begins with a request whose user is known (or that failed to say who asks). Undefined: it is not written down. */
  begin(request: ApiRequest, info: RequestInfo, user: UserInfo | undefined): AuditRecord | undefined {
    const decision = decide(this.#parts.policy, user, info)
    if (decision.level === 'None') return undefined
    const record = new AuditRecord(this.#parts, request, info, user, decision)
    record.say('RequestReceived')
    return record
  }
}

/** What is known of one request so far. */
export class AuditRecord {
  /** As the handler goes on with it: the body is looked at on its way. */
  readonly request: ApiRequest
  impersonated: UserInfo | undefined
  readonly #parts: AuditParts
  readonly #info: RequestInfo
  readonly #user: UserInfo | undefined
  readonly #decision: AuditDecision
  readonly #id: string
  readonly #received: number
  readonly #annotations: Record<string, string> = {}
  #body: Buffer | undefined

  constructor(
    parts: AuditParts,
    request: ApiRequest,
    info: RequestInfo,
    user: UserInfo | undefined,
    decision: AuditDecision,
  ) {
    this.#parts = parts
    this.#info = info
    this.#user = user
    this.#decision = decision
    this.#received = parts.clock.now()
    this.#id = request.headers['audit-id'] || parts.random.uuid()
    this.request = this.#keepsBodies ? readThrough(request, (limit) => this.#read(request, limit)) : request
  }

  get id(): string {
    return this.#id
  }

  /** A note on the event. The first one under a key stands. */
  annotate(key: string, value: string): void {
    this.#annotations[key] ??= value
  }

  /** Writes down the answer: when it is complete, and where it lasts, when it begins, too. */
  answered(response: ApiResponse): ApiResponse {
    const { body } = response
    if (typeof body !== 'function') {
      this.#complete(response, body)
      return response
    }
    const isLasting = this.#info.verb === 'watch'
    if (isLasting) this.say('ResponseStarted', { responseStatus: { metadata: {}, code: response.status } })
    return { ...response, body: (sink) => this.#copying(sink, body, response, isLasting) }
  }

  /** Writes down how things stand at a stage. */
  say(stage: Stage, more: Partial<AuditEvent> = {}): void {
    if (this.#decision.omitStages.has(stage)) return
    const event = { ...this.#facts(stage), ...more }
    for (const backend of this.#parts.backends) backend.write(event)
  }

  get #keepsBodies(): boolean {
    return this.#decision.level === 'Request' || this.#keepsAnswers
  }

  get #keepsAnswers(): boolean {
    return this.#decision.level === 'RequestResponse'
  }

  async #read(request: ApiRequest, limit: number): Promise<Buffer> {
    this.#body = await request.body(limit)
    return this.#body
  }

  async #copying(
    sink: Sink,
    write: (sink: Sink) => Promise<void>,
    response: ApiResponse,
    isLasting: boolean,
  ): Promise<void> {
    const kept = this.#keepsAnswers && !isLasting ? new KeptChunks() : undefined
    try {
      await write(kept === undefined ? sink : sinkWith(sink, (chunk) => kept.add(chunk)))
    } finally {
      this.#complete(response, kept?.whole())
    }
  }

  #complete({ status, headers }: ApiResponse, body: Uint8Array | string | undefined): void {
    // Of a refusal the reason is told at every level.
    const isWanted = body !== undefined && body.length <= keptBytesMax && (this.#keepsAnswers || status >= 400)
    const answer = isWanted ? recordedBody(body, String(headers['content-type']), this.#parts.findType) : undefined
    this.say('ResponseComplete', {
      responseStatus: statusOf(status, answer),
      ...(answer !== undefined && this.#keepsAnswers && { responseObject: this.#asObject(answer) }),
    })
  }

  #facts(stage: Stage): AuditEvent {
    const { headers } = this.request
    const sent = this.#asObject(this.#sent())
    const object = this.#objectRef(sent)
    const ips = sourceIps(this.request)
    return {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: this.#decision.level,
      auditID: this.#id,
      stage,
      requestURI: this.request.url,
      verb: this.#info.verb,
      user: toAuditUser(this.#user),
      ...(this.impersonated && { impersonatedUser: toAuditUser(this.impersonated) }),
      ...(ips.length > 0 && { sourceIPs: ips }),
      ...(headers['user-agent'] && { userAgent: shortAgent(headers['user-agent']) }),
      ...(object && { objectRef: object }),
      ...(sent !== undefined && { requestObject: sent }),
      requestReceivedTimestamp: microTime(this.#received),
      stageTimestamp: microTime(this.#parts.clock.now()),
      ...(Object.keys(this.#annotations).length > 0 && { annotations: { ...this.#annotations } }),
    }
  }

  /** What was sent, as soon as somebody has read it. */
  #sent(): unknown {
    if (this.#body === undefined) return undefined
    return recordedBody(this.#body, this.request.headers['content-type'], this.#parts.findType)
  }

  #objectRef(sent: unknown): ObjectRef | undefined {
    const { isResource, resource, namespace, name, group, version, subresource } = this.#info
    if (!isResource) return undefined
    const { metadata } = (sent ?? {}) as { readonly metadata?: Readonly<Record<string, unknown>> }
    const textOf = (value: unknown) => (typeof value === 'string' ? value : '')
    const [uid, resourceVersion] = [textOf(metadata?.['uid']), textOf(metadata?.['resourceVersion'])]
    const named = name || textOf(metadata?.['name'])
    return {
      resource,
      ...(namespace && { namespace }),
      ...(named && { name: named }),
      ...(uid && { uid }),
      ...(group && { apiGroup: group }),
      apiVersion: version,
      ...(resourceVersion && { resourceVersion }),
      ...(subresource && { subresource }),
    }
  }

  #asObject(value: unknown): unknown {
    return this.#decision.omitManagedFields ? withoutManagedFields(value) : value
  }
}

/** The same request, its body read by somebody else. (Requests may be of a class, so they are not to be spread.) */
function readThrough(request: ApiRequest, body: ApiRequest['body']): ApiRequest {
  const { method, url, headers, rawHeaders, remoteAddress, certificate, frontProxy, user } = request
  return {
    ...{ method, url, headers, remoteAddress, body },
    ...(rawHeaders && { rawHeaders }),
    ...(certificate && { certificate }),
    ...(frontProxy && { frontProxy }),
    ...(user && { user }),
    get signal() {
      return request.signal
    },
  }
}

/** An answer as it was written, unless it is too long to be kept. */
class KeptChunks {
  #chunks: Buffer[] | undefined = []
  #size = 0

  /** Copies: whoever writes may use the memory for something else. */
  add(chunk: Uint8Array | string): void {
    if (this.#chunks === undefined) return
    this.#size += chunk.length
    if (this.#size > keptBytesMax) this.#chunks = undefined
    else this.#chunks.push(Buffer.from(chunk as Uint8Array))
  }

  whole(): Buffer | undefined {
    return this.#chunks && Buffer.concat(this.#chunks)
  }
}

function sinkWith(sink: Sink, see: (chunk: Uint8Array | string) => void): Sink {
  return {
    get backlog() {
      return sink.backlog
    },
    drained: () => sink.drained(),
    signal: sink.signal,
    write(chunk, written) {
      see(chunk)
      sink.write(chunk, written)
    },
  }
}

const agentMax = 1024

/** Clients call themselves what they like. */
const shortAgent = (name: string) => (name.length > agentMax ? `${name.slice(0, agentMax)}...TRUNCATED` : name)

function statusOf(code: number, answer: unknown): ResponseStatus {
  const { kind, status, message, reason, details } = (answer ?? {}) as Readonly<Record<string, unknown>>
  if (kind !== 'Status') return { metadata: {}, code }
  return {
    metadata: {},
    ...(typeof status === 'string' && { status }),
    ...(typeof message === 'string' && { message }),
    ...(typeof reason === 'string' && { reason }),
    ...(details !== undefined && { details }),
    code,
  }
}

function withoutManagedFields(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const { metadata, items, ...rest } = value as Readonly<Record<string, unknown>>
  const { managedFields: _, ...kept } = (metadata ?? {}) as Readonly<Record<string, unknown>>
  return {
    ...rest,
    ...(metadata !== undefined && { metadata: kept }),
    ...(items !== undefined && { items: Array.isArray(items) ? items.map(withoutManagedFields) : items }),
  }
}

/** Those who passed the request on say for whom; the last is who the server talks with. */
function sourceIps(request: ApiRequest): readonly string[] {
  const forwarded = headerValues(request, 'x-forwarded-for').flatMap((value) => value.split(',').map((ip) => ip.trim()))
  const real = request.headers['x-real-ip']?.trim()
  const all = [...forwarded, ...(real ? [real] : []), request.remoteAddress].filter((ip) => ip !== '')
  return [...new Set(all)]
}

const microTime = (milliseconds: number) => new Date(milliseconds).toISOString().replace('Z', '000Z')
