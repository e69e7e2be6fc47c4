import type { NodeAffinity } from '../../kinds/core/scheduling.ts'
import type { Plugin } from '../plugin.ts'
import { makeBalancedAllocation } from './balanced-allocation.ts'
import type { ShapePoint } from './broken-line.ts'
import { dynamicResources } from './dynamic-resources.ts'
import { imageLocality } from './image-locality.ts'
import { type InterPodAffinityArgs, makeInterPodAffinity } from './inter-pod-affinity.ts'
import { makeNodeAffinity } from './node-affinity.ts'
import { nodeName } from './node-name.ts'
import { nodePorts } from './node-ports.ts'
import { makeNodeResourcesFit, type NodeResourcesFitArgs } from './node-resources-fit.ts'
import { nodeUnschedulable } from './node-unschedulable.ts'
import { nodeVolumeLimits } from './node-volume-limits.ts'
import { makePodTopologySpread, type PodTopologySpreadArgs } from './pod-topology-spread.ts'
import { taintToleration } from './taint-toleration.ts'
import { makeVolumeBinding } from './volume-binding.ts'
import { volumeRestrictions } from './volume-restrictions.ts'
import { volumeZone } from './volume-zone.ts'

/** What a profile says to single plugins. */
export interface PluginArguments {
  readonly fit?: NodeResourcesFitArgs | undefined
  /** Resources of which the use is balanced. */
  readonly balanced?: readonly string[] | undefined
  readonly spread?: PodTopologySpreadArgs | undefined
  readonly podAffinity?: InterPodAffinityArgs | undefined
  readonly addedAffinity?: NodeAffinity | undefined
  readonly bindTimeoutSeconds?: number | undefined
  /** How full volumes are to be. */
  readonly volumeShape?: readonly ShapePoint[] | undefined
}

/** All plugins, in the order in which a node is asked; the first refusal counts. */
export const makeDefaultPlugins = (args: PluginArguments = {}): readonly Plugin[] => [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  makeNodeAffinity(args.addedAffinity),
  nodePorts,
  makeNodeResourcesFit(args.fit),
  volumeRestrictions,
  nodeVolumeLimits,
  makeVolumeBinding(args.bindTimeoutSeconds, args.volumeShape),
  volumeZone,
  makePodTopologySpread(args.spread),
  makeInterPodAffinity(args.podAffinity),
  dynamicResources,
  makeBalancedAllocation(args.balanced),
  imageLocality,
]

/** The plugins of the default profile. */
export const defaultPlugins: readonly Plugin[] = makeDefaultPlugins()
