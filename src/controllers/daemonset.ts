import { ControllerRevision } from '../kinds/apps/controller-revision.ts'
import { DaemonSet } from '../kinds/apps/daemon-set.ts'
import { Node } from '../kinds/core/node.ts'
import { Pod } from '../kinds/core/pod.ts'
import type { CacheChange } from '../reconciler/caches.ts'
import { again, event, type Steps, setStatus } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, watch } from '../reconciler/controller.ts'
import { matcherOf, selectsAll } from '../reconciler/selector.ts'
import { type Daemons, type Plan, plan, planUpdate } from './daemonset/placement.ts'
import { hasHash, hashLabel, podForNode, settledFirst, targetNode, verdictOn } from './daemonset/pods.ts'
import { FailureBackoff } from './shared/backoff.ts'
import { claim } from './shared/claim.ts'
import { isEqual } from './shared/equal.ts'
import { cleanUpHistory, type History, historyOf } from './shared/history.ts'
import { orphanWakes } from './shared/orphans.ts'
import { isBeingDeleted } from './shared/owner.ts'
import { createPods, deletePods } from './shared/pod-control.ts'
import { isAvailable, isReady, isTerminal } from './shared/pods.ts'

/** No more pods than this are created or deleted in one go. */
const burst = 250

/** Keeps one pod on every node that a DaemonSet selects. Remembers which nodes' pods failed, to slow down there. */
export function daemonSetController(): Controller {
  const failures = new FailureBackoff(1_000, 900_000)
  return defineController<DaemonSet>({
    name: 'daemonset-controller',
    serviceAccount: 'daemon-set-controller',
    reconciles: DaemonSet,
    owns: [Pod, ControllerRevision],
    watches: [
      watch(Node, nodeWakes),
      watch(
        Pod,
        orphanWakes(DaemonSet, ({ spec }) => matcherOf(spec.selector)),
      ),
      watch(
        ControllerRevision,
        orphanWakes(DaemonSet, ({ spec }) => matcherOf(spec.selector)),
      ),
    ],
    concurrency: 2,

    *reconcile(set, context) {
      if (selectsAll(set.spec.selector)) {
        const message = 'This daemon set is selecting all pods. A non-empty selector is required.'
        return void (yield event('SelectingAll', message, 'Warning'))
      }
      if (isBeingDeleted(set)) return
      const history = yield* historyOf(versioned(set), context)
      const daemons = yield* lookAround(set, history, context, failures)
      yield* manage(daemons)
      const live = new Set([...daemons.podsByNode.values()].flat().map(({ metadata }) => metadata.labels?.[hashLabel]))
      yield* cleanUpHistory(history, set.spec.revisionHistoryLimit, (each) =>
        live.has(each.metadata.labels?.[hashLabel]),
      )
      yield* report(daemons)
    },
  })
}

/** Heartbeats concern nobody here: only what decides whether a pod may run. */
function nodeWakes({ object, old }: CacheChange<Node>, context: Pick<Context, 'list'>) {
  if (object !== undefined && old !== undefined && isAlike(object, old)) return []
  return context.list(DaemonSet).map(({ metadata }) => ({ namespace: metadata.namespace, name: metadata.name! }))
}

const isAlike = (a: Node, b: Node) =>
  isEqual(a.metadata.labels, b.metadata.labels) && isEqual(a.spec.taints, b.spec.taints)

function versioned(set: DaemonSet) {
  const { selector, template } = set.spec
  const { collisionCount } = set.status
  const collided = (count: number) => setStatus(DaemonSet, set, { ...set.status, collisionCount: count })
  return { kind: DaemonSet, object: set, selector, template, collisionCount, hashLabel, collided }
}

function* lookAround(set: DaemonSet, { present }: History, context: Context, failures: FailureBackoff): Steps<Daemons> {
  const hash = present.metadata.labels?.[hashLabel] ?? ''
  const matches = matcherOf(set.spec.selector)
  const pods = yield* claim({ ownerKind: DaemonSet, owner: set, kind: Pod, matches }, context)
  const nodes = context.list(Node)
  const podsByNode = new Map<string, Pod[]>()
  for (const pod of pods) {
    const node = targetNode(pod)
    if (node === undefined || (isTerminal(pod) && isBeingDeleted(pod))) continue
    const present = podsByNode.get(node)
    if (present) present.push(pod)
    else podsByNode.set(node, [pod])
  }
  const verdicts = new Map(nodes.map((node) => [node.metadata.name!, verdictOn(set, node)]))
  const failureWait = (node: string) => failures.wait(`${set.metadata.uid}/${node}`, context.now)
  return { set, hash, nodes, verdicts, podsByNode, now: context.now, failureWait }
}

function* manage(daemons: Daemons): Steps {
  const needed = yield* plan(daemons)
  if (needed.create.length + needed.remove.length > 0) return yield* carryOut(daemons, needed)
  if (daemons.set.spec.updateStrategy.type === 'RollingUpdate') yield* carryOut(daemons, planUpdate(daemons))
}

function* carryOut({ set, hash }: Daemons, { create, remove }: Plan): Steps {
  const drafts = create.slice(0, burst).map((node) => podForNode(set, node, hash))
  const notCreated = yield* createPods(drafts)
  const notDeleted = yield* deletePods(remove.slice(0, burst))
  const error = notCreated ?? notDeleted
  if (error !== undefined) throw error
}

function* report(daemons: Daemons): Steps {
  const { set, hash, now, podsByNode, verdicts } = daemons
  const minReadySeconds = set.spec.minReadySeconds ?? 0
  let [desired, current, misscheduled, ready, updated, available] = [0, 0, 0, 0, 0, 0]
  for (const [node, { run }] of verdicts) {
    const [pod] = (podsByNode.get(node) ?? []).toSorted(settledFirst)
    if (!run) {
      if (pod !== undefined) misscheduled++
      continue
    }
    desired++
    if (pod === undefined) continue
    current++
    if (hasHash(pod, hash)) updated++
    if (!isReady(pod)) continue
    ready++
    if (isAvailable(pod, minReadySeconds, now)) available++
  }
  const status = {
    currentNumberScheduled: current,
    numberMisscheduled: misscheduled,
    desiredNumberScheduled: desired,
    numberReady: ready,
    ...nonZero({
      observedGeneration: set.metadata.generation ?? 0,
      updatedNumberScheduled: updated,
      numberAvailable: available,
      numberUnavailable: desired - available,
    }),
    ...(set.status.collisionCount !== undefined && { collisionCount: set.status.collisionCount }),
    ...(set.status.conditions && { conditions: set.status.conditions }),
  }
  if (!isEqual(set.status, status)) yield setStatus(DaemonSet, set, status)
  if (minReadySeconds > 0 && ready !== available) yield again(minReadySeconds * 1000)
}

const nonZero = (counts: Record<string, number>) =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0))
