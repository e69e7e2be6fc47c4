import type { Metrics } from '../../base/metrics.ts'
import { ApiError } from '../../schema/status.ts'
import type { DeprecatedUses } from '../deprecated-uses.ts'
import type { AggregatedVersion, Discovery, Document } from '../discovery.ts'
import { discoveryToProtobuf } from '../discovery-messages.ts'
import type { Exchange } from '../exchange.ts'
import { negotiate, parseAccept, plainOffer, typedOffer } from '../negotiate.ts'
import type { ApiResponse } from '../request.ts'
import { answerBytes, answerJson, answerObject, headersOf, pageNotFound } from '../respond.ts'
import type { VersionInfo } from '../version.ts'
import { type Health, healthPaths } from './health.ts'

/** A document below `/openapi`, as `path` and the Accept header ask for it; undefined when there is none. */
export type OpenApi = (path: string, exchange: Exchange) => ApiResponse | undefined | Promise<ApiResponse | undefined>

/** Paths outside the resources: what the server says about itself. */
export interface SystemServices {
  readonly discovery: Discovery
  readonly health: Health
  readonly version: VersionInfo
  readonly metrics: Metrics
  readonly openApi?: OpenApi
  readonly deprecatedUses: DeprecatedUses
  /** Further documents by path (`/openid/v1/jwks`), asked for at every request. */
  readonly documents?: Readonly<Record<string, (exchange: Exchange) => ApiResponse | Promise<ApiResponse>>>
}

const metricsType = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores'

export const methodNotAllowed = (): ApiError =>
  new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource', { details: {} })

export const resourceNotFound = (): ApiError =>
  new ApiError('NotFound', 'the server could not find the requested resource', { details: {} })

/** Answers a request that is not for a resource. */
export function answerSystem(exchange: Exchange, services: SystemServices): ApiResponse | Promise<ApiResponse> {
  const { path } = exchange.info
  if (path.startsWith('/api/') || path === '/api' || path.startsWith('/apis/') || path === '/apis') {
    return answerDiscovery(exchange, services)
  }
  if (services.health.handles(path)) return services.health.answer(path, exchange.info.query)
  switch (path) {
    case '/':
    case '/index.html':
      return answerObject(exchange, 200, { paths: indexOf(services) }, negotiate(undefined, plainOffer))
    case '/version':
    case '/version/':
      requireGet(exchange)
      return answerObject(exchange, 200, services.version, negotiate(undefined, plainOffer))
    case '/metrics':
    case '/metrics/slis':
      return { status: 200, headers: headersOf(metricsType), body: services.metrics.print() }
    case '/debug/deprecated-uses':
      requireGet(exchange)
      return services.deprecatedUses.answer(exchange)
    case '/debug/pprof':
      return { status: 302, headers: { ...headersOf('text/html; charset=utf-8'), location: '/debug/pprof/' }, body: '' }
    case '/debug/flags/v':
      // Levels of a log that this server does not have can be set with PUT alone, and are then still not there.
      return { status: 406, headers: headersOf('text/plain'), body: 'unrecognized http method\n' }
    default:
      return answerOther(exchange, services)
  }
}

async function answerOther(exchange: Exchange, services: SystemServices): Promise<ApiResponse> {
  const { path } = exchange.info
  const document = services.documents?.[path]
  if (document !== undefined) return document(exchange)
  if (path.startsWith('/openapi/')) return (await services.openApi?.(path, exchange)) ?? noDocument
  return pageNotFound()
}

/** A document that there is not is answered without a word. */
const noDocument: ApiResponse = { status: 404, headers: {}, body: '' }

function requireGet({ request }: Exchange): void {
  if (request.method !== 'GET') throw methodNotAllowed()
}

