import { createPrivateKey, X509Certificate } from 'node:crypto'
import { type AccessFlags, readAccessFlags } from '../apiserver/access/flags.ts'
import { type AccessSettings, usualRequestHeaders } from '../apiserver/access/settings.ts'
import { defaultIssuer } from '../apiserver/authn/service-account-tokens.ts'
import { parseTokenFile } from '../apiserver/authn/static-token.ts'
import { type StartedEncryption, startEncryption } from '../apiserver/encryption/start.ts'
import { checkFeatureGates, SettingError } from '../apiserver/feature-gates.ts'
import type { Handler } from '../apiserver/handler.ts'
import type { ApiResponse } from '../apiserver/request.ts'
import { readRuntimeConfig } from '../apiserver/runtime-config.ts'
import { prepareToServe, startServer } from '../apiserver/server.ts'
import { answerUpgrades } from '../apiserver/upgrade.ts'
import { UnknownControllerError } from '../controllers/index.ts'
import { kinds } from '../kinds/index.ts'
import type { KubeconfigEntry } from '../lifecycle/kubeconfig.ts'
import { type ClusterPki, createPki, loadOrCreatePki, type PkiRequest, serverHosts } from '../lifecycle/pki-store.ts'
import { parseRules, RulesError } from '../metrics/prometheus/rules.ts'
import { ConfigurationError, parseConfiguration, type SchedulerSettings } from '../scheduler/configuration.ts'
import { withContents } from '../scheduler/extenders/settings.ts'
import { LmdbStore } from '../store/lmdb.ts'
import { StoreInUseError } from '../store/lmdb-lock.ts'
import { MemoryStore } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import type { HostWorld, MessageServer } from '../world/world.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { type EtcdEndpointOptions, readEtcdEndpoint, startEtcdEndpoint } from './etcd-endpoint.ts'
import { followCertificates } from './local-certificates.ts'

export { type AccessFlag, type AccessFlags, accessFlags } from '../apiserver/access/flags.ts'
export { TokenFileError } from '../apiserver/authn/static-token.ts'
export { SettingError } from '../apiserver/feature-gates.ts'

export interface ServeOptions {
  readonly world: HostWorld
  /** Where state, keys and certificates lie; absent: nothing is kept. */
  readonly dataDir?: string
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly nodes: number
  readonly apiOnly: boolean
  /** Where pods and services get their addresses from: see `ClusterOptions`. Services begin with 10.96.0.0/12. */
  readonly podCidrs?: readonly string[]
  readonly serviceCidrs?: readonly string[]
  /** The text of a file of static tokens: see `parseTokenFile`. */
  readonly tokenFile?: string
  /** kube-apiserver's flags about who is let in, by name without dashes. */
  readonly accessFlags?: AccessFlags
  /** kube-apiserver's `--runtime-config` and `--feature-gates`; what is not there is a `SettingError`. */
  readonly runtimeConfig?: string
  readonly featureGates?: string
  /** Which controllers run, as `kube-controller-manager --controllers` has it; an unknown one is a `SettingError`. */
  readonly controllers?: readonly string[]
  /** The text of a KubeSchedulerConfiguration. What is wrong there is a `SettingError`. */
  readonly schedulerConfig?: string
  /** Where custom and external metrics come from, and the text of the rules. What is wrong there is a `SettingError`. */
  readonly prometheus?: { readonly url: string; readonly rules: string }
  /** Where the names of services are answered for, on `host`; 0: any free port. Absent: nowhere. A port in use is a `DnsPortError`. */
  readonly dnsPort?: number
  /** Serves etcd's own protocol on the store. What is wrong there is a `SettingError`. */
  readonly etcd?: EtcdEndpointOptions
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
  /** Where etcd's protocol is served. */
  readonly etcdUrl?: string
  /** Where names are answered for, over UDP and TCP. */
  readonly dnsPort?: number
}

/** Names cannot be answered for where somebody else does. */
export class DnsPortError extends Error {}

/** What those hear who are faster than the start. */
const notReady: ApiResponse = { status: 503, headers: { 'retry-after': '1' }, body: 'starting\n' }

