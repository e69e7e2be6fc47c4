import { X509Certificate } from 'node:crypto'
import { readAccessFlags } from '../../apiserver/access/flags.ts'
import { type AccessSettings, usualRequestHeaders } from '../../apiserver/access/settings.ts'
import { parseTokenFile } from '../../apiserver/authn/static-token.ts'
import { startEncryption } from '../../apiserver/encryption/start.ts'
import { checkFeatureGates } from '../../apiserver/feature-gates.ts'
import type { Handler } from '../../apiserver/handler.ts'
import type { ApiResponse } from '../../apiserver/request.ts'
import { readRuntimeConfig } from '../../apiserver/runtime-config.ts'
import { type Certificates, startServer } from '../../apiserver/server.ts'
import { answerUpgrades } from '../../apiserver/upgrade.ts'
import { kinds } from '../../kinds/index.ts'
import { createSigningKey } from '../../lifecycle/pki.ts'
import { createPki, serverHosts } from '../../lifecycle/pki-store.ts'
import { EtcdStore } from '../../store/etcd.ts'
import { LmdbStore } from '../../store/lmdb.ts'
import { MemoryStore } from '../../store/memory.ts'
import { type Store, StoreUnreachableError } from '../../store/store.ts'
import type { HostWorld } from '../../world/world.ts'
import { kubernetesVersion } from '../cluster.ts'
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '../control-plane.ts'
import { readEtcdEndpoint, startEtcdEndpoint } from '../etcd-endpoint.ts'
import { type AccessFlag, accessFlags } from '../serve.ts'
import { apiServerFlags } from './api-server-flags.ts'
import { contentOf, followFiles } from './certificate-files.ts'
import type { Component } from './component.ts'
import { EndpointLeases } from './endpoint-leases.ts'
import { ComponentFlagError, type GivenFlags } from './flags.ts'

/** The API server as a process of its own, over an etcd that it may share with others. */
export const apiServer: Component = {
  name: 'kube-apiserver',
  summary: 'Run an API server, as a static pod or a service does',
  flags: apiServerFlags,
  example:
    'coracle kube-apiserver --etcd-servers=https://127.0.0.1:2379 --tls-cert-file=/etc/kubernetes/pki/apiserver.crt …',
  run,
}

/** What those hear who are faster than the start. */
const notReady: ApiResponse = { status: 503, headers: { 'retry-after': '1' }, body: 'starting\n' }

