import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Deployment } from '../kinds/apps/deployment.ts'
import { ReplicaSet } from '../kinds/apps/replica-set.ts'
import { StatefulSet } from '../kinds/apps/stateful-set.ts'
import { Pod } from '../kinds/core/pod.ts'
import { PodDisruptionBudget } from '../kinds/policy/pod-disruption-budget.ts'
import { reconcileOnce, type State } from '../reconciler/fixture.ts'
import type { Draft } from '../schema/types.ts'
import type { Failure, Wish } from './disruption/scale.ts'
import { disruptionController } from './disruption.ts'
import { lines, now, nowText, object, pod, replicaSet, written } from './fixtures.ts'
import { controllerReference } from './shared/owner.ts'

const selector = { matchLabels: { app: 'web' } }

const budget = (spec: object = { maxUnavailable: 1 }, name = 'b', status: object = {}) =>
  object<PodDisruptionBudget>(PodDisruptionBudget, name, {
    spec: { selector, ...spec },
    status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, ...status },
  } as Draft<PodDisruptionBudget>)

const readySince = '2026-01-01T11:00:00Z'

const ownedBy = (name: string, apiVersion: string, kind: string, uid = 'uid-owner') =>
  pod(name, {
    readySince,
    rest: { metadata: { ownerReferences: [{ apiVersion, kind, name: 'owner', uid, controller: true }] } } as Draft<Pod>,
  })

/** Looks once, the server saying of every owner it is asked about what is given. */
function look(of: PodDisruptionBudget, state: State, said?: Wish | Failure) {
  const answer = (change: { readonly type: string }) => (change.type === 'ask' ? (said as never) : undefined)
  const { changes, error } = reconcileOnce(disruptionController, of, [[PodDisruptionBudget, of], ...state], {
    now,
    answer,
  })
  assert.equal(error, undefined)
  return { changes, lines: lines(changes) }
}

const numbers = ({ changes }: ReturnType<typeof look>) => {
  const { expectedPods, desiredHealthy, disruptionsAllowed } = written(changes, PodDisruptionBudget, 'status').status
  return [expectedPods, desiredHealthy, disruptionsAllowed]
}

describe('owners that no cache shows', () => {
  const pods = [ownedBy('a', 'example.com/v1', 'Rollout'), ownedBy('b', 'example.com/v1', 'Rollout')]

  test('are asked for their scale, each once', () => {
    const looked = look(budget(), [[Pod, ...pods]], { uid: 'uid-owner', replicas: 2 })
    assert.deepEqual(looked.lines, ['ask', 'update poddisruptionbudget/b status'])
    assert.deepEqual(numbers(looked), [2, 1, 1])
    assert.deepEqual(
      numbers(look(budget({ minAvailable: '60%' }), [[Pod, ...pods]], { uid: 'u', replicas: 4 })),
      [4, 3, 0],
    )
  })

  test('are not asked where only the pods count', () => {
    const looked = look(budget({ minAvailable: 1 }), [[Pod, ...pods]])
    assert.deepEqual(looked.lines, ['update poddisruptionbudget/b status'])
    assert.deepEqual(numbers(looked), [2, 1, 1])
  })

  test('may be called what built-in ones are called', () => {
    const namesake = object<StatefulSet>(StatefulSet, 'owner', {
      metadata: { uid: 'uid-owner' },
      spec: { replicas: 7 },
    } as Draft<StatefulSet>)
    const state = (apiVersion: string): State => [
      [Pod, ownedBy('a', apiVersion, 'StatefulSet')],
      [StatefulSet, namesake],
    ]
    assert.deepEqual(numbers(look(budget(), state('apps/v1'))), [7, 6, 0])
    const said = { uid: 'uid-owner', replicas: 1 }
    assert.deepEqual(numbers(look(budget(), state('apps.example.com/v1'), said)), [1, 0, 1])
  })

  test('without a scale forbid evictions, and the generation does not count as observed', () => {
    const failure = 'jobs.batch does not implement the scale subresource'
    const failed = look(budget(), [[Pod, ownedBy('a', 'batch/v1', 'Job')]], { failure })
    assert.deepEqual(failed.lines, [
      'ask',
      `Warning CalculateExpectedPodCountFailed: Failed to calculate the number of expected pods: ${failure}`,
      'update poddisruptionbudget/b status',
    ])
    const { observedGeneration, conditions } = written(failed.changes, PodDisruptionBudget, 'status').status
    assert.equal(observedGeneration, undefined)
    assert.deepEqual(conditions, [
      {
        type: 'DisruptionAllowed',
        status: 'False',
        lastTransitionTime: nowText,
        reason: 'SyncFailed',
        message: failure,
      },
    ])
  })

  test('of a ReplicaSet of somebody else than a Deployment, the ReplicaSet counts', () => {
    const rollout = { apiVersion: 'example.com/v1', kind: 'Rollout', name: 'r', uid: 'uid-r', controller: true }
    const set = replicaSet('s', 3, { metadata: { ownerReferences: [rollout] } } as Draft<ReplicaSet>)
    const a = pod('a', { readySince, owner: { kind: ReplicaSet, object: set } })
    assert.deepEqual(
      numbers(
        look(budget(), [
          [Pod, a],
          [ReplicaSet, set],
        ]),
      ),
      [3, 2, 0],
    )
    const lost = controllerReference(Deployment, object<Deployment>(Deployment, 'd', {}))
    const orphan = replicaSet('s', 3, { metadata: { ownerReferences: [lost] } } as Draft<ReplicaSet>)
    const said = { uid: orphan.metadata.uid!, replicas: 4 }
    assert.deepEqual(
      numbers(
        look(
          budget(),
          [
            [Pod, a],
            [ReplicaSet, orphan],
          ],
          said,
        ),
      ),
      [4, 3, 0],
    )
  })
})

