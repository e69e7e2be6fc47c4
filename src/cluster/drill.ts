import { Node } from '../kinds/core/node.ts'
import { Pod } from '../kinds/core/pod.ts'
import { LmdbStore } from '../store/lmdb.ts'
import { VirtualWorld } from '../world/virtual.ts'
import type { HostWorld } from '../world/world.ts'
import { startCluster } from './cluster.ts'
import { importEmbedded } from './embedded-store.ts'

/** What became of a snapshot that was brought to life beside everything that runs. */
export interface DrillResult {
  readonly revision: number
  /** Objects that the API served, by kind. */
  readonly served: Readonly<Record<string, number>>
  /** What could not be listed, and why. */
  readonly unreadable: readonly string[]
  /** After the time that it was let run. */
  readonly nodesReady: number
  readonly nodes: number
  readonly podsRunning: number
  readonly pods: number
}

export interface DrillOptions {
  readonly world: HostWorld
  readonly snapshot: string
  /** A folder for the time of the drill; it must not be there. */
  readonly workDir: string
  /** The time that its clock begins at. */
  readonly startMs: number
  /** How long it runs, in its own time. */
  readonly runMs: number
}

/**
 * Starts a cluster in this process on what a snapshot holds: in memory and in virtual time, its nodes simulated under
 * the names they have. Nothing of it reaches anybody else.
 */
export async function drill({ world, snapshot, workDir, startMs, runMs }: DrillOptions): Promise<DrillResult> {
  const virtual = new VirtualWorld(1, { startMs })
  const store = await restored(world, snapshot, workDir, virtual)
  const revision = store.revision
  await using bare = await startCluster({ world: virtual, store: await store.fork(undefined, virtual), apiOnly: true })
  const { served, unreadable } = await listAll(bare)
  const names = (await bare.client.list(Node)).items.flatMap(({ metadata }) => metadata.name ?? [])
  await using cluster = await startCluster({ world: virtual, store, nodes: names.map((name) => ({ name })) })
  await cluster.settle()
  await cluster.advance(runMs)
  const nodes = (await cluster.client.list(Node)).items
  const pods = (await cluster.client.list(Pod)).items
  return {
    ...{ revision, served, unreadable },
    nodes: nodes.length,
    nodesReady: nodes.filter(({ status }) => isTrue(status?.conditions, 'Ready')).length,
    pods: pods.length,
    podsRunning: pods.filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Succeeded').length,
  }
}

const isTrue = (conditions: readonly { type: string; status: string }[] | undefined, type: string) =>
  conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false

async function restored(world: HostWorld, snapshot: string, workDir: string, virtual: VirtualWorld) {
  try {
    await importEmbedded(snapshot, `${workDir}/store`, { bumpRevision: 0 })
    await using onDisk = await LmdbStore.open(`${workDir}/store`, world)
    return await onDisk.fork(undefined, virtual)
  } finally {
    await world.disk.remove(workDir)
  }
}

async function listAll(cluster: Awaited<ReturnType<typeof startCluster>>) {
  const served: Record<string, number> = {}
  const unreadable: string[] = []
  for (const kind of cluster.registry.kinds) {
    const name = `${kind.plural}${kind.group === '' ? '' : `.${kind.group}`}`
    if (served[name] !== undefined || !kind.verbs.includes('list')) continue
    try {
      const { items } = await cluster.client.list(kind)
      if (items.length > 0) served[name] = items.length
    } catch (error) {
      unreadable.push(`${name}: ${(error as Error).message}`)
    }
  }
  return { served, unreadable }
}
