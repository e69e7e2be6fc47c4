import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PersistentVolume } from '../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../kinds/core/persistent-volume-claim.ts'
import { reconcileOnce, wakes } from '../reconciler/fixture.ts'
import type { Draft } from '../schema/types.ts'
import { lines, now, object } from './fixtures.ts'
import { persistentVolumeExpander as controller } from './persistentvolume-expander.ts'

const claim = (asked: string, has: string, phase = 'Bound') =>
  object<PersistentVolumeClaim>(PersistentVolumeClaim, 'data', {
    spec: { volumeName: 'v', resources: { requests: { storage: asked } } },
    status: { phase, capacity: { storage: has } },
  } as Draft<PersistentVolumeClaim>)

const volume = object<PersistentVolume>(PersistentVolume, 'v', {
  spec: { claimRef: { namespace: 'default', name: 'data', uid: 'uid-persistentvolumeclaim-data' } },
} as Draft<PersistentVolume>)

const look = (subject: PersistentVolumeClaim, volumes: readonly PersistentVolume[] = [volume]) =>
  lines(reconcileOnce(controller, subject, [[PersistentVolume, ...volumes]], { now }).changes)

test('a claim that has grown is told that somebody else resizes its volume', () => {
  assert.deepEqual(look(claim('2Gi', '1Gi')), [
    'Normal ExternalExpanding: waiting for an external controller to expand this PVC',
  ])
})

test('nothing is said of claims that have not grown, have no volume, or have lost it', () => {
  assert.deepEqual(look(claim('1Gi', '1Gi')), [])
  assert.deepEqual(look(claim('2Gi', '1Gi', 'Pending')), [])
  assert.deepEqual(look(claim('2Gi', '1Gi'), []), [])
})

test('it is said once for each wish, not for each step of the resize', () => {
  const isSaid = (object: PersistentVolumeClaim, old: PersistentVolumeClaim) => wakes(controller, { object, old })
  assert.equal(isSaid(claim('2Gi', '1Gi'), claim('1Gi', '1Gi')), true)
  assert.equal(isSaid(claim('2Gi', '1Gi'), claim('2Gi', '1Gi')), false)
  assert.equal(isSaid(claim('2Gi', '2Gi'), claim('2Gi', '1Gi')), false)
})
