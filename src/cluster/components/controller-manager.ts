import { signSecretToken } from '../../apiserver/authn/service-account-tokens.ts'
import { checkFeatureGates, SettingError } from '../../apiserver/feature-gates.ts'
import { addProcessMetrics } from '../../apiserver/process-metrics.ts'
import { Metrics } from '../../base/metrics.ts'
import { CacheSet } from '../../client/cache.ts'
import {
  type ControllerOptions,
  requireKnownControllers,
  startControllers,
  UnknownControllerError,
} from '../../controllers/index.ts'
import { signRequest } from '../../lifecycle/pki.ts'
import { toCaches } from '../../reconciler/caches.ts'
import type { HostWorld } from '../../world/world.ts'
import { kubernetesVersion } from '../cluster.ts'
import { ComponentMetrics } from '../component-metrics.ts'
import { type Part, stoppedBy } from '../elected.ts'
import { followFiles } from './certificate-files.ts'
import type { Component } from './component.ts'
import { connectComponent, untilServed } from './component-client.ts'
import { componentServerFlags, startComponentServer } from './component-server.ts'
import { type ComponentFlags, commonFlags, type GivenFlags } from './flags.ts'
import { leadAsFlagged, leaderFlags } from './leader-flags.ts'
import { Restartable } from './restartable.ts'
import { servedKinds } from './served-kinds.ts'

const noCloud = 'there is no cloud provider'
const byChanges = 'everything follows changes'

const flags: ComponentFlags = {
  ...commonFlags,
  ...componentServerFlags(10_257),
  ...leaderFlags('kube-controller-manager'),
  kubeconfig: { help: 'how to reach the API server' },
  master: { help: 'address of the API server instead of the one in the kubeconfig', without: 'the kubeconfig says' },
  'use-service-account-credentials': { help: 'whether each controller has an account of its own', type: 'boolean' },
  controllers: { help: 'which controllers run: *,-deployment-controller', usual: '*' },
  'root-ca-file': { help: 'authority that pods find in kube-root-ca.crt' },
  'service-account-private-key-file': { help: 'key that signs the tokens in secrets', without: 'secrets get none' },
  'cluster-signing-cert-file': { help: 'authority that signs approved requests' },
  'cluster-signing-key-file': { help: 'its key; absent: nobody signs' },
  'cluster-signing-duration': { help: 'how long certificates are valid at most', usual: '8760h0m0s' },
  'experimental-cluster-signing-duration': { help: 'the same, as it was called' },
  'allocate-node-cidrs': { help: 'whether nodes are given a part of --cluster-cidr', type: 'boolean' },
  'cluster-cidr': { help: 'where pods get their addresses from' },
  'service-cluster-ip-range': { help: 'where services get theirs from', without: 'the API server gives them' },
  'node-cidr-mask-size': { help: 'how large a part of it each node gets', usual: '24' },
  'node-cidr-mask-size-ipv4': { help: 'the same for IPv4' },
  'node-cidr-mask-size-ipv6': { help: 'the same for IPv6', usual: '64' },
  'node-monitor-grace-period': { help: 'how long a node may be silent', usual: '50s' },
  'node-monitor-period': { help: 'how often nodes are looked at', usual: '5s', without: byChanges },
  'terminated-pod-gc-threshold': { help: 'from this many pods that have ended on the oldest go', usual: '12500' },
  'horizontal-pod-autoscaler-sync-period': { help: 'how often autoscalers look', usual: '15s' },
  'horizontal-pod-autoscaler-downscale-stabilization': {
    help: 'how long they wait before they take pods away',
    usual: '5m0s',
  },
  'horizontal-pod-autoscaler-tolerance': { help: 'what difference they leave be', usual: '0.1' },
  'horizontal-pod-autoscaler-cpu-initialization-period': { help: 'how long a start may use more', usual: '5m0s' },
  'horizontal-pod-autoscaler-initial-readiness-delay': { help: 'how long a pod may take to be ready', usual: '30s' },
  'cluster-name': { help: 'name of the cluster', usual: 'kubernetes', without: noCloud },
  'cloud-provider': { help: 'cloud provider', without: noCloud },
  'cloud-config': { help: 'its configuration', without: noCloud },
  'configure-cloud-routes': { help: 'whether its routes are made', type: 'boolean', without: noCloud },
  'flex-volume-plugin-dir': { help: 'where volume plugins lie', without: 'there are none of that kind' },
  'min-resync-period': { help: 'how often everything is looked at', without: byChanges },
  'kube-api-qps': { help: 'requests a second', without: 'the API server says how many it takes' },
  'kube-api-burst': { help: 'requests at once', without: 'the API server says how many it takes' },
  'concurrent-deployment-syncs': { help: 'how many at once', without: 'one after the other, each without waiting' },
  'concurrent-replicaset-syncs': { help: 'how many at once', without: 'one after the other, each without waiting' },
  'concurrent-service-syncs': { help: 'how many at once', without: noCloud },
  'concurrent-namespace-syncs': { help: 'how many at once', without: 'one after the other, each without waiting' },
  'concurrent-gc-syncs': { help: 'how many at once', without: 'one after the other, each without waiting' },
  'large-cluster-size-threshold': { help: 'from how many nodes on a cluster is large', without: 'as in the reference' },
  'node-eviction-rate': { help: 'how fast pods of dead nodes go', without: 'as in the reference' },
  'secondary-node-eviction-rate': { help: 'the same when many are dead', without: 'as in the reference' },
  'unhealthy-zone-threshold': { help: 'what part of a zone is many', without: 'as in the reference' },
  'enable-garbage-collector': { help: 'whether owners count', type: 'boolean', without: 'they do' },
  'enable-dynamic-provisioning': {
    help: 'whether volumes are made on demand',
    type: 'boolean',
    without: 'drivers make them',
  },
  'pv-recycler-pod-template-filepath-nfs': {
    help: 'template of a pod that empties volumes',
    without: 'nothing is recycled',
  },
}

