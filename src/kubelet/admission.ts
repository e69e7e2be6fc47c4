import type { Client } from '../client/client.ts'
import { type Amounts, addAmount, amountOf, amountsOf, noAmounts } from '../kinds/core/amounts.ts'
import { Node } from '../kinds/core/node.ts'
import { matchesNode, untolerated } from '../kinds/core/node-fit.ts'
import type { Pod } from '../kinds/core/pod.ts'
import { isPortTaken, needsOf, type PodNeeds } from '../kinds/core/pod-needs.ts'
import { isExtendedResource } from '../kinds/core/resource-names.ts'
import type { Activity } from '../reconciler/activity.ts'
import type { Clock } from '../world/world.ts'
import { Budget } from './budget.ts'
import { isStatic } from './static-pods/manifest.ts'

/** Why a node does not take a pod; the reason becomes the pod's (`OutOfcpu`, `NodeAffinity`). */
export interface Rejection {
  readonly reason: string
  readonly message: string
}

export interface AdmissionOptions {
  readonly client: Pick<Client, 'get'>
  readonly clock: Clock
  /** Is told while the API is asked. */
  readonly activity: Activity
  readonly nodeName: string
  /** The node as far as is known by now. */
  readonly node: () => Node | undefined
}

/**
 * Which pods one node takes: whoever sent them here, a scheduler, a DaemonSet of old or a pod's own `nodeName`, may not
 * have asked whether there is room. The rules are the reference's (its kubelet's predicates), and so are the words.
 * What static pods need counts, but they are always taken: who has put them there knows what the machine can bear.
 */
export class Admission {
  readonly #options: AdmissionOptions
  readonly #rejections: Budget
  readonly #pods = new Map<string, PodNeeds>()
  /** Of pods that wait for room to grow, by UID: what asks again. */
  readonly #deferred = new Map<string, () => void>()
  readonly #used = noAmounts()
  /** Host ports in use → by how many pods. */
  readonly #ports = new Map<string, number>()

  constructor(options: AdmissionOptions) {
    this.#options = options
    this.#rejections = new Budget(options.clock, rejections)
  }

