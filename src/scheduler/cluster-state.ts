import { type Amounts, addAmount, amountsOf, noAmounts } from '../kinds/core/amounts.ts'
import { isResizeInfeasible } from '../kinds/core/granted.ts'
import type { Node } from '../kinds/core/node.ts'
import type { Pod } from '../kinds/core/pod.ts'
import { DeviceLedger } from './devices/ledger.ts'
import { claimsOf } from './pod-claims.ts'
import { type PodState, podState } from './pod-state.ts'
import { Topology } from './topology.ts'

/** A node, and what its pods have taken of it. */
export class NodeState {
  readonly name: string
  /** A small number of its own. */
  readonly index: number
  readonly #versions: Versions
  /** Absent as long as only pods of it are known. */
  node: Node | undefined
  allocatable: Amounts = noAmounts()
  /** What its pods request. */
  readonly requested: Amounts = noAmounts()
  /** The same, with a small amount for containers that request nothing, so that their pods spread too. */
  readonly weighed: { cpu: number; memory: number } = { cpu: 0, memory: 0 }
  /** Host ports in use: `TCP 0.0.0.0 80` → how many pods. */
  readonly hostPorts: Map<string, number> = new Map()
  readonly pods: Map<string, PodState> = new Map()
  /** How many of them use volumes that others may use, too. */
  sharedVolumes = 0
  /** Names of images that lie on it → bytes. */
  images: ReadonlyMap<string, number> = noImages

  constructor(name: string, index: number, versions: Versions) {
    this.name = name
    this.index = index
    this.#versions = versions
  }

  /** Another one after each change of anything above. */
  get version(): number {
    return this.#versions.numbers[this.index]!
  }

  set version(version: number) {
    this.#versions.set(this.index, version)
  }
}

/** So many nodes with indexes next to one another are neighbours. */
export const neighbours = 64

/** Versions of all nodes by their index: who wants to know which of thousands have changed looks at nothing else. */
class Versions {
  numbers = new Int32Array(neighbours)
  /** Of each group of neighbours, how often something has changed there. */
  changes = new Int32Array(1)

  set(index: number, version: number): void {
    this.numbers[index] = version
    this.changes[Math.floor(index / neighbours)]!++
  }

  /** Makes room for one more. */
  reserve(index: number): void {
    if (index < this.numbers.length) return
    const groups = 2 * Math.ceil(index / neighbours)
    this.numbers = copied(this.numbers, groups * neighbours)
    this.changes = copied(this.changes, groups)
  }
}

function copied(numbers: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(length)
  copy.set(numbers)
  return copy
}

const noImages: ReadonlyMap<string, number> = new Map()

/**
 * What the scheduler knows: every node with what its pods have taken of it. Pods that were just given a node count at
 * once, before the API says so. Kept up to date by changes; nothing is ever summed up anew. To find out what would be
 * if, it is done, looked at, and undone.
 */
