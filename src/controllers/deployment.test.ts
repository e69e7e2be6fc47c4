import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Deployment } from '../kinds/apps/deployment.ts'
import { ReplicaSet } from '../kinds/apps/replica-set.ts'
import { Pod } from '../kinds/core/pod.ts'
import { reconcileOnce, type TrialOptions } from '../reconciler/fixture.ts'
import { alreadyExists } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'
import { deploymentController } from './deployment.ts'
import { deployment, lines, now, nowText, pod, replicaSet, written } from './fixtures.ts'
import { controllerReference } from './shared/owner.ts'
import { templateHash } from './shared/template-hash.ts'

const run = (wish: Deployment, sets: readonly ReplicaSet[], options: TrialOptions = {}, pods: readonly Pod[] = []) =>
  reconcileOnce(
    deploymentController,
    wish,
    [
      [Deployment, wish],
      [ReplicaSet, ...sets],
      [Pod, ...pods],
    ],
    {
      now,
      ...options,
    },
  )

/** A ReplicaSet of the deployment, at a revision, with so many replicas and so many of them available. */
function setOf(
  wish: Deployment,
  revision: number,
  replicas: number,
  available = replicas,
  rest: Draft<ReplicaSet> = {},
) {
  const image = `web:${revision}`
  const desired = wish.spec.replicas ?? 1
  const set = replicaSet(`web-${revision}`, replicas, {
    metadata: {
      ownerReferences: [controllerReference(Deployment, wish)],
      labels: { app: 'web', 'pod-template-hash': `hash${revision}` },
      creationTimestamp: `2026-01-01T0${revision}:00:00Z`,
      annotations: {
        'deployment.kubernetes.io/revision': String(revision),
        'deployment.kubernetes.io/desired-replicas': String(desired),
        'deployment.kubernetes.io/max-replicas': String(desired + Math.ceil(desired / 4)),
      },
      ...rest.metadata,
    },
    spec: {
      template: {
        metadata: { labels: { app: 'web', 'pod-template-hash': `hash${revision}` } },
        spec: { containers: [{ name: 'main', image }] },
      },
    },
    status: {
      replicas,
      readyReplicas: available,
      availableReplicas: available,
      terminatingReplicas: 0,
      observedGeneration: 1,
      ...rest.status,
    },
  })
  return set
}

const events = (changes: Parameters<typeof lines>[0]) =>
  lines(changes).flatMap((line) => /^Normal ScalingReplicaSet: (.*)$/.exec(line)?.[1] ?? [])

describe('a new deployment', () => {
  test('gets a ReplicaSet with the hash of its template', () => {
    const wish = deployment(3)
    const { changes } = run(wish, [])
    const hash = templateHash(wish.spec.template, undefined)
    assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]{6,12}$/)
    assert.deepEqual(lines(changes), [
      `create replicaset/web-${hash}`,
      `Normal ScalingReplicaSet: Scaled up replica set web-${hash} from 0 to 3`,
      'update deployment/web status',
      'update deployment/web status',
    ])
    const set = written(changes, ReplicaSet)
    assert.deepEqual(set.metadata.annotations, {
      'deployment.kubernetes.io/revision': '1',
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    })
    assert.deepEqual(set.metadata.labels, { app: 'web', 'pod-template-hash': hash })
    assert.deepEqual(set.spec.selector, { matchLabels: { app: 'web', 'pod-template-hash': hash } })
    const first = written(changes, Deployment, 'status')
    assert.deepEqual(first.metadata.annotations, { 'deployment.kubernetes.io/revision': '1' })
    assert.deepEqual(first.status.conditions, [
      {
        type: 'Progressing',
        status: 'True',
        lastUpdateTime: nowText,
        lastTransitionTime: nowText,
        reason: 'NewReplicaSetCreated',
        message: `Created new replica set "web-${hash}"`,
      },
    ])
  })

  test('counts a collision when another template has the name', () => {
    const wish = deployment(1)
    const hash = templateHash(wish.spec.template, undefined)
    const other = replicaSet(`web-${hash}`, 1, { metadata: { labels: { app: 'other' } } })
    const { changes } = run(wish, [{ ...other, spec: { ...other.spec, selector: {} } }], {
      answer: (change) =>
        change.type === 'create' ? alreadyExists({ group: 'apps', resource: 'replicasets' }, 'web') : undefined,
    })
    assert.equal(written(changes, Deployment, 'status').status.collisionCount, 1)
    assert.notEqual(templateHash(wish.spec.template, 1), hash)
  })
})

