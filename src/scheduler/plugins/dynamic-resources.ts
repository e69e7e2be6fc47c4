import type { Client } from '../../client/client.ts'
import { matchesTerm } from '../../kinds/core/node-fit.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { DeviceClass } from '../../kinds/resource/device-class.ts'
import { type AllocationResult, ResourceClaim } from '../../kinds/resource/resource-claim.ts'
import { ResourceSlice } from '../../kinds/resource/resource-slice.ts'
import type { Kind } from '../../schema/kind.ts'
import { isConflict } from '../../schema/status.ts'
import { type Allocations, allocate, type WaitingClaim } from '../devices/allocator.ts'
import { claimsOfPod, isOpenTo, isReservedFor } from '../devices/pod-claims.ts'
import { alternativesOf, classesNamed } from '../devices/request.ts'
import { DeviceSelectionFault } from '../devices/selectors.ts'
import {
  type ClusterEvent,
  type ClusterView,
  definePlugin,
  Nowhere,
  never,
  nodeChanged,
  nothingToSay,
  type Plugin,
  type Relief,
  type Reservation,
} from '../plugin.ts'

/** Kinds on whose objects it depends which node has a pod's devices. */
export const deviceKinds: readonly Kind[] = [ResourceClaim, ResourceSlice, DeviceClass]

const notEnough = never('cannot allocate all claims')
const elsewhere = never('resourceclaim not available on the node')

/** Keeps a claim while devices are allocated to it. */
const finalizer = 'resource.kubernetes.io/delete-protection'

interface Wishes {
  readonly claims: readonly ResourceClaim[]
  /** Those that have no devices yet. */
  readonly waiting: readonly WaitingClaim[]
  /** What each node that was asked can give them. */
  readonly found: Map<string, Allocations>
  /** Claims whose devices cannot be used from a node that was asked. */
  readonly outOfReach: Set<ResourceClaim>
  readonly cluster: ClusterView
}

/** A pod goes where its claims get their devices, or have them (KEP-4381); they are its own before it is bound. */
export const dynamicResources: Plugin = definePlugin<Wishes>({
  name: 'DynamicResources',
  listens: ['devices', 'node'],
  wakes: mayHelp,

  prepare(pod, cluster) {
    if (!pod.spec.resourceClaims?.length) return nothingToSay
    const claims = claimsOfPod(pod, cluster.objects)
    if (typeof claims === 'string') return new Nowhere(claims)
    if (claims.length === 0) return nothingToSay
    const waiting: WaitingClaim[] = []
    for (const claim of claims) {
      if (claim.status?.allocation) {
        if (!isOpenTo(pod, claim)) return new Nowhere('resourceclaim in use')
        continue
      }
      const found = waitingClaim(claim, cluster)
      if (found instanceof Nowhere) return found
      waiting.push(found)
    }
    return { claims, waiting, found: new Map(), outOfReach: new Set(), cluster }
  },

  filter(_pod, { node, name }, wishes) {
    if (!node) return notEnough
    const { claims, waiting, found, outOfReach, cluster } = wishes
    let allocations: Allocations | undefined
    try {
      if (waiting.length > 0) {
        allocations = allocate(waiting, node, cluster.state.devices)
        if (!allocations) return notEnough
      }
    } catch (error) {
      if (error instanceof DeviceSelectionFault)
        return never(`running "DynamicResources" filter plugin: ${error.message}`)
      throw error
    }
    const unreachable = claims.filter(({ status }) => {
      const terms = status?.allocation?.nodeSelector?.nodeSelectorTerms
      return terms !== undefined && !terms.some((term) => matchesTerm(node, term))
    })
    for (const claim of unreachable) outOfReach.add(claim)
    if (unreachable.length > 0) return elsewhere
    if (allocations) found.set(name, allocations)
    return undefined
  },

  scorer(_pod, _nodes, { waiting, found }) {
    const isChoosy = waiting.some(({ requests }) => requests.some((alternatives) => alternatives.length > 1))
    return isChoosy ? ({ name }) => found.get(name)?.rank ?? 0 : undefined
  },
  best: 'highest',
  weight: 2,

  reserve(pod, { name }, wishes) {
    const allocations = wishes.found.get(name)?.results ?? []
    const given = new Map(wishes.waiting.map(({ claim }, at) => [claim, allocations[at]!]))
    return reservationOf(pod.pod, wishes, given)
  },

  relieve: (pod, { claims, outOfReach }) => reliefFor(pod, claims, outOfReach),
})

function waitingClaim(claim: ResourceClaim, { state, objects }: ClusterView): WaitingClaim | Nowhere {
  const { metadata, spec } = claim
  if (state.devices.isPending(metadata.uid!))
    return new Nowhere(`resource claim ${metadata.namespace}/${metadata.name} is in the process of being allocated`)
  const classes = new Map<string, DeviceClass>()
  for (const [request, name] of (spec.devices.requests ?? []).flatMap(classesNamed)) {
    const found = objects.of(DeviceClass).get('', name)
    if (!found) return new Nowhere(`request ${request}: device class ${name} does not exist`)
    classes.set(name, found)
  }
  const requests = (spec.devices.requests ?? []).map((request) => alternativesOf(request, (name) => classes.get(name)!))
  return { claim, requests }
}

