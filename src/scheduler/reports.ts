import { secondsTime } from '../base/seconds-time.ts'
import type { Client } from '../client/client.ts'
import { Pod, type PodCondition } from '../kinds/core/pod.ts'
import { isConflict, isNotFound } from '../schema/status.ts'
import type { Clock, Log } from '../world/world.ts'
import { preemptionReason } from './preemption.ts'

/** What the scheduler tells the API server. Failures that are everyday life are none. */
export class Reports {
  readonly #client: Client
  readonly #clock: Clock
  readonly #log: Log

  constructor(client: Client, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#client = client
    this.#clock = clock
    this.#log = log
  }

  /** Gives the pod its node. Rejects when the server would not have it. */
  async bind({ metadata }: Pod, nodeName: string): Promise<void> {
    const { namespace = '', name = '', uid = '' } = metadata
    await this.#client.createSubresource(Pod, { namespace, name }, 'binding', {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { namespace, name, uid },
      target: { kind: 'Node', name: nodeName },
    })
  }

  /** Tells a pod why it waits, and for which node, if any; `undefined` leaves what was said of that. */
  async unschedulable(
    pod: Pod,
    message: string,
    nominatedNodeName: string | undefined,
    reason: 'Unschedulable' | 'SchedulerError' = 'Unschedulable',
  ): Promise<void> {
    const { status, metadata } = pod
    const before = status?.conditions?.find(({ type }) => type === 'PodScheduled')
    const isSaid = before?.reason === reason && before.message === message
    const isNominated = nominatedNodeName === undefined || nominatedNodeName === (status?.nominatedNodeName ?? '')
    if (isSaid && isNominated) return
    const condition: Partial<PodCondition> = {
      type: 'PodScheduled',
      status: 'False',
      reason,
      message,
      observedGeneration: metadata.generation,
      lastTransitionTime: (before?.status === 'False' && before.lastTransitionTime) || secondsTime(this.#clock.now()),
    }
    const nominated = isNominated ? {} : { nominatedNodeName: nominatedNodeName || null }
    await this.#status(pod, { conditions: [condition], ...nominated }, 'a pod could not be told why it waits')
  }

  /** Does what a plugin wants done for the pod. */
  async relieve(pod: Pod, write: (client: Client) => Promise<void>): Promise<void> {
    try {
      await write(this.#client)
    } catch (error) {
      this.complain('a claim could not be set free', pod, error)
    }
  }

  /** The node for which it waited goes to somebody who matters more. */
  async notNominated(pod: Pod): Promise<void> {
    await this.#status(pod, { nominatedNodeName: null }, 'a pod could not be told that it waits for no node any more')
  }

  /**
   * Sends a pod away to make room for another: with a condition that says so, and with all the time it has to end. Gives
   * whether it will go.
   */
  async evict(pod: Pod, schedulerName: string): Promise<boolean> {
    const { namespace = '', name = '', uid = '', generation } = pod.metadata
    const condition: Partial<PodCondition> = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: preemptionReason,
      message: `${schedulerName}: preempting to accommodate a higher priority pod`,
      ...(generation !== undefined && { observedGeneration: generation }),
      lastTransitionTime: secondsTime(this.#clock.now()),
    }
    const isMarked = pod.status?.conditions?.some(
      ({ type, reason }) => type === 'DisruptionTarget' && reason === preemptionReason,
    )
    if (!isMarked) await this.#status(pod, { conditions: [condition] }, 'a pod could not be told that it has to go')
    try {
      await this.#client.delete(Pod, { namespace, name }, { preconditions: { uid } })
      return true
    } catch (error) {
      this.complain('a pod could not be made to go', pod, error)
      return false
    }
  }

  async #status(pod: Pod, status: object, fault: string): Promise<void> {
    const { namespace = '', name = '', uid } = pod.metadata
    try {
      const patch = { type: 'strategic', body: { metadata: { uid }, status } } as const
      await this.#client.patch(Pod, { namespace, name }, patch, { subresource: 'status' })
    } catch (error) {
      this.complain(fault, pod, error)
    }
  }

  /** A pod that is gone or was changed by somebody else is everyday life; the cache tells. */
  complain(message: string, { metadata }: Pod, error: unknown): void {
    if (isNotFound(error) || isConflict(error)) return
    this.#log('warn', message, { pod: `${metadata.namespace}/${metadata.name}`, error: String(error) })
  }
}
