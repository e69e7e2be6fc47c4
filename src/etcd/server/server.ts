/**
 * etcd's own protocol (v3) in front of an embedded store, so that `etcdctl` and whatever else speaks it can read, write
 * and watch what is in it. A write through it is a write to the store: the API server's watchers see it like any other.
 */
import type { Store } from '../../store/store.ts'
import type { Clock } from '../../world/world.ts'
import { Alarms } from './alarms.ts'
import { authRoutes, clusterRoutes } from './cluster.ts'
import { type GrpcServer, type ServerTls, startGrpcServer } from './grpc.ts'
import { apiVersion, Identity } from './identity.ts'
import { kvRoutes, requestBytesMax } from './kv.ts'
import { leaseRoutes } from './lease.ts'
import { maintenanceRoutes } from './maintenance.ts'
import { watchRoute } from './watch.ts'

export interface EtcdServerOptions {
  /** An embedded one. Whoever starts the server disposes of it, after the server. */
  readonly store: Store
  readonly clock: Clock
  /** `http://127.0.0.1:2379`; with `tls`, `https://…`. Port 0: any free one. */
  readonly listenUrl: string
  readonly tls?: ServerTls
  /** The largest that the store may get by puts through this server, as etcd's `--quota-backend-bytes`; 0: any size. */
  readonly quotaBytes?: number
  readonly progressIntervalMs?: number
}

export interface EtcdServer extends AsyncDisposable {
  readonly url: string
}

/** An address that cannot be listened on, or must not be. The message says what to do. */
export class ListenUrlError extends Error {}

/** gRPC lets a message be so much larger than what etcd takes for a request. */
const overheadBytes = 512 * 1024

/** Rejects with `ListenUrlError`, or as listening does. */
export async function startEtcdServer(options: EtcdServerOptions): Promise<EtcdServer> {
  const { store, clock, tls, progressIntervalMs } = options
  const { host, port, protocol } = checkListenUrl(options.listenUrl, tls)
  const clientUrls: string[] = []
  const identity = new Identity(clientUrls)
  const alarms = new Alarms(store, options.quotaBytes ?? 0)
  const server: GrpcServer = await startGrpcServer({
    host,
    port,
    ...(tls && { tls }),
    messageBytesMax: requestBytesMax + overheadBytes,
    plain: answerPlainly(alarms),
    routes: [
      ...kvRoutes({ store, identity, alarms }),
      ...[watchRoute({ store, identity, clock, ...(progressIntervalMs && { progressIntervalMs }) })],
      ...leaseRoutes(store, identity),
      ...maintenanceRoutes({ store, identity, alarms }),
      ...clusterRoutes(store, identity),
      ...authRoutes(store, identity),
    ],
  })
  const url = `${protocol}//${host.includes(':') ? `[${host}]` : host}:${server.port}`
  clientUrls.push(url)
  return { url, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

/** Throws `ListenUrlError`: without TLS and client certificates only this machine may ask. */
export function checkListenUrl(
  listenUrl: string,
  tls: ServerTls | undefined,
): { readonly host: string; readonly port: number; readonly protocol: string } {
  if (!URL.canParse(listenUrl)) throw new ListenUrlError(`${listenUrl} is no URL, such as http://127.0.0.1:2379`)
  const { protocol, hostname, pathname, port } = new URL(listenUrl)
  if ((protocol !== 'http:' && protocol !== 'https:') || pathname !== '/')
    throw new ListenUrlError(`${listenUrl} is no address to listen on, such as http://127.0.0.1:2379`)
  const host = hostname.replace(/^\[|\]$/g, '')
  requireGuarded(listenUrl, protocol, isLoopback(host), tls)
  return { host, port: port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port), protocol }
}

function requireGuarded(url: string, protocol: string, isLocal: boolean, tls: ServerTls | undefined): void {
  const flags = 'https with --etcd-cert-file, --etcd-key-file and --etcd-trusted-ca-file'
  if (protocol === 'http:' && tls !== undefined)
    throw new ListenUrlError(`${url} has no TLS, though a certificate is given: begin it with https`)
  if (protocol === 'https:' && tls === undefined)
    throw new ListenUrlError(`${url} needs a certificate: give --etcd-cert-file and --etcd-key-file`)
  if (isLocal) return
  if (tls === undefined)
    throw new ListenUrlError(
      `${url} is not a loopback address, and without TLS anybody who reaches it could read and change everything: use ${flags}`,
    )
  if (tls.clientCa === undefined)
    throw new ListenUrlError(
      `${url} is not a loopback address, and without client certificates anybody who reaches it could read and change everything: use ${flags}`,
    )
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** What etcd answers at the same port to plain HTTP. */
function answerPlainly(alarms: Alarms): (path: string) => { status: number; body: string } {
  return (path) => {
    const [at] = path.split('?')
    if (at === '/health')
      return alarms.isRaised
        ? { status: 503, body: '{"health":"false","reason":"ALARM NOSPACE"}' }
        : { status: 200, body: '{"health":"true","reason":""}' }
    if (at === '/version') {
      const cluster = apiVersion.replace(/\.\d+$/, '.0')
      return { status: 200, body: JSON.stringify({ etcdserver: apiVersion, etcdcluster: cluster }) }
    }
    return { status: 404, body: '404 page not found\n' }
  }
}
