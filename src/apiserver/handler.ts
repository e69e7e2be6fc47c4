import { Metrics } from '../base/metrics.ts'
import type { Kind } from '../schema/kind.ts'
import { ApiError, badRequest, forbidden } from '../schema/status.ts'
import type { Clock, Log, Random } from '../world/world.ts'
import type { Audit, AuditRecord } from './audit/audit.ts'
import type { Authenticator } from './authn/authn.ts'
import type { Attributes, Authorizer, Decision } from './authz/authz.ts'
import { selectorsOf } from './authz/request-selectors.ts'
import type { RuleResolver } from './authz/rules.ts'
import type { Catalogue, RemoteCatalogue } from './catalogue.ts'
import { compress } from './compress.ts'
import type { UserInfo } from './context.ts'
import { DeprecatedUses } from './deprecated-uses.ts'
import { Discovery } from './discovery.ts'
import { anonymous, type Exchange } from './exchange.ts'
import { type FlowAdmission, holding, type Place, release } from './flow-control/admission.ts'
import { TooBusyError } from './flow-control/too-busy.ts'
import { addProcessMetrics } from './process-metrics.ts'
import type { ApiRequest, ApiResponse, Sink } from './request.ts'
import { BadPathError, type RequestInfo, readRequestInfo } from './request-info.ts'
import { RequestMetrics } from './request-metrics.ts'
import { answerError, answerText } from './respond.ts'
import { Health, type HealthCheck } from './routes/health.ts'
import { answerObjects, type SubresourceFinder } from './routes/objects.ts'
import type { Apply } from './routes/patch.ts'
import type { ReviewServices, TokenReviewer } from './routes/reviews.ts'
import { answerSystem, type OpenApi, type SystemServices } from './routes/system.ts'
import { Deadlines, TooLateError, timeoutOf } from './timeout.ts'
import { versionInfo } from './version.ts'

/** What a server is put together from. */
export interface HandlerParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Everything that is served: `registry.ts`. */
  readonly catalogue: Catalogue
  readonly subresources: SubresourceFinder
  /** What other servers answer. Absent: nothing. */
  readonly aggregation?: Aggregation
  /** Asked in order; nobody's answer means anonymous. */
  readonly authenticators: readonly Authenticator[]
  /** Whether requests without a credential are let through as `system:anonymous` (to authorization), by path. */
  readonly anonymous: boolean | ((path: string) => boolean)
  readonly authorizer: Authorizer
  /** Writes down who asked for what. Absent: nobody does. */
  readonly audit?: Audit
  /** Who waits, and who is turned away. Absent: nobody; nor is what comes from within this process. */
  readonly flowControl?: FlowAdmission
  readonly rules?: RuleResolver
  readonly tokenReviewer?: TokenReviewer
  /** Acting as somebody else (`Impersonate-User`). Absent: such requests are refused. */
  readonly impersonate?: Impersonate
  readonly apply?: Apply
  readonly openApi?: OpenApi
  readonly documents?: SystemServices['documents']
  readonly healthChecks?: Readonly<Record<string, HealthCheck>>
  /** What the server presents itself as: `v1.36.2`. */
  readonly version: string
  /** `host:port` under which clients reach it. */
  readonly serverAddress: string
  /** Shared with other parts of the program, which then has added the process's own. Absent: the handler's alone. */
  readonly metrics?: Metrics
}

export interface Aggregation extends RemoteCatalogue {
  /** What passes a request on to the server that answers it; undefined: this one does. */
  route(info: RequestInfo): ((exchange: Exchange) => Promise<ApiResponse>) | undefined
}

/**
 * Gives the user as whom the request is to be handled. Throws Forbidden when the one who asks may not do so, and
 * BadRequest when the headers make no sense.
 */
export type Impersonate = (
  request: ApiRequest,
  user: UserInfo,
  authorize: (attributes: Attributes) => void | Promise<void>,
  info: RequestInfo,
) => UserInfo | Promise<UserInfo>

export type Handler = (request: ApiRequest) => Promise<ApiResponse>