/** The first address of the service range: the API itself, for pods. */
const serviceAddress = '10.96.0.1'

/** Opens what is in the data directory, or begins anew, and serves it over TLS. */
export async function serveCluster(options: ServeOptions): Promise<ServedCluster> {
  const { world, dataDir, host } = options
  prepareToServe()
  checkFeatureGates(options.featureGates ?? '')
  const scheduler =
    options.schedulerConfig === undefined ? undefined : await schedulerOf(options.schedulerConfig, world)
  if (options.prometheus) checkRules(options.prometheus.rules)
  const isServed = readRuntimeConfig(options.runtimeConfig ?? '', kinds)
  const tokens = options.tokenFile === undefined ? undefined : parseTokenFile(options.tokenFile)
  const etcdTls = options.etcd && (await readEtcdEndpoint(options.etcd, world))
  const request: PkiRequest = { hosts: serverHosts(host, serviceAddress), tools: world }
  const { pki, access, below } = await openPlace(options, request)
  const { requestHeaderCa } = access.authentication
  const { store, healthChecks } = await encrypted(below, access, world)
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host

  const stop = new AbortController()
  const frontProxy = { authority: pki.frontProxy.authority.certificate, ...pki.frontProxy.client }

  // The port comes first: when it is taken, nothing else has begun.
  let cluster: Cluster | undefined
  const handler: Handler = async (request) => (cluster ? cluster.handler(request) : notReady)
  const server = await startServer({
    handler,
    upgrade: answerUpgrades(handler),
    host,
    port: options.port,
    certificates: {
      ...{ certificate: pki.server.certificate, key: pki.server.key, clientCa: pki.authority.certificate },
      ...(requestHeaderCa && { requestHeaderCa }),
    },
  }).catch(async (error: unknown) => {
    await store[Symbol.asyncDispose]()
    throw error
  })
  cluster = await startCluster({
    world,
    network: world.network,
    disk: world.disk,
    access,
    store,
    nodes: options.nodes,
    apiOnly: options.apiOnly,
    signingKey: pki.serviceAccountKey,
    identity: 'coracle',
    certificateAuthority: pki.authority.certificate,
    certificateAuthorityKey: pki.authority.key,
    frontProxy,
    serverAddress: `${reachable}:${server.port}`,
    ...(healthChecks && { healthChecks }),
    ...(options.podCidrs && { podCidrs: options.podCidrs }),
    ...(options.serviceCidrs && { serviceCidrs: options.serviceCidrs }),
    ...(options.runtimeConfig && { isServed }),
    ...(tokens && { tokens }),
    ...(options.controllers && { controllers: options.controllers }),
    ...(scheduler && { scheduler }),
    ...(options.prometheus && { prometheus: options.prometheus }),
  }).catch(async (error: unknown) => {
    await server.close(0)
    await store[Symbol.asyncDispose]()
    throw error instanceof UnknownControllerError ? new SettingError(`--controllers: ${error.message}`) : error
  })
  const running = cluster
  if (dataDir) {
    await followCertificates(
      `${dataDir}/pki`,
      world,
      stop.signal,
      async ({ frontProxy: front, clientCaKey, ...own }) => {
        const { authority, client } = front
        const isOwn = requestHeaderCa === pki.frontProxy.authority.certificate
        const believed = isOwn ? authority.certificate : requestHeaderCa
        server.setCertificates({ ...own, ...(believed && { requestHeaderCa: believed }) })
        Object.assign(frontProxy, { authority: authority.certificate, ...client })
        // One of the two files comes first: what does not belong together signs nothing.
        const isPair = new X509Certificate(own.clientCa).checkPrivateKey(createPrivateKey(clientCaKey))
        if (isPair) await running.useAuthority({ certificate: own.clientCa, key: clientCaKey })
      },
    )
  }
  // Below the encryption: what lies there is shown as it lies there.
  const etcd =
    options.etcd &&
    (await startEtcdEndpoint(options.etcd, etcdTls, below, world).catch(async (error: unknown) => {
      await server.close(0)
      await running[Symbol.asyncDispose]()
      throw error
    }))
  const dns = await startNames(options, running).catch(async (error: unknown) => {
    await etcd?.[Symbol.asyncDispose]()
    await server.close(0)
    await running[Symbol.asyncDispose]()
    throw error
  })
  const url = `https://${reachable.includes(':') ? `[${reachable}]` : reachable}:${server.port}`
  return {
    cluster: running,
    url,
    port: server.port,
    certificateAuthority: pki.authority.certificate,
    ...(etcd && { etcdUrl: etcd.url }),
    ...(dns && { dnsPort: dns.port }),
    admin: {
      server: url,
      certificateAuthority: pki.authority.certificate,
      clientCertificate: pki.admin.certificate,
      clientKey: pki.admin.key,
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await dns?.[Symbol.asyncDispose]()
      await etcd?.[Symbol.asyncDispose]()
      await server.close()
      await running[Symbol.asyncDispose]()
    },
  }
}

