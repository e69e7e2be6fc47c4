import { parse } from 'yaml'
import { EtcdClient, type EtcdTls } from '../../etcd/client.ts'
import { methods } from '../../etcd/messages.ts'
import type { Disk, HostWorld } from '../../world/world.ts'
import { paths } from '../paths.ts'
import { memberList } from './members.ts'

/** How an etcd is reached: by flags as etcdctl has them, or as the host's own static pod says. */
export interface EtcdAccess {
  readonly endpoints: readonly string[]
  readonly tls: EtcdTls | undefined
  /** Whether the endpoints are the host's own, so that the whole cluster is meant. */
  readonly ofHost: boolean
}

export interface AccessFlags {
  /** With commas between; without a scheme they are reached as the certificates say. */
  readonly endpoints?: string | undefined
  readonly cacert?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** Instead of `/etc/kubernetes`. */
  readonly kubernetesDir?: string | undefined
}

/** There is no telling where etcd is, or with which certificates. */
export class EtcdAccessError extends Error {}

/** What the flags say, and for what they leave open the host's files. Throws `EtcdAccessError`. */
export async function findEtcd(world: Pick<HostWorld, 'disk'>, flags: AccessFlags): Promise<EtcdAccess> {
  const folder = flags.kubernetesDir ?? paths.kubernetes
  const manifest = flags.endpoints === undefined ? await readEtcdManifest(world.disk, folder) : undefined
  if (flags.endpoints === undefined && manifest === undefined) {
    throw new EtcdAccessError(`no --endpoints given, and ${folder}/manifests/etcd.yaml is not there`)
  }
  const given = flags.endpoints?.split(',').filter((endpoint) => endpoint !== '')
  const fromManifest = manifest && endpointsOf(manifest)
  const raw = given ?? fromManifest ?? ['http://127.0.0.1:2379']
  if (raw.length === 0) throw new EtcdAccessError('--endpoints is empty')
  const needsTls = raw.some((endpoint) => endpoint.startsWith('https://')) || flags.cacert !== undefined
  const tls = needsTls ? await readTls(world.disk, flags, `${folder}/pki/etcd`) : undefined
  return { endpoints: raw.map((endpoint) => withScheme(endpoint, tls !== undefined)), tls, ofHost: !given }
}

/**
 * The host's own first. Its etcd may be the one that is down, so those that it was started with come behind, where
 * kubeadm has them serve clients: port 2379 of the host of their peer URL.
 */
function endpointsOf(manifest: EtcdManifest): string[] | undefined {
  const own = manifest.flag('advertise-client-urls')?.split(',')
  if (!own) return undefined
  const peers = (manifest.flag('initial-cluster') ?? '').split(',').map((member) => member.replace(/^[^=]*=/, ''))
  const hosts = new Set(own.map((url) => URL.parse(url)?.hostname))
  const others = peers.flatMap((peer) => {
    const url = URL.parse(peer)
    if (!url || hosts.has(url.hostname)) return []
    url.port = '2379'
    return url.origin
  })
  return [...own, ...new Set(others)]
}

const withScheme = (endpoint: string, secure: boolean) => {
  const url = /^[a-z]+:\/\//.test(endpoint) ? endpoint : `${secure ? 'https' : 'http'}://${endpoint}`
  return url.replace(/\/+$/, '')
}

/** kubeadm makes `healthcheck-client` for this; operators also use those of the server and of peers. */
const pairs = ['healthcheck-client', 'server', 'peer']

/** What an etcd wants to see: named by flags, or the certificates of a host in a folder. Throws `EtcdAccessError`. */
export async function readTls(disk: Disk, flags: AccessFlags, folder: string): Promise<EtcdTls> {
  const ca = await required(disk, flags.cacert ?? `${folder}/ca.crt`, '--cacert')
  if ((flags.cert === undefined) !== (flags.key === undefined)) {
    throw new EtcdAccessError('--cert and --key are needed together')
  }
  if (flags.cert !== undefined && flags.key !== undefined) {
    return { ca, cert: await required(disk, flags.cert, '--cert'), key: await required(disk, flags.key, '--key') }
  }
  for (const name of pairs) {
    const [cert, key] = await Promise.all([disk.read(`${folder}/${name}.crt`), disk.read(`${folder}/${name}.key`)])
    if (cert !== undefined && key !== undefined) return { ca, cert, key }
  }
  // etcd may ask for no certificate.
  return { ca }
}

async function required(disk: Disk, path: string, flag: string): Promise<string> {
  const text = await disk.read(path)
  if (text !== undefined) return text
  throw new EtcdAccessError(`${path} is not there: say with ${flag} where it is`)
}

