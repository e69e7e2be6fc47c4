import { createHmac, timingSafeEqual } from 'node:crypto'
import { parse } from 'yaml'
import { formatDuration } from '../../base/duration.ts'
import type { KubeconfigEndpoint } from '../../client/kubeconfig.ts'
import { ApiError, isForbidden, isNotFound } from '../../schema/status.ts'
import type { Clock, Disk, Network } from '../../world/world.ts'
import { LifecycleError } from '../failure.ts'
import { parseBundle, requireValid } from '../pki/files.ts'
import { readDiscovery, writeKubeconfig } from '../pki/kubeconfigs.ts'
import { readClusterInfo, signaturePrefix } from './access.ts'
import type { Connect } from './connect.ts'
import { joinHint, parsePins, requirePinned } from './pins.ts'
import { parseToken, type Token } from './token.ts'

/** The cluster that was found, and that is the right one. */
export interface DiscoveredCluster {
  /** URL of the API server. */
  readonly server: string
  /** PEM, a bundle while one authority replaces another. */
  readonly certificateAuthority: string
  /** How a discovery file says to speak to it; absent after discovery by token. */
  readonly credential?: Pick<KubeconfigEndpoint, 'clientCertificate' | 'clientKey' | 'token'>
}

export interface TokenDiscovery {
  /** `HOST:PORT` */
  readonly endpoint: string
  readonly token: string
  /** `sha256:…`, any of which may be the authority's. Without one the token alone says whom to believe. */
  readonly caCertHashes: readonly string[]
  /** How long to wait for a server that is just coming up, and for its signature; default five minutes. */
  readonly timeoutMs?: number
}

export interface DiscoveryWorld {
  readonly clock: Clock
  readonly connect: Connect
  /** Told what is waited for, when it takes longer than it should. */
  readonly say?: (line: string) => void
}

const defaultTimeoutMs = 5 * 60_000
/** A server that is well has signed for a new token by then. */
const silentMs = 1000
const firstDelayMs = 250
const longestDelayMs = 5000

/**
 * Finds out which cluster answers, before anything is believed: what `cluster-info` says must be signed with the token,
 * its authority must be pinned, and the server must show a certificate of that authority when it is asked again.
 * @throws LifecycleError with what was wrong: token, hash, clock or server
 */
export async function discoverByToken(asked: TokenDiscovery, world: DiscoveryWorld): Promise<DiscoveredCluster> {
  const token = parseToken(asked.token)
  const pins = parsePins(asked.caCertHashes)
  const server = `https://${asked.endpoint}`
  const giveUpAt = world.clock.monotonic() + (asked.timeoutMs ?? defaultTimeoutMs)
  const heard = await signedInfo({ server, skipServerVerification: true }, token, giveUpAt, world)
  const found = clusterIn(heard)
  for (const authority of parseBundle(found.certificateAuthority, 'the authority in cluster-info')) {
    requireValid(authority, "the cluster's authority", world.clock, 'make a new one: coracle certs rescue')
  }
  if (pins.length === 0) return found
  requirePinned(found.certificateAuthority, pins)
  const secure = { server, certificateAuthority: found.certificateAuthority }
  const again = await signedInfo(secure, token, giveUpAt, world)
  if (again !== heard) {
    throw new LifecycleError(
      'the second kubeconfig from the cluster-info ConfigMap (using validated TLS) was different from the first',
      { hint: 'somebody stands between this host and the cluster, or the cluster is being changed: try again' },
    )
  }
  return found
}

