import { type Cluster, type ClusterOptions, startCluster } from '../../src/cluster/cluster.ts'
import { VirtualWorld } from '../../src/world/virtual.ts'

export interface VirtualCluster extends AsyncDisposable {
  readonly cluster: Cluster
  readonly world: VirtualWorld
  /** What was logged as a warning or an error. */
  readonly faults: readonly string[]
  /** The time now, as the API writes it. */
  now(): string
}

/** A whole cluster in virtual time. With `nodes: 0`, its pods wait for a test to say what becomes of them. */
export async function virtualCluster(options: ClusterOptions = {}): Promise<VirtualCluster> {
  const faults: string[] = []
  const world = new VirtualWorld(1, {
    log(level, message, fields) {
      if (level === 'warn' || level === 'error') faults.push(`${message} ${JSON.stringify(fields)}`)
    },
  })
  const cluster = await startCluster({ world, ...options })
  await cluster.settle()
  return {
    cluster,
    world,
    faults,
    now: () => `${new Date(world.clock.now()).toISOString().slice(0, 19)}Z`,
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}