/** The static pod of etcd on a host. */
export interface EtcdManifest {
  readonly path: string
  readonly text: string
  /** The value of a flag of etcd's, without its dashes. */
  flag(name: string): string | undefined
}

/** Nothing when there is none. Throws `EtcdAccessError` when it cannot be understood. */
export async function readEtcdManifest(disk: Disk, kubernetesDir: string): Promise<EtcdManifest | undefined> {
  const path = `${kubernetesDir}/manifests/etcd.yaml`
  const text = await disk.read(path)
  return text === undefined ? undefined : parseManifest(path, text)
}

interface PodShape {
  readonly spec?: { readonly containers?: readonly { readonly command?: unknown; readonly args?: unknown }[] }
}

/** What the manifest of a static pod starts. Throws EtcdAccessError where that cannot be read from it. */
export function parseManifest(path: string, text: string): EtcdManifest {
  let pod: PodShape | null
  try {
    pod = parse(text) as PodShape | null
  } catch (error) {
    throw new EtcdAccessError(`${path} is no manifest: ${(error as Error).message.split('\n')[0]}`)
  }
  const container = pod?.spec?.containers?.[0]
  const words = [container?.command, container?.args].flatMap((list) => (Array.isArray(list) ? list.map(String) : []))
  if (words.length === 0) throw new EtcdAccessError(`${path} starts nothing`)
  return { path, text, flag: (name) => flagOf(words, name) }
}

/** `--name=value` and `--name value`, with one dash or two, as Go reads them. */
function flagOf(words: readonly string[], name: string): string | undefined {
  for (const [index, word] of words.entries()) {
    if (word === `--${name}` || word === `-${name}`) return words[index + 1]
    const [, value] = /^--?[^=]+=(.*)$/s.exec(word) ?? []
    if (value !== undefined && word.replace(/^--?/, '').startsWith(`${name}=`)) return value
  }
  return undefined
}

/** How long a host that says nothing is waited for before another is asked. */
const probeMs = 2_000

/** Clients of all endpoints together and of each alone; ends them all. */
export class EtcdConnections implements Disposable {
  readonly access: EtcdAccess
  readonly world: HostWorld
  /** What goes on at another endpoint when one does not serve. */
  readonly client: EtcdClient
  readonly #timeoutMs: number
  readonly #alone = new Map<string, EtcdClient>()

  private constructor(world: HostWorld, access: EtcdAccess, inOrder: readonly string[], timeoutMs: number) {
    this.world = world
    this.access = access
    this.#timeoutMs = timeoutMs
    this.client = this.#open(inOrder)
  }

  /**
   * Asks first those that answer: a host that is cut off swallows a call until its time is up, and a write is not
   * tried again elsewhere.
   */
  static async open(world: HostWorld, access: EtcdAccess, timeoutMs = 5_000): Promise<EtcdConnections> {
    const { endpoints } = access
    if (endpoints.length === 1) return new EtcdConnections(world, access, endpoints, timeoutMs)
    using probes = new EtcdConnections(world, access, endpoints, Math.min(probeMs, timeoutMs))
    const results = await Promise.allSettled(endpoints.map((endpoint) => probes.at(endpoint).read(methods.status, {})))
    const worth = results.map((result) => (result.status === 'rejected' ? 0 : result.value.leader === 0n ? 1 : 2))
    const inOrder = endpoints.map((_, index) => index).sort((one, other) => worth[other]! - worth[one]!)
    return new EtcdConnections(
      world,
      access,
      inOrder.map((index) => endpoints[index]!),
      timeoutMs,
    )
  }

  get clock() {
    return this.world.clock
  }

  at(endpoint: string): EtcdClient {
    const known = this.#alone.get(endpoint)
    if (known) return known
    const client = this.#open([endpoint])
    this.#alone.set(endpoint, client)
    return client
  }

  /** For calls that may take long: defragmentation, snapshots. */
  patient(endpoint: string, timeoutMs: number): EtcdClient {
    return this.#open([endpoint], timeoutMs)
  }

  /** One for each member that is started: the first under which it wants to be reached. */
  async endpointsOfCluster(): Promise<readonly string[]> {
    const { members } = await memberList(this.client, { linearizable: false })
    return members.flatMap(({ clientUrls = [] }) => clientUrls)
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]()
    for (const client of this.#alone.values()) client[Symbol.dispose]()
  }

  #open(endpoints: readonly string[], timeoutMs = this.#timeoutMs): EtcdClient {
    const { tls } = this.access
    return new EtcdClient({ endpoints, ...(tls && { tls }), clock: this.clock, timeoutMs })
  }
}
