import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { ResourceSlice } from '../../kinds/resource/resource-slice.ts'
import { VolumeAttachment } from '../../kinds/storage/volume-attachment.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import type { Log } from '../../world/world.ts'
import { follow } from '../follow.ts'
import type { Resource } from '../resource.ts'
import { NodeGraph } from './node-graph.ts'

/** What nodes are related to: at once where it is known already. */
export type FindNodeGraph = () => NodeGraph | Promise<NodeGraph>

/**
 * A graph that is kept at what the store says, until the signal, from when it is first asked for. Nobody asks where no node
 * has an identity of its own, and to follow every change of every pod for nobody would be dear.
 */
export function nodeGraphOnDemand(
  resources: <T extends ApiObject>(kind: Kind<T>) => Resource<T>,
  log: Log,
  signal: AbortSignal,
): FindNodeGraph {
  let known: NodeGraph | Promise<NodeGraph> | undefined
  async function begin(): Promise<NodeGraph> {
    const graph = new NodeGraph()
    const stop = new AbortController()
    try {
      await followNodeGraph(graph, resources, log, AbortSignal.any([signal, stop.signal]))
      known = graph
      return graph
    } catch (error) {
      // Who asks next tries again.
      stop.abort()
      known = undefined
      throw error
    }
  }
  return () => {
    known ??= begin()
    return known
  }
}

/** Keeps the graph at what the store says. Resolves when what is there now is in it; goes on until the signal. */
async function followNodeGraph(
  graph: NodeGraph,
  resources: <T extends ApiObject>(kind: Kind<T>) => Resource<T>,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all([
    follow(resources(Pod), signal, log, (pod, isThere) => (isThere ? graph.setPod(pod) : graph.removePod(pod))),
    follow(resources(PersistentVolume), signal, log, (volume, isThere) =>
      isThere ? graph.setVolume(volume) : graph.removeVolume(volume),
    ),
    follow(resources(VolumeAttachment), signal, log, ({ metadata, spec }, isThere) =>
      graph.setOwned('volumeattachment', metadata.name!, isThere ? spec.nodeName : undefined),
    ),
    follow(resources(ResourceSlice), signal, log, ({ metadata, spec }, isThere) =>
      graph.setOwned('resourceslice', metadata.name!, isThere ? spec.nodeName : undefined),
    ),
  ])
}