/** The control loops as a process of their own. */
export const controllerManager: Component = {
  name: 'kube-controller-manager',
  summary: 'Run the controllers, as a static pod or a service does',
  flags,
  example: 'coracle kube-controller-manager --kubeconfig=/etc/kubernetes/controller-manager.conf --leader-elect=true',
  run,
}

async function run(given: GivenFlags, world: HostWorld, interrupted: Promise<void>): Promise<void> {
  checkFeatureGates(given.text('feature-gates') ?? '')
  const stop = new AbortController()
  const { signal } = stop
  const connection = await connectComponent({
    world,
    kubeconfig: given.required('kubeconfig'),
    userAgent: 'kube-controller-manager',
    asServiceAccounts: given.isTrue('use-service-account-credentials'),
    signal,
  })
  const { client } = connection
  const metrics = new Metrics()
  addProcessMetrics(metrics, world.clock, kubernetesVersion)
  const componentMetrics = new ComponentMetrics(metrics, world.clock)
  const settings = await settingsOf(given, world, signal, () => working.restart())
  const begin = (): Part => {
    // Caches begin with the reign: who only waits need not know everything.
    const end = new AbortController()
    const caches = toCaches(new CacheSet({ client, ...world, signal: AbortSignal.any([signal, end.signal]) }))
    const kinds = servedKinds(caches, world)
    const parts = startControllers(
      { client, caches, world, queueMetrics: componentMetrics.queues },
      { ...settings(), kinds },
    )
    return stoppedBy(parts, () => parts.stop().finally(() => end.abort()))
  }
  const working = new Restartable(begin)
  checkControllers(settings())
  const server = await startComponentServer({ flags: given, world, client, metrics, signal })
  const asked = new AbortController()
  void interrupted.then(() => asked.abort())
  await untilServed(client, world, asked.signal)
  const lease = given.text('leader-elect-resource-name')!
  const part = leadAsFlagged(
    given,
    client,
    world,
    componentMetrics.leading(lease, () => working.start()),
  )
  await interrupted
  await part.stop()
  stop.abort()
  await server?.close(0)
  await connection[Symbol.asyncDispose]()
}

/** Names of old for those of today. */
const aliases: Readonly<Record<string, string>> = {
  'serviceaccount-token': 'serviceaccount-token-controller',
  serviceaccount: 'serviceaccount-controller',
  'legacy-service-account-token-cleaner': 'legacy-serviceaccount-token-cleaner-controller',
  'root-ca-cert-publisher': 'root-ca-certificate-publisher-controller',
  'clusterrole-aggregation': 'clusterrole-aggregation-controller',
  bootstrapsigner: 'bootstrap-signer-controller',
  tokencleaner: 'token-cleaner-controller',
  csrsigning: 'certificatesigningrequest-signing-controller',
  csrapproving: 'certificatesigningrequest-approving-controller',
  csrcleaner: 'certificatesigningrequest-cleaner-controller',
  nodeipam: 'node-ipam-controller',
  nodelifecycle: 'node-lifecycle-controller',
  endpoint: 'endpoints-controller',
  endpointslice: 'endpointslice-controller',
  endpointslicemirroring: 'endpointslice-mirroring-controller',
  ttl: 'ttl-controller',
  service: 'service-lb-controller',
  route: 'node-route-controller',
  'cloud-node-lifecycle': 'cloud-node-lifecycle-controller',
  'persistentvolume-binder': 'persistentvolume-binder-controller',
  attachdetach: 'persistentvolume-attach-detach-controller',
  'persistentvolume-expander': 'persistentvolume-expander-controller',
  'pvc-protection': 'persistentvolumeclaim-protection-controller',
  'pv-protection': 'persistentvolume-protection-controller',
  'ephemeral-volume': 'ephemeral-volume-controller',
  'ttl-after-finished': 'ttl-after-finished-controller',
  'storage-version-gc': 'storageversion-garbage-collector-controller',
  replicationcontroller: 'replicationcontroller-controller',
  podgc: 'pod-garbage-collector-controller',
  resourcequota: 'resourcequota-controller',
  namespace: 'namespace-controller',
  garbagecollector: 'garbage-collector-controller',
  daemonset: 'daemonset-controller',
  job: 'job-controller',
  deployment: 'deployment-controller',
  replicaset: 'replicaset-controller',
  horizontalpodautoscaling: 'horizontal-pod-autoscaler-controller',
  disruption: 'disruption-controller',
  statefulset: 'statefulset-controller',
  cronjob: 'cronjob-controller',
}