async function startNames(
  { world, host, dnsPort }: ServeOptions,
  { caches }: Cluster,
): Promise<MessageServer | undefined> {
  if (dnsPort === undefined) return undefined
  // Most clusters answer for no names.
  const { startDns } = await import('../network/dns/server.ts')
  try {
    return await startDns({ ...world, caches, at: { host, port: dnsPort } })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw code === 'EADDRINUSE' ? new DnsPortError(`port ${dnsPort} of ${host} is in use`, { cause: error }) : error
  }
}

interface Place {
  readonly pki: ClusterPki
  readonly access: AccessSettings
  /** The store, without encryption. */
  readonly below: Store
}

/** What the data directory holds: files and database, each read while the other is. */
async function openPlace(options: ServeOptions, request: PkiRequest): Promise<Place> {
  const { world, dataDir } = options
  if (dataDir === undefined) {
    const pki = createPki(request)
    return { pki, access: await accessOf(options, pki), below: new MemoryStore(world) }
  }
  await world.disk.makeFolder(dataDir)
  const opening = openStore(`${dataDir}/store`, world)
  // What is wrong with it is said below.
  opening.catch(() => {})
  try {
    const pki = await loadOrCreatePki(world.disk, `${dataDir}/pki`, request)
    return { pki, access: await accessOf(options, pki), below: await opening }
  } catch (error) {
    await opening.then(
      (store) => store[Symbol.asyncDispose](),
      () => {},
    )
    throw error
  }
}

/** The store with what the flags say about encryption in front of it; with none, the store itself. */
async function encrypted(
  store: Store,
  { encryption }: AccessSettings,
  world: HostWorld,
): Promise<Partial<StartedEncryption> & { readonly store: Store }> {
  if (encryption === undefined) return { store }
  return startEncryption(encryption, store, { ...world, kinds }).catch(async (error: unknown) => {
    await store[Symbol.asyncDispose]()
    throw error
  })
}

async function schedulerOf(text: string, { disk }: HostWorld): Promise<SchedulerSettings> {
  try {
    const settings = parseConfiguration(text)
    const read = async (file: string) => {
      const content = await disk.read(file)
      if (content === undefined) throw new ConfigurationError(`open ${file}: no such file or directory`)
      return content
    }
    return { ...settings, extenders: await withContents(settings.extenders, read) }
  } catch (error) {
    if (error instanceof ConfigurationError) throw new SettingError(`--scheduler-config: ${error.message}`)
    throw error
  }
}

/** Before anything has begun. */
function checkRules(text: string): void {
  try {
    parseRules(text)
  } catch (error) {
    if (error instanceof RulesError) throw new SettingError(`--metrics-rules: ${error.message}`)
    throw error
  }
}

/** What the flags say. Front proxies are believed as kubeadm has it, unless somebody names another authority. */
async function accessOf({ accessFlags = {}, world }: ServeOptions, pki: ClusterPki): Promise<AccessSettings> {
  const settings = await readAccessFlags(accessFlags, (path) => world.disk.read(path), [defaultIssuer])
  if (settings.authentication.requestHeaders) return settings
  const requestHeaderCa = pki.frontProxy.authority.certificate
  return {
    ...settings,
    authentication: { ...settings.authentication, requestHeaderCa, requestHeaders: usualRequestHeaders },
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
