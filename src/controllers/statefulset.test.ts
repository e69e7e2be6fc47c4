import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ControllerRevision } from '../kinds/apps/controller-revision.ts'
import { StatefulSet } from '../kinds/apps/stateful-set.ts'
import { PersistentVolumeClaim } from '../kinds/core/persistent-volume-claim.ts'
import { Pod } from '../kinds/core/pod.ts'
import { reconcileOnce } from '../reconciler/fixture.ts'
import type { Draft } from '../schema/types.ts'
import { lines, now, object, type PodTraits, pod, written } from './fixtures.ts'
import { controllerReference } from './shared/owner.ts'
import { statefulSetController } from './statefulset.ts'

const template = (image: string) => ({
  metadata: { labels: { app: 'db' } },
  spec: { containers: [{ name: 'main', image }] },
})

const statefulSet = (
  replicas: number,
  spec: Draft<StatefulSet['spec']> = {},
  status: Draft<StatefulSet['status']> = {},
) =>
  object<StatefulSet>(StatefulSet, 'db', {
    spec: {
      replicas,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      template: template('db:2'),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      ...spec,
    },
    status,
  } as Draft<StatefulSet>)

const revision = (set: StatefulSet, name: string, image: string, number: number) =>
  object<ControllerRevision>(ControllerRevision, name, {
    metadata: { labels: { app: 'db' }, ownerReferences: [controllerReference(StatefulSet, set)] },
    data: { spec: { template: { $patch: 'replace', ...template(image) } } },
    revision: number,
  })

const member = (set: StatefulSet, ordinal: number, revisionName: string, traits: PodTraits = {}) =>
  pod(`db-${ordinal}`, {
    owner: { kind: StatefulSet, object: set },
    labels: { app: 'db', 'controller-revision-hash': revisionName },
    ...traits,
  })

const up = { readySince: '2026-01-01T11:00:00Z' }