  /** Counts a pod that is here. */
  keep({ metadata, spec }: Pick<Pod, 'metadata' | 'spec'>): void {
    const needs = needsOf(spec)
    if (this.#pods.get(metadata.uid!) === needs) return
    this.#forget(metadata.uid!)
    this.#pods.set(metadata.uid!, needs)
    this.#count(needs, 1)
  }

  /** Counts a pod that has come, unless there is a reason not to take it. Throws when `signal` says that it may go. */
  admit(pod: Pod, signal: AbortSignal): undefined | Promise<Rejection | undefined> {
    const node = this.#options.node()
    if (!isStatic(pod) && (!node || this.#objection(pod, node))) return this.#lookAgain(pod, signal)
    this.keep(pod)
    return undefined
  }

  /**
   * A pod that is here wants more or less than before (KEP-1287): counts that, unless there is a reason not to give it.
   * `again` is called when a pod that has to wait should ask once more.
   */
  resize(pod: Pod, again: () => void): Rejection | undefined {
    const uid = pod.metadata.uid!
    const before = this.#pods.get(uid)
    const node = this.#options.node()
    this.#deferred.delete(uid)
    if (!before || !node) return undefined
    const allocatable = allocatableOf(node)
    const { requests } = needsOf(pod.spec)
    const never = (['memory', 'cpu'] as const).find((name) => requests[name] > allocatable[name])
    if (never) {
      const amounts = `requested: ${requests[never]}, capacity: ${allocatable[never]}`
      return { reason: 'Infeasible', message: `Node didn't have enough capacity: ${never}, ${amounts}` }
    }
    this.#count(before, -1)
    const lacking = this.#lacking(requests, allocatable)
    this.#count(before, 1)
    if (lacking) {
      this.#deferred.set(uid, again)
      return { reason: 'Deferred', message: lacking.message }
    }
    this.keep(pod)
    this.#askAgain()
    return undefined
  }

  /** A pod needs nothing any more. */
  leave({ metadata }: Pod): void {
    this.#deferred.delete(metadata.uid!)
    if (this.#forget(metadata.uid!)) this.#askAgain()
  }

  #askAgain(): void {
    for (const again of [...this.#deferred.values()]) again()
  }

  /**
   * The pod may have been sent because of what has changed a moment ago: before it is rejected, the API is asked. A
   * ReplicaSet makes another pod for each that is rejected, without end if its pods name a node, so that they wait their
   * turn.
   */
  async #lookAgain(pod: Pod, signal: AbortSignal): Promise<Rejection | undefined> {
    const { client, clock, activity, nodeName } = this.#options
    for (;;) {
      const node = await activity.track(client.get(Node, { name: nodeName })).catch(() => undefined)
      signal.throwIfAborted()
      const objection = node && this.#objection(pod, node)
      if (objection && this.#rejections.take()) return objection
      if (node && !objection) {
        this.keep(pod)
        return undefined
      }
      await clock.after(retryMs, signal)
    }
  }

  #objection({ spec }: Pod, node: Node): Rejection | undefined {
    const os = node.metadata.labels?.['kubernetes.io/os'] ?? 'linux'
    if (spec.os && spec.os.name !== os)
      return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" }
    const needs = needsOf(spec)
    const lacking = this.#lacking(needs.requests, allocatableOf(node))
    if (lacking) return lacking
    const failed = (predicate: string, why: string) => ({
      reason: predicate,
      message: `Predicate ${predicate} failed: ${why}`,
    })
    if (!matchesNode(spec, node)) return failed('NodeAffinity', "node(s) didn't match Pod's node affinity/selector")
    if (needs.hostPorts.some((port) => isPortTaken(this.#ports, port)))
      return failed('NodePorts', "node(s) didn't have free ports for the requested pod ports")
    if (untolerated(node.spec?.taints, spec.tolerations, ['NoExecute']))
      return failed('TaintToleration', "node(s) had taints that the pod didn't tolerate")
    return undefined
  }

  #lacking(requests: Amounts, allocatable: Amounts): Rejection | undefined {
    for (const name of ['pods', 'cpu', 'memory', ...requests.others.keys()]) {
      const requested = amountOf(requests, name)
      const capacity = amountOf(allocatable, name)
      const used = amountOf(this.#used, name)
      if (requested === 0 || used + requested <= capacity) continue
      // What a device plugin was to bring, and the node has never heard of, is for somebody else to know.
      if (isExtendedResource(name) && !allocatable.others.has(name)) continue
      const amounts = `requested: ${requested}, used: ${used}, capacity: ${capacity}`
      return { reason: `OutOf${name}`, message: `Node didn't have enough resource: ${name}, ${amounts}` }
    }
    return undefined
  }

  /** Gives whether it was here. */
  #forget(uid: string): boolean {
    const needs = this.#pods.get(uid)
    if (!needs) return false
    this.#count(needs, -1)
    return this.#pods.delete(uid)
  }

  #count({ requests, hostPorts }: PodNeeds, sign: 1 | -1): void {
    for (const name of ['pods', 'cpu', 'memory', ...requests.others.keys()])
      addAmount(this.#used, name, sign * amountOf(requests, name))
    for (const port of hostPorts) {
      const users = (this.#ports.get(port) ?? 0) + sign
      if (users > 0) this.#ports.set(port, users)
      else this.#ports.delete(port)
    }
  }
}

const retryMs = 1000

/** As many as come of a mistake are turned away at once, and no more of those that come of a loop than one can watch. */
const rejections = { perSecond: 10, burst: 100 }

/** A heartbeat gives the Node another version, but leaves what it has. */
const known = new WeakMap<object, Amounts>()

function allocatableOf({ status }: Node): Amounts {
  const allocatable = status?.allocatable ?? {}
  let amounts = known.get(allocatable)
  if (!amounts) {
    amounts = amountsOf(allocatable)
    known.set(allocatable, amounts)
  }
  return amounts
}
