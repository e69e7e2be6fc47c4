import type { PodState } from './pod-state.ts'

interface Nomination {
  readonly node: string
  readonly pod: PodState
  readonly victims: Set<string>
}

/** Pods that wait for others to leave a node, and come there next unless they find a better one. */
export class Nominations {
  readonly #nodes = new Map<string, Nomination>()
  readonly #byNode = new Map<string, Map<string, PodState>>()
  readonly #changed: (node: string) => void

  /** `changed` is told of each node to which others come than before. */
  constructor(changed: (node: string) => void = () => {}) {
    this.#changed = changed
  }

  nodeOf(uid: string): string | undefined {
    return this.#nodes.get(uid)?.node
  }

  /** `victims`: UIDs of the pods that have to leave first. */
  set(pod: PodState, node: string, victims: Iterable<string> = []): void {
    this.delete(pod.uid)
    this.#nodes.set(pod.uid, { node, pod, victims: new Set(victims) })
    const pods = this.#byNode.get(node) ?? new Map<string, PodState>()
    this.#byNode.set(node, pods.set(pod.uid, pod))
    this.#changed(node)
  }

  delete(uid: string): void {
    const known = this.#nodes.get(uid)
    if (!known) return
    this.#nodes.delete(uid)
    const pods = this.#byNode.get(known.node)!
    pods.delete(uid)
    if (pods.size === 0) this.#byNode.delete(known.node)
    this.#changed(known.node)
  }

  /** A pod has left, or will not: nobody waits for that any more. */
  left(uid: string, node: string): void {
    for (const pod of this.#byNode.get(node)?.keys() ?? []) this.#nodes.get(pod)!.victims.delete(uid)
  }

  /** Whether all have left that the pod waits for. */
  isReady(uid: string): boolean {
    return (this.#nodes.get(uid)?.victims.size ?? 0) === 0
  }

  /** Those that come to the node; for a pod: those of them that matter at least as much. */
  comingTo(node: string, asker?: PodState): readonly PodState[] {
    // As it almost always is: thousands of nodes are asked about for one pod.
    if (this.#byNode.size === 0) return nobody
    const pods = this.#byNode.get(node)
    if (!pods) return nobody
    if (!asker) return [...pods.values()]
    return [...pods.values()].filter((pod) => pod.uid !== asker.uid && pod.priority >= asker.priority)
  }

  /** Those that come to the node and matter less than this priority. */
  lessThan(node: string, priority: number): readonly PodState[] {
    return [...(this.#byNode.get(node)?.values() ?? [])].filter((pod) => pod.priority < priority)
  }
}

const nobody: readonly PodState[] = []
