import { ApiError, badRequest } from '../../schema/status.ts'
import { type IncomingAnswer, type Network, NetworkError, type OutgoingRequest } from '../../world/world.ts'
import type { Exchange } from '../exchange.ts'
import type { ApiRequest, ApiResponse, Sink } from '../request.ts'
import { answerText } from '../respond.ts'
import { timeoutOf } from '../timeout.ts'
import { identityHeaders, isOfConnection, isPassedOn } from './identity.ts'
import type { RemoteTarget } from './remote.ts'
import type { RemoteApi } from './remote-api.ts'

/** What is sent to an aggregated server may be longer than what this one takes itself. */
const bodyLimit = 32 * 1024 * 1024
/** For the first word of what is meant to last. */
const lastingMs = 24 * 3_600_000
/** When the client reads slowly, the server behind is read slowly too. */
const backlogLimit = 1024 * 1024
/** How much of the reasons is told when a server does not leave HTTP. */
const refusalLimit = 1024 * 1024

/** Passes a request on to the server of a remote API, and its answer back as it comes. */
export async function passOn(
  exchange: Exchange,
  remote: RemoteApi,
  network: Network | undefined,
): Promise<ApiResponse> {
  const { request } = exchange
  requirePlainPath(exchange, remote)
  if (!remote.isAvailable || network === undefined) return serviceUnavailable('service unavailable')
  let target: RemoteTarget
  try {
    target = remote.target()
  } catch (error) {
    if (error instanceof ApiError) return serviceUnavailable('service unavailable')
    throw error
  }
  try {
    const outgoing = await toOutgoing(exchange, target)
    if (isUpgrade(request) && network.upgrade !== undefined)
      return await passUpgrade(outgoing, request, network.upgrade)
    return passBack(await network.request(outgoing))
  } catch (error) {
    if (error instanceof NetworkError) return serviceUnavailable(`error trying to reach service: ${error.message}`)
    throw error
  }
}

/** How the reference says that a server behind it cannot be asked. */
export const serviceUnavailable = (text: string): ApiResponse =>
  answerText(503, `${text}\n`, { 'x-content-type-options': 'nosniff' })

/** A path that leads elsewhere than it seems would pass authorization as one thing and be served as another. */
function requirePlainPath({ info, request }: Exchange, { group, version }: RemoteApi): void {
  const isPlain = info.path.split(/[/\\]/).every((segment) => segment !== '..' && segment !== '.')
  const { pathname } = new URL(request.url, 'https://localhost')
  if (isPlain && `${pathname}/`.startsWith(`/apis/${group}/${version}/`)) return
  throw badRequest(`the path ${JSON.stringify(info.path)} must not contain "." or ".." as a segment`)
}

const isUpgrade = ({ headers }: ApiRequest) =>
  headers['upgrade'] !== undefined && /\bupgrade\b/i.test(headers['connection'] ?? '')

async function toOutgoing({ request, info, user }: Exchange, { base, tls }: RemoteTarget): Promise<OutgoingRequest> {
  const { method, url, headers, signal } = request
  const passed = Object.entries(headers).filter(([name, value]) => value !== undefined && isPassedOn(name))
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const body = hasBody ? await request.body(bodyLimit) : undefined
  return {
    url: `${base}${url}`,
    method,
    tls,
    signal,
    once: method === 'POST' || method === 'PATCH',
    timeoutMs: (isUpgrade(request) ? undefined : timeoutOf(info)) ?? lastingMs,
    headers: {
      ...(Object.fromEntries(passed) as Record<string, string>),
      ...withoutToken(headers),
      ...forwardedHeaders(request),
      ...identityHeaders(user),
    },
    ...(body !== undefined && body.length > 0 && { body }),
  }
}

/** Browsers hide a token among the protocols of a WebSocket; it is for this server alone. */
function withoutToken({ 'sec-websocket-protocol': protocols }: ApiRequest['headers']): Record<string, string> {
  const all = protocols?.split(',').map((each) => each.trim()) ?? []
  const others = all.filter((each) => !each.startsWith('base64url.bearer.authorization.k8s.io.'))
  return others.length === 0 ? {} : { 'sec-websocket-protocol': others.join(', ') }
}

function forwardedHeaders({ headers, remoteAddress, url }: ApiRequest): Record<string, string> {
  const before = headers['x-forwarded-for']
  const host = headers[':authority'] ?? headers['host']
  return {
    'x-forwarded-for': before === undefined ? remoteAddress : `${before}, ${remoteAddress}`,
    'x-forwarded-uri': url.split('?', 1)[0]!,
    'x-forwarded-proto': 'https',
    ...(host !== undefined && { 'x-forwarded-host': host }),
  }
}

/** The answer of another server as ours, sent on as it comes. */
export function passBack(answer: IncomingAnswer): ApiResponse {
  return { status: answer.status, headers: headersBack(answer.headers), body: (sink) => copy(answer, sink) }
}

function headersBack(headers: IncomingAnswer['headers']): Record<string, string | readonly string[]> {
  const kept = Object.entries(headers).filter(([name, value]) => value !== undefined && !isOfConnection(name))
  return Object.fromEntries(kept) as Record<string, string | readonly string[]>
}

async function copy(answer: IncomingAnswer, sink: Sink): Promise<void> {
  const onGone = () => answer.close()
  sink.signal.addEventListener('abort', onGone, { once: true })
  try {
    if (sink.signal.aborted) return
    for await (const chunk of answer.body) {
      sink.write(chunk)
      if (sink.backlog > backlogLimit) await sink.drained()
    }
  } finally {
    sink.signal.removeEventListener('abort', onGone)
    answer.close()
  }
}

/** `exec` and its like: when the server behind agrees, both connections become one. */
async function passUpgrade(
  outgoing: OutgoingRequest,
  request: ApiRequest,
  upgrade: NonNullable<Network['upgrade']>,
): Promise<ApiResponse> {
  const { headers } = request
  const wish = { connection: 'Upgrade', upgrade: headers['upgrade']! }
  const { answer, stream } = await upgrade({ ...outgoing, headers: { ...outgoing.headers, ...wish } })
  if (stream === undefined) return { ...passBack(answer), body: await answer.text(refusalLimit) }
  const kept = Object.entries(answer.headers).filter(
    ([name, value]) => value !== undefined && name !== 'transfer-encoding',
  )
  return {
    status: 101,
    headers: Object.fromEntries(kept) as Record<string, string | readonly string[]>,
    body: '',
    takeOver(client, head) {
      if (head.length > 0) stream.write(head)
      const end = () => {
        stream.destroy()
        client.destroy()
      }
      for (const side of [client, stream]) side.on('error', end).on('close', end)
      stream.pipe(client)
      client.pipe(stream)
    },
  }
}
