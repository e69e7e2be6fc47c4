import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Pod } from '../../kinds/core/pod.ts'
import { PodDisruptionBudget } from '../../kinds/policy/pod-disruption-budget.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { ApiError } from '../../schema/status.ts'
import { Boat, decoded, testContext, testServer } from '../testing.ts'
import { scaleOf, updateScale } from './scale.ts'

function harbour() {
  const { registry } = testServer([], [Pod, PodDisruptionBudget])
  const pods = registry.resource(Pod)
  const budgets = registry.resource(PodDisruptionBudget)
  const containers = [{ name: 'main', image: 'registry.example/app:1' }]
  const make = (name: string, spec: object = {}) =>
    pods.create(
      'n',
      decoded(Pod, { metadata: { name, labels: { app: 'a' } }, spec: { containers, ...spec } }),
      testContext,
    )
  const post = (subresource: string, name: string, body: object, context = testContext) =>
    registry.createSubresource(Pod, 'n', name, subresource, { metadata: { name }, ...body } as ApiObject, context)
  return { pods, budgets, make, post }
}

async function failure(action: Promise<unknown>): Promise<ApiError> {
  const error = await action.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(error instanceof ApiError)) throw new Error('it did not fail with an ApiError', { cause: error })
  return error
}

describe('binding', () => {
  const to = (name: string, kind = 'Node') => ({ target: { kind, name } })

  test('puts a pod on a node, once', async () => {
    const { pods, make, post } = harbour()
    await make('a')
    const answer = await post('binding', 'a', { ...to('n1'), metadata: { name: 'a', annotations: { by: 'test' } } })
    assert.deepEqual(answer, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 })
    const { object } = await pods.get('n', 'a')
    assert.equal(object.spec.nodeName, 'n1')
    assert.deepEqual(object.metadata.annotations, { by: 'test' })
    const [condition] = object.status.conditions!
    assert.deepEqual(
      [condition!.type, condition!.status, condition!.lastTransitionTime],
      ['PodScheduled', 'True', '2026-01-01T00:00:00Z'],
    )
    const again = await failure(post('binding', 'a', to('n2')))
    assert.equal(
      again.message,
      'Operation cannot be fulfilled on pods/binding "a": pod a is already assigned to node "n1"',
    )
  })

  test('refuses', async () => {
    const { make, post } = harbour()
    await make('a')
    await make('gated', { schedulingGates: [{ name: 'x.io/y' }] })
    const cases: readonly [Promise<unknown>, number, string][] = [
      [post('binding', 'zz', to('n1')), 404, 'pods "zz" not found'],
      [
        post('binding', 'a', { ...to('n1'), metadata: { name: 'b' } }),
        400,
        'name in URL does not match name in Binding object',
      ],
      [
        post('binding', 'a', to('n1', 'Pod')),
        500,
        'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"',
      ],
      [post('binding', 'a', to('')), 500, 'target.name: Required value'],
      [
        post('binding', 'gated', to('n1')),
        409,
        'Operation cannot be fulfilled on pods/binding "gated": pod gated has non-empty .spec.schedulingGates',
      ],
    ]
    for (const [action, code, message] of cases) {
      const error = await failure(action)
      assert.deepEqual([error.code, error.message], [code, message])
    }
  })
})