describe('a rolling update', () => {
  const update = { spec: { replicas: 10 } }

  test('surges 25 % up, rounded up', () => {
    const wish = deployment(10, update, 'web:2')
    const { changes } = run(wish, [setOf(wish, 1, 10)])
    assert.equal(written(changes, ReplicaSet).spec.replicas, 3)
  })

  test('then takes old pods as far as 25 % unavailable, rounded down, allows', () => {
    const wish = deployment(10, update, 'web:2')
    const { changes } = run(wish, [setOf(wish, 1, 10), setOf(wish, 2, 3, 0)])
    assert.deepEqual(events(changes), ['Scaled down replica set web-1 from 10 to 8'])
  })

  test('takes unhealthy old pods first', () => {
    const wish = deployment(10, update, 'web:3')
    const { changes } = run(wish, [setOf(wish, 1, 2, 0), setOf(wish, 2, 8), setOf(wish, 3, 3, 0)])
    assert.deepEqual(events(changes), ['Scaled down replica set web-1 from 2 to 0'])
  })

  test('does nothing while neither step is allowed', () => {
    const wish = deployment(10, update, 'web:2')
    assert.deepEqual(events(run(wish, [setOf(wish, 1, 8), setOf(wish, 2, 5, 0)]).changes), [])
  })

  test('goes on with surge 0 and unavailable 0 %, which counts as 1', () => {
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: '1%' } } as const
    const wish = deployment(2, { spec: { strategy } }, 'web:2')
    assert.deepEqual(events(run(wish, [setOf(wish, 1, 2), setOf(wish, 2, 0)]).changes), [
      'Scaled down replica set web-1 from 2 to 1',
    ])
  })

  test('a rollback raises the old set’s revision', () => {
    const wish = deployment(2, {}, 'web:1')
    const { changes } = run(wish, [setOf(wish, 1, 0), setOf(wish, 2, 2)])
    const set = written(changes, ReplicaSet)
    assert.equal(set.metadata.annotations?.['deployment.kubernetes.io/revision'], '3')
    assert.equal(set.metadata.annotations?.['deployment.kubernetes.io/revision-history'], '1')
  })
})

describe('progress', () => {
  const progressing = (reason: string, lastUpdateTime: string, status = 'True') => ({
    type: 'Progressing',
    status,
    reason,
    message: '',
    lastUpdateTime,
    lastTransitionTime: lastUpdateTime,
  })
  const annotations = { 'deployment.kubernetes.io/revision': '1' }
  const statusAfter = (wish: Deployment, sets: readonly ReplicaSet[]) => {
    const { changes } = run(wish, sets)
    const all = changes.filter((change) => change.type === 'update' && change.kind === (Deployment as unknown))
    const last = all.at(-1) as { object: Deployment } | undefined
    return last?.object.status.conditions?.find(({ type }) => type === 'Progressing')
  }

  test('is complete when all new pods are available', () => {
    const status = { conditions: [progressing('ReplicaSetUpdated', nowText)] }
    const wish = deployment(2, { metadata: { annotations }, status })
    const condition = statusAfter(wish, [setOf(wish, 1, 2)])
    assert.equal(condition?.reason, 'NewReplicaSetAvailable')
    assert.equal(condition?.message, 'ReplicaSet "web-1" has successfully progressed.')
  })

  test('has failed when the deadline is over', () => {
    const status = {
      replicas: 2,
      updatedReplicas: 2,
      conditions: [progressing('ReplicaSetUpdated', '2026-01-01T11:49:59Z')],
    }
    const wish = deployment(2, { metadata: { annotations }, status })
    const condition = statusAfter(wish, [setOf(wish, 1, 2, 0)])
    assert.equal(condition?.status, 'False')
    assert.equal(condition?.reason, 'ProgressDeadlineExceeded')
    assert.equal(condition?.message, 'ReplicaSet "web-1" has timed out progressing.')
  })

  test('is looked at again when the deadline will be over', () => {
    const first = { replicas: 2, updatedReplicas: 2, conditions: [progressing('ReplicaSetUpdated', nowText)] }
    const wish = deployment(2, { metadata: { annotations }, status: first })
    const settled = written(run(wish, [setOf(wish, 1, 2, 0)]).changes, Deployment, 'status')
    assert.deepEqual(lines(run({ ...wish, status: settled.status }, [setOf(wish, 1, 2, 0)]).changes), [
      'again after 601000 ms',
    ])
  })
})

