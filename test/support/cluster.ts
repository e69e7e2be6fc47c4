import { serveCluster } from '../../src/cluster/serve.ts'
import type { Cluster } from '../../src/index.ts'
import { putIntoKubeconfig } from '../../src/lifecycle/kubeconfig.ts'
import { hostWorld } from '../../src/world/host.ts'
import { lineLog } from '../../src/world/real.ts'
import { VirtualClock } from '../../src/world/virtual.ts'
import type { HostWorld } from '../../src/world/world.ts'

/** A cluster of this process behind a socket, for programs that speak to one. */
export interface TestCluster extends AsyncDisposable {
  readonly cluster: Cluster
  /** What it runs in. */
  readonly world: HostWorld
  readonly url: string
  /** The administrator's kubeconfig, with commands acting in that namespace. */
  kubeconfig(namespace: string): string
}

/** Clients go by the real clock: what happens here has happened for them. */
const dayMs = 24 * 3_600_000

export interface TestClusterOptions {
  /** How many simulated nodes: `node-1` and so on; default three. */
  readonly nodes?: number
  /** Without controllers, scheduler, nodes and metrics. */
  readonly apiOnly?: boolean
  /** Time begins a day ago, and moves only when it is told to: `cluster.advance()`. Sockets do not wait for it. */
  readonly virtualTime?: boolean
  /** Pods and services have addresses of both families. */
  readonly dualStack?: boolean
}

const bothFamilies = {
  podCidrs: ['10.244.0.0/16', 'fd00:10:244::/56'],
  serviceCidrs: ['10.96.0.0/12', 'fd00:10:96::/112'],
}

/** Starts one in memory, on a free port. */
export async function startTestCluster({
  nodes = 3,
  apiOnly = false,
  virtualTime,
  dualStack,
}: TestClusterOptions = {}): Promise<TestCluster> {
  const real = hostWorld(lineLog('error'))
  const world = virtualTime ? { ...real, clock: new VirtualClock(real.clock.now() - dayMs) } : real
  const served = await serveCluster({
    world,
    host: '127.0.0.1',
    port: 0,
    nodes,
    apiOnly,
    ...(dualStack && bothFamilies),
  })
  const text = putIntoKubeconfig(undefined, { name: 'test', ...served.admin })
  return {
    cluster: served.cluster,
    world,
    url: served.url,
    kubeconfig: (namespace) => text.replace(/^( +)cluster: test$/m, `$&\n$1namespace: ${namespace}`),
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  }
}
