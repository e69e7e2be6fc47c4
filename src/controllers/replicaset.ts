import { ReplicaSet } from '../kinds/apps/replica-set.ts'
import { Pod } from '../kinds/core/pod.ts'
import { controllerIndex } from '../reconciler/caches.ts'
import { type Steps, setStatus } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, watch } from '../reconciler/controller.ts'
import { matcherOf } from '../reconciler/selector.ts'
import { manageReplicas, type ReplicaCounts } from './replica-manager.ts'
import { isEqual } from './shared/equal.ts'
import { orphanWakes } from './shared/orphans.ts'
import { controllerOf } from './shared/owner.ts'
import { isActive } from './shared/pods.ts'

/** Keeps exactly `spec.replicas` active pods for every ReplicaSet. */
export const replicaSetController: Controller = defineController<ReplicaSet>({
  name: 'replicaset-controller',
  reconciles: ReplicaSet,
  owns: [Pod],
  watches: [
    watch(
      Pod,
      orphanWakes(ReplicaSet, ({ spec }) => matcherOf(spec.selector)),
    ),
  ],

  *reconcile(set, context) {
    const { spec, status } = set
    const owner = {
      kind: ReplicaSet,
      object: set,
      replicas: spec.replicas ?? 1,
      minReadySeconds: spec.minReadySeconds ?? 0,
      matches: matcherOf(spec.selector),
      template: spec.template,
      conditions: status.conditions ?? [],
      related: () => podsOfRollout(set, context),
    }
    yield* manageReplicas(owner, context, (counts) => report(set, counts))
  },
})

/** The pods of all ReplicaSets of the same Deployment. */
function podsOfRollout(set: ReplicaSet, context: Context): readonly Pod[] {
  const owner = controllerOf(set)
  const sets = owner === undefined ? [set] : context.by(controllerIndex(ReplicaSet), owner.uid)
  return sets.flatMap(({ metadata }) => context.by(controllerIndex(Pod), metadata.uid!).filter(isActive))
}

function* report(set: ReplicaSet, counts: ReplicaCounts): Steps {
  const status = { ...nonZero(counts), observedGeneration: set.metadata.generation }
  if (!isEqual(set.status, status)) yield setStatus(ReplicaSet, set, status)
}

/** As the API shows them: counts that are zero are left out, but for the two that are always written. */
function nonZero({ replicas, terminatingReplicas, conditions, ...counts }: ReplicaCounts) {
  const present = Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0))
  return { replicas, ...present, terminatingReplicas, ...(conditions.length > 0 && { conditions }) }
}
