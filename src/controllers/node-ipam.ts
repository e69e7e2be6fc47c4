import { Node } from '../kinds/core/node.ts'
import { event, patch, type Steps } from '../reconciler/changes.ts'
import { type Controller, defineController, watch } from '../reconciler/controller.ts'
import { isConflict, isNotFound } from '../schema/status.ts'
import { CidrSet } from './node-ipam/cidr-set.ts'
import { isBeingDeleted } from './shared/owner.ts'

export interface NodeIpamOptions {
  /** Ranges from which pods get their addresses: one, or one of each family. None: nodes are given nothing. */
  readonly clusterCidrs?: readonly string[]
  /** How large a part of them each node gets. */
  readonly nodeMasks?: { readonly ipv4: number; readonly ipv6: number }
}

/** Gives each node a part of the cluster's pod addresses, of each family that there is. */
export function nodeIpamController({
  clusterCidrs = ['10.244.0.0/16'],
  nodeMasks = { ipv4: 24, ipv6: 64 },
}: NodeIpamOptions = {}): Controller {
  const sets = clusterCidrs.map((cidr) => new CidrSet(cidr, cidr.includes(':') ? nodeMasks.ipv6 : nodeMasks.ipv4))
  const note = (node: Node | undefined, what: 'occupy' | 'release') => {
    for (const range of rangesOf(node)) for (const set of sets) set[what](range)
  }
  return defineController<Node>({
    name: 'node-ipam-controller',
    serviceAccount: 'node-controller',
    eventSource: 'cidrAllocator',
    reconciles: Node,
    // What one gives back another may wait for.
    watches: [
      watch(Node, ({ object }, { list }) => (object === undefined ? list(Node).filter(isWithout).map(refOf) : [])),
    ],
    // All nodes that there are come by here before the first of them is given anything.
    wakes({ object, old }) {
      if (object === undefined) note(old, 'release')
      else if (object.spec?.podCIDR !== old?.spec?.podCIDR) note(object, 'occupy')
      return object !== undefined && old === undefined && isWithout(object)
    },

    *reconcile(node) {
      if (sets.length === 0 || rangesOf(node).length > 0 || isBeingDeleted(node)) return
      const ranges = takeAll(sets)
      if (ranges === undefined) {
        yield event('CIDRNotAvailable', `Node ${node.metadata.name} status is now: CIDRNotAvailable`)
        return
      }
      yield* assign(node, ranges, sets)
    },
  })
}

const rangesOf = (node: Node | undefined): readonly string[] =>
  node?.spec?.podCIDRs ?? (node?.spec?.podCIDR ? [node.spec.podCIDR] : [])

const isWithout = (node: Node) => rangesOf(node).length === 0
const refOf = ({ metadata }: Node) => ({ name: metadata.name! })

/** One range of each set, or none at all. */
function takeAll(sets: readonly CidrSet[]): string[] | undefined {
  const ranges: string[] = []
  for (const set of sets) {
    const range = set.take()
    if (range === undefined) {
      for (const [index, taken] of ranges.entries()) sets[index]!.release(taken)
      return undefined
    }
    ranges.push(range)
  }
  return ranges
}

function* assign(node: Node, ranges: readonly string[], sets: readonly CidrSet[]): Steps {
  try {
    yield patch(Node, node, { type: 'strategic', body: { spec: { podCIDR: ranges[0], podCIDRs: ranges } } })
  } catch (error) {
    // After any other failure the node may have got the range all the same.
    if (isConflict(error) || isNotFound(error))
      for (const [index, range] of ranges.entries()) sets[index]!.release(range)
    throw error
  }
}