/** What `cluster-info` says, signed with the token. Insists while the server or the signature may be on its way. */
async function signedInfo(
  endpoint: KubeconfigEndpoint,
  token: Token,
  giveUpAt: number,
  world: DiscoveryWorld,
): Promise<string> {
  const { clock } = world
  await using client = world.connect(endpoint)
  const sayWhy = waiting(giveUpAt, world)
  for (let delayMs = firstDelayMs; ; delayMs = Math.min(delayMs * 2, longestDelayMs)) {
    const answer = await attempt(() => readClusterInfo(client))
    const data = answer instanceof LifecycleError ? {} : (answer?.data ?? {})
    const signature = data[signaturePrefix + token.id]
    if (signature !== undefined) return verified(data['kubeconfig'], signature, token)
    const failure = answer instanceof LifecycleError ? explained(answer, clock) : unsigned(token)
    if (answer instanceof LifecycleError && isHopeless(answer)) throw failure
    if (clock.monotonic() + delayMs > giveUpAt) throw failure
    sayWhy(failure)
    await clock.after(delayMs)
  }
}

/** Whoever waits for minutes is told early why, and what to do when waiting does not help. */
function waiting(giveUpAt: number, { clock, say }: DiscoveryWorld): (failure: LifecycleError) => void {
  const begunAt = clock.monotonic()
  let said = ''
  return ({ message, hint }) => {
    const now = clock.monotonic()
    if (message === said || now - begunAt < silentMs) return
    said = message
    say?.(`[discovery] ${message}: ${hint}`)
    say?.(`[discovery] Trying again for ${formatDuration(Math.ceil((giveUpAt - now) / 1000) * 1000)}`)
  }
}

async function attempt<T>(ask: () => Promise<T>): Promise<T | LifecycleError> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return new LifecycleError(`failed to request the cluster-info ConfigMap: ${error.message}`, { cause: error })
  }
}

/** What waiting does not mend: a server that is there, and is not to be believed or does not let anybody read. */
function isHopeless({ message, cause }: LifecycleError): boolean {
  return isForbidden(cause) || isNotFound(cause) || /certificate|self.signed|altname/i.test(message)
}

function explained(error: LifecycleError, clock: Clock): LifecycleError {
  const { message, cause } = error
  const now = new Date(clock.now()).toISOString()
  if (/not yet valid|has expired|CERT_NOT_YET_VALID|CERT_HAS_EXPIRED/i.test(message)) {
    return new LifecycleError(message, {
      hint: `this host's clock says ${now}: when that is wrong, set it; when it is right, see "coracle certs check-expiration" on a control plane`,
      cause,
    })
  }
  if (/certificate|self.signed|altname/i.test(message)) {
    return new LifecycleError(message, {
      hint: "the server's certificate is not of the authority that cluster-info names, or does not hold for this name",
      cause,
    })
  }
  if (isForbidden(cause)) {
    return new LifecycleError(message, {
      hint: `this server does not let nodes find it: run "coracle init phase bootstrap-token" there`,
      cause,
    })
  }
  return new LifecycleError(message, { hint: 'see whether the address is right and the API server runs', cause })
}

const unsigned = ({ id }: Token) =>
  new LifecycleError(
    `could not find a JWS signature in the cluster-info ConfigMap for token ID ${JSON.stringify(id)}`,
    {
      hint: `token id ${JSON.stringify(id)} is invalid for this cluster or it has expired; ${joinHint}`,
    },
  )

function verified(kubeconfig: string | undefined, signature: string, token: Token): string {
  if (!kubeconfig) {
    throw new LifecycleError(
      "there is no kubeconfig key in the cluster-info ConfigMap. This API Server isn't set up for token bootstrapping, can't connect",
      { hint: 'on a control plane: coracle init phase bootstrap-token' },
    )
  }
  if (!isSignature(signature, kubeconfig, token)) {
    throw new LifecycleError(
      "failed to verify JWS signature of received cluster info object, can't trust this API Server",
      {
        hint: `the token's secret is wrong, or this is not the cluster it claims to be; ${joinHint}`,
      },
    )
  }
  return kubeconfig
}

