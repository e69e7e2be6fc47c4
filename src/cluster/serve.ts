import { parseTokenFile } from '../apiserver/authn/static-token.ts'
import type { Handler } from '../apiserver/handler.ts'
import type { ApiResponse } from '../apiserver/request.ts'
import { startServer } from '../apiserver/server.ts'
import { answerUpgrades } from '../apiserver/upgrade.ts'
import type { KubeconfigEntry } from '../lifecycle/kubeconfig.ts'
import { createPki, loadOrCreatePki, type PkiRequest, serverHosts } from '../lifecycle/pki-store.ts'
import { LmdbStore } from '../store/lmdb.ts'
import { StoreInUseError } from '../store/lmdb-lock.ts'
import { MemoryStore } from '../store/memory.ts'
import type { HostWorld } from '../world/world.ts'
import { type Cluster, startCluster } from './cluster.ts'

export { TokenFileError } from '../apiserver/authn/static-token.ts'

export interface ServeOptions {
  readonly world: HostWorld
  /** Where state, keys and certificates lie; absent: nothing is kept. */
  readonly dataDir?: string
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly nodes: number
  readonly apiOnly: boolean
  /** The text of a file of static tokens: see `parseTokenFile`. */
  readonly tokenFile?: string
}

/** A cluster behind a socket. */
export interface ServedCluster extends AsyncDisposable {
  readonly cluster: Cluster
  readonly url: string
  readonly port: number
  /** The administrator's way in. */
  readonly admin: Omit<KubeconfigEntry, 'name'>
  /** PEM of the authority that signed the server's certificate. */
  readonly certificateAuthority: string
}

/** What those hear who are faster than the start. */
const notReady: ApiResponse = { status: 503, headers: { 'retry-after': '1' }, body: 'starting\n' }

/** The first address of the service range: the API itself, for pods. */
const serviceAddress = '10.96.0.1'

/** Opens what is in the data directory, or begins anew, and serves it over TLS. */
export async function serveCluster(options: ServeOptions): Promise<ServedCluster> {
  const { world, dataDir, host } = options
  const tokens = options.tokenFile === undefined ? undefined : parseTokenFile(options.tokenFile)
  const request: PkiRequest = { hosts: serverHosts(host, serviceAddress), tools: world }
  const pki = dataDir ? await loadOrCreatePki(world.disk, `${dataDir}/pki`, request) : createPki(request)
  const store = dataDir ? await openStore(`${dataDir}/store`, world) : new MemoryStore(world)
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host

  // The port comes first: when it is taken, nothing else has begun.
  let cluster: Cluster | undefined
  const handler: Handler = async (request) => (cluster ? cluster.handler(request) : notReady)
  const server = await startServer({
    handler,
    upgrade: answerUpgrades(handler),
    host,
    port: options.port,
    certificates: { certificate: pki.server.certificate, key: pki.server.key, clientCa: pki.authority.certificate },
  }).catch(async (error: unknown) => {
    await store[Symbol.asyncDispose]()
    throw error
  })
  cluster = await startCluster({
    world,
    store,
    nodes: options.nodes,
    apiOnly: options.apiOnly,
    signingKey: pki.serviceAccountKey,
    identity: 'coracle',
    certificateAuthority: pki.authority.certificate,
    serverAddress: `${reachable}:${server.port}`,
    ...(tokens && { tokens }),
  }).catch(async (error: unknown) => {
    await server.close(0)
    await store[Symbol.asyncDispose]()
    throw error
  })
  const running = cluster
  const url = `https://${reachable.includes(':') ? `[${reachable}]` : reachable}:${server.port}`
  return {
    cluster: running,
    url,
    port: server.port,
    certificateAuthority: pki.authority.certificate,
    admin: {
      server: url,
      certificateAuthority: pki.authority.certificate,
      clientCertificate: pki.admin.certificate,
      clientKey: pki.admin.key,
    },
    async [Symbol.asyncDispose]() {
      await server.close()
      await running[Symbol.asyncDispose]()
    },
  }
}

const patienceMs = 1000

/** A process that was killed a moment ago may not be quite gone. */
async function openStore(directory: string, world: HostWorld): Promise<LmdbStore> {
  const giveUpAt = world.clock.monotonic() + patienceMs
  for (;;) {
    try {
      return await LmdbStore.open(directory, world)
    } catch (error) {
      if (!(error instanceof StoreInUseError) || world.clock.monotonic() > giveUpAt) throw error
      await world.clock.after(20)
    }
  }
}
