import { Deployment } from '../kinds/apps/deployment.ts'
import { ReplicaSet } from '../kinds/apps/replica-set.ts'
import { Pod } from '../kinds/core/pod.ts'
import { type CacheChange, controllerIndex } from '../reconciler/caches.ts'
import { event, remove, type Steps, setStatus } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, nobody, type Wake, watch } from '../reconciler/controller.ts'
import { matcherOf, selectsAll } from '../reconciler/selector.ts'
import { revisionOf } from './deployment/annotations.ts'
import { condition, conditionOf, isComplete, withCondition } from './deployment/conditions.ts'
import { historyLimit, isRollingUpdate, progressDeadline, replicasOf, sum } from './deployment/limits.ts'
import { createNewSet, type Rollout, rolloutOf, syncRevision } from './deployment/rollout.ts'
import { emptyOldSets, scale, scaleDownOldSets, scaleNewSet, wasScaled } from './deployment/scaling.ts'
import { reportRollout, reportStatus } from './deployment/status.ts'
import { claim } from './shared/claim.ts'
import { orphanWakes } from './shared/orphans.ts'
import { controllerOf, isBeingDeleted } from './shared/owner.ts'
import { isTerminal } from './shared/pods.ts'

/** Moves pods from one template to the next by growing one ReplicaSet and shrinking others. */
export const deploymentController: Controller = defineController<Deployment>({
  name: 'deployment-controller',
  reconciles: Deployment,
  owns: [ReplicaSet],
  watches: [
    watch(
      ReplicaSet,
      orphanWakes(Deployment, ({ spec }) => matcherOf(spec.selector)),
    ),
    watch(Pod, lastPodWakes),
  ],

  *reconcile(deployment, context) {
    if (selectsAll(deployment.spec.selector)) return yield* refuseToSelectAll(deployment)
    const matches = matcherOf(deployment.spec.selector)
    const sets = yield* claim({ ownerKind: Deployment, owner: deployment, kind: ReplicaSet, matches }, context)
    const rollout = rolloutOf(deployment, sets, context)
    if (isBeingDeleted(deployment)) return yield* reportStatus(rollout)
    yield* reportPause(rollout)
    if (deployment.spec.paused) return yield* standStill(rollout)
    yield* syncRevision(rollout)
    if (wasScaled(rollout)) return yield* followScale(rollout)
    yield* isRollingUpdate(deployment) ? roll(rollout) : recreate(rollout)
  },
})

/** A pod that goes matters only to a Deployment that waits for the last old one (strategy Recreate). */
function lastPodWakes({ object, old }: CacheChange<Pod>, context: Pick<Context, 'get'>): readonly Wake[] {
  const owner = object === undefined ? controllerOf(old) : undefined
  if (owner?.kind !== 'ReplicaSet') return nobody
  const namespace = old!.metadata.namespace!
  const set = context.get(ReplicaSet, { namespace, name: owner.name })
  const deployer = set && controllerOf(set)
  const deployment = deployer && context.get(Deployment, { namespace, name: deployer.name })
  return deployment?.spec.strategy.type === 'Recreate' ? [{ namespace, name: deployment.metadata.name! }] : nobody
}

function* refuseToSelectAll(deployment: Deployment): Steps {
  const message = 'This deployment is selecting all pods. A non-empty selector is required.'
  yield event('SelectingAll', message, 'Warning')
  const { status, metadata } = deployment
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0))
    yield setStatus(Deployment, deployment, { ...status, observedGeneration: metadata.generation })
}

/** The deadline stands still while a Deployment is paused: says when a pause begins and ends. */
function* reportPause(rollout: Rollout): Steps {
  const { deployment, context } = rollout
  if (progressDeadline(deployment) === undefined) return
  const present = conditionOf(deployment.status, 'Progressing')
  if (present?.reason === 'ProgressDeadlineExceeded') return
  const isPaused = deployment.spec.paused ?? false
  if (isPaused === (present?.reason === 'DeploymentPaused')) return
  const next = isPaused
    ? condition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused', context.now)
    : condition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed', context.now)
  const conditions = withCondition(deployment.status.conditions ?? [], next)
  rollout.deployment = (yield setStatus(Deployment, deployment, { ...deployment.status, conditions })) as Deployment
}

function* standStill(rollout: Rollout): Steps {
  yield* syncRevision(rollout)
  yield* scale(rollout)
  yield* cleanUp(rollout)
  yield* reportStatus(rollout)
}

function* followScale(rollout: Rollout): Steps {
  yield* scale(rollout)
  yield* reportStatus(rollout)
}

function* roll(rollout: Rollout): Steps {
  if (rollout.newSet === undefined) yield* createNewSet(rollout)
  if (!(yield* scaleNewSet(rollout)) && !(yield* scaleDownOldSets(rollout))) yield* cleanUpWhenComplete(rollout)
  yield* reportRollout(rollout)
}

function* recreate(rollout: Rollout): Steps {
  if (!(yield* emptyOldSets(rollout)) && !oldPodsRun(rollout)) {
    if (rollout.newSet === undefined) yield* createNewSet(rollout)
    yield* scaleNewSet(rollout)
    yield* cleanUpWhenComplete(rollout)
  }
  yield* reportRollout(rollout)
}

function oldPodsRun({ oldSets, context }: Rollout): boolean {
  if (sum(oldSets, ({ status }) => status.replicas) > 0) return true
  return oldSets.some(({ metadata }) => context.by(controllerIndex(Pod), metadata.uid!).some((pod) => !isTerminal(pod)))
}

function* cleanUpWhenComplete(rollout: Rollout): Steps {
  if (isComplete(rollout.deployment, rollout.deployment.status)) yield* cleanUp(rollout)
}

/** Deletes the oldest of the ReplicaSets that are kept only to be rolled back to. */
function* cleanUp({ deployment, oldSets }: Rollout): Steps {
  const limit = historyLimit(deployment)
  if (limit === undefined) return
  const old = oldSets.filter((set) => !isBeingDeleted(set)).sort((a, b) => revisionOf(a) - revisionOf(b))
  for (const set of old.slice(0, Math.max(0, old.length - limit))) if (isSpent(set)) yield remove(ReplicaSet, set)
}

const isSpent = (set: ReplicaSet) =>
  set.status.replicas === 0 &&
  replicasOf(set) === 0 &&
  (set.metadata.generation ?? 0) <= (set.status.observedGeneration ?? 0)
