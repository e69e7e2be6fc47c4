import { type Deferred, deferred } from '../../base/deferred.ts'
import { Pod } from '../../kinds/core/pod.ts'
import type { DrainOptions, DrainTools } from './options.ts'
import { isGivenUp, listAll, type Selection } from './selection.ts'

/** How a pod was waited for: it is gone, or nobody waits any longer. */
export type Departure = 'gone' | 'given up'

/** After so long without a watch the node's pods are listed again. */
const againMs = 1_000

/** Follows the pods of a node until they are gone. One watch, however many they are. */
export class Departures implements Disposable {
  readonly #node: string
  readonly #options: DrainOptions
  readonly #tools: DrainTools
  readonly #ended = new AbortController()
  readonly #waiting = new Map<string, Deferred<Departure>>()
  /** UID → the pod as it is now. */
  readonly #present: Map<string, Pod>
  readonly #timers = new Map<string, () => void>()

  constructor(node: string, selection: Selection, options: DrainOptions, tools: DrainTools) {
    this.#node = node
    this.#options = options
    this.#tools = tools
    this.#present = new Map(selection.going.map((pod) => [pod.metadata.uid!, pod]))
    void this.#follow(selection.resourceVersion)
  }

  /** Resolves when the pod is no more, or is given up. */
  of(pod: Pod): Promise<Departure> {
    const uid = pod.metadata.uid!
    if (!this.#present.has(uid)) return Promise.resolve('gone')
    let waiting = this.#waiting.get(uid)
    if (!waiting) {
      waiting = deferred<Departure>()
      this.#waiting.set(uid, waiting)
      this.#giveUpInTime(this.#present.get(uid)!)
    }
    return waiting.promise
  }

  isGone(pod: Pod): boolean {
    return !this.#present.has(pod.metadata.uid!)
  }

  /** The pod as it is now, while it is there. */
  now(pod: Pod): Pod | undefined {
    return this.#present.get(pod.metadata.uid!)
  }

  [Symbol.dispose](): void {
    this.#ended.abort()
    for (const cancel of this.#timers.values()) cancel()
  }

  async #follow(from: string): Promise<void> {
    const signal = AbortSignal.any([this.#ended.signal, this.#tools.signal])
    for (let resourceVersion = from; !signal.aborted; ) {
      try {
        const fieldSelector = `spec.nodeName=${this.#node}`
        for await (const event of this.#tools.client.watch(Pod, { fieldSelector, resourceVersion, signal })) {
          if (event.type === 'BOOKMARK') continue
          if (event.type === 'DELETED') this.#went(event.object.metadata.uid!)
          else this.#changed(event.object)
        }
      } catch {
        // The list says what the watch did not.
      }
      if (signal.aborted) return
      await this.#tools.clock.after(againMs, signal).catch(() => {})
      resourceVersion = (await this.#lookAgain().catch(() => undefined)) ?? resourceVersion
    }
  }

  async #lookAgain(): Promise<string> {
    const { chunkSize: limit } = this.#options
    const found = await listAll(this.#tools.client, Pod, {
      fieldSelector: `spec.nodeName=${this.#node}`,
      ...(limit > 0 && { limit }),
    })
    const uids = new Set(found.items.map(({ metadata }) => metadata.uid!))
    for (const uid of [...this.#present.keys()]) if (!uids.has(uid)) this.#went(uid)
    for (const pod of found.items) this.#changed(pod)
    return found.resourceVersion
  }

  #changed(pod: Pod): void {
    const uid = pod.metadata.uid!
    if (!this.#present.has(uid)) return
    this.#present.set(uid, pod)
    if (this.#waiting.has(uid)) this.#giveUpInTime(pod)
  }

  #went(uid: string): void {
    this.#present.delete(uid)
    this.#end(uid, 'gone')
  }

  #end(uid: string, how: Departure): void {
    this.#timers.get(uid)?.()
    this.#timers.delete(uid)
    this.#waiting.get(uid)?.resolve(how)
  }

  /** kubectl counts whole seconds, and wants more of them than it was told. */
  #giveUpInTime(pod: Pod): void {
    const { skipWaitForDeleteTimeoutSeconds: seconds } = this.#options
    const { uid, deletionTimestamp } = pod.metadata
    if (seconds === 0 || deletionTimestamp === undefined || this.#timers.has(uid!)) return
    const now = this.#tools.clock.now()
    if (isGivenUp(pod, seconds, now)) return this.#end(uid!, 'given up')
    const delayMs = Date.parse(deletionTimestamp) + (seconds + 1) * 1000 - now
    this.#timers.set(
      uid!,
      this.#tools.clock.timer(delayMs, () => this.#end(uid!, 'given up')),
    )
  }
}
