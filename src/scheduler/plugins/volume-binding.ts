import { own } from '../../base/own.ts'
import { compareQuantities, parseQuantity } from '../../base/quantity.ts'
import type { Client } from '../../client/client.ts'
import type { Node } from '../../kinds/core/node.ts'
import { matchesTerm } from '../../kinds/core/node-fit.ts'
import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import {
  bestVolumeFor,
  bindCompleted,
  boundByController,
  classOfClaim,
  selectedNode,
} from '../../kinds/core/volume-matching.ts'
import { CSIDriver } from '../../kinds/storage/csi-driver.ts'
import { CSIStorageCapacity } from '../../kinds/storage/csi-storage-capacity.ts'
import { StorageClass } from '../../kinds/storage/storage-class.ts'
import { matcherOf } from '../../reconciler/selector.ts'
import {
  type ClusterView,
  definePlugin,
  Nowhere,
  never,
  nodeChanged,
  nothingToSay,
  type Objects,
  type Plugin,
  type Refusal,
  type Reservation,
} from '../plugin.ts'
import { podState } from '../pod-state.ts'
import { brokenLine, type ShapePoint } from './broken-line.ts'
import { keyOf, usableClaims, volumeOf } from './volume-claims.ts'

const lost = never('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)')
const elsewhere = never("node(s) didn't match PersistentVolume's node affinity")
const noVolume = never("node(s) didn't find available persistent volumes to bind")
const noSpace = never('node(s) did not have enough free storage')

interface Claims {
  readonly bound: readonly PersistentVolumeClaim[]
  /** These get a volume when a node is chosen. */
  readonly waiting: readonly PersistentVolumeClaim[]
  readonly cluster: ClusterView
}

/** Which volume each waiting claim gets on a node; nothing: one is made for it. */
type Choice = ReadonlyMap<PersistentVolumeClaim, PersistentVolume | undefined>

/** As long as the reference waits for volumes. */
const usualTimeoutSeconds = 600

/**
 * A pod goes where its volumes are; claims that wait for their first pod get a volume where it goes: a free one that can
 * be reached from there, or one that is made for them. With a `shape`, nodes are ranked by how full that makes the volumes,
 * or what there is to make them of.
 */
export function makeVolumeBinding(timeoutSeconds = usualTimeoutSeconds, shape: readonly ShapePoint[] = []): Plugin {
  const rate = shape.length > 0 ? brokenLine(shape) : undefined
  return definePlugin<Claims>({
    name: 'VolumeBinding',
    listens: ['storage', 'node'],
    wakes: (event) => event.type === 'storage' || nodeChanged(event, 'labels', 'taints'),

    prepare(pod, cluster) {
      if (!podState(pod).hasSharedVolumes) return nothingToSay
      const claims = usableClaims(pod, cluster.objects)
      if (claims instanceof Nowhere) return claims
      if (claims.length === 0) return nothingToSay
      const bound = claims.filter(isBound)
      const waiting = claims.filter((claim) => !isBound(claim) && waitsForPod(claim, cluster))
      if (bound.length + waiting.length < claims.length)
        return new Nowhere('pod has unbound immediate PersistentVolumeClaims')
      return { bound, waiting, cluster }
    },

    filter(_pod, { node }, claims) {
      if (!node) return elsewhere
      for (const claim of claims.bound) {
        const volume = volumeOf(claim, claims.cluster.objects)
        if (!volume) return lost
        if (!isReachable(volume, node)) return elsewhere
      }
      const choice = claims.waiting.length > 0 ? choose(claims, node) : undefined
      return choice instanceof Map ? undefined : (choice as Refusal | undefined)
    },

    scorer(_pod, _nodes, claims) {
      if (!rate || claims.waiting.length === 0) return undefined
      return ({ node }) => {
        const choice = node && choose(claims, node)
        return choice instanceof Map ? fillingOf(choice, node!, claims.cluster, rate) : 0
      }
    },
    best: 'percent',
    weight: 1,

    reserve(_pod, { node }, claims) {
      if (claims.waiting.length === 0 || !node) return undefined
      const choice = choose(claims, node)
      return choice instanceof Map ? reservationOf(choice, node, claims.cluster, timeoutSeconds) : undefined
    },
  })
}