async function run(flags: GivenFlags, world: HostWorld, interrupted: Promise<void>): Promise<void> {
  checkFeatureGates(flags.text('feature-gates') ?? '')
  const stop = new AbortController()
  void interrupted.then(() => stop.abort())
  const files = { ...world, signal: stop.signal }
  const isServed = readRuntimeConfig(flags.text('runtime-config') ?? '', kinds)
  const access = await accessOf(flags, world)
  const address = flags.text('advertise-address') ?? firstAddress(world)
  const port = flags.whole('secure-port')
  const signingKey = await signingKeyOf(flags, world)
  const tokens = await tokensOf(flags, files)
  const frontProxy = await frontProxyOf(flags, access, files)
  const nodeCredential = await pairOf(flags, 'kubelet-client-certificate', 'kubelet-client-key', files)
  const changed = async (next: Certificates) => {
    server.setCertificates(next)
    if (frontProxy && next.requestHeaderCa) frontProxy.authority = next.requestHeaderCa
    await controlPlane?.publishAuthorities(next.clientCa)
  }
  const certificates = await certificatesOf(flags, world, address, changed, stop.signal)

  // The port comes first: when it is taken, nothing else has begun.
  let controlPlane: ControlPlane | undefined
  const handler: Handler = async (request) => (controlPlane ? controlPlane.handler(request) : notReady)
  const server = await startServer({
    handler,
    upgrade: answerUpgrades(handler),
    host: flags.text('bind-address')!,
    port,
    certificates,
  })
  const below = await openStore(flags, world, stop.signal)
  if (!below) return server.close(0)
  const etcd = await serveEtcd(flags, below, world).catch(async (error: unknown) => {
    await server.close(0)
    await below[Symbol.asyncDispose]()
    throw error
  })
  const { store, healthChecks } = access.encryption
    ? await startEncryption(access.encryption, below, { ...world, kinds })
    : { store: below, healthChecks: {} }
  try {
    const options: ControlPlaneOptions = {
      world,
      store,
      signingKey,
      version: kubernetesVersion,
      serverAddress: `${address.includes(':') ? `[${address}]` : address}:${server.port}`,
      access,
      disk: world.disk,
      network: world.network,
      serviceCidrs: flags.list('service-cluster-ip-range'),
      nodePorts: nodePortsOf(flags),
      serviceAccountIssuer: flags.text('service-account-issuer')!,
      healthChecks: { ...healthChecks, ...storeChecks(store, world) },
      ...(tokens && { tokens }),
      ...(frontProxy && { frontProxy }),
      isShared: flags.list('etcd-servers').length > 0,
      ...(nodeCredential && { nodeCredential }),
      ...(flags.has('runtime-config') && { isServed }),
      ...(certificates.clientCa && { clientAuthority: certificates.clientCa }),
    }
    // etcd may be gone again meanwhile: what has been put into it is found, and the rest made.
    const isGone = (error: unknown) => error instanceof StoreUnreachableError
    controlPlane = await insistOnEtcd(() => startControlPlane(options), isGone, world, stop.signal)
    if (!controlPlane) return
    world.log('info', 'the API is served', { address, port: server.port })
    const { client } = controlPlane
    const leases = keepsEndpoints(flags, address)
      ? new EndpointLeases({ ...world, store, client, address, port: server.port })
      : undefined
    await leases?.start()
    await interrupted
    await leases?.stop()
    await world.clock.after(flags.milliseconds('shutdown-delay-duration'))
  } finally {
    await etcd?.[Symbol.asyncDispose]()
    await server.close()
    await controlPlane?.[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
  }
}

/** With the store out of reach, nobody should come here. */
const storeChecks = (store: Store, { clock }: HostWorld) => {
  const check = async () => {
    const over = new AbortController()
    const late = clock.after(storeCheckMs, over.signal).then(() => {
      throw new Error('context deadline exceeded')
    })
    try {
      await Promise.race([store.currentRevision(), late])
    } finally {
      over.abort()
      late.catch(() => {})
    }
  }
  return { etcd: check, 'etcd-readiness': check }
}

/** The reference's `--etcd-healthcheck-timeout`. */
const storeCheckMs = 2000

/** Endpoints may not lie on the loopback interface, where nobody else reaches them. */
const keepsEndpoints = (flags: GivenFlags, address: string) =>
  flags.text('endpoint-reconciler-type') !== 'none' && !/^(127\.|::1$)/.test(address)

const firstAddress = ({ machine }: HostWorld): string =>
  machine.addresses.find(({ internal, family }) => !internal && family === 4)?.address ?? '127.0.0.1'

async function accessOf(flags: GivenFlags, { disk }: HostWorld): Promise<AccessSettings> {
  const given = flags.pick(Object.keys(accessFlags) as AccessFlag[])
  const issuer = flags.text('service-account-issuer')!
  const settings = await readAccessFlags(lowerBooleans(given), (path) => disk.read(path), [issuer])
  const { requestHeaderCa, requestHeaders } = settings.authentication
  if (requestHeaderCa === undefined || requestHeaders !== undefined) return settings
  return { ...settings, authentication: { ...settings.authentication, requestHeaders: usualRequestHeaders } }
}

/** Go takes `True` as well; manifests of old have it. */
const lowerBooleans = (given: Partial<Record<AccessFlag, string>>) =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, /^(true|false)$/i.test(value) ? value.toLowerCase() : value]),
  ) as Partial<Record<AccessFlag, string>>

