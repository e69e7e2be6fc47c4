import { secondsTime } from '../../base/seconds-time.ts'
import type { Node, NodeCondition } from '../../kinds/core/node.ts'
import { timeOf } from '../shared/owner.ts'

export interface Grace {
  /** How long a node may be silent. */
  readonly silenceMs: number
  /** How long a node that has never said anything may be. */
  readonly startupMs: number
}

interface Seen {
  readonly heartbeat: number
  readonly renewed: number
  /** When, by our own clock, something new was last heard. */
  readonly atMs: number
}

/**
 * When each node was last heard of, by our clock and not by the node's, which may be wrong. A node that we see for the
 * first time counts as heard of: after a restart nobody is judged for what happened meanwhile.
 */
export class Heartbeats {
  readonly #seen = new Map<string, Seen>()

  renewed(node: string, renewTime: string | undefined, now: number): void {
    const seen = this.#seen.get(node)
    const renewed = timeOf(renewTime)
    if (seen === undefined || renewed > seen.renewed)
      this.#seen.set(node, { heartbeat: seen?.heartbeat ?? 0, renewed, atMs: now })
  }

  /** Takes note of what the node says of itself, and answers since when it is silent. */
  silentSince(node: Node, now: number): number {
    const name = node.metadata.name!
    const ready = readyOf(node)
    const seen = this.#seen.get(name)
    const heartbeat = timeOf(ready?.lastHeartbeatTime)
    if (seen !== undefined && heartbeat === seen.heartbeat) return seen.atMs
    const first = ready === undefined ? timeOf(node.metadata.creationTimestamp) : now
    const atMs = seen === undefined ? first : now
    this.#seen.set(name, { heartbeat, renewed: seen?.renewed ?? 0, atMs })
    return atMs
  }

  forget(node: string): void {
    this.#seen.delete(node)
  }
}

export const readyOf = ({ status }: Node): NodeCondition | undefined =>
  status.conditions?.find(({ type }) => type === 'Ready')

const reported = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']

/** The conditions of a node that is silent: nothing is known any more. */
export function unknownConditions(node: Node, now: number): NodeCondition[] {
  const present = node.status.conditions ?? []
  const time = secondsTime(now)
  const changed = present.map((condition) =>
    reported.includes(condition.type) && condition.status !== 'Unknown'
      ? {
          ...condition,
          status: 'Unknown',
          reason: 'NodeStatusUnknown',
          message: 'Kubelet stopped posting node status.',
          lastTransitionTime: time,
        }
      : condition,
  )
  const missing = reported.filter((type) => !present.some((condition) => condition.type === type))
  const added = missing.map((type) => ({
    type,
    status: 'Unknown',
    reason: 'NodeStatusNeverUpdated',
    message: 'Kubelet never posted node status.',
    lastHeartbeatTime: node.metadata.creationTimestamp ?? time,
    lastTransitionTime: time,
  }))
  return [...changed, ...added]
}