function answerDiscovery(exchange: Exchange, { discovery }: SystemServices): ApiResponse {
  const parts = exchange.info.path.split('/').filter((part) => part !== '')
  const [root, first = '', second = ''] = parts
  if (root === 'api') {
    requireGet(exchange)
    if (first === '') return answerGroups(exchange, discovery, true)
    return answerResources(exchange, discovery, '', first)
  }
  if (first === '') return answerGroups(exchange, discovery, false)
  const group = first === '' ? undefined : discovery.group(first)
  if (group === undefined) return pageNotFound()
  if (second !== '') return answerResources(exchange, discovery, first, second)
  return answerDocument(exchange, discovery.groupDocument(group))
}

function answerResources(exchange: Exchange, discovery: Discovery, groupName: string, version: string): ApiResponse {
  const group = discovery.group(groupName)
  const served = group?.versions.find((candidate) => candidate.version === version)
  if (group !== undefined && served !== undefined) {
    requireGet(exchange)
    return answerDocument(exchange, discovery.resourceList(group, served))
  }
  if (group !== undefined && groupName !== '' && discovery.isCustomGroup(group)) return pageNotFound()
  throw resourceNotFound()
}

/** `/api` and `/apis`: the old form, or everything in one document for those who ask for it. */
function answerGroups(exchange: Exchange, discovery: Discovery, core: boolean): ApiResponse {
  const accept = exchange.request.headers['accept']
  const wanted = aggregatedForm(accept)
  if (wanted === undefined) {
    return answerDocument(exchange, core ? discovery.coreVersions() : discovery.groupList())
  }
  const { body, etag } = discovery.aggregated(core, wanted.version)
  const type = `application/${wanted.subtype};g=apidiscovery.k8s.io;v=${wanted.version};as=APIGroupDiscoveryList`
  const headers = headersOf(type, [], { etag, vary: 'Accept' })
  if (exchange.request.headers['if-none-match'] === etag) return { status: 304, headers, body: '' }
  return { status: 200, headers, body: wanted.subtype === 'json' ? body : inProtobuf(body) }
}

interface Aggregated {
  readonly version: AggregatedVersion
  readonly subtype: string
}

function aggregatedForm(accept: string | undefined): Aggregated | undefined {
  if (accept === undefined || !accept.includes('APIGroupDiscoveryList')) return undefined
  for (const { type, subtype, parameters } of parseAccept(accept)) {
    if (type !== 'application' || (subtype !== 'json' && subtype !== protobufSubtype)) continue
    const isAggregated =
      parameters.get('as') === 'APIGroupDiscoveryList' && parameters.get('g') === 'apidiscovery.k8s.io'
    const version = parameters.get('v')
    if (isAggregated && (version === 'v2' || version === 'v2beta1')) return { version, subtype }
    if (!parameters.has('as')) return undefined
  }
  return undefined
}

function answerDocument(exchange: Exchange, { body }: Document): ApiResponse {
  const accepted = negotiate(exchange.request.headers['accept'], typedOffer)
  if (accepted.format === 'protobuf') return answerBytes(exchange, 200, inProtobuf(body), accepted)
  return answerJson(exchange, 200, body, accepted)
}

const protobufSubtype = 'vnd.kubernetes.protobuf'

const inProtobuf = (body: Buffer) => discoveryToProtobuf(JSON.parse(body.toString()))

/** Every path that leads somewhere, sorted. */
function indexOf({ discovery }: SystemServices): readonly string[] {
  const paths = [
    '/.well-known/openid-configuration',
    '/api',
    '/apis',
    '/apis/',
    '/flagz',
    '/metrics',
    '/metrics/slis',
    '/openapi/v2',
    '/openapi/v3',
    '/openapi/v3/',
    '/openid/v1/jwks',
    '/statusz',
    '/version',
    ...healthPaths,
  ]
  for (const { name, versions } of discovery.groups()) {
    const root = name === '' ? '/api' : `/apis/${name}`
    if (name !== '') paths.push(root)
    for (const { version } of versions) paths.push(`${root}/${version}`)
  }
  return paths.sort()
}