describe('scaling', () => {
  test('in the middle of a rollout is shared out in proportion', () => {
    const old = deployment(10)
    const wish = deployment(20, {}, 'web:2')
    const { changes } = run(wish, [setOf(old, 1, 8), setOf(old, 2, 5, 0)])
    assert.deepEqual(events(changes), [
      'Scaled up replica set web-1 from 8 to 15',
      'Scaled up replica set web-2 from 5 to 10',
    ])
  })

  test('of the only active set goes all to it', () => {
    const wish = deployment(5)
    const { changes } = run(wish, [setOf(deployment(3), 1, 3)])
    assert.deepEqual(events(changes), ['Scaled up replica set web-1 from 3 to 5'])
  })
})

describe('paused', () => {
  test('creates no set, and says that it is paused', () => {
    const { changes } = run(deployment(1, { spec: { paused: true } }), [])
    assert.deepEqual(lines(changes), ['update deployment/web status', 'update deployment/web status'])
    assert.equal(written(changes, Deployment, 'status').status.conditions?.[0]?.reason, 'DeploymentPaused')
  })
})

describe('Recreate', () => {
  const recreate = { spec: { strategy: { type: 'Recreate' as const } } }

  test('empties the old set first', () => {
    const wish = deployment(2, recreate, 'web:2')
    const { changes } = run(wish, [setOf(wish, 1, 2)])
    assert.deepEqual(events(changes), ['Scaled down replica set web-1 from 2 to 0'])
  })

  test('waits for the last old pod', () => {
    const wish = deployment(2, recreate, 'web:2')
    const old = setOf(wish, 1, 0)
    const going = pod('p', { owner: { kind: ReplicaSet, object: old }, deleted: true, phase: 'Running' })
    assert.deepEqual(events(run(wish, [old], {}, [going]).changes), [])
    assert.equal(written(run(wish, [old]).changes, ReplicaSet).spec.replicas, 2)
  })
})

test('old sets beyond the history limit go, the oldest first', () => {
  const status = { replicas: 2, updatedReplicas: 2, availableReplicas: 2, readyReplicas: 2, observedGeneration: 1 }
  const wish = deployment(2, { spec: { revisionHistoryLimit: 1 }, status }, 'web:4')
  const { changes } = run(wish, [setOf(wish, 1, 0), setOf(wish, 2, 0), setOf(wish, 3, 0), setOf(wish, 4, 2)])
  assert.deepEqual(
    lines(changes).filter((line) => line.startsWith('remove')),
    ['remove replicaset/web-1', 'remove replicaset/web-2'],
  )
})

test('a deployment that selects everything is refused', () => {
  const { changes } = run(deployment(1, { spec: { selector: {} } }), [])
  assert.deepEqual(lines(changes), [
    'Warning SelectingAll: This deployment is selecting all pods. A non-empty selector is required.',
    'update deployment/web status',
  ])
})
