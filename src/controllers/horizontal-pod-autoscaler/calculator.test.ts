import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Pod } from '../../kinds/core/pod.ts'
import { now, pod } from '../fixtures.ts'
import {
  byAverage,
  byUtilization,
  byValue,
  byValuePerReplica,
  type Proposal,
  type Sample,
  type Samples,
  type Situation,
} from './calculator.ts'

const at = (secondsAgo: number) => new Date(now - secondsAgo * 1000).toISOString().replace('.000', '')

interface Traits {
  /** In thousandths of a processor; absent: nothing was measured. */
  readonly uses?: number
  readonly requests?: string | undefined
  readonly phase?: NonNullable<Pod['status']['phase']>
  readonly ready?: boolean
  /** Seconds ago. */
  readonly started?: number
  /** Seconds ago: when it became ready, or ceased to be. */
  readonly changed?: number
  readonly deleted?: boolean
  readonly podRequests?: string
  readonly sidecar?: string
}

let count = 0

function podOf(traits: Traits): { readonly pod: Pod; readonly sample: Sample | undefined } {
  const {
    uses,
    phase = 'Running',
    ready = true,
    started = 3600,
    changed = 3590,
    deleted,
    podRequests,
    sidecar,
  } = traits
  const requests = 'requests' in traits ? traits.requests : '100m'
  const of = (amount: string | undefined) => ({ ...(amount !== undefined && { requests: { cpu: amount } }) })
  const made = pod(`pod-${count++}`, {
    ...(deleted && { deleted }),
    rest: {
      spec: {
        containers: [{ name: 'main', resources: of(requests) }],
        ...(sidecar && { initContainers: [{ name: 'side', restartPolicy: 'Always', resources: of(sidecar) }] }),
        ...(podRequests && { resources: of(podRequests) }),
      },
      status: {
        phase,
        startTime: at(started),
        conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: at(changed) }],
      },
    },
  })
  return { pod: made, sample: uses === undefined ? undefined : { milli: uses, atMs: now - 5_000, windowMs: 15_000 } }
}

interface Case {
  readonly pods: readonly Traits[]
  readonly target: number
  readonly current?: number
  readonly tolerances?: { readonly up: number; readonly down: number }
  readonly container?: string
}

function situationOf({ pods, current, tolerances }: Case): {
  readonly situation: Situation
  readonly samples: Samples
} {
  const made = pods.map(podOf)
  const situation = {
    specReplicas: current ?? pods.length,
    statusReplicas: current ?? pods.length,
    pods: made.map((each) => each.pod),
    tolerances: tolerances ?? { up: 0.1, down: 0.1 },
    now,
    cpuInitializationMs: 300_000,
    initialReadinessMs: 30_000,
  }
  const samples = new Map(made.flatMap(({ pod, sample }) => (sample ? [[pod.metadata.name!, sample]] : [])))
  return { situation, samples }
}

const some = (number: number, traits: Traits): Traits[] => Array.from({ length: number }, () => traits)

function utilization(given: Case): Proposal {
  const { situation, samples } = situationOf(given)
  return byUtilization(situation, samples, {
    resource: 'cpu',
    container: given.container ?? '',
    utilization: given.target,
  })
}

function average(given: Case, resource = 'cpu'): Proposal {
  const { situation, samples } = situationOf(given)
  return byAverage(situation, samples, resource, given.target)
}

/** Title → what is there, and the replicas (and percent of the requests) that follow. */
type Table = Readonly<Record<string, readonly [Case, number, number?]>>

