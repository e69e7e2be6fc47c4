import type { Refusals } from './refusals.ts'

/** Counts reasons, of which thousands of nodes have the same few. */
export class Tally {
  readonly #counts = new Map<string, number>()
  #last: readonly string[] | undefined
  #times = 0

  add(reasons: readonly string[], times = 1): void {
    if (times <= 0) return
    if (reasons !== this.#last) {
      this.#settle()
      this.#last = reasons
    }
    this.#times += times
  }

  /** `1 Insufficient cpu, 2 node(s) were unschedulable`: sorted as text, as the reference does. */
  toString(): string {
    this.#settle()
    return [...this.#counts]
      .map(([reason, count]) => `${count} ${reason}`)
      .sort()
      .join(', ')
  }

  #settle(): void {
    for (const reason of this.#last ?? []) this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + this.#times)
    this.#times = 0
    this.#last = undefined
  }
}

/** What the plugin for devices says of every pod that has no claims, or none that it could look at. */
const noClaims = 'no new claims to deallocate'

interface Refused {
  readonly nowhere: string | undefined
  readonly refusedBy: ReadonlySet<{ readonly name: string }>
  readonly refused: Refusals
}

/**
 * Why a pod has no node, as in its event and its condition. `preemption` is what became of the attempt to drive others
 * away; nothing when somebody goes. `relief` is what the plugin for devices has done.
 */
export function unschedulable(
  nodes: number,
  refusals: Refused,
  preemption: string | undefined,
  relief: string = noClaims,
): string {
  const { nowhere, refused } = refusals
  if (nodes === 0) return 'no nodes available to schedule pods'
  const none = `0/${nodes} nodes are available`
  if (nowhere !== undefined && isForDevices(refusals))
    return `${none}: ${nowhere}. ${relief}, preemption: ${preemption}`
  // The plugin for devices was not asked then, and stumbles over it.
  if (nowhere !== undefined) return `${none}: ${nowhere}. not found`
  const tally = new Tally()
  for (const [{ refusal }, nodes] of refused.counts) tally.add(refusal.reasons, nodes)
  const reasons = `${none}: ${tally}.`
  return preemption === undefined ? reasons : `${reasons} ${relief}, preemption: ${preemption}`
}

/** Whether it is for the devices that the pod wants that no node can be right. */
export const isForDevices = ({ nowhere, refusedBy }: Omit<Refused, 'refused'>): boolean =>
  nowhere !== undefined && [...refusedBy].some(({ name }) => name === 'DynamicResources')