describe('eviction', () => {
  /** Two running pods under a budget with this status. */
  async function guarded(status: object, spec: object = {}) {
    const under = harbour()
    const { pods, budgets, make } = under
    for (const name of ['a', 'b']) {
      await make(name, { nodeName: 'n1' })
      const conditions = [{ type: 'Ready', status: name === 'a' ? 'True' : 'False' }]
      await pods.update(
        'n',
        name,
        'status',
        (pod) => decoded(Pod, { ...pod, status: { phase: 'Running', conditions } }),
        testContext,
      )
    }
    const selector = { matchLabels: { app: 'a' } }
    const budget = decoded(PodDisruptionBudget, {
      metadata: { name: 'pdb' },
      spec: { selector, minAvailable: 1, ...spec },
    })
    await budgets.create('n', budget, testContext)
    await budgets.update('n', 'pdb', 'status', (now) => decoded(PodDisruptionBudget, { ...now, status }), testContext)
    return under
  }
  const why = (error: ApiError) => error.details?.causes?.[0]?.message

  test('books the disruption and marks the pod', async () => {
    const { post, pods, budgets } = await guarded({
      observedGeneration: 1,
      currentHealthy: 2,
      desiredHealthy: 1,
      disruptionsAllowed: 1,
    })
    await post('eviction', 'a', {}, { ...testContext, dryRun: true })
    await post('eviction', 'a', {})
    const { status } = (await budgets.get('n', 'pdb')).object
    assert.deepEqual([status.disruptionsAllowed, status.disruptedPods], [0, { a: '2026-01-01T00:00:00Z' }])
    assert.deepEqual([status.conditions?.[0]?.type, status.conditions?.[0]?.status], ['DisruptionAllowed', 'False'])
    const pod = (await pods.get('n', 'a')).object
    assert.equal(pod.metadata.deletionGracePeriodSeconds, 30)
    assert.equal(pod.status.conditions?.at(-1)?.reason, 'EvictionByEvictionAPI')
  })

  test('refuses while the budget is spent, or nobody has looked at it', async () => {
    const spent = await guarded({ observedGeneration: 1, currentHealthy: 1, desiredHealthy: 1 })
    const error = await failure(spent.post('eviction', 'a', {}))
    assert.deepEqual(
      [error.code, error.message, why(error)],
      [
        429,
        "Cannot evict pod as it would violate the pod's disruption budget.",
        'The disruption budget pdb needs 1 healthy pods and has 1 currently',
      ],
    )
    const unseen = await failure((await guarded({})).post('eviction', 'a', {}))
    assert.deepEqual(
      [unseen.details?.retryAfterSeconds, why(unseen)],
      [10, 'The disruption budget pdb is still being processed by the server.'],
    )
  })

  test('refuses in words that say whether the budget was counted at all', async () => {
    const denied = async (condition: object, numbers: object = {}) => {
      const lastTransitionTime = '2026-01-01T00:00:00Z'
      const conditions = [{ type: 'DisruptionAllowed', status: 'False', lastTransitionTime, ...condition }]
      const { post } = await guarded({ observedGeneration: 1, desiredHealthy: 1, ...numbers, conditions })
      return why(await failure(post('eviction', 'a', {})))
    }
    const failed = { reason: 'SyncFailed', message: 'no kind' }
    const none = 'The disruption budget pdb does not allow evicting pods currently'
    assert.equal(await denied(failed), `${none} because it failed sync: no kind`)
    assert.equal(await denied(failed, { currentHealthy: 2 }), `${none} because it failed sync: no kind`)
    assert.equal(await denied({ reason: 'Other', message: 'm' }, { currentHealthy: 2 }), `${none} (Other): m`)
    assert.equal(await denied({ reason: 'InsufficientPods', message: '' }, { currentHealthy: 2 }), none)
    assert.equal(
      await denied({ reason: 'Other', message: 'm' }),
      'The disruption budget pdb needs 1 healthy pods and has 0 currently',
    )
  })

  test('a pod that serves nobody may go while the others suffice, or always', async () => {
    const enough = await guarded({ observedGeneration: 1, currentHealthy: 1, desiredHealthy: 1 })
    await enough.post('eviction', 'b', {})
    const few = { observedGeneration: 1, currentHealthy: 0, desiredHealthy: 1 }
    assert.equal((await failure((await guarded(few)).post('eviction', 'b', {}))).code, 429)
    await (await guarded(few, { unhealthyPodEvictionPolicy: 'AlwaysAllow' })).post('eviction', 'b', {})
  })
})

test('a scale is a number that can be set without knowing the rest', async () => {
  const Fleet: Kind<Boat> = {
    ...Boat,
    scale: {
      replicas: ({ spec }) => spec.seats ?? 0,
      setReplicas: (boat, replicas) => {
        boat.spec.seats = replicas
      },
      currentReplicas: () => 2,
      selector: () => 'app=a',
    },
  }
  const { registry } = testServer([], [Fleet])
  const fleets = registry.resource(Fleet)
  await fleets.create('n', decoded(Fleet, { metadata: { name: 'a' } }), testContext)
  const set = (replicas: number) =>
    updateScale(fleets, 'n', 'a', (scale) => ({ ...scale, metadata: { name: 'a' }, spec: { replicas } }), testContext)
  assert.equal((await set(5)).spec.replicas, 5)
  const { object } = await fleets.get('n', 'a')
  assert.equal(object.metadata.generation, 2)
  assert.deepEqual(scaleOf(Fleet, object).status, { replicas: 2, selector: 'app=a' })
  assert.equal(
    (await failure(set(-1))).message,
    'Scale.autoscaling "a" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
  )
})
