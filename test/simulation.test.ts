import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { budgets } from '../sim/checkers/budget.ts'
import { unconverged } from '../sim/checkers/converged.ts'
import { generations } from '../sim/checkers/generation.ts'
import { identities } from '../sim/checkers/identity.ts'
import { quotas } from '../sim/checkers/quota.ts'
import { type Checker, State } from '../sim/history.ts'
import { simulate } from '../sim/simulation.ts'
import type { ApiObject } from '../src/schema/kind.ts'

/** One night runs many more: `node sim/main.ts --seeds 10000`. */
const seeds = process.env['CI'] === 'true' ? 200 : 20

describe('a cluster on which calls fail, nodes crash and the control plane starts anew', { concurrency: 1 }, () => {
  for (let seed = 1; seed <= seeds; seed += 10) {
    test(`seeds ${seed} to ${seed + 9}`, async () => {
      for (let at = seed; at < seed + 10; at++) {
        const { violations } = await simulate({ seed: at })
        assert.deepEqual(violations, [], `node sim/main.ts --seed ${at} --verbose`)
      }
    })
  }

  test('has one history for each seed', async () => {
    const first = await simulate({ seed: 7 })
    const second = await simulate({ seed: 7 })
    assert.deepEqual([second.revision, second.digest], [first.revision, first.digest])
    assert.notEqual((await simulate({ seed: 8 })).digest, first.digest)
  })
})

describe('what checkers find', () => {
  interface Step {
    readonly key: string
    readonly object?: object
  }

  /** What a checker says of the last of some changes. */
  function lastWordOn(checker: Checker, steps: readonly Step[]): readonly string[] {
    const state = new State()
    let faults: readonly string[] = []
    steps.forEach(({ key, object }, at) => {
      const change = { revision: at + 1, key, object: object as ApiObject | undefined, old: state.get(key) }
      state.set(key, change.object)
      faults = checker.see(change, state)
    })
    return faults
  }

  const creationTimestamp = '2026-01-01T00:00:00Z'
  const pod = (name: string, more: object = {}, status: object = {}): Step => ({
    key: `/registry/pods/default/${name}`,
    object: {
      kind: 'Pod',
      metadata: { name, namespace: 'default', uid: name, creationTimestamp, labels: { app: 'a' }, ...more },
      status,
    },
  })
  const evicted = (name: string) =>
    pod(name, { deletionTimestamp: 'now' }, { conditions: [evictedCondition, { type: 'Ready', status: 'True' }] })
  const evictedCondition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }

  test('evictions that a budget does not allow, or knows nothing of', () => {
    const budget = (status: object): Step => ({
      key: '/registry/poddisruptionbudgets/default/b',
      object: {
        metadata: { name: 'b', namespace: 'default' },
        spec: { selector: { matchLabels: { app: 'a' } } },
        status: { currentHealthy: 3, desiredHealthy: 2, ...status },
      },
    })
    const free = budget({ disruptionsAllowed: 1 })
    const booked = budget({ disruptionsAllowed: 0, disruptedPods: { a: 'now' } })
    assert.deepEqual(lastWordOn(budgets, [free, booked]), [])
    assert.deepEqual(lastWordOn(budgets, [free, pod('a'), booked, evicted('a')]), [])
    assert.deepEqual(lastWordOn(budgets, [free, pod('a'), evicted('a')]), ['a is evicted and not booked in b'])
    assert.deepEqual(lastWordOn(budgets, [budget({ disruptionsAllowed: 0 }), booked]), ['b books 1 and takes 0'])
    assert.deepEqual(lastWordOn(budgets, [budget({ disruptionsAllowed: 2 })]), [
      'b allows 2 with 3 healthy, where 2 must stay',
    ])
  })

  test('no fault in a pod that was evicted while its node was silent, and is ready again before it is gone', () => {
    const budget: Step = {
      key: '/registry/poddisruptionbudgets/default/b',
      object: {
        metadata: { name: 'b', namespace: 'default' },
        spec: { selector: { matchLabels: { app: 'a' } } },
        status: { currentHealthy: 3, desiredHealthy: 2, disruptionsAllowed: 1 },
      },
    }
    const silent = { type: 'Ready', status: 'False' }
    const marked = pod('a', {}, { conditions: [evictedCondition, silent] })
    const going = pod('a', { deletionTimestamp: 'now' }, { conditions: [evictedCondition, silent] })
    assert.deepEqual(lastWordOn(budgets, [budget, pod('a'), marked, going, evicted('a')]), [])
  })

  test('a pod beyond the quota', () => {
    const quota: Step = {
      key: '/registry/resourcequotas/default/q',
      object: { metadata: { name: 'q', namespace: 'default' }, spec: { hard: { pods: '1' } } },
    }
    assert.deepEqual(lastWordOn(quotas, [quota, pod('a', {}, { phase: 'Failed' }), pod('b')]), [])
    assert.deepEqual(lastWordOn(quotas, [quota, pod('a'), pod('b')]), ['2 pods in default, where 1 may be'])
  })

  test('a pod of a StatefulSet that vanishes while it runs', () => {
    const owned = { ownerReferences: [{ kind: 'StatefulSet', name: 's', uid: 's' }] }
    const running = { containerStatuses: [{ name: 'main', state: { running: {} } }] }
    const gone = { key: '/registry/pods/default/s-0' }
    assert.deepEqual(lastWordOn(identities, [pod('s-0', owned), gone]), [])
    assert.deepEqual(lastWordOn(identities, [pod('s-0', owned, running), gone]), [
      '/registry/pods/default/s-0 is gone while main runs',
    ])
    const forced = { ...owned, deletionGracePeriodSeconds: 0 }
    assert.deepEqual(lastWordOn(identities, [pod('s-0', forced, running), gone]), [])
  })

  test('a generation that goes back, or is seen before it is', () => {
    const key = '/registry/deployments/default/d'
    const at = (generation: number, observedGeneration = 0) => ({
      key,
      object: { metadata: { name: 'd', uid: 'd', generation }, status: { observedGeneration } },
    })
    assert.deepEqual(lastWordOn(generations, [at(1), at(2, 2)]), [])
    assert.deepEqual(lastWordOn(generations, [at(2), at(1)]), [`${key} went back`])
    assert.deepEqual(lastWordOn(generations, [at(1, 2)]), [`${key} was seen before it was`])
  })

  test('what is not as it was wanted', () => {
    const state = new State()
    const set = (key: string, object: object) => state.set(key, object as ApiObject)
    const status = { replicas: 2, updatedReplicas: 2, availableReplicas: 1 }
    set('/registry/deployments/default/d', {
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: { replicas: 2 },
      status,
    })
    const ownerReferences = [{ kind: 'Job', name: 'j', uid: 'gone' }]
    set('/registry/pods/default/p', { kind: 'Pod', metadata: { name: 'p', deletionTimestamp: 'now', ownerReferences } })
    assert.deepEqual(unconverged(state, 'small'), [
      'Pod /p has lost its owner Job j',
      'Pod /p does not go',
      'Deployment /d wants 2 and has 2, 2, 1',
    ])
  })
})
