import { posix } from 'node:path'
import { ApiError } from '../../schema/status.ts'
import { NetworkError, type OutgoingRequest } from '../../world/world.ts'
import { isPassedOn } from '../aggregation/identity.ts'
import { passBack } from '../aggregation/proxy.ts'
import type { Exchange } from '../exchange.ts'
import type { ApiRequest, ApiResponse } from '../request.ts'
import type { RequestInfo } from '../request-info.ts'
import { headersOf } from '../respond.ts'
import type { Backend } from './backends.ts'
import { proxyPath } from './connection-options.ts'
import type { RealNodes } from './real-nodes.ts'

/** Of a request that is passed on; as for aggregated servers. */
const bodyLimit = 32 * 1024 * 1024
/** For the first word: whoever is behind may take as long as the client waits. */
const lastingMs = 24 * 3_600_000

/** Passes a request on to what is behind a proxy, and its answer back as it comes. */
export async function passOn(exchange: Exchange, backend: Backend, real: RealNodes | undefined): Promise<ApiResponse> {
  const { request, info } = exchange
  if (/\bupgrade\b/i.test(request.headers['connection'] ?? ''))
    throw new ApiError('', 'a proxy passes requests on, but no connection that leaves HTTP', { code: 501 })
  if (real === undefined) throw unreachable('this server knows no way to nodes')
  const path = proxyPath(info)
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (path === '' && isRead) return movedBelow(info.path, queryOf(request))
  const url = new URL(`${originOf(backend)}${escapePath(posix.normalize(path || '/'))}${queryOf(request)}`)
  const outgoing = await toOutgoing(exchange, url, backend, real)
  const answer = await real.network.request(outgoing).catch((error: unknown) => {
    throw error instanceof NetworkError ? unreachable(error.message) : error
  })
  const { location } = answer.headers
  const back = passBack(answer)
  // Its body, which nobody reads, would keep the connection.
  if (request.method === 'HEAD') answer.close()
  if (typeof location !== 'string') return back
  return { ...back, headers: { ...back.headers, location: throughProxy(location, url, exchange) } }
}

const unreachable = (why: string) => new ApiError('ServiceUnavailable', `error trying to reach service: ${why}`)

/** Links of a page are relative to where it lies: the root of what is behind ends with a slash, too. */
const movedBelow = (path: string, query: string): ApiResponse => ({
  status: 301,
  headers: { ...headersOf('text/plain; charset=utf-8'), location: `${escapePath(path)}/${query}` },
  body: '',
})

const queryOf = ({ url }: ApiRequest) => (url.includes('?') ? url.slice(url.indexOf('?')) : '')
const escapePath = (path: string) => encodeURI(path).replace(/[?#]/g, encodeURIComponent)
const originOf = ({ scheme, host, port }: Backend) =>
  `${scheme}://${host.includes(':') ? `[${host}]` : host}${port && `:${port}`}`

/** Certificates are not looked at: they cannot hold for the address of a pod. */
async function toOutgoing({ request, info }: Exchange, url: URL, { isKubelet }: Backend, real: RealNodes) {
  const { method, headers, signal } = request
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const body = hasBody ? await request.body(bodyLimit) : undefined
  const passed = Object.entries(headers).filter(([name, value]) => value !== undefined && isPassedOn(name))
  const { certificate: clientCertificate, key: clientKey } = real.credential
  const outgoing: OutgoingRequest = {
    url: url.href,
    method,
    signal,
    tls: { skipServerVerification: true, ...(isKubelet && { clientCertificate, clientKey }) },
    once: method === 'POST' || method === 'PATCH',
    timeoutMs: lastingMs,
    headers: { ...(Object.fromEntries(passed) as Record<string, string>), ...forwardedHeaders(request, info, url) },
    ...(body !== undefined && body.length > 0 && { body }),
  }
  return outgoing
}

function forwardedHeaders(request: ApiRequest, info: RequestInfo, { pathname }: URL): Record<string, string> {
  const before = request.headers['x-forwarded-for']
  const host = askedHost(request)
  return {
    'x-forwarded-for': before === undefined ? request.remoteAddress : `${before}, ${request.remoteAddress}`,
    'x-forwarded-uri': `${escapePath(rootOf(info))}${pathname}`,
    ...(host !== undefined && { host }),
  }
}

const askedHost = ({ headers }: ApiRequest) => headers[':authority'] ?? headers['host']

/** The path of this server that stands for the root of what is behind. */
function rootOf({ prefix, version, namespace, resource, name }: RequestInfo): string {
  const where = namespace === '' ? '' : `/namespaces/${namespace}`
  return `/${prefix}/${version}${where}/${resource}/${name}/proxy`
}

/** Where what is behind sends its client on to a place of its own, the client finds that below the proxy. */
function throughProxy(location: string, from: URL, { request, info }: Exchange): string {
  const target = URL.parse(location, from.href)
  const isAbsolute = location.startsWith('/') || /^https?:\/\//i.test(location)
  if (target === null || !isAbsolute || (target.host !== from.host && target.host !== askedHost(request)))
    return location
  const root = escapePath(rootOf(info))
  const path = target.pathname.startsWith(`${root}/`) ? target.pathname : `${root}${target.pathname}`
  return `${path}${target.search}${target.hash}`
}