describe('a change of a pod', () => {
  const wakes = (object: Pod, old: Pod) => {
    const watch = disruptionController.watches.find(({ kind }) => kind === Pod)!
    const context = { list: () => [budget()] }
    return [...watch.wakes({ object, old } as never, context as never)].length > 0
  }
  const touched = (of: Pod): Pod => ({ ...of, metadata: { ...of.metadata, resourceVersion: '2' } })

  test('wakes its budgets when it counts, and always when nobody tells of its owner', () => {
    const ours = pod('a', { owner: { kind: ReplicaSet, object: replicaSet('s', 1) } })
    assert.equal(wakes(touched(ours), ours), false)
    const theirs = ownedBy('a', 'example.com/v1', 'Rollout')
    assert.equal(wakes(touched(theirs), theirs), true)
  })

  test('wakes its budgets when another owner takes it', () => {
    const found = pod('a', { owner: { kind: ReplicaSet, object: replicaSet('s', 1) } })
    const stray: Pod = { ...found, metadata: { ...found.metadata, ownerReferences: [] } }
    assert.equal(wakes(found, stray), true)
  })
})

test('two budgets over one pod: told once for each version of the pod', () => {
  const [first, second] = [budget({ minAvailable: 1 }, 'first'), budget({ minAvailable: 1 }, 'second')]
  const other = budget({ selector: { matchLabels: { app: 'other' } }, minAvailable: 1 }, 'other')
  const told = (of: PodDisruptionBudget, a: Pod) =>
    lines(
      reconcileOnce(disruptionController, of, [
        [PodDisruptionBudget, first, second, other],
        [Pod, a],
      ]).changes,
    ).filter((line) => line.startsWith('Warning'))
  const warning =
    'Warning MultiplePodDisruptionBudgets: Pod "default"/"a" matches multiple PodDisruptionBudgets.  Chose "first" arbitrarily.'
  const a = pod('a')
  assert.deepEqual(told(first, a), [warning])
  assert.deepEqual(told(second, a), [])
  assert.deepEqual(told(second, pod('a', { readySince })), [warning])
  assert.deepEqual(told(other, pod('x', { labels: { app: 'other' } })), [])
})

test('pods that nobody manages are told of by the selector, not by name', () => {
  const expressions = [
    { key: 'tier', operator: 'In', values: ['front', 'back'] },
    { key: 'app', operator: 'Exists' },
  ]
  const labels = { tier: 'front', app: 'web' }
  const of = budget({ maxUnavailable: 1, selector: { matchLabels: labels, matchExpressions: expressions } })
  assert.equal(
    look(of, [[Pod, pod('a', { labels })]]).lines[0],
    'Warning UnmanagedPods: Pods selected by this PodDisruptionBudget (selector: &LabelSelector{MatchLabels:map[string]string{app: web,tier: front,},' +
      'MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:tier,Operator:In,Values:[front back],},' +
      'LabelSelectorRequirement{Key:app,Operator:Exists,Values:[],},},}) were found to be unmanaged. As a result, the status of the PDB ' +
      'cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ' +
      '".spec.minAvailable" field of the PDB to an integer value.',
  )
})
