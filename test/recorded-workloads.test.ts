import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ControllerRevision } from '../src/kinds/apps/controller-revision.ts'
import { DaemonSet } from '../src/kinds/apps/daemon-set.ts'
import { Deployment } from '../src/kinds/apps/deployment.ts'
import { ReplicaSet } from '../src/kinds/apps/replica-set.ts'
import { StatefulSet } from '../src/kinds/apps/stateful-set.ts'
import { CronJob } from '../src/kinds/batch/cron-job.ts'
import { Job } from '../src/kinds/batch/job.ts'
import { Pod } from '../src/kinds/core/pod.ts'
import {
  prepareEphemeralContainers,
  prepareResize,
  validateEphemeralContainersUpdate,
  validateResize,
} from '../src/kinds/core/pod-subresources.ts'
import { PodTemplate } from '../src/kinds/core/pod-template.ts'
import { ReplicationController } from '../src/kinds/core/replication-controller.ts'
import type { FieldErrors } from '../src/schema/field-errors.ts'
import type { Kind } from '../src/schema/kind.ts'
import type { Mutable } from '../src/schema/types.ts'
import { admitPod } from './support/pod-admission.ts'
import { type CompareOptions, compareWithRecordings, haveRecordings, recordings } from './support/recorded.ts'

const subresources: NonNullable<CompareOptions['subresources']> = {
  resize(pod: Mutable<Pod>, old: Pod, errors: FieldErrors) {
    prepareResize(pod, old)
    validateResize(pod, old, errors)
  },
  ephemeralcontainers(pod: Mutable<Pod>, old: Pod, errors: FieldErrors) {
    prepareEphemeralContainers(pod, old)
    validateEphemeralContainersUpdate(pod, old, errors)
  },
}

const kinds: readonly (readonly [kind: Kind, least: number, options?: CompareOptions])[] = [
  [Pod, 200, { admit: admitPod, subresources }],
  [PodTemplate, 20],
  [ReplicationController, 15],
  // The reference compares the data's bytes, and writes keys in another order after a patch; ours are as they were.
  [ControllerRevision, 15, { skip: ['apps.v1-controllerrevisions-rich 3'] }],
  [DaemonSet, 30],
  [Deployment, 150],
  [ReplicaSet, 15],
  [StatefulSet, 40],
  [CronJob, 25],
  [Job, 25],
]

const areas = ['defaults', 'patch', 'read', 'subresources', 'validation', 'write']

for (const [kind, least, options] of kinds) {
  test(`${kind.plural} are defaulted, checked and shown as recorded`, { skip: !haveRecordings }, () => {
    const { compared, differences } = compareWithRecordings(kind, recordings(areas), options)
    assert.deepEqual(differences, [])
    assert.ok(compared >= least, `only ${compared} steps were compared`)
  })
}