const certificateFlags = [
  'tls-cert-file',
  'tls-private-key-file',
  'client-ca-file',
  'requestheader-client-ca-file',
] as const

async function certificatesOf(
  flags: GivenFlags,
  world: HostWorld,
  address: string,
  use: (next: Certificates) => Promise<void>,
  signal: AbortSignal,
): Promise<Certificates> {
  const files = Object.fromEntries(certificateFlags.map((flag) => [flag, flags.text(flag)]))
  const own = flags.text('tls-cert-file')
    ? undefined
    : createPki({ hosts: serverHosts(address, '10.96.0.1'), tools: world })
  const of = (contents: Readonly<Partial<Record<string, string>>>): Certificates => {
    const certificate = contents['tls-cert-file'] ?? own!.server.certificate
    const key = contents['tls-private-key-file'] ?? own!.server.key
    const { 'client-ca-file': clientCa, 'requestheader-client-ca-file': requestHeaderCa } = contents
    for (const authority of [certificate, clientCa, requestHeaderCa]) if (authority) new X509Certificate(authority)
    return { certificate, key, ...(clientCa && { clientCa }), ...(requestHeaderCa && { requestHeaderCa }) }
  }
  return of(await followFiles(files, (contents) => use(of(contents)), { ...world, signal }))
}

async function signingKeyOf(flags: GivenFlags, { disk }: HostWorld): Promise<string> {
  const path = flags.text('service-account-signing-key-file')
  if (path) return contentOf(disk, path)
  if (flags.text('etcd-servers')) throw new ComponentFlagError('--service-account-signing-key-file is required')
  return createSigningKey().private
}

type Files = HostWorld & { readonly signal: AbortSignal }

/** The users of the file as it is now: the map changes with it. */
async function tokensOf(flags: GivenFlags, files: Files): Promise<ReturnType<typeof parseTokenFile> | undefined> {
  const path = flags.text('token-auth-file')
  if (!path) return undefined
  const tokens: ReturnType<typeof parseTokenFile> = new Map()
  const use = (text: string) => {
    const users = parseTokenFile(text)
    tokens.clear()
    for (const [digest, user] of users) tokens.set(digest, user)
  }
  const { 'token-auth-file': text = '' } = await followFiles(
    { 'token-auth-file': path },
    (contents) => use(contents['token-auth-file'] ?? ''),
    files,
  )
  use(text)
  return tokens
}

type FrontProxy = Pair & { authority: string }

/** What aggregated servers are shown. */
async function frontProxyOf(flags: GivenFlags, access: AccessSettings, files: Files): Promise<FrontProxy | undefined> {
  const authority = access.authentication.requestHeaderCa
  const pair = await pairOf(flags, 'proxy-client-cert-file', 'proxy-client-key-file', files)
  return pair && authority ? Object.assign(pair, { authority }) : undefined
}

interface Pair {
  certificate: string
  key: string
}

/** A certificate and its key, as the files are now: the pair changes with them. */
async function pairOf(
  flags: GivenFlags,
  forCertificate: string,
  forKey: string,
  files: Files,
): Promise<Pair | undefined> {
  const paths = { certificate: flags.text(forCertificate), key: flags.text(forKey) }
  if (!paths.certificate || !paths.key) return undefined
  const pair: Pair = { certificate: '', key: '' }
  const use = ({ certificate = '', key = '' }: Partial<Pair>) => void Object.assign(pair, { certificate, key })
  use(await followFiles(paths, use, files))
  return pair
}