function reservationOf(
  pod: Pod,
  { claims, cluster: { state, objects } }: Wishes,
  given: ReadonlyMap<ResourceClaim, AllocationResult>,
): Reservation {
  const uid = pod.metadata.uid!
  for (const [{ metadata }, allocation] of given) state.devices.take(metadata.uid!, allocation)
  const now = ({ metadata }: ResourceClaim) => objects.of(ResourceClaim).get(metadata.namespace!, metadata.name!)
  return {
    async write(client) {
      for (const claim of claims) if (!isReservedFor(uid, claim)) await reserveFor(pod, claim, given.get(claim), client)
    },
    // Others count with what the cache shows.
    untilDone: ({ signal, onChange }) =>
      new Promise((resolve, reject) => {
        const end = (settle: () => void) => {
          stop()
          signal.removeEventListener('abort', aborted)
          settle()
        }
        const look = () => {
          const found = claims.map(now)
          if (
            found.every((claim, at) => claim?.metadata.uid !== claims[at]!.metadata.uid || isReservedFor(uid, claim!))
          )
            end(resolve)
        }
        const aborted = () => end(() => reject(signal.reason as Error))
        const stop = onChange(ResourceClaim, () => queueMicrotask(look))
        signal.addEventListener('abort', aborted)
        look()
      }),
    release() {
      for (const { metadata } of given.keys()) state.devices.release(metadata.uid!)
    },
  }
}

const attemptsAtMost = 5

/** Writes who may use the claim, and the devices if it had none. Somebody else may be writing to it, too. */
async function reserveFor(
  pod: Pod,
  claim: ResourceClaim,
  allocation: AllocationResult | undefined,
  client: Client,
): Promise<void> {
  const { namespace, name = '' } = claim.metadata
  let newest = claim
  for (let attempt = 1; ; attempt++) {
    try {
      await tryToReserve(pod, newest, allocation, client)
      return
    } catch (error) {
      if (!isConflict(error) || attempt === attemptsAtMost) throw error
      newest = await client.get(ResourceClaim, { namespace, name })
    }
  }
}

async function tryToReserve(
  pod: Pod,
  claim: ResourceClaim,
  allocation: AllocationResult | undefined,
  client: Client,
): Promise<void> {
  const { metadata } = claim
  const full = `${metadata.namespace}/${metadata.name}`
  if (metadata.deletionTimestamp !== undefined) throw new Error(`claim ${full} got deleted in the meantime`)
  if (allocation && claim.status?.allocation) throw new Error(`claim ${full} got allocated elsewhere in the meantime`)
  const { finalizers = [] } = metadata
  // It must be there before the devices are: whoever deletes the claim waits for them.
  const kept =
    allocation && !finalizers.includes(finalizer)
      ? await client.update(ResourceClaim, {
          ...claim,
          metadata: { ...metadata, finalizers: [...finalizers, finalizer] },
        })
      : claim
  const consumer = { resource: 'pods', name: pod.metadata.name!, uid: pod.metadata.uid! }
  const reservedFor = [...(kept.status?.reservedFor ?? []), consumer]
  const status = { ...kept.status, ...(allocation && { allocation }), reservedFor }
  await client.updateStatus(ResourceClaim, { ...kept, status })
}

/** A claim that nobody else uses can be allocated anew, where the pod fits. */
function reliefFor(
  { metadata }: Pod,
  claims: readonly ResourceClaim[],
  outOfReach: ReadonlySet<ResourceClaim>,
): Relief {
  const free = claims.find(
    (claim) => outOfReach.has(claim) && (claim.status?.reservedFor ?? []).every(({ uid }) => uid === metadata.uid),
  )
  if (!free) return { message: 'still not schedulable' }
  return {
    message: 'deallocation of ResourceClaim completed',
    async write(client) {
      const { allocation: _, reservedFor: __, ...status } = free.status ?? {}
      await client.updateStatus(ResourceClaim, { ...free, status })
    },
  }
}

/** Devices come, claims set some free, classes change their mind. */
function mayHelp(event: ClusterEvent, pod: Pod): boolean {
  if (event.type !== 'devices') return nodeChanged(event, 'labels', 'unschedulable', 'taints')
  const { object, old } = event
  if (event.kind !== ResourceClaim) return object !== undefined
  const [after, before] = [object as ResourceClaim | undefined, old as ResourceClaim | undefined]
  const isFreed = before?.status?.allocation !== undefined && after?.status?.allocation === undefined
  const isOther = (after ?? before)!.metadata.namespace !== pod.metadata.namespace
  return isFreed || !isOther
}