export class ClusterState {
  readonly #nodes = new Map<string, NodeState>()
  /** Pod UID → node. */
  readonly #placed = new Map<string, NodeState>()
  /** Image → on how many nodes it lies. */
  readonly images = new Map<string, number>()
  /** Claim (`namespace/name`) → how many placed pods use it. */
  readonly claims = new Map<string, number>()
  /** Volume → the claim (`namespace/name`) that will have it, before the API says so. */
  readonly takenVolumes = new Map<string, string>()
  /** Claim → the node on which it will have a volume, before the API says so. */
  readonly claimNodes = new Map<string, string>()
  readonly devices: DeviceLedger = new DeviceLedger()
  readonly topology: Topology = new Topology(() => this.#nodes.values())
  /** How many nodes have a taint that is only to be avoided. */
  softlyTainted = 0
  readonly #versions = new Versions()
  #list: readonly NodeState[] | undefined
  #order: Int32Array | undefined
  #indexes = 0
  /** Indexes of nodes that are gone. */
  readonly #free: number[] = []

  /** The nodes that exist, zone by turn, so that whoever looks at a part of them sees all zones. */
  get nodes(): readonly NodeState[] {
    this.#list ??= byTurns([...this.#nodes.values()].filter((state) => state.node !== undefined))
    return this.#list
  }

  /** The index of each of `nodes`. */
  get order(): Int32Array {
    this.#order ??= Int32Array.from(this.nodes, ({ index }) => index)
    return this.#order
  }

  /** The version of each node by its index, of which there are `indexes`. */
  get versions(): Int32Array {
    return this.#versions.numbers
  }

  /** Of each group of neighbours, a number that is another one after something has changed there. */
  get changes(): Int32Array {
    return this.#versions.changes
  }

  /** Each index of a node is below this. */
  get indexes(): number {
    return this.#indexes
  }

  /** Nothing when there is no such node. */
  node(name: string): NodeState | undefined {
    const state = this.#nodes.get(name)
    return state?.node && state
  }

  /** How many pods are counted. */
  get podCount(): number {
    return this.#placed.size
  }

  /** Where a pod is counted. */
  placeOf(uid: string): NodeState | undefined {
    return this.#placed.get(uid)
  }

  /** Something about the node is different that is not kept here. */
  touch(name: string): void {
    const state = this.#nodes.get(name)
    if (state) state.version++
  }

  setNode(node: Node): void {
    const state = this.#stateOf(node.metadata.name!)
    const before = state.node
    const isElsewhere = !before || isMoved(before, node)
    if (isElsewhere) {
      this.#listChanged()
      if (before) this.topology.nodeWent(state)
    }
    this.softlyTainted += isSoftlyTainted(node) - isSoftlyTainted(before)
    state.node = node
    state.version++
    if (before?.status?.allocatable !== node.status?.allocatable)
      state.allocatable = amountsOf(node.status?.allocatable ?? {})
    if (before?.status?.images !== node.status?.images) this.#setImages(state, imagesOf(node))
    if (isElsewhere) this.topology.nodeCame(state)
  }

  removeNode(name: string): void {
    const state = this.#nodes.get(name)
    if (!state?.node) return
    this.#listChanged()
    this.topology.nodeWent(state)
    this.#setImages(state, noImages)
    this.softlyTainted -= isSoftlyTainted(state.node)
    state.node = undefined
    state.version++
    if (state.pods.size === 0) this.#forget(state)
  }

  /** Counts a pod on the node that it names, wherever it was counted before. */
  place(pod: Pod, nodeName: string): void {
    const uid = pod.metadata.uid!
    const before = this.#placed.get(uid)
    if (before?.name === nodeName && isAlike(before.pods.get(uid)!.pod, pod)) {
      before.pods.set(uid, podState(pod))
      return
    }
    if (before) this.remove(uid)
    const state = podState(pod)
    const node = this.#stateOf(nodeName)
    node.pods.set(uid, state)
    this.#placed.set(uid, node)
    count(node, state, 1)
    if (state.hasSharedVolumes) this.#countClaims(pod, 1)
    if (node.node) this.topology.placed(state, node)
  }

  remove(uid: string): void {
    const node = this.#placed.get(uid)
    if (!node) return
    this.#placed.delete(uid)
    const state = node.pods.get(uid)!
    count(node, state, -1)
    if (state.hasSharedVolumes) this.#countClaims(state.pod, -1)
    node.pods.delete(uid)
    if (node.node) this.topology.left(state, node)
    else if (node.pods.size === 0) this.#forget(node)
  }

  /**
   * What would be without these pods: takes them off their node, looks, and puts them back, those first that `look` has
   * put back itself.
   */
  without<T>(node: NodeState, pods: readonly PodState[], look: () => T): T {
    const { version } = node
    for (const { uid } of pods) this.remove(uid)
    const seen = look()
    for (const { uid, pod } of pods) if (!node.pods.has(uid)) this.place(pod, node.name)
    // All is as it was.
    node.version = version
    return seen
  }

  /** What would be with these pods, too. */
  with<T>(node: NodeState, pods: readonly PodState[], look: () => T): T {
    const { version } = node
    for (const { pod } of pods) this.place(pod, node.name)
    const seen = look()
    for (const { uid } of pods) this.remove(uid)
    node.version = version
    return seen
  }

  /** What is counted for a pod; nothing when it has no place. */
  podState(uid: string): PodState | undefined {
    return this.#placed.get(uid)?.pods.get(uid)
  }

  #forget(state: NodeState): void {
    this.#nodes.delete(state.name)
    this.#free.push(state.index)
  }

