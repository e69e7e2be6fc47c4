import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReplicaSet } from '../kinds/apps/replica-set.ts'
import { Pod } from '../kinds/core/pod.ts'
import { reconcileOnce } from '../reconciler/fixture.ts'
import { ApiError } from '../schema/status.ts'
import { lines, now, pod, replicaSet, written } from './fixtures.ts'
import { replicaSetController } from './replicaset.ts'
import { leastWanted } from './shared/pod-ranking.ts'

const run = (set: ReplicaSet, pods: readonly Pod[], answer?: Parameters<typeof reconcileOnce>[3]) =>
  reconcileOnce(
    replicaSetController,
    set,
    [
      [ReplicaSet, set],
      [Pod, ...pods],
    ],
    { now, ...answer },
  )

const status = (set: ReplicaSet) => set.status
const ownedBy = (set: ReplicaSet) => ({ kind: ReplicaSet, object: set })

test('missing pods are created from the template, as the set’s own', () => {
  const set = replicaSet('a', 2)
  const { changes } = run(set, [])
  assert.deepEqual(lines(changes), [
    'create pod/a-',
    'create pod/a-',
    'Normal SuccessfulCreate: Created pod: a-1',
    'Normal SuccessfulCreate: Created pod: a-2',
    'update replicaset/a status',
  ])
  const made = written(changes, Pod)
  assert.deepEqual(made.metadata, {
    generateName: 'a-',
    namespace: 'default',
    labels: { app: 'web' },
    ownerReferences: [
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: 'a',
        uid: 'uid-replicaset-a',
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  })
})

test('the status counts what is ready, available, terminating', () => {
  const set = replicaSet('a', 3, { spec: { minReadySeconds: 30 } })
  const owner = ownedBy(set)
  const { changes } = run(set, [
    pod('old', { owner, readySince: '2026-01-01T11:00:00Z' }),
    pod('new', { owner, readySince: '2026-01-01T11:59:50Z' }),
    pod('pending', { owner }),
    pod('going', { owner, deleted: true }),
    pod('failed', { owner, phase: 'Failed' }),
  ])
  assert.deepEqual(status(written(changes, ReplicaSet, 'status')), {
    replicas: 3,
    fullyLabeledReplicas: 3,
    readyReplicas: 2,
    availableReplicas: 1,
    terminatingReplicas: 1,
    observedGeneration: 1,
  })
  assert.equal(lines(changes).at(-1), 'again after 20000 ms')
})

test('nothing is written when everything is as it should be', () => {
  const set = replicaSet('a', 1, {
    status: { replicas: 1, fullyLabeledReplicas: 1, terminatingReplicas: 0, observedGeneration: 1 },
  })
  assert.deepEqual(lines(run(set, [pod('p', { owner: ownedBy(set) })]).changes), [])
})

test('an orphan that matches is adopted after the server confirmed the set, one that no longer matches is let go', () => {
  const set = replicaSet('a', 1)
  const { changes } = run(set, [pod('orphan'), pod('stranger', { owner: ownedBy(set), labels: { app: 'other' } })])
  assert.deepEqual(lines(changes), [
    'patch pod/stranger',
    'confirm replicaset/a',
    'patch pod/orphan',
    'update replicaset/a status',
  ])
})

test('a set that is being deleted touches no pod', () => {
  const set = replicaSet('a', 3, { metadata: { deletionTimestamp: '2026-01-01T11:59:00Z' } })
  assert.deepEqual(lines(run(set, [pod('orphan')]).changes), ['update replicaset/a status'])
})

test('a creation that fails becomes an event and a condition, and is tried again', () => {
  const set = replicaSet('a', 1)
  const refusal = new ApiError('Forbidden', 'pods "a-x" is forbidden: exceeded quota: q')
  const { changes, error } = run(set, [], { answer: (change) => (change.type === 'create' ? refusal : undefined) })
  assert.equal(error, refusal)
  assert.deepEqual(lines(changes), [
    'create pod/a-',
    'Warning FailedCreate: Error creating: pods "a-x" is forbidden: exceeded quota: q',
    'update replicaset/a status',
  ])
  assert.deepEqual(written(changes, ReplicaSet, 'status').status.conditions, [
    {
      type: 'ReplicaFailure',
      status: 'True',
      lastTransitionTime: '2026-01-01T12:00:00Z',
      reason: 'FailedCreate',
      message: refusal.message,
    },
  ])
})

test('in a namespace that is being deleted nothing is retried', () => {
  const terminating = new ApiError('Forbidden', 'no', { details: { causes: [{ reason: 'NamespaceTerminating' }] } })
  const { changes, error } = run(replicaSet('a', 1), [], {
    answer: (change) => (change.type === 'create' ? terminating : undefined),
  })
  assert.equal(error, undefined)
  assert.deepEqual(lines(changes), ['create pod/a-', 'update replicaset/a status'])
})

test('which pod goes first', async (t) => {
  const old = '2026-01-01T01:00:00Z'
  const young = '2026-01-01T11:59:00Z'
  const running = { node: 'n', readySince: old, created: old }
  const cost = (cost: string) => ({ metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } } })
  const restarts = (restartCount: number) => ({ status: { containerStatuses: [{ name: 'main', restartCount }] } })
  const cases: readonly (readonly [string, Pod, Pod])[] = [
    ['one without a node', pod('a', { created: old }), pod('b', running)],
    ['one that is pending', pod('a', { node: 'n', created: old }), pod('b', { node: 'n', phase: 'Running' })],
    ['one that is not ready', pod('a', { node: 'n', phase: 'Running', created: old }), pod('b', running)],
    ['the cheaper one', pod('a', { ...running, rest: cost('-5') }), pod('b', { ...running, readySince: young })],
    ['the one that became ready last', pod('a', { ...running, readySince: young }), pod('b', running)],
    [
      'the one that restarted more',
      pod('a', { ...running, rest: restarts(3) }),
      pod('b', { ...running, created: young }),
    ],
    ['the younger one', pod('a', { ...running, created: young }), pod('b', running)],
  ]
  for (const [name, first, second] of cases) {
    await t.test(name, () => assert.deepEqual(leastWanted([second, first], [], 1, now), [first]))
  }
})

test('of pods that are alike, one on the most crowded node goes first', () => {
  const traits = { readySince: '2026-01-01T01:00:00Z' }
  const alone = pod('alone', { ...traits, node: 'a' })
  const pair = [pod('one', { ...traits, node: 'b' }), pod('two', { ...traits, node: 'b' })]
  assert.notEqual(leastWanted([alone, ...pair], [alone, ...pair], 1, now)[0], alone)
})