const today = (entry: string) => {
  const name = entry.replace(/^-/, '')
  return entry.replace(name, aliases[name] ?? name)
}

/** Says what is wrong before anybody waits for the lease. */
function checkControllers(settings: ControllerOptions): void {
  try {
    requireKnownControllers(settings)
  } catch (error) {
    if (error instanceof UnknownControllerError) throw new SettingError(`--controllers: ${error.message}`)
    throw error
  }
}

/** What the controllers are told; files are those of the moment. */
async function settingsOf(
  given: GivenFlags,
  world: HostWorld,
  signal: AbortSignal,
  rootChanged: () => void,
): Promise<() => ControllerOptions> {
  const signing = { ...(await signingOf(given, world, signal)), ...(await tokensOf(given, world, signal)) }
  let root: string | undefined
  const files = { 'root-ca-file': given.text('root-ca-file') }
  const first = await followFiles(
    files,
    (contents) => {
      root = contents['root-ca-file']
      rootChanged()
    },
    { ...world, signal },
  )
  root = first['root-ca-file']
  const fixed = { ...fixedSettings(given), ...signing }
  return () => ({ ...fixed, ...(root !== undefined && { rootCertificate: root }) })
}

/** What flags alone say. */
export function fixedSettings(given: GivenFlags): ControllerOptions {
  const ipv4 = given.has('node-cidr-mask-size-ipv4') ? 'node-cidr-mask-size-ipv4' : 'node-cidr-mask-size'
  const duration = given.has('experimental-cluster-signing-duration')
    ? 'experimental-cluster-signing-duration'
    : 'cluster-signing-duration'
  return {
    clusterCidrs: given.isTrue('allocate-node-cidrs') ? given.list('cluster-cidr') : [],
    nodeMasks: { ipv4: given.whole(ipv4), ipv6: given.whole('node-cidr-mask-size-ipv6') },
    controllers: given.list('controllers').map(today),
    certificateValidityMs: given.milliseconds(duration),
    silenceMs: given.milliseconds('node-monitor-grace-period'),
    terminatedPodsAtMost: given.whole('terminated-pod-gc-threshold'),
    autoscalerSyncMs: given.milliseconds('horizontal-pod-autoscaler-sync-period'),
    downscaleStabilizationMs: given.milliseconds('horizontal-pod-autoscaler-downscale-stabilization'),
    autoscalerTolerance: Number(given.text('horizontal-pod-autoscaler-tolerance')),
    cpuInitializationMs: given.milliseconds('horizontal-pod-autoscaler-cpu-initialization-period'),
    initialReadinessMs: given.milliseconds('horizontal-pod-autoscaler-initial-readiness-delay'),
  }
}

async function signingOf(
  given: GivenFlags,
  world: HostWorld,
  signal: AbortSignal,
): Promise<Pick<ControllerOptions, 'signCertificate'>> {
  const files = { certificate: given.text('cluster-signing-cert-file'), key: given.text('cluster-signing-key-file') }
  if (!files.certificate || !files.key) return {}
  let authority = { certificate: '', key: '' }
  const use = ({ certificate = '', key = '' }: Partial<typeof authority>) => {
    authority = { certificate, key }
  }
  use(await followFiles(files, use, { ...world, signal }))
  return { signCertificate: (wanted) => signRequest(authority, wanted, world) }
}

async function tokensOf(
  given: GivenFlags,
  world: HostWorld,
  signal: AbortSignal,
): Promise<Pick<ControllerOptions, 'signSecretToken'>> {
  const file = given.text('service-account-private-key-file')
  if (!file) return {}
  let key = ''
  const use = (contents: { readonly key?: string }) => {
    key = contents.key ?? key
  }
  use(await followFiles({ key: file }, use, { ...world, signal }))
  return { signSecretToken: (subject) => signSecretToken(key, subject) }
}
