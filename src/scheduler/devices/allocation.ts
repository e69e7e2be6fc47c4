import type { Node } from '../../kinds/core/node.ts'
import type { NodeSelector, NodeSelectorTerm } from '../../kinds/core/scheduling.ts'
import type {
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceRequestAllocationResult,
  ResourceClaim,
} from '../../kinds/resource/resource-claim.ts'
import type { Choice } from './allocator.ts'

/** What is written into the claim: the devices, their configuration, and the nodes from which they can be used. */
export function resultOf(claim: ResourceClaim, choices: readonly Choice[], node: Node): AllocationResult {
  const config = configurationOf(claim, choices)
  const nodeSelector = nodesOf(choices, node)
  return {
    devices: { results: choices.map(deviceOf), ...(config.length > 0 && { config }) },
    ...(nodeSelector && { nodeSelector }),
  }
}

function deviceOf({ wanted, offer }: Choice): DeviceRequestAllocationResult {
  const { tolerations } = wanted.what
  return {
    request: wanted.name,
    driver: offer.driver,
    pool: offer.pool.name,
    device: offer.device.name,
    ...(wanted.adminAccess && { adminAccess: true }),
    ...(tolerations?.length && { tolerations }),
  }
}

/** That of the classes first, then that of the claim, so that the claim has the last word. */
function configurationOf({ spec }: ResourceClaim, choices: readonly Choice[]): DeviceAllocationConfiguration[] {
  const chosen = [...new Set(choices.map(({ wanted }) => wanted))]
  const ofClasses = chosen.flatMap(({ name, deviceClass }) =>
    (deviceClass.spec.config ?? []).map((config) => ({ source: 'FromClass' as const, requests: [name], ...config })),
  )
  const names = new Set(chosen.flatMap(({ name }) => [name, name.split('/', 1)[0]!]))
  const ofClaim = (spec.devices.config ?? [])
    .filter(({ requests }) => !requests?.length || requests.some((name) => names.has(name)))
    .map((config) => ({ source: 'FromClaim' as const, ...config }))
  return [...ofClasses, ...ofClaim]
}

/** All devices must be usable: one that belongs to the node ties the claim to it. */
function nodesOf(choices: readonly Choice[], node: Node): NodeSelector | undefined {
  if (choices.some(({ offer }) => offer.nodeName !== undefined)) {
    const requirement = { key: 'metadata.name', operator: 'In', values: [node.metadata.name!] } as const
    return { nodeSelectorTerms: [{ matchFields: [requirement] }] }
  }
  const terms = choices.flatMap(({ offer }) => offer.nodeSelector?.nodeSelectorTerms ?? [])
  if (terms.length === 0) return undefined
  const merged = (of: (term: NodeSelectorTerm) => NodeSelectorTerm['matchFields']) => {
    const all = terms.flatMap((term) => of(term) ?? [])
    return all.filter((one, at) => all.findIndex((other) => JSON.stringify(other) === JSON.stringify(one)) === at)
  }
  const matchExpressions = merged((term) => term.matchExpressions)
  const matchFields = merged((term) => term.matchFields)
  const term = {
    ...(matchExpressions.length > 0 && { matchExpressions }),
    ...(matchFields.length > 0 && { matchFields }),
  }
  return { nodeSelectorTerms: [term] }
}
