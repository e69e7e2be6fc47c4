import { secondsTime } from '../../base/seconds-time.ts'
import type { Client } from '../../client/client.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { PodWorker, type PodWorkerTools } from '../pod-worker.ts'
import { type PodRecord, statusOf } from '../process/records.ts'
import { fullName } from './manifest.ts'

export interface StaticPodsOptions {
  /** For the workers; where they write is said here. */
  readonly tools: Omit<PodWorkerTools, 'client'>
  /** Writes statuses of mirrors. */
  readonly client: Pick<Client, 'patch'>
  /** The mirror of a static pod, as far as there is one. */
  readonly mirrorOf: (pod: Pod) => Pod | undefined
  /** A pod has come or gone. */
  readonly changed: () => void
}

interface RunningStaticPod {
  readonly pod: Pod
  readonly worker: PodWorker
  isEnding: boolean
}

/**
 * Runs the pods that manifests describe, whether there is an API or not. A pod with another content takes the place of
 * the old one once that has ended; what an earlier kubelet left running is taken over, or ended when nobody wants it.
 */
export class StaticPods {
  readonly #options: StaticPodsOptions
  #wanted: ReadonlyMap<string, Pod> = new Map()
  readonly #running = new Map<string, RunningStaticPod>()

  constructor(options: StaticPodsOptions) {
    this.#options = options
  }

  /** All that run, those that are about to end included. */
  get pods(): readonly Pod[] {
    return [...this.#running.values()].map(({ pod }) => pod)
  }

  /** The pod that runs, or is to run, under this name. */
  find(name: string): Pod | undefined {
    return this.#running.get(name)?.pod ?? this.#wanted.get(name)
  }

  /** Those that are to run. */
  get wanted(): readonly Pod[] {
    return [...this.#wanted.values()]
  }

  /** @param remembered what an earlier kubelet has noted; at the first call alone */
  set(pods: readonly Pod[], remembered: readonly PodRecord[] = []): void {
    this.#wanted = new Map(pods.map((pod) => [fullName(pod), pod]))
    for (const record of remembered) this.#takeOver(record)
    for (const running of this.#running.values()) {
      if (this.#wanted.get(fullName(running.pod))?.metadata.uid !== running.pod.metadata.uid) this.#end(running)
    }
    for (const pod of pods) if (!this.#running.has(fullName(pod))) this.#start(pod)
    this.#options.changed()
  }

  /** The mirror of a pod has changed: its status is brought up to date if need be. */
  mirrored(mirror: Pod): void {
    const running = this.#running.get(fullName(mirror))
    if (!running || running.isEnding) return
    const { resourceVersion, generation } = mirror.metadata
    const metadata = { ...running.pod.metadata, resourceVersion, generation }
    running.worker.update({ ...running.pod, metadata, ...(mirror.status && { status: mirror.status }) } as Pod)
  }

  /** Lets go of all: the processes go on. */
  halt(): void {
    for (const { worker } of this.#running.values()) worker.halt()
    this.#running.clear()
  }

  #takeOver(record: PodRecord): void {
    const { pod } = record
    if (this.#running.has(fullName(pod))) return
    const found = { ...pod, status: statusOf(record, this.#options.tools.hostAddresses) }
    if (this.#wanted.get(fullName(pod))?.metadata.uid === pod.metadata.uid) this.#start(found)
    else this.#start(found, true)
  }

  #start(started: Pod, isEnding = false): void {
    const deletionTimestamp = secondsTime(this.#options.tools.clock.now())
    const pod = isEnding ? { ...started, metadata: { ...started.metadata, deletionTimestamp } } : started
    const worker = new PodWorker(pod, { ...this.#options.tools, client: this.#clientFor(pod) })
    const running: RunningStaticPod = { pod, worker, isEnding }
    this.#running.set(fullName(pod), running)
    void worker.start()
  }

  #end(running: RunningStaticPod): void {
    if (running.isEnding) return
    running.isEnding = true
    const { pod, worker } = running
    const deletionTimestamp = secondsTime(this.#options.tools.clock.now())
    worker.update({ ...pod, metadata: { ...pod.metadata, deletionTimestamp } })
  }

  #ended(pod: Pod): void {
    const name = fullName(pod)
    if (this.#running.get(name)?.pod.metadata.uid !== pod.metadata.uid) return
    this.#running.delete(name)
    const next = this.#wanted.get(name)
    if (next) this.#start(next)
    this.#options.changed()
  }

  /** A worker of a static pod writes to its mirror, and tells us when the pod is gone. */
  #clientFor(pod: Pod): Pick<Client, 'patch' | 'delete'> {
    const { client, mirrorOf } = this.#options
    return {
      patch: async (kind, ref, patch, options) => {
        const mirror = mirrorOf(pod)
        // Nobody can be told yet; the worker is asked again when there is a mirror.
        if (!mirror || patch.type === 'json') return pod as never
        const body = { ...patch.body, metadata: { uid: mirror.metadata.uid } }
        return client.patch(kind, ref, { ...patch, body }, options)
      },
      delete: async () => {
        this.#ended(pod)
        return true
      },
    }
  }
}
