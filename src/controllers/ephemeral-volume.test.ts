import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PersistentVolumeClaim } from '../kinds/core/persistent-volume-claim.ts'
import { Pod } from '../kinds/core/pod.ts'
import { reconcileOnce } from '../reconciler/fixture.ts'
import type { Draft } from '../schema/types.ts'
import { ephemeralVolumeController } from './ephemeral-volume.ts'
import { lines, now, object, pod, written } from './fixtures.ts'
import { controllerReference } from './shared/owner.ts'

const template = {
  metadata: { labels: { app: 'cache' }, annotations: { note: 'small' } },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
}
const volumes = [
  { name: 'scratch', ephemeral: { volumeClaimTemplate: template } },
  { name: 'config', configMap: { name: 'c' } },
]
const withScratch = (deleted = false) => pod('web', { deleted, rest: { spec: { volumes } } as unknown as Draft<Pod> })

const look = (subject: Pod, claims: readonly PersistentVolumeClaim[] = []) =>
  reconcileOnce(
    ephemeralVolumeController,
    subject,
    [
      [Pod, subject],
      [PersistentVolumeClaim, ...claims],
    ],
    { now },
  )

const claim = (owner?: Pod) =>
  object<PersistentVolumeClaim>(PersistentVolumeClaim, 'web-scratch', {
    metadata: owner ? { ownerReferences: [controllerReference(Pod, owner)] } : {},
  } as Draft<PersistentVolumeClaim>)

test('a pod gets a claim of its own for each generic ephemeral volume', () => {
  const subject = withScratch()
  const { changes } = look(subject)
  assert.deepEqual(lines(changes), ['create persistentvolumeclaim/web-scratch'])
  const made = written(changes, PersistentVolumeClaim)
  assert.deepEqual(made.metadata, {
    name: 'web-scratch',
    namespace: 'default',
    labels: { app: 'cache' },
    annotations: { note: 'small' },
    ownerReferences: [controllerReference(Pod, subject)],
  })
  assert.deepEqual(made.spec, template.spec)
})

test('a claim that it has is left alone', () => {
  const subject = withScratch()
  assert.deepEqual(lines(look(subject, [claim(subject)]).changes), [])
})

test('a claim of that name that is another’s is not taken', () => {
  assert.deepEqual(lines(look(withScratch(), [claim()]).changes), [
    'Warning FailedBinding: ephemeral volume scratch: PVC default/web-scratch was not created for pod default/web (pod is not owner)',
  ])
})

test('a pod that is going gets nothing', () => assert.deepEqual(lines(look(withScratch(true)).changes), []))