/** A JSON web signature without its content (RFC 7515, appendix F), HS256 with the token's secret. */
function isSignature(signature: string, content: string, { id, secret }: Token): boolean {
  const [header = '', , given = ''] = signature.split('.')
  try {
    const { alg, kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg?: unknown; kid?: unknown }
    if (alg !== 'HS256' || kid !== id) return false
  } catch {
    return false
  }
  const body = `${header}.${Buffer.from(content).toString('base64url')}`
  const expected = createHmac('sha256', secret).update(body).digest()
  const actual = Buffer.from(given, 'base64url')
  return actual.length === expected.length && timingSafeEqual(actual, expected)
}

/** Where the cluster is, by what `cluster-info` says: it has no context. */
function clusterIn(kubeconfig: string): DiscoveredCluster {
  const clusters = (parse(kubeconfig) as { clusters?: readonly { cluster?: Record<string, unknown> }[] } | null)
    ?.clusters
  const cluster = clusters?.[0]?.cluster
  const data = cluster?.['certificate-authority-data']
  if (typeof cluster?.['server'] !== 'string' || typeof data !== 'string') {
    throw new LifecycleError('malformed kubeconfig in the cluster-info ConfigMap', {
      hint: 'on a control plane: coracle init phase bootstrap-token',
    })
  }
  return { server: cluster['server'], certificateAuthority: Buffer.from(data, 'base64').toString() }
}

/**
 * The cluster that a kubeconfig names, on the disk or at an `https://` address. One with a credential is asked whether
 * that authority is still its own; one without is believed.
 */
export async function discoverByFile(
  pathOrUrl: string,
  world: DiscoveryWorld & { readonly disk: Disk; readonly network: Network },
): Promise<DiscoveredCluster> {
  const text = pathOrUrl.startsWith('https://') ? await download(pathOrUrl, world) : await world.disk.read(pathOrUrl)
  if (text === undefined) {
    throw new LifecycleError(`the discovery file ${pathOrUrl} is not there`, {
      hint: 'it is a kubeconfig that names the cluster, or an https:// address of one',
    })
  }
  const endpoint = await readDiscovery(text, pathOrUrl, world.disk)
  const { server, certificateAuthority, clientCertificate, clientKey, token } = endpoint
  if (certificateAuthority === undefined) {
    throw new LifecycleError(`${pathOrUrl} holds no certificate-authority-data`, {
      hint: 'a discovery file names the authority of the cluster',
    })
  }
  const credential = {
    ...(clientCertificate !== undefined && { clientCertificate }),
    ...(clientKey !== undefined && { clientKey }),
    ...(token !== undefined && { token }),
  }
  if (Object.keys(credential).length === 0) return { server, certificateAuthority }
  await using client = world.connect(endpoint)
  const info = await attempt(() => readClusterInfo(client))
  if (info instanceof LifecycleError) throw explained(info, world.clock)
  const current = info?.data?.['kubeconfig'] ? clusterIn(info.data['kubeconfig']) : { server, certificateAuthority }
  return { ...current, credential }
}

async function download(url: string, { network }: { readonly network: Network }): Promise<string> {
  const answer = await network.request({ url, timeoutMs: 30_000 })
  const text = await answer.text(1024 * 1024)
  if (answer.status === 200) return text
  throw new LifecycleError(`${url} answered ${answer.status}`, { hint: 'see whether the address of the file is right' })
}

/** What `bootstrap-kubelet.conf` holds: by this the kubelet asks for its first certificate. */
export function bootstrapKubeconfig(cluster: DiscoveredCluster, tlsBootstrapToken: string): string {
  const { server, certificateAuthority, credential } = cluster
  const { clientCertificate: certificate, clientKey: key } = credential ?? {}
  return writeKubeconfig({
    clusterName: 'kubernetes',
    server,
    certificateAuthority,
    user: 'tls-bootstrap-token-user',
    credential: certificate && key ? { certificate, key } : { token: credential?.token ?? tlsBootstrapToken },
  })
}