function nodePortsOf(flags: GivenFlags): { readonly from: number; readonly to: number } {
  const text = flags.text('service-node-port-range')!
  const [, first, last] = /^(\d+)-(\d+)$/.exec(text) ?? []
  const [, base, size] = /^(\d+)\+(\d+)$/.exec(text) ?? []
  const range = first
    ? { from: Number(first), to: Number(last) }
    : { from: Number(base), to: Number(base) + Number(size) }
  if (range.from <= range.to && range.to <= 65_535) return range
  throw new ComponentFlagError(
    `invalid argument ${JSON.stringify(text)} for "--service-node-port-range" flag: not a valid port range: ${text}`,
  )
}

const retryMs = 500

/** etcd's protocol on the own store, where it is asked for. */
async function serveEtcd(flags: GivenFlags, store: Store, world: HostWorld): Promise<AsyncDisposable | undefined> {
  const listenUrl = flags.text('etcd-listen-client-url')
  if (!listenUrl) return undefined
  if (flags.list('etcd-servers').length > 0)
    throw new ComponentFlagError('--etcd-listen-client-url: the store is an etcd, which serves its clients itself')
  const [certFile, keyFile, trustedCaFile] = (['etcd-cert-file', 'etcd-key-file', 'etcd-trusted-ca-file'] as const).map(
    (name) => flags.text(name) || undefined,
  )
  const options = {
    listenUrl,
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
    ...(trustedCaFile !== undefined && { trustedCaFile }),
  }
  return startEtcdEndpoint(options, await readEtcdEndpoint(options, world), store, world)
}

/** The store; an etcd that cannot be reached is waited for. Nothing when it was asked to stop meanwhile. */
async function openStore(flags: GivenFlags, world: HostWorld, signal: AbortSignal): Promise<Store | undefined> {
  const endpoints = flags.list('etcd-servers')
  if (endpoints.length === 0) {
    const folder = flags.text('data-dir')
    return folder ? LmdbStore.open(`${folder}/store`, world) : new MemoryStore(world)
  }
  const tls = await etcdTls(flags, world, signal)
  const prefix = flags.text('etcd-prefix')!.replace(/\/?$/, '/')
  if (prefix !== '/registry/') throw new ComponentFlagError('--etcd-prefix: objects lie under /registry')
  const connect = () => EtcdStore.connect({ ...world, endpoints, prefix, ...(tls && { tls }) })
  return insistOnEtcd(connect, () => true, world, signal)
}

/** Tries until etcd is no more why it fails. Nothing when it was asked to stop meanwhile. */
export async function insistOnEtcd<T>(
  work: () => Promise<T>,
  isEtcd: (error: unknown) => boolean,
  { clock, log }: Pick<HostWorld, 'clock' | 'log'>,
  signal: AbortSignal,
): Promise<T | undefined> {
  for (let told = ''; !signal.aborted; ) {
    try {
      return await work()
    } catch (error) {
      if (!isEtcd(error)) throw error
      const { message } = error as Error
      if (message !== told) log('warn', 'etcd cannot be reached', { error: message })
      told = message
      await clock.after(retryMs, signal).catch(() => {})
    }
  }
  return undefined
}

interface EtcdTls {
  ca?: string
  cert?: string
  key?: string
}

/** What etcd is shown, as the files are now: each new connection looks at it. */
async function etcdTls(flags: GivenFlags, world: HostWorld, signal: AbortSignal): Promise<EtcdTls | undefined> {
  const names = ['etcd-cafile', 'etcd-certfile', 'etcd-keyfile'] as const
  if (!names.some((name) => flags.text(name))) return undefined
  const tls: EtcdTls = {}
  const use = (contents: Readonly<Partial<Record<(typeof names)[number], string>>>) => {
    const { 'etcd-cafile': ca, 'etcd-certfile': cert, 'etcd-keyfile': key } = contents
    Object.assign(tls, { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) })
  }
  const files = Object.fromEntries(names.map((name) => [name, flags.text(name)])) as Partial<
    Record<(typeof names)[number], string>
  >
  use(await followFiles(files, use, { ...world, signal }))
  return tls
}