/** The whole server as a function: who asks, may they, what do they want. It never rejects. */
export function createHandler(parts: HandlerParts): Handler {
  const metrics = parts.metrics ?? new Metrics()
  const counts = new RequestMetrics(metrics)
  const deadlines = new Deadlines(parts.clock)
  if (parts.metrics === undefined) addProcessMetrics(metrics, parts.clock)
  const kinds = new KindIndex(parts.catalogue)
  const deprecatedUses = new DeprecatedUses(metrics, parts.clock)
  const system: SystemServices = {
    deprecatedUses,
    discovery: new Discovery(parts.catalogue, parts.serverAddress, parts.aggregation),
    health: new Health(parts.healthChecks ?? {}),
    version: versionInfo(parts.version),
    metrics,
    openApi: parts.openApi,
    documents: parts.documents,
  }
  const objects: ReviewServices = {
    deprecatedUses,
    clock: parts.clock,
    random: parts.random,
    catalogue: parts.catalogue,
    isKnown: (group, version, kind) => kinds.isKnown(group, version, kind),
    get authenticators() {
      return parts.authenticators
    },
    authorizer: parts.authorizer,
    rules: parts.rules,
    tokenReviewer: parts.tokenReviewer,
  }

  async function answer(asked: ApiRequest, info: RequestInfo, warnings: string[], trail: Trail): Promise<ApiResponse> {
    const found = authenticate(parts, asked, info.path)
    let user = found instanceof Promise ? await found : found
    if (asked.certificate !== undefined) counts.certificate(asked.certificate, parts.clock.now())
    const audit = parts.audit?.begin(asked, info, user)
    trail.user = user
    trail.audit = audit
    const request = audit?.request ?? asked
    if (impersonates(request)) {
      user = await actAs(parts, request, user, info)
      if (audit !== undefined) audit.impersonated = user
    }
    const exchange: Exchange = { request, info, user, warnings, audit }
    const admitted = asked.user === undefined ? parts.flowControl?.admit(request, info, user) : undefined
    if (admitted === undefined) return proceed(exchange, trail)
    const place = admitted instanceof Promise ? await admitted : admitted
    trail.place = place
    try {
      return holding(place, await proceed(exchange, trail), request, parts.clock)
    } catch (error) {
      release(place)
      throw error
    }
  }

  async function proceed(exchange: Exchange, trail: Trail): Promise<ApiResponse> {
    const { info, user, audit } = exchange
    const authorization = authorizeRequest(parts.authorizer, attributesOf(user, info), audit)
    if (authorization !== undefined) await authorization
    trail.exchange = exchange
    const elsewhere = parts.aggregation?.route(info)
    if (elsewhere !== undefined) return elsewhere(exchange)
    if (!info.isResource) return answerSystem(exchange, system)
    const { catalogue, subresources, apply } = parts
    const kind = kinds.find(info.group, info.version, info.resource)
    return answerObjects(exchange, objects, { catalogue, subresources, apply }, kind)
  }

  return async (request) => {
    const started = parts.clock.monotonic()
    const inflight = counts.inflight(request.method)
    inflight.value++
    const warnings: string[] = []
    const trail: Trail = { user: undefined, audit: undefined, place: undefined, exchange: undefined }
    let info: RequestInfo | undefined
    let response: ApiResponse
    let isTerminated = false
    try {
      info = readRequestInfo(request.method, request.url)
      const timeoutMs = timeoutOf(info)
      response = await deadlines.within(answer(request, info, warnings, trail), timeoutMs)
    } catch (error) {
      response = failed(parts.log, request, error, warnings)
      isTerminated = error instanceof TooBusyError || error instanceof TooLateError
    }
    inflight.value--
    if (info === undefined) return response
    if (trail.place !== undefined) response = trail.place.marked(response)
    if (warnings.length > 0 && trail.exchange !== undefined) deprecatedUses.warned(trail.exchange)
    if (parts.audit !== undefined) response = audited(parts.audit, trail, request, info, response)
    response = compress(request, response)
    const isKnown = info.isResource && kinds.find(info.group, info.version, info.resource) !== undefined
    if (isTerminated) counts.terminated(info, isKnown, response.status)
    if (typeof response.body === 'function') return counted(response, counts.longRunning(info), record)
    record()
    return response

    function record(): void {
      counts.record(info!, isKnown, response.status, (parts.clock.monotonic() - started) / 1000)
    }
  }
}

/** What is written down of a request on its way. */
interface Trail {
  /** Who asks, once that is found out: who fails to say so is written down, too. */
  user: UserInfo | undefined
  audit: AuditRecord | undefined
  place: Place | undefined
  exchange: Exchange | undefined
}

