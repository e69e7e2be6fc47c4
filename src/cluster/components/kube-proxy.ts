import { checkFeatureGates } from '../../apiserver/feature-gates.ts'
import { addProcessMetrics } from '../../apiserver/process-metrics.ts'
import { Metrics } from '../../base/metrics.ts'
import { CacheSet } from '../../client/cache.ts'
import { Node } from '../../kinds/core/node.ts'
import { removeRules, ServiceProxy } from '../../network/proxy/proxy.ts'
import { toCaches } from '../../reconciler/caches.ts'
import type { HostWorld } from '../../world/world.ts'
import { kubernetesVersion } from '../cluster.ts'
import type { Component } from './component.ts'
import { connectComponent, untilServed } from './component-client.ts'
import { ComponentFlagError, type ComponentFlags, commonFlags, type GivenFlags } from './flags.ts'
import { type Address, type KernelSettings, type ProxySettings, proxySettings } from './kube-proxy-configuration.ts'
import { PatientServer } from './patient-server.ts'

const flags: ComponentFlags = {
  ...commonFlags,
  config: { help: 'file with a KubeProxyConfiguration; of the flags only --hostname-override counts beside it' },
  kubeconfig: { help: 'how to reach the API server' },
  master: { help: 'address of the API server instead of the one in the kubeconfig', without: 'the kubeconfig says' },
  'hostname-override': { help: 'name of the node; usually that of the host' },
  'proxy-mode': { help: 'iptables, nftables: endpoints at random; ipvs: one after the other' },
  'cluster-cidr': { help: 'addresses of pods: others get the address of the node' },
  'detect-local-mode': { help: 'how pods are recognised: ClusterCIDR, BridgeInterface, InterfaceNamePrefix' },
  'pod-bridge-interface': { help: 'interface at which packets of pods come in' },
  'pod-interface-name-prefix': { help: 'how the names of such interfaces begin' },
  'masquerade-all': { help: 'whether all connections to services get the address of the node', type: 'boolean' },
  'iptables-masquerade-bit': { help: 'bit of the mark of packets that get the address of the node', usual: '14' },
  'nodeport-addresses': { help: 'ranges of addresses on which node ports are open; usually all' },
  'healthz-bind-address': { help: 'where it says whether it is well', usual: '0.0.0.0:10256' },
  'bind-address-hard-fail': { help: 'whether an address that is taken is a reason to end', type: 'boolean' },
  'metrics-bind-address': { help: 'where it says what it does', usual: '127.0.0.1:10249' },
  'iptables-sync-period': { help: 'how often rules are looked for that are gone', usual: '30s' },
  'iptables-min-sync-period': { help: 'how long changes are gathered', usual: '1s' },
  'ipvs-sync-period': { help: 'as --iptables-sync-period', usual: '30s' },
  'ipvs-min-sync-period': { help: 'as --iptables-min-sync-period', usual: '1s' },
  'nftables-sync-period': { help: 'as --iptables-sync-period', usual: '30s' },
  'nftables-min-sync-period': { help: 'as --iptables-min-sync-period', usual: '1s' },
  'ipvs-scheduler': { help: 'who is next: rr' },
  cleanup: { help: 'take the rules away, and end', type: 'boolean' },
  'bind-address': { help: 'family of the node', without: 'both families are looked after' },
  'config-sync-period': { help: 'how often the API is asked again', without: 'it is watched' },
  'oom-score-adj': { help: 'how gladly the kernel ends it when memory runs out', usual: '-999' },
  'conntrack-max-per-core': {
    help: 'connections to remember for each processor; 0: as the kernel has it',
    usual: '32768',
  },
  'conntrack-min': { help: 'connections to remember at least', usual: '131072' },
  'conntrack-tcp-timeout-established': { help: 'how long open ones are remembered', usual: '24h0m0s' },
  'conntrack-tcp-timeout-close-wait': { help: 'how long half closed ones are remembered', usual: '1h0m0s' },
  'conntrack-tcp-be-liberal': { help: 'whether packets beside the window are let through', type: 'boolean' },
  'conntrack-udp-timeout': { help: 'how long single datagrams are remembered; 0: as the kernel has it', usual: '0s' },
  'conntrack-udp-timeout-stream': { help: 'how long conversations in datagrams are', usual: '0s' },
}

/** The proxy of services of a node, as a process of its own. */
export const kubeProxy: Component = {
  name: 'kube-proxy',
  summary: 'Make the addresses of services lead to their endpoints on this host',
  flags,
  example: 'coracle kube-proxy --config=/var/lib/kube-proxy/config.conf --hostname-override=node1',
  run,
}

