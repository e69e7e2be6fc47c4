import type { ApiRequest, ApiResponse } from '../../apiserver/request.ts'
import { type ApiServer, type Certificates, startServer } from '../../apiserver/server.ts'
import type { Metrics } from '../../base/metrics.ts'
import { Cache } from '../../client/cache.ts'
import type { Client } from '../../client/client.ts'
import { TokenReview } from '../../kinds/authentication/token-review.ts'
import { SubjectAccessReview } from '../../kinds/authorization/subject-access-review.ts'
import { ConfigMap } from '../../kinds/core/config-map.ts'
import { createAuthority, issueCertificate } from '../../lifecycle/pki.ts'
import { ApiError } from '../../schema/status.ts'
import type { HostWorld } from '../../world/world.ts'
import { followFiles } from './certificate-files.ts'
import type { ComponentFlags, GivenFlags } from './flags.ts'

/** Flags of the ports at which controllers and scheduler say how they are. */
export const componentServerFlags = (port: number): ComponentFlags => ({
  'bind-address': { help: 'address to listen on for health and metrics', usual: '0.0.0.0' },
  'secure-port': { help: 'port to listen on; 0: none', usual: String(port) },
  port: { help: 'port without TLS of old', usual: '0', without: 'there is none' },
  'tls-cert-file': { help: 'certificate of that port; absent: one of its own' },
  'tls-private-key-file': { help: 'its key' },
  'authentication-kubeconfig': { help: 'how to ask who asks for metrics', without: 'as --kubeconfig says' },
  'authorization-kubeconfig': { help: 'how to ask whether they may', without: 'as --kubeconfig says' },
  'authorization-always-allow-paths': { help: 'paths that everybody may read', usual: '/healthz,/readyz,/livez' },
  'authentication-tolerate-lookup-failure': {
    help: 'whether to go on when nobody can be asked',
    type: 'boolean',
    without: 'it does',
  },
  'requestheader-client-ca-file': { help: 'authority of front proxies', without: 'nobody comes through one' },
  'client-ca-file': { help: 'authorities of client certificates; absent: those that the API server publishes' },
})

export interface ComponentServerOptions {
  readonly flags: GivenFlags
  readonly world: HostWorld
  readonly client: Client
  readonly metrics: Metrics
  readonly signal: AbortSignal
}

/** Serves `/healthz` and its sisters to everybody, and `/metrics` to those whom the API server lets. */
export async function startComponentServer(options: ComponentServerOptions): Promise<ApiServer | undefined> {
  const { flags, world, signal } = options
  const port = flags.whole('secure-port')
  if (port === 0) return undefined
  const files = {
    certificate: flags.text('tls-cert-file'),
    key: flags.text('tls-private-key-file'),
    clientCa: flags.text('client-ca-file'),
  }
  let contents: Readonly<Partial<Record<keyof typeof files, string>>> = {}
  const own = ownCertificate(world)
  let published: string | undefined
  const certificates = (): Certificates => {
    const { certificate, key, clientCa = published } = contents
    const pair = certificate && key ? { certificate, key } : own
    return { ...pair, ...(clientCa !== undefined && { clientCa }) }
  }
  const use = (next: typeof contents) => {
    contents = next
    server.setCertificates(certificates())
  }
  contents = await followFiles(files, use, { ...world, signal })
  const handler = (request: ApiRequest) => answer(request, options)
  const server = await startServer({ handler, host: flags.text('bind-address')!, port, certificates: certificates() })
  if (contents.clientCa === undefined) {
    followPublished(options, (clientCa) => {
      published = clientCa
      server.setCertificates(certificates())
    })
  }
  return server
}

/** The authorities whose client certificates the API server believes, whenever it says something else of them. */
function followPublished({ client, world, signal }: ComponentServerOptions, changed: (clientCa?: string) => void) {
  const where = { namespace: 'kube-system', fieldSelector: 'metadata.name=extension-apiserver-authentication' }
  const cache = new Cache(ConfigMap, { client, ...world, signal }, where)
  cache.onChange(({ object }) => changed(object?.data?.['client-ca-file']))
}

function ownCertificate(world: HostWorld) {
  const { hostName } = world.machine
  const authority = createAuthority(`${hostName}-ca`, world)
  return issueCertificate(
    authority,
    { commonName: hostName, hosts: [hostName, 'localhost', '127.0.0.1'], usages: ['server'] },
    world,
  )
}

const plain = { 'content-type': 'text/plain; charset=utf-8' }
const health: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/livez'])

async function answer(request: ApiRequest, { flags, client, metrics }: ComponentServerOptions): Promise<ApiResponse> {
  const path = request.url.split('?')[0]!
  try {
    if (!flags.list('authorization-always-allow-paths').includes(path)) await requireRight(request, path, client)
  } catch (error) {
    if (error instanceof ApiError) return { status: error.code, headers: plain, body: `${error.message}\n` }
    throw error
  }
  if (health.has(path)) return { status: 200, headers: plain, body: 'ok' }
  if (path === '/metrics')
    return {
      status: 200,
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
      body: metrics.print(),
    }
  return { status: 404, headers: plain, body: '404 page not found\n' }
}

/** As the reference's components do: the API server says who somebody with a token is, and what anybody may. */
async function requireRight(request: ApiRequest, path: string, client: Client): Promise<void> {
  const { user, groups } = await whoAsks(request, client)
  const spec = { user, groups: [...groups], nonResourceAttributes: { path, verb: 'get' } }
  const asked = await client.create<SubjectAccessReview>(SubjectAccessReview, { metadata: {}, spec })
  if (!asked.status?.allowed)
    throw new ApiError('Forbidden', `forbidden: User ${JSON.stringify(user)} cannot get path ${JSON.stringify(path)}`)
}

async function whoAsks({ certificate, headers }: ApiRequest, client: Client): Promise<Asker> {
  if (certificate)
    return { user: certificate.commonName, groups: [...certificate.organizations, 'system:authenticated'] }
  const token = /^Bearer (.+)$/.exec(headers['authorization'] ?? '')?.[1]
  if (!token) return { user: 'system:anonymous', groups: ['system:unauthenticated'] }
  const review = await client.create<TokenReview>(TokenReview, { metadata: {}, spec: { token } })
  const { authenticated, user } = review.status ?? {}
  if (!authenticated) throw new ApiError('Unauthorized', 'Unauthorized')
  return { user: user?.username ?? '', groups: user?.groups ?? [] }
}

interface Asker {
  readonly user: string
  readonly groups: readonly string[]
}