const isBound = ({ spec, metadata }: PersistentVolumeClaim) =>
  Boolean(spec.volumeName) && metadata.annotations?.[bindCompleted] !== undefined

function waitsForPod(claim: PersistentVolumeClaim, { objects }: ClusterView): boolean {
  const name = classOfClaim(claim)
  const isDelayed = objects.of(StorageClass).get('', name)?.volumeBindingMode === 'WaitForFirstConsumer'
  return isDelayed && !claim.spec.volumeName
}

function isReachable({ spec }: PersistentVolume, node: Node): boolean {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms
  return terms?.some((term) => matchesTerm(node, term)) ?? true
}

/** Volumes for the claims on this node, the smallest claims first, or why there are none. */
function choose({ waiting, cluster }: Claims, node: Node): Choice | Refusal {
  const choice = new Map<PersistentVolumeClaim, PersistentVolume | undefined>()
  for (const claim of waiting.toSorted(bySize)) {
    const meant = cluster.state.claimNodes.get(keyOf(claim)) ?? claim.metadata.annotations?.[selectedNode]
    if (meant !== undefined && meant !== node.metadata.name) return noVolume
    const volume = meant === undefined ? freeVolume(claim, node, cluster, choice) : undefined
    if (!volume) {
      const refusal = whyNotMade(claim, node, cluster)
      if (refusal) return refusal
    }
    choice.set(claim, volume)
  }
  return choice
}

const sizeOf = ({ spec }: PersistentVolumeClaim) => spec.resources?.requests?.['storage'] ?? '0'
const bySize = (a: PersistentVolumeClaim, b: PersistentVolumeClaim) => compareQuantities(sizeOf(a), sizeOf(b))

function freeVolume(claim: PersistentVolumeClaim, node: Node, { state, objects }: ClusterView, chosen: Choice) {
  const isTaken = ({ metadata }: PersistentVolume) => {
    const taker = state.takenVolumes.get(metadata.name!)
    return taker !== undefined && taker !== keyOf(claim)
  }
  const others = new Set(chosen.values())
  return bestVolumeFor(claim, objects.of(PersistentVolume).list(), {
    isReachable: (volume) => !others.has(volume) && !isTaken(volume) && isReachable(volume, node),
  })
}

const noProvisioner = 'kubernetes.io/no-provisioner'

