import * as http2 from 'node:http2'
import { connect, type TLSSocket } from 'node:tls'
import { type ApiServer, type Limits, startServer } from '../../src/apiserver/server.ts'
import { type Cluster, startCluster } from '../../src/cluster/cluster.ts'
import { createAuthority, issueCertificate, type KeyPair } from '../../src/lifecycle/pki.ts'
import { createPki } from '../../src/lifecycle/pki-store.ts'
import { realWorld } from '../../src/world/real.ts'

/** A cluster's API on a socket of which the limits are known, for clients that misbehave on the wire. */
export interface WireTarget extends AsyncDisposable {
  readonly cluster: Cluster
  readonly server: ApiServer
  /** `METHOD path` of every request that came as far as the handler. */
  readonly handled: string[]
  readonly admin: KeyPair
  /** PEM of the authority that signed the server's certificate and those of its clients. */
  readonly authority: KeyPair
  /** A client certificate, by default of that authority; for a time that may be over. */
  issue(options?: {
    readonly authority?: KeyPair
    readonly validityMs?: number
    readonly groups?: readonly string[]
  }): KeyPair
  /** A connection that speaks TLS and no more; as the administrator. */
  socket(protocol: 'http/1.1' | 'h2'): Promise<TLSSocket>
  session(identity?: KeyPair): http2.ClientHttp2Session
}

export async function wireTarget(limits: Partial<Limits> = {}): Promise<WireTarget> {
  const world = realWorld(() => {})
  const pki = createPki({ hosts: ['127.0.0.1'], tools: world })
  const cluster = await startCluster({ world, apiOnly: true })
  const handled: string[] = []
  const server = await startServer({
    handler: (request) => {
      handled.push(`${request.method} ${request.url}`)
      return cluster.handler(request)
    },
    host: '127.0.0.1',
    port: 0,
    certificates: { ...pki.server, clientCa: pki.authority.certificate },
    limits,
  })
  const ca = pki.authority.certificate
  return {
    cluster,
    server,
    handled,
    admin: pki.admin,
    authority: pki.authority,
    issue: ({ authority = pki.authority, validityMs, groups = ['system:masters'] } = {}) =>
      issueCertificate(
        authority,
        {
          commonName: 'somebody',
          organizations: groups,
          usages: ['client'],
          ...(validityMs !== undefined && { validityMs }),
        },
        world,
      ),
    socket: (protocol) =>
      new Promise((resolve, reject) => {
        const { certificate: cert, key } = pki.admin
        const socket = connect({ host: '127.0.0.1', port: server.port, ca, cert, key, ALPNProtocols: [protocol] }, () =>
          resolve(socket),
        )
        socket.once('error', reject)
      }),
    session(identity = pki.admin) {
      const session = http2.connect(`https://127.0.0.1:${server.port}`, {
        ca,
        cert: identity.certificate,
        key: identity.key,
      })
      session.on('error', () => {})
      return session
    },
    async [Symbol.asyncDispose]() {
      await server.close(0)
      await cluster[Symbol.asyncDispose]()
    },
  }
}

export const otherAuthority = (): KeyPair =>
  createAuthority(
    'other',
    realWorld(() => {}),
  )

export interface WireAnswer {
  readonly status: number
  readonly body: string
}

/** One request over HTTP/2. Rejects when the stream or the connection is cut. */
export function ask(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: string | Buffer,
): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined })
    const chunks: Buffer[] = []
    let status = 0
    stream.on('response', (answer) => {
      status = answer[':status'] ?? 0
    })
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', reject)
    stream.on('close', () =>
      status === 0
        ? reject(new Error(`cut with code ${stream.rstCode}`))
        : resolve({ status, body: Buffer.concat(chunks).toString() }),
    )
    if (body !== undefined) stream.end(body)
  })
}

/** Sends bytes and gives what comes back until the server hangs up. */
export function until(socket: TLSSocket, ...bytes: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', () => {})
    socket.once('close', () => resolve(text))
    for (const piece of bytes) socket.write(piece)
  })
}
