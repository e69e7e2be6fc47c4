import { ControllerRevision } from '../kinds/apps/controller-revision.ts'
import { StatefulSet } from '../kinds/apps/stateful-set.ts'
import { PersistentVolumeClaim } from '../kinds/core/persistent-volume-claim.ts'
import { Pod } from '../kinds/core/pod.ts'
import { again, create, event, remove, type Steps, setStatus } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, watch } from '../reconciler/controller.ts'
import { matcherOf } from '../reconciler/selector.ts'
import { attemptTo } from './shared/attempt.ts'
import { claim } from './shared/claim.ts'
import { isEqual } from './shared/equal.ts'
import { cleanUpHistory, historyOf } from './shared/history.ts'
import { scaledValue } from './shared/int-or-percent.ts'
import { orphanWakes } from './shared/orphans.ts'
import { isBeingDeleted } from './shared/owner.ts'
import { isAvailable, isReady, isTerminal, untilNextAvailable } from './shared/pods.ts'
import { bequeathClaims, provideClaims } from './statefulset/claims.ts'
import { tell } from './statefulset/events.ts'
import { firstOrdinal, ordinalOf, podAt, revisionOf } from './statefulset/pods.ts'

/** Keeps pods that are not alike: each has a number, a name and storage of its own, and they come and go in order. */
export const statefulSetController: Controller = defineController<StatefulSet>({
  name: 'statefulset-controller',
  reconciles: StatefulSet,
  owns: [Pod, ControllerRevision],
  writes: [PersistentVolumeClaim],
  watches: [
    watch(
      Pod,
      orphanWakes(StatefulSet, ({ spec }) => matcherOf(spec.selector)),
    ),
    watch(
      ControllerRevision,
      orphanWakes(StatefulSet, ({ spec }) => matcherOf(spec.selector)),
    ),
    watch(PersistentVolumeClaim, claimGoneWakes),
  ],

  *reconcile(set, context) {
    if (isBeingDeleted(set)) return
    const history = yield* historyOf(versioned(set), context)
    const matches = matcherOf(set.spec.selector)
    const owned = yield* claim({ ownerKind: StatefulSet, owner: set, kind: Pod, matches }, context)
    const current = history.old.find(({ metadata }) => metadata.name === set.status.currentRevision)
    const crew = crewOf(set, owned, current ?? history.present, history.present, context.now)
    const error = yield* attemptTo(steer(crew, context))
    yield* report(crew, context)
    const inUse = new Set([crew.current.metadata.name, ...owned.map(revisionOf)])
    yield* cleanUpHistory(history, set.spec.revisionHistoryLimit, ({ metadata }) => inUse.has(metadata.name))
    if (error !== undefined) throw error
  },
})

/** A pod may wait for a claim to go that its predecessor left behind. */
function* claimGoneWakes(
  {
    object,
    old,
  }: { readonly object: PersistentVolumeClaim | undefined; readonly old: PersistentVolumeClaim | undefined },
  { list }: Pick<Context, 'list'>,
) {
  if (object !== undefined || old === undefined) return
  const { namespace, name = '' } = old.metadata
  for (const { metadata, spec } of list(StatefulSet, namespace)) {
    const isTheirs = spec.volumeClaimTemplates?.some((claim) =>
      name.startsWith(`${claim.metadata.name}-${metadata.name}-`),
    )
    if (isTheirs) yield { namespace, name: metadata.name! }
  }
}

/** A StatefulSet in the course of one reconcile. */
interface Crew {
  readonly set: StatefulSet
  readonly pods: readonly Pod[]
  /** The wished numbers with the pods that are there. */
  readonly places: readonly { readonly ordinal: number; readonly pod: Pod | undefined }[]
  /** Pods beyond the wish, the highest number first. */
  readonly surplus: readonly Pod[]
  /** Revision of pods that are not to be updated yet. */
  readonly current: ControllerRevision
  readonly update: ControllerRevision
  readonly isOrdered: boolean
  isUp(pod: Pod): boolean
}

