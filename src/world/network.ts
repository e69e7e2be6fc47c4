import type * as http from 'node:http'
import type * as https from 'node:https'
import { Readable } from 'node:stream'
import { serveMessages } from './message-server.ts'
import { realClock } from './real.ts'
import { type IncomingAnswer, type Network, NetworkError, type OutgoingRequest, type UpgradeAnswer } from './world.ts'

/** Connections are kept for the next request to the same server with the same trust; an idle one ends soon. */
const keep = { keepAlive: true, maxFreeSockets: 32, timeout: 90_000 }

type Protocol = 'http:' | 'https:'
type Modules = Readonly<Record<Protocol, { readonly request: typeof https.request; readonly agent: http.Agent }>>
let loaded: Modules | undefined

/** To import `node:http` takes a tenth of the start, as all that hangs on it is made; most programs never ask anybody. */
function modules(): Modules {
  if (loaded === undefined) {
    const http = process.getBuiltinModule('node:http')
    const https = process.getBuiltinModule('node:https')
    loaded = {
      'http:': { request: http.request, agent: new http.Agent(keep) },
      'https:': { request: https.request, agent: new https.Agent(keep) },
    }
  }
  return loaded
}

export const realNetwork: Network = {
  async request(request) {
    const asked = Date.now()
    const left = () => Math.max(0, request.timeoutMs - (Date.now() - asked))
    return toAnswer(await answerTo(request, left), request, left)
  },

  async upgrade(request) {
    const asked = Date.now()
    const { outgoing, head } = send(request)
    const upgraded = new Promise<UpgradeAnswer>((resolve) => {
      outgoing.once('upgrade', (response, stream, first) => {
        if (first.length > 0) stream.unshift(first)
        resolve({ answer: toAnswer(response, request, () => 0), stream })
      })
    })
    const left = () => Math.max(0, request.timeoutMs - (Date.now() - asked))
    const refused = head.then((response) => ({ answer: toAnswer(response, request, left) }))
    return within(request.timeoutMs, request, outgoing, Promise.race([upgraded, refused]))
  },

  serveText({ host, port }, answer) {
    const server = process.getBuiltinModule('node:http').createServer((request, response) => {
      const { status, body, type = 'text/plain; charset=utf-8' } = answer(request.url ?? '/')
      response.writeHead(status, { 'content-type': type }).end(body)
    })
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        const close = () => {
          server.closeAllConnections()
          return new Promise<void>((done) => server.close(() => done()))
        }
        resolve({ close })
      })
    })
  },

  serveMessages,
}

function toAnswer(response: http.IncomingMessage, request: OutgoingRequest, left: () => number): IncomingAnswer {
  return {
    status: response.statusCode!,
    headers: response.headers,
    body: bodyOf(response),
    async text(bytesMax) {
      const all = collect(bodyOf(response), bytesMax)
      return within(left(), request, response, all)
    },
    close: () => void response.destroy(),
  }
}

async function answerTo(request: OutgoingRequest, left: () => number): Promise<http.IncomingMessage> {
  const { outgoing, head } = send(request)
  try {
    return await within(left(), request, outgoing, head)
  } catch (error) {
    // A kept connection that the other side has closed meanwhile is found out only when it is used.
    const isStale = outgoing.reusedSocket && error instanceof NetworkError && error.reason === 'lost'
    if (!isStale || request.once === true || isStream(request.body)) throw error
    return answerTo(request, left)
  }
}

interface Exchange {
  readonly outgoing: http.ClientRequest
  readonly head: Promise<http.IncomingMessage>
}