function audited(
  audit: Audit,
  trail: Trail,
  request: ApiRequest,
  info: RequestInfo,
  response: ApiResponse,
): ApiResponse {
  const record = trail.user === undefined ? audit.begin(request, info, undefined) : trail.audit
  if (record === undefined) return response
  const answered = record.answered(response)
  return { ...answered, headers: { ...answered.headers, 'audit-id': record.id } }
}

/** Raises a gauge while the answer is being written. */
function counted(response: ApiResponse, gauge: { value: number }, record: () => void): ApiResponse {
  const write = response.body as (sink: Sink) => Promise<void>
  const body = async (sink: Sink) => {
    gauge.value++
    try {
      await write(sink)
    } finally {
      gauge.value--
      record()
    }
  }
  return { ...response, body }
}

/** Bodies are walked by functions that call themselves; what goes deeper than the stack is no object of ours. */
const isTooDeep = (error: unknown) => error instanceof RangeError && error.message.includes('call stack')

function failed(log: Log, request: ApiRequest, error: unknown, warnings: readonly string[]): ApiResponse {
  if (error instanceof BadPathError) return answerText(400, '400 Bad Request: the path cannot be understood\n')
  if (error instanceof AuthorizationFault) {
    return answerText(500, `Internal Server Error: ${JSON.stringify(request.url)}: ${error.message}\n`)
  }
  if (error instanceof TooBusyError) return tooBusy(error)
  if (isTooDeep(error)) return answerError(request, badRequest('the body is nested too deeply'), warnings)
  // What is called off because nobody waits for it any more is no fault.
  if (!(error instanceof ApiError || request.signal.aborted)) {
    const trace = error instanceof Error ? error.stack : String(error)
    log('error', 'request failed', { method: request.method, url: request.url, error: trace })
  }
  return answerError(request, error, warnings)
}

function tooBusy({ message, flow, retryAfterSeconds }: TooBusyError): ApiResponse {
  const headers = { 'retry-after': String(retryAfterSeconds), 'x-content-type-options': 'nosniff' }
  const response = answerText(429, `${message}\n`, headers)
  return flow === undefined ? response : flow.marked(response)
}

function authenticate(parts: HandlerParts, request: ApiRequest, path: string): UserInfo | Promise<UserInfo> {
  if (request.user !== undefined) return request.user
  for (let at = 0; at < parts.authenticators.length; at++) {
    const found = parts.authenticators[at]!.authenticate(request)
    if (found instanceof Promise) return authenticateRest(parts, request, path, found, at + 1)
    if (found !== undefined) return found
  }
  return nobody(parts, path)
}

async function authenticateRest(
  parts: HandlerParts,
  request: ApiRequest,
  path: string,
  first: Promise<UserInfo | undefined>,
  next: number,
): Promise<UserInfo> {
  const found = await first
  if (found !== undefined) return found
  for (const authenticator of parts.authenticators.slice(next)) {
    const user = await authenticator.authenticate(request)
    if (user !== undefined) return user
  }
  return nobody(parts, path)
}

function nobody({ anonymous: isAllowed }: HandlerParts, path: string): UserInfo {
  if (typeof isAllowed === 'function' ? isAllowed(path) : isAllowed) return anonymous
  throw new ApiError('Unauthorized', 'Unauthorized')
}

function impersonates({ headers, rawHeaders }: ApiRequest): boolean {
  // Nearly nobody does, and to go through all headers by name takes longer than the rest.
  if (rawHeaders !== undefined && !rawHeaders.some(beginsLikeImpersonation)) return false
  if (headers['impersonate-user'] || headers['impersonate-group'] || headers['impersonate-uid']) return true
  for (const name in headers) if (name.startsWith('impersonate-extra-')) return true
  return false
}

/** Of names and values in turn; a value that begins so does no harm. */
const beginsLikeImpersonation = (text: string) =>
  (text[0] === 'i' || text[0] === 'I') && text.slice(0, 12).toLowerCase() === 'impersonate-'

function actAs(
  parts: HandlerParts,
  request: ApiRequest,
  user: UserInfo,
  info: RequestInfo,
): UserInfo | Promise<UserInfo> {
  if (parts.impersonate === undefined) throw badRequest('impersonation is switched off')
  return parts.impersonate(request, user, (attributes) => authorize(parts.authorizer, attributes), info)
}

