import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { ResourceSlice } from '../../kinds/resource/resource-slice.ts'
import { VolumeAttachment } from '../../kinds/storage/volume-attachment.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import type { Log } from '../../world/world.ts'
import { follow } from '../follow.ts'
import type { Resource } from '../resource.ts'
import type { NodeGraph } from './node-graph.ts'

/** Keeps the graph at what the store says. Resolves when what is there now is in it; goes on until the signal. */
export async function followNodeGraph(
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
