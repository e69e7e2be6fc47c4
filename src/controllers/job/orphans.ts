import { Job } from '../../kinds/batch/job.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { controllerIndex } from '../../reconciler/caches.ts'
import type { Steps } from '../../reconciler/changes.ts'
import { type Context, type Controller, defineController, watch } from '../../reconciler/controller.ts'
import { controllerOf } from '../shared/owner.ts'
import { isFinished } from './conditions.ts'
import { isManagedElsewhere, isTracked } from './pods.ts'
import { isGone, withoutFinalizer } from './tracking.ts'

/** Takes the finalizer off pods that no job counts any more: theirs is over or gone, or has let them go. */
export const jobOrphansController: Controller = defineController<Pod>({
  name: 'job-controller',
  reconciles: Pod,
  watches: [
    watch(Job, ({ object, old }, { by }) => {
      if (object !== undefined && !isFinished(object)) return []
      const pods = by(controllerIndex(Pod), (object ?? old!).metadata.uid!)
      return pods.filter(isTracked).map(({ metadata }) => ({ namespace: metadata.namespace, name: metadata.name! }))
    }),
  ],
  wakes: ({ object, old }) => object !== undefined && isTracked(object) && (old === undefined || isNews(object, old)),

  *reconcile(pod, context) {
    if (isTracked(pod) && !isCounted(pod, context)) yield* letGo(pod)
  },
})

const isNews = (pod: Pod, old: Pod) => controllerOf(pod)?.uid !== controllerOf(old)?.uid || !isTracked(old)

/** Whether a job, here or of another controller, still wants to know how the pod ends. */
function isCounted(pod: Pod, { get }: Context): boolean {
  const owner = controllerOf(pod)
  if (owner === undefined) return false
  if (owner.kind !== 'Job' || owner.apiVersion !== 'batch/v1') return true
  const job = get(Job, { namespace: pod.metadata.namespace, name: owner.name })
  if (job?.metadata.uid !== owner.uid) return false
  return isManagedElsewhere(job) || !isFinished(job)
}

function* letGo(pod: Pod): Steps {
  try {
    yield withoutFinalizer(pod)
  } catch (error) {
    if (!isGone(error)) throw error
  }
}
