import { Job } from '../kinds/batch/job.ts'
import { again, remove } from '../reconciler/changes.ts'
import { type Controller, defineController } from '../reconciler/controller.ts'
import { finishOf } from './job/conditions.ts'
import { isBeingDeleted, timeOf } from './shared/owner.ts'

/** Deletes jobs, and with them their pods, a while after they are over, if they ask for it. */
export const ttlAfterFinishedController: Controller = defineController<Job>({
  name: 'ttl-after-finished-controller',
  reconciles: Job,
  wakes: ({ object }) => object !== undefined && endOfLife(object) !== undefined,

  *reconcile(job, { now }) {
    const at = endOfLife(job)
    if (at === undefined) return
    if (at > now) return void (yield again(at - now))
    const { resourceVersion } = job.metadata
    // Should the job's wish have changed meanwhile, the next look at it will tell.
    const preconditions = { ...(resourceVersion && { resourceVersion }) }
    yield remove(Job, job, { propagationPolicy: 'Foreground', preconditions })
  },
})

/** When the job may go; nothing while it runs or wants to stay. */
function endOfLife(job: Job): number | undefined {
  const { ttlSecondsAfterFinished } = job.spec
  const finish = finishOf(job.status.conditions ?? [])
  if (ttlSecondsAfterFinished === undefined || finish === undefined || isBeingDeleted(job)) return undefined
  return timeOf(finish.lastTransitionTime) + ttlSecondsAfterFinished * 1000
}