function send({ url, method = 'GET', headers, body, tls = {}, connectTo, signal }: OutgoingRequest): Exchange {
  const { protocol, host, hostname } = new URL(url)
  if (protocol !== 'https:' && protocol !== 'http:') {
    throw new NetworkError('unreachable', `unsupported protocol scheme ${JSON.stringify(protocol.slice(0, -1))}`)
  }
  const { request, agent } = modules()[protocol]
  const outgoing = request(url, {
    method,
    agent,
    headers: { host, ...(headers as http.OutgoingHttpHeaders), ...sizeOf(body) },
    ...(connectTo !== undefined && { host: connectTo.host, hostname: connectTo.host, port: connectTo.port }),
    ...(protocol === 'https:' && {
      servername: tls.serverName ?? (isAddress(hostname) ? '' : hostname),
      ...(tls.ca !== undefined && { ca: tls.ca }),
      ...(tls.clientCertificate !== undefined && { cert: tls.clientCertificate, key: tls.clientKey }),
      rejectUnauthorized: tls.skipServerVerification !== true,
    }),
    ...(signal !== undefined && { signal }),
  })
  const head = new Promise<http.IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve)
    outgoing.on('error', (error) => reject(signal?.aborted ? signal.reason : explained(error)))
  })
  head.catch(() => {})
  if (body === undefined) outgoing.end()
  else if (typeof body === 'string' || body instanceof Uint8Array) outgoing.end(body)
  else
    Readable.from(body, { objectMode: false })
      .on('error', (error) => outgoing.destroy(error))
      .pipe(outgoing)
  return { outgoing, head }
}

const isStream = (body: OutgoingRequest['body']): body is AsyncIterable<Uint8Array> =>
  typeof body === 'object' && !(body instanceof Uint8Array)

const sizeOf = (body: OutgoingRequest['body']) =>
  body === undefined || isStream(body) ? {} : { 'content-length': Buffer.byteLength(body) }

const isAddress = (hostname: string) => hostname.startsWith('[') || /^[\d.]+$/.test(hostname)

/** Waits for `promise`, and ends what it hangs on when that takes too long. */
async function within<T>(
  delayMs: number,
  { signal }: OutgoingRequest,
  stream: { destroy(error: Error): unknown },
  promise: Promise<T>,
): Promise<T> {
  const late = Promise.withResolvers<never>()
  const cancel = realClock.timer(delayMs, () => {
    const error = new NetworkError('timeout', 'context deadline exceeded')
    late.reject(error)
    stream.destroy(error)
  })
  try {
    return await Promise.race([promise, late.promise])
  } catch (error) {
    throw signal?.aborted ? signal.reason : error
  } finally {
    cancel()
  }
}

async function* bodyOf(response: http.IncomingMessage): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk as Uint8Array
  } catch (error) {
    throw error instanceof NetworkError ? error : new NetworkError('lost', 'unexpected EOF', { cause: error })
  }
}

async function collect(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > bytesMax) throw new NetworkError('too-large', `the answer is longer than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

interface SystemError extends NodeJS.ErrnoException {
  readonly address?: string
  readonly port?: number
  readonly hostname?: string
  readonly errors?: readonly SystemError[]
}

/** In the words of Go's client, which messages of the reference quote. */
function explained(error: SystemError): NetworkError {
  // Several addresses of one name were tried.
  const { code, message, address = '', port, hostname = '' } = error.errors?.at(-1) ?? error
  const dial = `dial tcp ${address.includes(':') ? `[${address}]` : address}:${port}`
  const say = (reason: NetworkError['reason'], text: string) => new NetworkError(reason, text, { cause: error })
  switch (code) {
    case 'ECONNREFUSED':
      return say('refused', `${dial}: connect: connection refused`)
    case 'EHOSTUNREACH':
      return say('unreachable', `${dial}: connect: no route to host`)
    case 'ENETUNREACH':
      return say('unreachable', `${dial}: connect: network is unreachable`)
    case 'ETIMEDOUT':
      return say('timeout', `${dial}: i/o timeout`)
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return say('lookup', `dial tcp: lookup ${hostname}: no such host`)
    case 'ECONNRESET':
    case 'EPIPE':
      return say('lost', 'EOF')
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'CERT_SIGNATURE_FAILURE':
      return say('tls', 'tls: failed to verify certificate: x509: certificate signed by unknown authority')
    case 'CERT_HAS_EXPIRED':
      return say('tls', 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid')
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return say('tls', `tls: failed to verify certificate: x509: ${message}`)
    default:
      return say(code?.startsWith('ERR_SSL') || code?.startsWith('ERR_TLS') ? 'tls' : 'lost', message)
  }
}
