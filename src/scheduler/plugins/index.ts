import type { Plugin } from '../plugin.ts'
import { nodeAffinity } from './node-affinity.ts'
import { nodePorts } from './node-ports.ts'
import { nodeResourcesBalancedAllocation, nodeResourcesFit } from './node-resources.ts'
import { nodeUnschedulable } from './node-unschedulable.ts'
import { taintToleration } from './taint-toleration.ts'

/** The default profile: a node is asked in this order, and the first refusal counts. */
export const defaultProfile: readonly Plugin[] = [
  nodeUnschedulable,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  nodeResourcesBalancedAllocation,
]
