import { Pod } from '../kinds/core/pod.ts'
import { ReplicationController } from '../kinds/core/replication-controller.ts'
import { controllerIndex } from '../reconciler/caches.ts'
import { type Steps, setStatus } from '../reconciler/changes.ts'
import { type Controller, defineController, watch } from '../reconciler/controller.ts'
import { mapMatcherOf } from '../reconciler/selector.ts'
import { manageReplicas, type ReplicaCounts } from './replica-manager.ts'
import { isEqual } from './shared/equal.ts'
import { orphanWakes } from './shared/orphans.ts'
import { isActive } from './shared/pods.ts'

/** The ReplicaSet's older sister. */
export const replicationControllerController: Controller = defineController<ReplicationController>({
  name: 'replicationcontroller-controller',
  serviceAccount: 'replication-controller',
  eventSource: 'replication-controller',
  reconciles: ReplicationController,
  owns: [Pod],
  watches: [
    watch(
      Pod,
      orphanWakes(ReplicationController, ({ spec }) => mapMatcherOf(spec.selector)),
    ),
  ],

  *reconcile(controller, context) {
    const { spec, status, metadata } = controller
    if (spec.template === undefined) return
    const owner = {
      kind: ReplicationController,
      object: controller,
      replicas: spec.replicas ?? 1,
      minReadySeconds: spec.minReadySeconds ?? 0,
      matches: mapMatcherOf(spec.selector),
      template: spec.template,
      conditions: status.conditions ?? [],
      related: () => context.by(controllerIndex(Pod), metadata.uid!).filter(isActive),
    }
    yield* manageReplicas(owner, context, (counts) => report(controller, counts))
  },
})

function* report(controller: ReplicationController, counts: ReplicaCounts): Steps {
  const { replicas, conditions, terminatingReplicas: _, ...others } = counts
  const present = Object.fromEntries(Object.entries(others).filter(([, count]) => count !== 0))
  const status = {
    replicas,
    ...present,
    observedGeneration: controller.metadata.generation,
    ...(conditions.length > 0 && { conditions }),
  }
  if (!isEqual(controller.status, status)) yield setStatus(ReplicationController, controller, status)
}
