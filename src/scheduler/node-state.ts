import { parseQuantity } from '../base/quantity.ts'
import type { Container } from '../kinds/core/containers.ts'
import type { Node } from '../kinds/core/node.ts'
import type { Pod } from '../kinds/core/pod.ts'
import { podResources } from '../kinds/core/pod-amounts.ts'
import type { PodSpec } from '../kinds/core/pod-spec.ts'

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
  /** The same, with a small amount for containers that request nothing, so that their pods spread too. */
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
const assumed = { cpu: '100m', memory: '200Mi' }

const states = new WeakMap<Pod, PodState>()

export function podState(pod: Pod): PodState {
  const known = states.get(pod)
  if (known) return known
  const requests = noAmounts()
  for (const [name, amount] of podResources(pod.spec, 'requests'))
    add(requests, name, name === 'cpu' ? amount.milliValue() : amount.value())
  requests.pods = 1
  const state = { pod, requests, weighed: weigh(pod.spec, requests), hostPorts: hostPortsOf(pod) }
  states.set(pod, state)
  return state
}

/** The requests, with an assumed amount for each container that requests nothing of its own. */
function weigh(spec: PodSpec, requests: Amounts): PodState['weighed'] {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])]
  if (containers.every(({ resources }) => resources?.requests?.cpu && resources.requests.memory)) return requests
  const assume = <C extends Pick<Container, 'resources'>>(container: C): C => ({
    ...container,
    resources: { ...container.resources, requests: { ...assumed, ...container.resources?.requests } },
  })
  const weighed = podResources(
    {
      ...spec,
      containers: spec.containers.map(assume),
      ...(spec.initContainers && { initContainers: spec.initContainers.map(assume) }),
    },
    'requests',
  )
  return { cpu: weighed.get('cpu')?.milliValue() ?? 0, memory: weighed.get('memory')?.value() ?? 0 }
}

/** Host ports of the containers that run side by side, sidecars among them. */
function hostPortsOf({ spec }: Pod): string[] {
  const sidecars = spec.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always') ?? []
  return [...sidecars, ...spec.containers].flatMap(({ ports = [] }) =>
    ports
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

  /** What is counted for a pod; nothing when it has no place. */
  podState(uid: string): PodState | undefined {
    return this.#placed.get(uid)?.pods.get(uid)
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