function versioned(set: StatefulSet) {
  const { selector, template } = set.spec
  const { collisionCount } = set.status
  const collided = (count: number) => setStatus(StatefulSet, set, { ...set.status, collisionCount: count })
  const hashLabel = 'controller.kubernetes.io/hash'
  return { kind: StatefulSet, object: set, selector, template, collisionCount, hashLabel, collided }
}

function crewOf(
  set: StatefulSet,
  owned: readonly Pod[],
  current: ControllerRevision,
  update: ControllerRevision,
  now: number,
): Crew {
  const byOrdinal = new Map<number, Pod>()
  for (const pod of owned) {
    const ordinal = ordinalOf(set, pod)
    if (ordinal !== undefined) byOrdinal.set(ordinal, pod)
  }
  const first = firstOrdinal(set)
  const end = first + (set.spec.replicas ?? 1)
  const places = Array.from({ length: end - first }, (_, n) => ({ ordinal: first + n, pod: byOrdinal.get(first + n) }))
  const surplus = [...byOrdinal]
    .filter(([ordinal]) => ordinal < first || ordinal >= end)
    .sort(([a], [b]) => b - a)
    .map(([, pod]) => pod)
  const minReadySeconds = set.spec.minReadySeconds ?? 0
  const isUp = (pod: Pod) => !isBeingDeleted(pod) && isRunning(pod) && isAvailable(pod, minReadySeconds, now)
  const isOrdered = set.spec.podManagementPolicy !== 'Parallel'
  return { set, pods: [...byOrdinal.values()], places, surplus, current, update, isOrdered, isUp }
}

const isRunning = (pod: Pod) => pod.status.phase === 'Running' && isReady(pod)

/** One step after the other: fill the places, empty what is beyond, then update. In order, each waits for the one before. */
function* steer(crew: Crew, context: Context): Steps {
  for (const { ordinal, pod } of crew.places) {
    const isSettled = yield* fill(crew, ordinal, pod, context)
    if (!isSettled && crew.isOrdered) return
  }
  if (!(yield* dismissSurplus(crew, context))) return
  yield* replaceOld(crew)
}

/** Answers whether the place has a pod that is up. */
function* fill(crew: Crew, ordinal: number, pod: Pod | undefined, context: Context): Steps<boolean> {
  if (pod !== undefined && isTerminal(pod)) {
    if (!isBeingDeleted(pod)) yield* recreate(crew.set, pod)
    return false
  }
  if (pod !== undefined) return yield* keep(crew, ordinal, pod, context)
  if (!(yield* provideClaims(crew.set, ordinal, context))) return false
  const draft = podAt(crew.set, ordinal, revisionFor(crew, ordinal))
  yield* tell(crew.set, 'Create', `Pod ${draft.metadata!.name}`, create(Pod, draft))
  return false
}

/** Answers whether the pod is up. */
function* keep(crew: Crew, ordinal: number, pod: Pod, context: Context): Steps<boolean> {
  if (pod.status.phase === 'Pending') yield* provideClaims(crew.set, ordinal, context)
  const isUp = crew.isUp(pod)
  if (isUp || !crew.isOrdered) yield* bequeathClaims(crew.set, ordinal, pod, context)
  return isUp
}

function* recreate(set: StatefulSet, pod: Pod): Steps {
  const { namespace, name } = set.metadata
  const isFailed = pod.status.phase === 'Failed'
  const [reason, state] = isFailed ? ['RecreatingFailedPod', 'failed'] : ['RecreatingTerminatedPod', 'terminated']
  const message = `StatefulSet ${namespace}/${name} is recreating ${state} Pod ${pod.metadata.name}`
  yield event(reason!, message, isFailed ? 'Warning' : 'Normal')
  yield* tell(set, 'Delete', `Pod ${pod.metadata.name}`, remove(Pod, pod))
}