/** Why no volume can be made for the claim where the node is. */
function whyNotMade(claim: PersistentVolumeClaim, node: Node, { objects }: ClusterView): Refusal | undefined {
  const storageClass = objects.of(StorageClass).get('', classOfClaim(claim))
  if (!storageClass?.provisioner || storageClass.provisioner === noProvisioner) return noVolume
  const { allowedTopologies, provisioner } = storageClass
  const isAllowed =
    !allowedTopologies?.length ||
    allowedTopologies.some(({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.every(({ key, values }) => values.includes(own(node.metadata.labels, key) ?? '')),
    )
  if (!isAllowed) return noVolume
  if (!objects.of(CSIDriver).get('', provisioner)?.spec?.storageCapacity) return undefined
  const isEnough = (capacity: CSIStorageCapacity) =>
    capacity.storageClassName === storageClass.metadata.name &&
    compareQuantities(capacity.maximumVolumeSize ?? capacity.capacity ?? '0', sizeOf(claim)) >= 0 &&
    matcherOf(capacity.nodeTopology)(node.metadata.labels)
  for (const capacity of objects.of(CSIStorageCapacity).list()) if (isEnough(capacity)) return undefined
  return noSpace
}

/** The mean score of the storage classes: how much of the volumes, or of what the driver has left there, is wanted. */
function fillingOf(
  choice: Choice,
  node: Node,
  { objects }: ClusterView,
  rate: (utilization: number) => number,
): number {
  const classes = new Map<string, { wanted: number; there: number }>()
  for (const [claim, volume] of choice) {
    const name = classOfClaim(claim)
    const there = volume ? volume.spec.capacity?.['storage'] : capacityAt(name, node, objects)
    if (there === undefined) continue
    const sums = classes.get(name) ?? { wanted: 0, there: 0 }
    sums.wanted += parseQuantity(sizeOf(claim)).value()
    sums.there = volume ? sums.there + parseQuantity(there).value() : parseQuantity(there).value()
    classes.set(name, sums)
  }
  if (classes.size === 0) return 0
  const scores = [...classes.values()].map(({ wanted, there }) =>
    rate(there === 0 || wanted > there ? 100 : Math.floor((wanted * 100) / there)),
  )
  return Math.round(scores.reduce((sum, score) => sum + score, 0) / scores.length)
}

/** How much a driver says that it has left where the node is. */
function capacityAt(className: string, node: Node, objects: Objects): string | undefined {
  for (const { storageClassName, nodeTopology, capacity } of objects.of(CSIStorageCapacity).list())
    if (storageClassName === className && matcherOf(nodeTopology)(node.metadata.labels)) return capacity
  return undefined
}

function reservationOf(
  choice: Choice,
  node: Node,
  { state, objects }: ClusterView,
  timeoutSeconds: number,
): Reservation {
  const nodeName = node.metadata.name!
  for (const [claim, volume] of choice) {
    state.claimNodes.set(keyOf(claim), nodeName)
    if (volume) state.takenVolumes.set(volume.metadata.name!, keyOf(claim))
  }
  return {
    async write(client) {
      for (const [claim, volume] of choice) {
        if (volume) await take(client, volume, claim)
        else if (claim.metadata.annotations?.[selectedNode] !== nodeName) await select(client, claim, nodeName)
      }
    },
    untilDone: ({ clock, signal, onChange }) =>
      new Promise((resolve, reject) => {
        const end = (settle: () => void) => {
          stop()
          cancel()
          signal.removeEventListener('abort', aborted)
          settle()
        }
        const look = () => {
          const states = [...choice].map(([claim, volume]) => stateOf(claim, volume, nodeName))
          const fault = states.find((one) => one instanceof Error)
          if (fault instanceof Error) end(() => reject(fault))
          else if (states.every((one) => one === 'bound')) end(resolve)
        }
        const aborted = () => end(() => reject(signal.reason as Error))
        const cancel = clock.timer(timeoutSeconds * 1000, () =>
          end(() => reject(new Error('binding volumes: timed out'))),
        )
        const stop = onChange(PersistentVolumeClaim, () => queueMicrotask(look))
        signal.addEventListener('abort', aborted)
        look()
      }),
    release() {
      for (const [claim, volume] of choice) {
        state.claimNodes.delete(keyOf(claim))
        if (volume) state.takenVolumes.delete(volume.metadata.name!)
      }
    },
  }

  function stateOf(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined, wanted: string) {
    const { namespace = '', name = '', uid, resourceVersion } = claim.metadata
    const now = objects.of(PersistentVolumeClaim).get(namespace, name)
    if (!now || now.metadata.uid !== uid) return new Error(`claim ${namespace}/${name} is gone`)
    if (isBound(now)) return 'bound'
    // Whoever was to make the volume gives up by taking the node away again.
    const isNewer = now.metadata.resourceVersion !== resourceVersion
    if (!volume && isNewer && now.metadata.annotations?.[selectedNode] !== wanted)
      return new Error(`claim ${namespace}/${name} is to be had on another node`)
    return 'waits'
  }
}

/** The volume is the claim's from now on; the controller does the rest. */
async function take(client: Client, { metadata }: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
  const { namespace, name, uid, resourceVersion } = claim.metadata
  const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion }
  const body = {
    metadata: { resourceVersion: metadata.resourceVersion, annotations: { [boundByController]: 'yes' } },
    spec: { claimRef },
  }
  await client.patch(PersistentVolume, { name: metadata.name! }, { type: 'merge', body })
}

/** Says where a volume is to be made for the claim. */
async function select(client: Client, { metadata }: PersistentVolumeClaim, nodeName: string): Promise<void> {
  const body = { metadata: { uid: metadata.uid, annotations: { [selectedNode]: nodeName } } }
  const { namespace = '', name = '' } = metadata
  await client.patch(PersistentVolumeClaim, { namespace, name }, { type: 'merge', body })
}