  #listChanged(): void {
    this.#list = undefined
    this.#order = undefined
  }

  #countClaims(pod: Pod, sign: 1 | -1): void {
    for (const { name } of claimsOf(pod)) {
      const key = `${pod.metadata.namespace}/${name}`
      const users = (this.claims.get(key) ?? 0) + sign
      if (users > 0) this.claims.set(key, users)
      else this.claims.delete(key)
    }
  }

  #setImages(state: NodeState, images: NodeState['images']): void {
    for (const name of state.images.keys()) {
      const nodes = this.images.get(name)! - 1
      if (nodes > 0) this.images.set(name, nodes)
      else this.images.delete(name)
    }
    state.images = images
    for (const name of images.keys()) this.images.set(name, (this.images.get(name) ?? 0) + 1)
  }

  #stateOf(name: string): NodeState {
    let state = this.#nodes.get(name)
    if (!state) {
      const index = this.#free.pop() ?? this.#indexes++
      this.#versions.reserve(index)
      state = new NodeState(name, index, this.#versions)
      // What is remembered of a node that had this index before does not hold for this one.
      state.version++
      this.#nodes.set(name, state)
    }
    return state
  }
}

function count(node: NodeState, pod: PodState, sign: 1 | -1): void {
  node.version++
  node.requested.cpu += sign * pod.requests.cpu
  node.requested.memory += sign * pod.requests.memory
  node.requested.pods += sign
  for (const [name, amount] of pod.requests.others) addAmount(node.requested, name, sign * amount)
  node.weighed.cpu += sign * pod.weighed.cpu
  node.weighed.memory += sign * pod.weighed.memory
  if (pod.hasSharedVolumes) node.sharedVolumes += sign
  for (const port of pod.hostPorts) {
    const users = (node.hostPorts.get(port) ?? 0) + sign
    if (users > 0) node.hostPorts.set(port, users)
    else node.hostPorts.delete(port)
  }
}

/** Whether nothing is different about a pod that is counted: most changes are of its status alone. */
const isAlike = (before: Pod, pod: Pod): boolean =>
  before.spec === pod.spec &&
  before.metadata.labels === pod.metadata.labels &&
  before.metadata.deletionTimestamp === pod.metadata.deletionTimestamp &&
  isResizeInfeasible(before) === isResizeInfeasible(pod)

/** Whether what decides about topologies is different. */
const isMoved = (before: Node, { metadata, spec }: Node): boolean =>
  !isSame(before.metadata.labels, metadata.labels) || !isSame(before.spec?.taints, spec?.taints)

const isSoftlyTainted = (node: Node | undefined): 0 | 1 =>
  node?.spec?.taints?.some(({ effect }) => effect === 'PreferNoSchedule') ? 1 : 0

const isSame = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)

function imagesOf({ status }: Node): NodeState['images'] {
  if (!status?.images?.length) return noImages
  return new Map(
    status.images.flatMap(({ names, sizeBytes }) => (names ?? []).map((name) => [name, Number(sizeBytes ?? 0)])),
  )
}

const zoneOf = ({ node }: NodeState): string => {
  const labels = node?.metadata.labels ?? {}
  return `${labels['topology.kubernetes.io/region'] ?? ''}:${labels['topology.kubernetes.io/zone'] ?? ''}`
}

/** One of each zone, then the second of each, and so on. */
function byTurns(nodes: readonly NodeState[]): NodeState[] {
  const zones = [...Map.groupBy(nodes, zoneOf).values()]
  if (zones.length <= 1) return [...nodes]
  const ordered: NodeState[] = []
  for (let turn = 0; ordered.length < nodes.length; turn++)
    for (const zone of zones) if (turn < zone.length) ordered.push(zone[turn]!)
  return ordered
}