const run = (set: StatefulSet, pods: readonly Pod[]) => {
  const revisions = [revision(set, 'db-old', 'db:1', 1), revision(set, 'db-new', 'db:2', 2)]
  return reconcileOnce(
    statefulSetController,
    set,
    [
      [StatefulSet, set],
      [Pod, ...pods],
      [ControllerRevision, ...revisions],
    ],
    { now },
  )
}
const podLines = (set: StatefulSet, pods: readonly Pod[]) =>
  lines(run(set, pods).changes).filter((line) => / (pod|persistentvolumeclaim)\//.test(line))

test('pods come one after the other, each when the one before is up', () => {
  const set = statefulSet(3)
  assert.deepEqual(podLines(set, []), ['create pod/db-0'])
  assert.deepEqual(podLines(set, [member(set, 0, 'db-new')]), [])
  assert.deepEqual(podLines(set, [member(set, 0, 'db-new', up)]), ['create pod/db-1'])
})

test('with Parallel they come together', () => {
  assert.deepEqual(podLines(statefulSet(2, { podManagementPolicy: 'Parallel' }), []), [
    'create pod/db-0',
    'create pod/db-1',
  ])
})

test('a pod has its name, its number and its own storage', () => {
  const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }
  const { changes } = run(statefulSet(1, { volumeClaimTemplates: [claim], ordinals: { start: 5 } }), [])
  assert.equal(written(changes, PersistentVolumeClaim).metadata.name, 'data-db-5')
  const { metadata, spec } = written(changes, Pod)
  assert.equal(metadata.name, 'db-5')
  assert.equal(metadata.generateName, undefined)
  assert.equal(metadata.labels?.['apps.kubernetes.io/pod-index'], '5')
  assert.equal(metadata.labels?.['statefulset.kubernetes.io/pod-name'], 'db-5')
  assert.equal(spec.hostname, 'db-5')
  assert.equal(spec.subdomain, 'db')
  assert.deepEqual(spec.volumes, [{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-5' } }])
  assert.ok(lines(changes).includes('Normal SuccessfulCreate: Create Pod db-5 in StatefulSet db successful'))
})

test('surplus pods go one after the other, the last first', () => {
  const set = statefulSet(1)
  const pods = [0, 1, 2].map((n) => member(set, n, 'db-new', up))
  assert.deepEqual(podLines(set, pods), ['remove pod/db-2'])
})

test('an update begins at the end and waits for each pod', () => {
  const set = statefulSet(3, {}, { currentRevision: 'db-old', currentReplicas: 3 })
  const old = [0, 1, 2].map((n) => member(set, n, 'db-old', up))
  assert.deepEqual(podLines(set, old), ['remove pod/db-2'])
  assert.deepEqual(podLines(set, [...old.slice(0, 2), member(set, 2, 'db-new')]), [])
  assert.deepEqual(podLines(set, [...old.slice(0, 2), member(set, 2, 'db-new', up)]), ['remove pod/db-1'])
})

test('pods below the partition stay, and come back as they were', () => {
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } as const
  const set = statefulSet(3, { updateStrategy }, { currentRevision: 'db-old' })
  const pods = [member(set, 0, 'db-old', up), member(set, 2, 'db-new', up)]
  const { changes } = run(set, pods)
  assert.equal(written(changes, Pod).spec.containers[0]?.image, 'db:1')
})

test('when all are updated the new revision is the current one', () => {
  const set = statefulSet(2, {}, { currentRevision: 'db-old' })
  const { status } = written(
    run(
      set,
      [0, 1].map((n) => member(set, n, 'db-new', up)),
    ).changes,
    StatefulSet,
    'status',
  )
  assert.deepEqual(status, {
    observedGeneration: 1,
    replicas: 2,
    readyReplicas: 2,
    currentReplicas: 2,
    updatedReplicas: 2,
    availableReplicas: 2,
    currentRevision: 'db-new',
    updateRevision: 'db-new',
    collisionCount: 0,
  })
})

test('in order, a surplus pod that is down waits for the one below it', () => {
  const set = statefulSet(1)
  const [first, second, third] = [member(set, 0, 'db-new', up), member(set, 1, 'db-new'), member(set, 2, 'db-new')]
  assert.deepEqual(podLines(set, [first, second, third]), [])
  assert.deepEqual(podLines(set, [first, member(set, 1, 'db-new', up), third]), ['remove pod/db-2'])
})

test('as many pods as maxUnavailable says, rounded down, are replaced at once', () => {
  const rolling = (maxUnavailable: number | string) =>
    statefulSet(
      5,
      { podManagementPolicy: 'Parallel', updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable } } },
      { currentRevision: 'db-old', currentReplicas: 5 },
    )
  const removed = (maxUnavailable: number | string) => {
    const set = rolling(maxUnavailable)
    const old = [0, 1, 2, 3, 4].map((n) => member(set, n, 'db-old', up))
    return podLines(set, old).length
  }
  assert.deepEqual([removed(2), removed('59%'), removed('1%')], [2, 2, 1])
})

test('a pod is up only when it has been ready for long enough', () => {
  const set = statefulSet(2, { minReadySeconds: 30 })
  const ready = (secondsAgo: number) => ({ readySince: new Date(now - secondsAgo * 1000).toISOString() })
  assert.deepEqual(podLines(set, [member(set, 0, 'db-new', ready(29))]), [])
  assert.ok(lines(run(set, [member(set, 0, 'db-new', ready(29))]).changes).includes('again after 1000 ms'))
  assert.deepEqual(podLines(set, [member(set, 0, 'db-new', ready(30))]), ['create pod/db-1'])
})

test('a pod does not come while the claim of its predecessor is going', () => {
  const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }
  const set = statefulSet(1, { volumeClaimTemplates: [claim] })
  const data = (metadata: object) => object<PersistentVolumeClaim>(PersistentVolumeClaim, 'data-db-0', { metadata })
  const state = (present: PersistentVolumeClaim) =>
    [
      [StatefulSet, set],
      [PersistentVolumeClaim, present],
      [ControllerRevision, revision(set, 'db-new', 'db:2', 1)],
    ] as const
  const made = (metadata: object) =>
    lines(reconcileOnce(statefulSetController, set, state(data(metadata)), { now }).changes).includes('create pod/db-0')
  const former = { apiVersion: 'v1', kind: 'Pod', name: 'db-0', uid: 'former' }
  assert.deepEqual(
    [made({}), made({ deletionTimestamp: '2026-01-01T12:00:00Z' }), made({ ownerReferences: [former] })],
    [true, false, false],
  )
})
