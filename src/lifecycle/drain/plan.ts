import type { Node } from '../../kinds/core/node.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { PodDisruptionBudget } from '../../kinds/policy/pod-disruption-budget.ts'
import { type BudgetFinding, findBudgets } from './budgets.ts'
import type { DrainOptions, DrainTools } from './options.ts'
import { findOwners, type Owner } from './owners.ts'
import type { Place, Room } from './room.ts'
import { hasEnded, listAll, type Selection, selectPods } from './selection.ts'

/** What a drain would do, and what stands in its way, before anything is done. */
export interface DrainPlan {
  readonly nodes: readonly NodePlan[]
  readonly budgets: readonly BudgetFinding[]
  /** Pods that would be evicted from several of the nodes, were these drained by one command each. */
  readonly twice: readonly Twice[]
}

export interface NodePlan {
  readonly name: string
  readonly selection: Selection
  readonly moves: readonly Move[]
}

export interface Move {
  readonly pod: Pod
  readonly owner: Owner | undefined
  /** Where the one in its place would fit. Absent: none will be made. */
  readonly place: Place | undefined
  /** It is the only one of its Deployment: nobody serves until the next one is ready. */
  readonly isOnlyOne: boolean
}

export interface Twice {
  readonly pod: Pod
  /** In the order of the drains. */
  readonly nodes: readonly string[]
}

/** `newRoom` gives the cluster on paper, anew at each call. Throws what the client throws. */
export async function planDrain(
  nodes: readonly Node[],
  options: DrainOptions,
  tools: DrainTools,
  newRoom: () => Room,
): Promise<DrainPlan> {
  const names = nodes.map(({ metadata }) => metadata.name!)
  const selections = await Promise.all(names.map((name) => selectPods(name, options, tools)))
  const going = selections.flatMap((selection) => selection.going)
  const refused = selections.flatMap(({ refusals }) => [...refusals.values()].flat())
  const owners = await findOwners(tools.client, [...going, ...refused])
  const room = newRoom()
  for (const name of names) room.close(name)
  const plans = names.map((name, at): NodePlan => {
    const selection = selections[at]!
    const moves = selection.going.map((pod) => moveOf(pod, owners.get(pod), room))
    return { name, selection, moves }
  })
  const budgets = options.disableEviction ? [] : (await listAll(tools.client, PodDisruptionBudget, {})).items
  return {
    nodes: plans,
    budgets: findBudgets(going, budgets, (pod) => owners.get(pod)?.scalable),
    twice: names.length > 1 ? evictedTwice(plans, newRoom()) : [],
  }
}

function moveOf(pod: Pod, owner: Owner | undefined, room: Room): Move {
  const isMadeAgain = owner !== undefined && !hasEnded(pod)
  return {
    pod,
    owner,
    place: isMadeAgain ? room.move(pod) : undefined,
    isOnlyOne: isMadeAgain && owner.scalable?.canSurge === true,
  }
}

/** Each node is drained and opened again before the next one: who comes to a node whose turn is still to come goes again. */
function evictedTwice(plans: readonly NodePlan[], room: Room): Twice[] {
  const moved = new Map<Pod, string[]>()
  const at = new Map<Pod, string>()
  for (const { name, moves } of plans) for (const { pod, place } of moves) if (place) at.set(pod, name)
  for (const { name } of plans) {
    room.close(name)
    for (const [pod, node] of [...at]) {
      if (node !== name) continue
      moved.set(pod, [...(moved.get(pod) ?? []), name])
      const place = room.move(pod)
      if (place.node === undefined) at.delete(pod)
      else at.set(pod, place.node)
    }
    room.open(name)
  }
  return [...moved].flatMap(([pod, nodes]) => (nodes.length > 1 ? [{ pod, nodes }] : []))
}
