import type { Client } from '../../client/client.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { isConflict, isNotFound } from '../../schema/status.ts'
import type { Clock, Log } from '../../world/world.ts'
import { fullName, mirroredHash, mirrorOf } from './manifest.ts'

export interface MirrorsOptions {
  readonly client: Client
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
  readonly nodeUid: string
  /** The node's pods, as the API has them. */
  readonly present: () => Iterable<Pod>
  /** Static pods that are to be seen. */
  readonly wanted: () => readonly Pod[]
  /** Of those that still run though nobody wants them the mirrors stay until they have ended. */
  readonly isRunning: (mirror: Pod) => boolean
}

const retryMs = 1000

/**
 * Shows static pods in the API. A mirror that somebody deletes, or that stands for an older content, is made anew: the
 * pod itself is none the wiser.
 */
export class Mirrors {
  readonly #options: MirrorsOptions
  #isBusy = false
  #isStale = false

  constructor(options: MirrorsOptions) {
    this.#options = options
  }

  /** Something has changed that mirrors depend on. */
  look(): void {
    this.#isStale = true
    if (this.#isBusy) return
    this.#isBusy = true
    void this.#settle()
  }

  async #settle(): Promise<void> {
    const { signal, clock, log } = this.#options
    while (this.#isStale && !signal.aborted) {
      this.#isStale = false
      try {
        await this.#settleAll()
      } catch (error) {
        if (signal.aborted) break
        log('warn', 'mirror pods could not be brought up to date', { error: String(error) })
        this.#isStale = true
        await clock.after(retryMs, signal).catch(() => {})
      }
    }
    this.#isBusy = false
  }

  async #settleAll(): Promise<void> {
    const { client, log, nodeUid, present, wanted, isRunning } = this.#options
    const missing = new Map(wanted().map((pod) => [fullName(pod), pod]))
    for (const pod of [...present()]) {
      const name = fullName(pod)
      const own = missing.get(name)
      const hash = mirroredHash(pod)
      if (hash === undefined) {
        if (own) log('warn', 'a pod that is no mirror has the name of a static pod', { pod: name })
        missing.delete(name)
      } else if (pod.metadata.deletionTimestamp === undefined && (own ? own.metadata.uid === hash : isRunning(pod)))
        missing.delete(name)
      else await this.#delete(pod)
    }
    for (const pod of missing.values()) await this.#create(client, mirrorOf(pod, nodeUid))
  }

  async #delete({ metadata }: Pod): Promise<void> {
    const { namespace = '', name = '', uid = '' } = metadata
    try {
      await this.#options.client.delete(Pod, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } })
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
  }

  /** One that is there already comes as a change, or has come. */
  async #create(client: Client, mirror: Pod): Promise<void> {
    try {
      await client.create(Pod, mirror)
    } catch (error) {
      if (!isConflict(error) && !isAlreadyThere(error)) throw error
    }
  }
}

const isAlreadyThere = (error: unknown) => (error as { readonly reason?: string }).reason === 'AlreadyExists'