describe('replicas by the use of processors in percent of the requests', () => {
  const table: Table = {
    'the experiment of the notes: 206 % of 200m on one pod, 30 % wished [HPA-10]': [
      { pods: [{ uses: 412, requests: '200m' }], target: 30 },
      7,
      206,
    ],
    'more load, more pods': [{ pods: some(3, { uses: 50 }), target: 30 }, 5, 50],
    'less load, fewer pods': [{ pods: some(5, { uses: 10 }), target: 30 }, 2, 10],
    'exactly on the target': [{ pods: some(3, { uses: 30 }), target: 30 }, 3, 30],
    'at the upper end of the tolerance': [{ pods: some(3, { uses: 110 }), target: 100 }, 3, 110],
    'beyond it': [{ pods: some(3, { uses: 111 }), target: 100 }, 4, 111],
    'at the lower end of the tolerance': [{ pods: some(10, { uses: 90 }), target: 100 }, 10, 90],
    'below it': [{ pods: some(10, { uses: 89 }), target: 100 }, 9, 89],
    'a tolerance of its own for each direction': [
      { pods: some(10, { uses: 105 }), target: 100, tolerances: { up: 0.01, down: 0.5 } },
      11,
      105,
    ],
    'no tolerance at all': [{ pods: some(10, { uses: 101 }), target: 100, tolerances: { up: 0, down: 0 } }, 11, 101],
    'nothing is used': [{ pods: some(4, { uses: 0 }), target: 50 }, 0, 0],
    'percent are whole, and cut off': [{ pods: [{ uses: 100, requests: '300m' }], target: 30 }, 1, 33],
    'it is the sum that counts, not the mean of the parts': [
      {
        pods: [
          { uses: 1000, requests: '1' },
          { uses: 0, requests: '100m' },
        ],
        target: 50,
      },
      4,
      90,
    ],
    'the number of pods that were measured counts, not the number wished': [
      { pods: some(2, { uses: 100 }), target: 50, current: 8 },
      4,
      100,
    ],
    'on a way up, pods without samples count as idle': [{ pods: [...some(3, { uses: 100 }), {}], target: 50 }, 6, 100],
    'on a way down, they count as using all of their request': [
      { pods: [...some(3, { uses: 10 }), {}], target: 50 },
      3,
      10,
    ],
    'or what is aimed at, where that is more': [{ pods: [...some(3, { uses: 90 }), {}], target: 200 }, 3, 90],
    'what would turn the direction around changes nothing': [
      { pods: [...some(1, { uses: 60 }), ...some(3, {})], target: 50 },
      4,
      60,
    ],
    'a guess within the tolerance changes nothing': [{ pods: [{ uses: 45 }, { uses: 25 }, {}], target: 50 }, 3, 35],
    'on the target, pods without samples are not guessed at': [
      { pods: [...some(2, { uses: 50 }), {}], target: 50 },
      3,
      50,
    ],
    'pods that have not started count as idle on a way up': [
      { pods: [...some(2, { uses: 100 }), ...some(2, { phase: 'Pending' })], target: 40 },
      5,
      100,
    ],
    'and not at all on a way down': [
      { pods: [...some(4, { uses: 20 }), ...some(2, { phase: 'Pending' })], target: 40 },
      2,
      20,
    ],
    'pods that are going do not count': [
      { pods: [...some(2, { uses: 100 }), { uses: 1000, deleted: true }], target: 50, current: 2 },
      4,
      100,
    ],
    'nor do those that failed': [
      { pods: [...some(2, { uses: 100 }), { uses: 1000, phase: 'Failed' }], target: 50, current: 2 },
      4,
      100,
    ],
    'in its first five minutes, the use of a pod that is not ready is not looked at [HPA-14]': [
      { pods: [{ uses: 100 }, { uses: 1000, started: 200, ready: false, changed: 190 }], target: 50 },
      2,
      100,
    ],
    'nor that of one that became ready within the window of the sample': [
      { pods: [{ uses: 100 }, { uses: 1000, started: 200, changed: 10 }], target: 50 },
      2,
      100,
    ],
    'one that was ready for a whole window counts': [
      { pods: [{ uses: 100 }, { uses: 100, started: 200, changed: 20 }], target: 50 },
      4,
      100,
    ],
    'later, a pod that was never ready does not count [HPA-13]': [
      { pods: [{ uses: 100 }, { uses: 1000, started: 600, ready: false, changed: 590 }], target: 50 },
      2,
      100,
    ],
    'one that has been ready and is not any more does': [
      { pods: [{ uses: 100 }, { uses: 100, started: 600, ready: false, changed: 300 }], target: 50 },
      4,
      100,
    ],
    'requests of sidecars count': [{ pods: [{ uses: 150, requests: '100m', sidecar: '50m' }], target: 50 }, 2, 100],
    'requests of the pod as a whole come first': [{ pods: [{ uses: 200, podRequests: '200m' }], target: 50 }, 2, 100],
    'a container alone': [
      { pods: [{ uses: 150, requests: '100m', sidecar: '900m' }], target: 50, container: 'main' },
      3,
      150,
    ],
  }
  for (const [title, [given, replicas, percent]] of Object.entries(table))
    test(title, () => {
      const proposal = utilization(given)
      assert.deepEqual([proposal.replicas, proposal.utilization], [replicas, percent])
    })
})

