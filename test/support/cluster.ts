import { serveCluster } from '../../src/cluster/serve.ts'
import type { Cluster } from '../../src/index.ts'
import { putIntoKubeconfig } from '../../src/lifecycle/kubeconfig.ts'
import { hostWorld } from '../../src/world/host.ts'
import { lineLog } from '../../src/world/real.ts'

/** A cluster of this process behind a socket, for programs that speak to one. */
export interface TestCluster extends AsyncDisposable {
  readonly cluster: Cluster
  readonly url: string
  /** The administrator's kubeconfig, with commands acting in that namespace. */
  kubeconfig(namespace: string): string
}

/** Starts one in memory, on a free port, with that many simulated nodes: `node-1` and so on. */
export async function startTestCluster({ nodes = 3 }: { readonly nodes?: number } = {}): Promise<TestCluster> {
  const world = hostWorld(lineLog('error'))
  const served = await serveCluster({ world, host: '127.0.0.1', port: 0, nodes, apiOnly: false })
  const text = putIntoKubeconfig(undefined, { name: 'test', ...served.admin })
  return {
    cluster: served.cluster,
    url: served.url,
    kubeconfig: (namespace) => text.replace(/^( +)cluster: test$/m, `$&\n$1namespace: ${namespace}`),
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  }
}