function attributesOf(user: UserInfo, info: RequestInfo): Attributes {
  const attributes = {
    user,
    verb: info.verb,
    namespace: info.namespace,
    apiGroup: info.group,
    apiVersion: info.version,
    resource: info.resource,
    subresource: info.subresource,
    name: info.name,
    isResource: info.isResource,
    path: info.path,
  }
  return info.isResource && !info.query.isEmpty ? { ...attributes, ...selectorsOf(info) } : attributes
}

/** An authorizer that could not find out, where nobody else has allowed the request: it is refused as our own fault. */
class AuthorizationFault extends Error {}

/** Throws Forbidden in the reference's words, at once or, where somebody must be asked, later. */
function authorizeRequest(
  authorizer: Authorizer,
  attributes: Attributes,
  audit: AuditRecord | undefined,
): void | Promise<void> {
  const decision = authorizer.authorize(attributes)
  if (decision instanceof Promise) return decision.then((late) => requireKnown(attributes, late, audit))
  requireKnown(attributes, decision, audit)
}

function requireKnown(attributes: Attributes, decision: Decision, audit: AuditRecord | undefined): void {
  if (audit !== undefined) {
    audit.annotate('authorization.k8s.io/decision', decision.allowed ? 'allow' : 'forbid')
    audit.annotate('authorization.k8s.io/reason', decision.reason)
  }
  if (!decision.allowed && decision.evaluationError !== undefined)
    throw new AuthorizationFault(decision.evaluationError)
  requireAllowed(attributes, decision)
}

/** The same for what is asked besides the request itself. */
export function authorize(authorizer: Authorizer, attributes: Attributes): void | Promise<void> {
  const decision = authorizer.authorize(attributes)
  if (decision instanceof Promise) return decision.then((late) => requireAllowed(attributes, late))
  requireAllowed(attributes, decision)
}

function requireAllowed(attributes: Attributes, decision: Decision): void {
  if (!decision.allowed) throw refusal(attributes, decision.reason)
}

function refusal(attributes: Attributes, reason: string): ApiError {
  const { user, verb, namespace, apiGroup: group, resource, subresource, name } = attributes
  const why = reason === '' ? '' : `: ${reason}`
  const who = `User ${JSON.stringify(user.name)} cannot ${verb}`
  if (!attributes.isResource) {
    return new ApiError('Forbidden', `forbidden: ${who} path ${JSON.stringify(attributes.path)}${why}`, { details: {} })
  }
  const what = JSON.stringify(subresource === '' ? resource : `${resource}/${subresource}`)
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`
  const words = `${who} resource ${what} in API group ${JSON.stringify(group)} ${where}${why}`
  return forbidden({ group, resource }, name, words)
}

/** The kinds of a catalogue by path and by name. */
class KindIndex {
  readonly #catalogue: Catalogue
  #kinds: readonly Kind[] = []
  #byPath = new Map<string, Map<string, Kind>>()
  #known = new Set<string>()

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue
  }

  find(group: string, version: string, plural: string): Kind | undefined {
    this.#refresh()
    const kind = this.#byPath.get(plural)?.get(group)
    if (kind === undefined || kind.version === version) return kind
    return this.#byPath.get(plural)?.get(`${group}/${version}`)
  }

  isKnown(group: string, version: string, kind: string): boolean {
    this.#refresh()
    return this.#known.has(`${group}/${version}/${kind}`)
  }

  #refresh(): void {
    const { kinds } = this.#catalogue
    if (this.#kinds === kinds) return
    const before = new Set(this.#kinds)
    const others = kinds.filter((kind) => !before.has(kind))
    this.#kinds = kinds
    // Definitions mostly come, by the thousand perhaps, so that what is known need not be gone through again.
    const isGrown = kinds.length - others.length === before.size
    if (isGrown) return this.#add(others)
    this.#byPath = new Map()
    this.#known = new Set()
    this.#add(kinds)
  }

  #add(kinds: readonly Kind[]): void {
    for (const kind of kinds) {
      let groups = this.#byPath.get(kind.plural)
      if (groups === undefined) {
        groups = new Map()
        this.#byPath.set(kind.plural, groups)
      }
      // Most groups have one version, which is found without putting a key together.
      if (!groups.has(kind.group)) groups.set(kind.group, kind)
      groups.set(`${kind.group}/${kind.version}`, kind)
      this.#known.add(`${kind.group}/${kind.version}/${kind.kind}`)
    }
  }
}