describe('replicas by an average amount', () => {
  const table: Table = {
    'more than wished': [{ pods: some(3, { uses: 20_000 }), target: 10_000 }, 6],
    'less than wished': [{ pods: some(4, { uses: 5_000 }), target: 10_000 }, 2],
    'within the tolerance': [{ pods: some(4, { uses: 10_900 }), target: 10_000 }, 4],
    'pods without samples count as on the target on a way down': [
      { pods: [...some(3, { uses: 1_000 }), {}], target: 10_000 },
      2,
    ],
    'and as idle on a way up': [{ pods: [...some(3, { uses: 20_000 }), {}], target: 10_000 }, 6],
    'requests do not matter': [{ pods: some(2, { uses: 20_000, requests: undefined }), target: 10_000 }, 4],
  }
  for (const [title, [given, replicas]] of Object.entries(table))
    test(title, () => assert.equal(average(given).replicas, replicas))

  test('only processors say nothing while a pod starts', () => {
    const starting = { pods: [{ uses: 20_000, started: 20, ready: false, changed: 19 }], target: 10_000 }
    assert.equal(average(starting, 'memory').replicas, 2)
    assert.throws(() => average(starting, 'cpu'), /did not receive metrics for targeted pods \(pods might be unready\)/)
  })

  test('the status shows the average', () => {
    assert.equal(average({ pods: [{ uses: 5 }, { uses: 8 }], target: 10 }).milli, 6)
  })
})

describe('replicas by a value that is not of pods', () => {
  const { situation } = situationOf({ pods: [...some(3, {}), { phase: 'Pending' }], target: 0 })

  test('is shared by the pods that are ready', () => {
    assert.deepEqual(byValue(situation, 200, 100), { replicas: 6, milli: 200 })
    assert.deepEqual(byValue(situation, 105, 100), { replicas: 4, milli: 105 })
  })
  test('from zero, any value needs somebody', () => {
    assert.equal(byValue({ ...situation, specReplicas: 0 }, 1, 100).replicas, 1)
    assert.equal(byValue({ ...situation, specReplicas: 0 }, 0, 100).replicas, 0)
  })
  test('or is divided by what each is to carry', () => {
    assert.deepEqual(byValuePerReplica(situation, 1_000, 100), { replicas: 10, milli: 250 })
    assert.deepEqual(byValuePerReplica(situation, 420, 100), { replicas: 4, milli: 105 })
    assert.deepEqual(byValuePerReplica(situation, 50, 100), { replicas: 1, milli: 13 })
  })
  test('there are never more than a number can say', () => {
    assert.equal(byValue(situation, Number.MAX_SAFE_INTEGER, 1).replicas, 2 ** 31 - 1)
  })
})

describe('nothing follows', () => {
  const faults: Readonly<Record<string, readonly [Case, string]>> = {
    'without pods': [{ pods: [], target: 50 }, 'no pods returned by selector while calculating replica count'],
    'without samples': [
      { pods: some(2, {}), target: 50 },
      'did not receive metrics for targeted pods (pods might be unready)',
    ],
    'without requests [HPA-20]': [
      { pods: [{ uses: 10, requests: undefined }], target: 50 },
      'missing request for cpu in container main of Pod pod-N',
    ],
    'where the container is another': [
      { pods: [{ uses: 10 }], target: 50, container: 'other' },
      'container other not found in Pod pod-N',
    ],
    'where the requests are zero': [
      { pods: [{ uses: 10, requests: '0' }], target: 50 },
      'no metrics returned matched known pods',
    ],
  }
  for (const [title, [given, message]] of Object.entries(faults))
    test(title, () => {
      assert.throws(
        () => utilization(given),
        (error: Error) => error.message.replace(/pod-\d+$/, 'pod-N') === message,
      )
    })
})
