import { parseQuantity } from '../base/quantity.ts'
import type { Node } from '../kinds/core/node.ts'
import type { Pod } from '../kinds/core/pod.ts'
import { podResources } from '../kinds/core/pod-amounts.ts'

/**
 * What the scheduler knows: every node with what its pods have taken of it. Pods that were just given a node count at
 * once, before the API says so (`assume`). Kept up to date by changes; nothing is ever summed up anew.
 */

/** Amounts in the units in which they are compared: thousandths for CPU, whole units for everything else. */
export interface Amounts {
  cpu: number
  memory: number
  pods: number
  readonly others: Map<string, number>
}

export interface NodeState {
  readonly name: string
  /** Absent as long as only pods of it are known. */
  node: Node | undefined
  allocatable: Amounts
  /** What its pods request. */
  readonly requested: Amounts
  /** The same, with a small amount for pods that request nothing, so that such pods spread too. */
  readonly weighed: { cpu: number; memory: number }
  /** Host ports in use: `TCP 0.0.0.0 80` → how many pods. */
  readonly hostPorts: Map<string, number>
  readonly pods: Map<string, PodState>
}

/** What a pod takes; computed once for each version of a pod. */
export interface PodState {
  readonly pod: Pod
  readonly requests: Amounts
  readonly weighed: { readonly cpu: number; readonly memory: number }
  readonly hostPorts: readonly string[]
}

/** What a container that requests nothing is taken to need, for scores alone. */
const assumedCpu = 100
const assumedMemory = 200 * 1024 * 1024

const states = new WeakMap<Pod, PodState>()

export function podState(pod: Pod): PodState {
  const known = states.get(pod)
  if (known) return known
  const requests = noAmounts()
  for (const [name, amount] of podResources(pod.spec, 'requests'))
    add(requests, name, name === 'cpu' ? amount.milliValue() : amount.value())
  requests.pods = 1
  const weighed = { cpu: 0, memory: 0 }
  for (const { resources } of pod.spec.containers) {
    weighed.cpu += resources?.requests?.cpu ? parseQuantity(resources.requests.cpu).milliValue() : assumedCpu
    weighed.memory += resources?.requests?.memory ? parseQuantity(resources.requests.memory).value() : assumedMemory
  }
  const state = { pod, requests, weighed, hostPorts: hostPortsOf(pod) }
  states.set(pod, state)
  return state
}

function hostPortsOf(pod: Pod): string[] {
  return pod.spec.containers.flatMap((container) =>
    (container.ports ?? [])
      .filter((port) => port.hostPort)
      .map((port) => `${port.protocol ?? 'TCP'} ${port.hostIP || '0.0.0.0'} ${port.hostPort}`),
  )
}

export class ClusterState {
  readonly #nodes = new Map<string, NodeState>()
  /** Pod UID → node. */
  readonly #placed = new Map<string, NodeState>()
  #list: readonly NodeState[] | undefined

  /** The nodes that exist, in a stable order. */
  get nodes(): readonly NodeState[] {
    this.#list ??= [...this.#nodes.values()].filter((state) => state.node !== undefined)
    return this.#list
  }

  setNode(node: Node): void {
    const state = this.#stateOf(node.metadata.name!)
    if (!state.node) this.#list = undefined
    state.node = node
    state.allocatable = amountsOf(node.status?.allocatable ?? {})
  }

  removeNode(name: string): void {
    const state = this.#nodes.get(name)
    if (!state) return
    this.#list = undefined
    state.node = undefined
    if (state.pods.size === 0) this.#nodes.delete(name)
  }

  /** Counts a pod on the node that it names, wherever it was counted before. */
  place(pod: Pod, nodeName: string): void {
    const state = podState(pod)
    const uid = pod.metadata.uid!
    const before = this.#placed.get(uid)
    if (before?.pods.get(uid)?.pod === pod && before.name === nodeName) return
    this.remove(uid)
    const node = this.#stateOf(nodeName)
    node.pods.set(uid, state)
    this.#placed.set(uid, node)
    count(node, state, 1)
  }

  remove(uid: string): void {
    const node = this.#placed.get(uid)
    if (!node) return
    this.#placed.delete(uid)
    count(node, node.pods.get(uid)!, -1)
    node.pods.delete(uid)
    if (!node.node && node.pods.size === 0) this.#nodes.delete(node.name)
  }

  isPlaced(uid: string): boolean {
    return this.#placed.has(uid)
  }

  #stateOf(name: string): NodeState {
    let state = this.#nodes.get(name)
    if (!state) {
      state = {
        name,
        node: undefined,
        allocatable: noAmounts(),
        requested: noAmounts(),
        weighed: { cpu: 0, memory: 0 },
        hostPorts: new Map(),
        pods: new Map(),
      }
      this.#nodes.set(name, state)
    }
    return state
  }
}

function count(node: NodeState, pod: PodState, sign: 1 | -1): void {
  node.requested.cpu += sign * pod.requests.cpu
  node.requested.memory += sign * pod.requests.memory
  node.requested.pods += sign
  for (const [name, amount] of pod.requests.others) add(node.requested, name, sign * amount)
  node.weighed.cpu += sign * pod.weighed.cpu
  node.weighed.memory += sign * pod.weighed.memory
  for (const port of pod.hostPorts) {
    const users = (node.hostPorts.get(port) ?? 0) + sign
    if (users > 0) node.hostPorts.set(port, users)
    else node.hostPorts.delete(port)
  }
}

const noAmounts = (): Amounts => ({ cpu: 0, memory: 0, pods: 0, others: new Map() })

function amountsOf(list: Readonly<Record<string, string>>): Amounts {
  const amounts = noAmounts()
  for (const [name, text] of Object.entries(list)) {
    const amount = parseQuantity(text)
    add(amounts, name, name === 'cpu' ? amount.milliValue() : amount.value())
  }
  return amounts
}

function add(amounts: Amounts, name: string, amount: number): void {
  if (name === 'cpu' || name === 'memory' || name === 'pods') amounts[name] += amount
  else amounts.others.set(name, (amounts.others.get(name) ?? 0) + amount)
}
