/** `1 Insufficient cpu, 2 node(s) were unschedulable`: sorted as text, as the reference does. */
export function tally(reasons: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ')
}

/** What the reference's plugin for devices says of every pod that has no claims. */
const noClaims = 'no new claims to deallocate'

interface Refusals {
  readonly nowhere: string | undefined
  readonly refused: readonly { readonly refusal: { readonly reasons: readonly string[] } }[]
}

/**
 * Why a pod has no node, as in its event and its condition. `preemption` is what became of the attempt to drive others
 * away; nothing when somebody goes.
 */
export function unschedulable(nodes: number, { nowhere, refused }: Refusals, preemption: string | undefined): string {
  if (nodes === 0) return 'no nodes available to schedule pods'
  const none = `0/${nodes} nodes are available`
  // The reference's plugin for devices was not asked then, and stumbles over it.
  if (nowhere !== undefined) return `${none}: ${nowhere}. not found`
  const reasons = `${none}: ${tally(refused.flatMap(({ refusal }) => refusal.reasons))}.`
  return preemption === undefined ? reasons : `${reasons} ${noClaims}, preemption: ${preemption}`
}