/** Pods below the partition, or that come back in the midst of an update, get the old revision. */
function revisionFor({ set, places, current, update }: Crew, ordinal: number): ControllerRevision {
  const { updateStrategy } = set.spec
  if (updateStrategy.type === 'OnDelete') return update
  const { partition } = updateStrategy.rollingUpdate ?? {}
  const start = firstOrdinal(set)
  // The status may still count the pod that has just been taken away to be updated: it would come back as it was.
  const isOld = (pod: Pod | undefined) => pod && !isBeingDeleted(pod) && revisionOf(pod) === current.metadata.name
  const boundary = start + (partition || places.filter(({ pod }) => isOld(pod)).length)
  return ordinal < boundary ? current : update
}

/** Answers whether nothing is left to be dismissed. In order, one that is down waits for those below it to come up. */
function* dismissSurplus({ set, surplus, isOrdered, isUp }: Crew, context: Context): Steps<boolean> {
  for (const pod of surplus) yield* bequeathClaims(set, ordinalOf(set, pod)!, pod, context)
  const firstDown = surplus.findLast((pod) => !isUp(pod))
  for (const pod of surplus) {
    if (isOrdered && !isUp(pod) && pod !== firstDown) return false
    if (!isBeingDeleted(pod)) yield* tell(set, 'Delete', `Pod ${pod.metadata.name}`, remove(Pod, pod))
    if (isOrdered) return false
  }
  return surplus.length === 0 || !isOrdered
}

/** Replaces pods of older revisions, the highest number first, while not too many are down. */
function* replaceOld({ set, places, update, isUp }: Crew): Steps {
  const { type, rollingUpdate } = set.spec.updateStrategy
  if (type === 'OnDelete') return
  const lowest = firstOrdinal(set) + (rollingUpdate?.partition ?? 0)
  const most = Math.max(1, scaledValue(rollingUpdate?.maxUnavailable ?? 1, places.length, 'down'))
  let down = places.filter(({ pod }) => pod === undefined || !isUp(pod)).length
  for (const { ordinal, pod } of places.toReversed()) {
    if (ordinal < lowest) return
    if (pod === undefined || revisionOf(pod) === update.metadata.name || isBeingDeleted(pod)) continue
    // One that is down already costs nothing; it must not hold up its own repair.
    if (isUp(pod) && down >= most) return
    if (isUp(pod)) down++
    yield* tell(set, 'Delete', `Pod ${pod.metadata.name}`, remove(Pod, pod))
    if (down >= most) return
  }
}

function* report({ set, pods, places, current, update }: Crew, context: Context): Steps {
  // What was created or told to go just now shows when the caches do.
  const present = pods.filter((pod) => !isTerminal(pod) || isBeingDeleted(pod))
  const minReadySeconds = set.spec.minReadySeconds ?? 0
  const count = (test: (pod: Pod) => boolean) => present.filter(test).length
  const updated = count((pod) => !isBeingDeleted(pod) && revisionOf(pod) === update.metadata.name)
  const ready = count(isRunning)
  const isSame = current.metadata.name === update.metadata.name
  const isDone =
    set.spec.updateStrategy.type === 'RollingUpdate' &&
    [updated, present.length, ready].every((number) => number === places.length)
  const currentPods = count((pod) => !isBeingDeleted(pod) && revisionOf(pod) === current.metadata.name)
  const counts = {
    observedGeneration: set.metadata.generation ?? 0,
    readyReplicas: ready,
    currentReplicas: isDone || isSame ? updated : currentPods,
    updatedReplicas: updated,
  }
  const status = {
    replicas: present.length,
    ...Object.fromEntries(Object.entries(counts).filter(([, number]) => number !== 0)),
    availableReplicas: count((pod) => isRunning(pod) && isAvailable(pod, minReadySeconds, context.now)),
    currentRevision: (isDone ? update : current).metadata.name,
    updateRevision: update.metadata.name,
    collisionCount: set.status.collisionCount ?? 0,
    ...(set.status.conditions && { conditions: set.status.conditions }),
  }
  if (!isEqual(set.status, status)) yield setStatus(StatefulSet, set, status)
  const next = untilNextAvailable(present, minReadySeconds, context.now)
  if (next !== undefined) yield again(next)
}
