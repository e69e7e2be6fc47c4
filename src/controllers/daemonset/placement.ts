import type { DaemonSet } from '../../kinds/apps/daemon-set.ts'
import type { Node } from '../../kinds/core/node.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { again, event, type Steps } from '../../reconciler/changes.ts'
import { scaledValue } from '../shared/int-or-percent.ts'
import { isBeingDeleted } from '../shared/owner.ts'
import { isAvailable, isReady } from '../shared/pods.ts'
import { hasHash, type NodeVerdict, settledFirst } from './pods.ts'

/** A DaemonSet in the course of one reconcile. */
export interface Daemons {
  readonly set: DaemonSet
  readonly hash: string
  readonly nodes: readonly Node[]
  readonly verdicts: ReadonlyMap<string, NodeVerdict>
  /** Its pods by the node that they are on or meant for. */
  readonly podsByNode: ReadonlyMap<string, readonly Pod[]>
  readonly now: number
  /** In how many milliseconds a failed pod on this node may be replaced; 0: now. */
  failureWait(node: string): number
}

export interface Plan {
  readonly create: string[]
  readonly remove: Pod[]
}

export const allowsSurge = ({ spec }: DaemonSet): boolean =>
  spec.updateStrategy.type === 'RollingUpdate' &&
  scaledValue(spec.updateStrategy.rollingUpdate?.maxSurge, 100, 'up') > 0

/** One pod on each node that should have one, none where none may stay. */
export function* plan(daemons: Daemons): Steps<Plan> {
  const result: Plan = { create: [], remove: [] }
  for (const { metadata } of daemons.nodes) yield* planNode(daemons, metadata.name!, result)
  result.remove.push(...unscheduledWithoutNode(daemons))
  return result
}

function* planNode(daemons: Daemons, name: string, result: Plan): Steps {
  const { run, stay } = daemons.verdicts.get(name)!
  const pods = daemons.podsByNode.get(name)
  if (pods === undefined) {
    if (run) result.create.push(name)
    return
  }
  const present = pods.filter((pod) => !isBeingDeleted(pod))
  if (!stay) {
    result.remove.push(...present)
    return
  }
  const running = yield* withoutFinished(daemons, name, present, result)
  if (!allowsSurge(daemons.set)) result.remove.push(...running.sort(settledFirst).slice(1))
  else if (running.length === 0 && run) result.create.push(name)
  else result.remove.push(...surplus(daemons, running.sort(settledFirst)))
}

function* withoutFinished(daemons: Daemons, node: string, pods: readonly Pod[], result: Plan): Steps<Pod[]> {
  const running: Pod[] = []
  for (const pod of pods) {
    const { namespace, name } = pod.metadata
    if (pod.status.phase === 'Failed') {
      const waitMs = daemons.failureWait(node)
      if (waitMs > 0) {
        yield again(waitMs)
        continue
      }
      const message = `Found failed daemon pod ${namespace}/${name} on node ${node}, will try to kill it`
      yield event('FailedDaemonPod', message, 'Warning')
      result.remove.push(pod)
    } else if (pod.status.phase === 'Succeeded') {
      const message = `Found succeeded daemon pod ${namespace}/${name} on node ${node}, will try to delete it`
      yield event('SucceededDaemonPod', message)
      result.remove.push(pod)
    } else running.push(pod)
  }
  return running
}

/** With surge there may be two: an old one that is ready, and a new one that is not available yet. */
function surplus({ set, hash, now }: Daemons, running: readonly Pod[]): Pod[] {
  if (running.length <= 1) return []
  const fresh = running.find((pod) => hasHash(pod, hash))
  const old = running.find((pod) => !hasHash(pod, hash))
  const others = running.filter((pod) => pod !== fresh && pod !== old)
  if (fresh === undefined || old === undefined) return others
  const isReplaced = !isReady(old) || isAvailable(fresh, set.spec.minReadySeconds ?? 0, now)
  return isReplaced ? [...others, old] : others
}

/** Nobody will ever schedule a pod that is meant for a node that has gone. */
function unscheduledWithoutNode({ verdicts, podsByNode }: Daemons): Pod[] {
  return [...podsByNode].flatMap(([node, pods]) =>
    verdicts.has(node) ? [] : pods.filter((pod) => !pod.spec.nodeName && !isBeingDeleted(pod)),
  )
}

/** Replaces pods of older templates, as many at a time as the strategy allows. */
export function planUpdate(daemons: Daemons): Plan {
  const wanted = [...daemons.verdicts.values()].filter(({ run }) => run).length
  const { rollingUpdate } = daemons.set.spec.updateStrategy
  const maxSurge = scaledValue(rollingUpdate?.maxSurge, wanted, 'up')
  const maxUnavailable = scaledValue(rollingUpdate?.maxUnavailable, wanted, 'up')
  if (maxSurge > 0) return planSurge(daemons, maxSurge)
  return planReplacement(daemons, maxUnavailable === 0 ? 1 : maxUnavailable)
}

function planReplacement(daemons: Daemons, maxUnavailable: number): Plan {
  const broken: Pod[] = []
  const healthy: Pod[] = []
  let unavailable = 0
  for (const pods of daemons.podsByNode.values()) {
    const pair = freshAndOld(daemons, pods)
    if (pair?.old && !pair.fresh) {
      if (isUp(daemons, pair.old)) healthy.push(pair.old)
      else {
        broken.push(pair.old)
        unavailable++
      }
    } else if (!pair?.fresh || pair.old || !isUp(daemons, pair.fresh)) unavailable++
  }
  return { create: [], remove: [...broken, ...healthy.slice(0, Math.max(0, maxUnavailable - unavailable))] }
}

function planSurge(daemons: Daemons, maxSurge: number): Plan {
  const urgent: string[] = []
  const others: string[] = []
  const replaced: Pod[] = []
  let surging = 0
  for (const [node, pods] of daemons.podsByNode) {
    const pair = freshAndOld(daemons, pods)
    if (pair === undefined) surging++
    else if (pair.old === undefined || !daemons.verdicts.get(node)?.run) continue
    else if (pair.fresh === undefined) (isUp(daemons, pair.old) ? others : urgent).push(node)
    else if (isUp(daemons, pair.fresh)) replaced.push(pair.old)
    else surging++
  }
  return { create: [...urgent, ...others.slice(0, Math.max(0, maxSurge - surging))], remove: replaced }
}

const isUp = ({ set, now }: Daemons, pod: Pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, now)

/** The new and the old pod of a node; undefined when there are several of one sort, which `plan` puts right. */
function freshAndOld({ hash }: Daemons, pods: readonly Pod[]): { fresh?: Pod; old?: Pod } | undefined {
  const pair: { fresh?: Pod; old?: Pod } = {}
  for (const pod of pods) {
    if (isBeingDeleted(pod)) continue
    const sort = hasHash(pod, hash) ? 'fresh' : 'old'
    if (pair[sort] !== undefined) return undefined
    pair[sort] = pod
  }
  return pair
}