async function run(given: GivenFlags, world: HostWorld, interrupted: Promise<void>): Promise<void> {
  checkFeatureGates(given.text('feature-gates') ?? '')
  if (given.isTrue('cleanup')) return removeRules(world)
  const settings = await proxySettings(given, world)
  if (!(await world.exec.which('nft')))
    throw new ComponentFlagError('nft is not on the search path: install it (Debian: apt-get install nftables)')
  const stop = new AbortController()
  const { signal } = stop
  const asked = new AbortController()
  void interrupted.then(() => asked.abort())
  const { kubeconfig, nodeName: node } = settings
  const connection = await connectComponent({ world, kubeconfig, userAgent: 'kube-proxy', signal })
  const { client } = connection
  const caches = new CacheSet({ client, ...world, signal })
  const meter = new ProxyMeter(world)
  const proxy = new ServiceProxy({
    ...world,
    caches: toCaches(caches),
    here: { node, zone: undefined },
    settings: settings.rules,
    minSyncMs: settings.minSyncMs,
    syncMs: settings.syncMs,
    written: (ms, services, isWell) => meter.written(ms, services, isWell),
  })
  const nodes = caches.of(Node, { fieldSelector: `metadata.name=${node}` })
  let isLeaving = false
  nodes.onChange(({ object, old }) => {
    const known = (object ?? old)!
    proxy.move({ node, zone: known.metadata.labels?.['topology.kubernetes.io/zone'] })
    // Balancers are to look elsewhere before the machine goes (KEP-3836).
    isLeaving = isOnItsWayOut(known)
  })
  const servers = serve(settings, world, meter, proxy, () => !isLeaving, signal)
  if (settings.hardFail) await Promise.all(servers.map(({ listening }) => listening))
  await untilServed(client, world, asked.signal)
  if (!asked.signal.aborted) {
    await Promise.race([Promise.all([nodes.synced, proxy.start()]), interrupted])
    // The kernel begins to remember connections when rules ask it to.
    await tellKernel(settings.kernel, world)
    world.log('info', 'services are looked after', { node, mode: settings.mode })
  }
  await interrupted
  await proxy.stop()
  stop.abort()
  await Promise.all(servers.map((server) => server.close()))
  await connection[Symbol.asyncDispose]()
}

/** What the kernel does not take (a container may not set everything) is said, and no reason to end. */
async function tellKernel({ oomScoreAdj, netfilter }: KernelSettings, { disk, log }: HostWorld): Promise<void> {
  const folder = '/proc/sys/net/netfilter'
  const files = Object.entries(netfilter).map(([name, value]) => [`${folder}/${name}`, String(value)] as const)
  for (const [path, value] of [['/proc/self/oom_score_adj', String(oomScoreAdj)] as const, ...files]) {
    try {
      if ((await disk.read(path))?.trim() !== value) await disk.append(path, value)
    } catch (error) {
      log('warn', 'the kernel is not told', { path, value, error: String(error) })
    }
  }
}

const isOnItsWayOut = ({ metadata, spec }: Node) =>
  metadata.deletionTimestamp !== undefined ||
  (spec?.taints ?? []).some(({ key }) => key === 'ToBeDeletedByClusterAutoscaler')

interface Answer {
  readonly status: number
  readonly body: string
  readonly type?: string
}

/** What it says of itself: whether it is well, to everybody; what it does, to those on the host. */
function serve(
  { healthz, metrics, mode, syncMs, hardFail }: ProxySettings,
  world: HostWorld,
  meter: ProxyMeter,
  proxy: ServiceProxy,
  isEligible: () => boolean,
  signal: AbortSignal,
): PatientServer[] {
  const { clock } = world
  const health = (counts: boolean) => {
    const lastWell = proxy.isCurrent ? clock.now() : (proxy.lastWell ?? 0)
    const lastUpdated = new Date(lastWell).toISOString()
    const nodeEligible = isEligible()
    const body = { lastUpdated, currentTime: new Date(clock.now()).toISOString(), nodeEligible }
    const isWell = clock.now() - lastWell < 2 * syncMs && (nodeEligible || !counts)
    return { status: isWell ? 200 : 503, body: JSON.stringify(body), type: 'application/json' }
  }
  const notFound = { status: 404, body: '404 page not found\n' }
  const server = (name: string, at: Address | undefined, answers: Readonly<Record<string, () => Answer>>) => {
    const answer = (path: string) => answers[path.split('?')[0]!]?.() ?? notFound
    return at === undefined ? [] : [new PatientServer({ name, at, answer, hardFail }, world, signal)]
  }
  return [
    ...server('healthz', healthz, { '/healthz': () => health(true), '/livez': () => health(false) }),
    ...server('metrics', metrics, {
      '/metrics': () => ({ status: 200, body: meter.print() }),
      '/proxyMode': () => ({ status: 200, body: mode }),
      '/healthz': () => ({ status: 200, body: 'ok' }),
    }),
  ]
}

const durationBuckets = Array.from({ length: 15 }, (_, at) => 0.001 * 2 ** at)

/** What the proxy does, by the names that dashboards know. */
class ProxyMeter {
  readonly #metrics = new Metrics()
  readonly #clock: HostWorld['clock']
  readonly #duration
  readonly #last
  readonly #failures
  readonly #changes

  constructor({ clock }: HostWorld) {
    this.#clock = clock
    const metrics = this.#metrics
    addProcessMetrics(metrics, clock, kubernetesVersion)
    const sync = 'kubeproxy_sync_proxy_rules'
    this.#duration = metrics.histogram(`${sync}_duration_seconds`, 'Time to write rules.', durationBuckets).of()
    this.#last = metrics.gauge(`${sync}_last_timestamp_seconds`, 'When rules were last written.').of()
    this.#failures = metrics.counter(`${sync}_nftables_sync_failures_total`, 'Rules that could not be written.').of()
    this.#changes = metrics.counter(`${sync}_service_changes_total`, 'Services whose rules were looked at.').of()
  }

  written(ms: number, services: number, isWell: boolean): void {
    this.#duration.observe(ms / 1000)
    this.#changes.value += services
    if (isWell) this.#last.value = this.#clock.now() / 1000
    else this.#failures.value++
  }

  print(): string {
    return this.#metrics.print()
  }
}
