import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Job } from '../src/kinds/batch/job.ts'
import { Event } from '../src/kinds/core/event.ts'
import { Pod } from '../src/kinds/core/pod.ts'
import { virtualCluster } from './support/virtual-cluster.ts'
import { indexName, namespace, Workshop } from './support/workshop.ts'

const trackingFinalizer = 'batch.kubernetes.io/job-tracking'
const complete = ['SuccessCriteriaMet True CompletionsReached', 'Complete True CompletionsReached']

test('a job of three completions runs two pods at a time on simulated nodes, and completes [WRC-16]', async () => {
  await using virtual = await virtualCluster({ nodes: 2 })
  const { cluster } = virtual
  const template = { metadata: {}, spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } as const
  await cluster.client.create(Job, {
    metadata: { name: 'a', namespace },
    spec: { completions: 3, parallelism: 2, template },
  })
  await cluster.settle()
  const job = () => cluster.client.get(Job, { namespace, name: 'a' })
  const { active, ready, startTime } = (await job()).status
  assert.deepEqual({ active, ready, startTime }, { active: 2, ready: 2, startTime: '2026-01-01T00:00:00Z' })
  await cluster.advance(10_000)
  const { status } = await job()
  assert.equal(status.succeeded, 3)
  assert.equal(status.active, undefined)
  assert.deepEqual(status.uncountedTerminatedPods, {})
  assert.equal(status.completionTime, '2026-01-01T00:00:02Z')
  const pods = (await cluster.client.list(Pod, { namespace })).items
  assert.deepEqual(
    pods.map((pod) => [pod.status.phase, pod.metadata.finalizers]),
    Array(3).fill(['Succeeded', undefined]),
  )
  const events = (await cluster.client.list(Event, { namespace })).items
  const reasons = events.filter(({ involvedObject }) => involvedObject.kind === 'Job').map(({ reason }) => reason)
  assert.deepEqual(reasons, ['SuccessfulCreate', 'SuccessfulCreate', 'SuccessfulCreate', 'Completed'])
  assert.deepEqual(virtual.faults, [])
})

describe('how many pods run', () => {
  test('no more than are missing to the end', async () => {
    await using workshop = await Workshop.open({ completions: 3, parallelism: 10 })
    assert.equal((await workshop.pods()).length, 3)
    await workshop.succeed((await workshop.pods())[0]!)
    assert.equal((await workshop.pods()).length, 2)
    assert.equal((await workshop.status()).active, 2)
  })

  test('more or fewer, when parallelism changes, and those that are too many do not count as failed', async () => {
    await using workshop = await Workshop.open({ completions: 5, parallelism: 1 })
    await workshop.change({ parallelism: 4 })
    assert.equal((await workshop.pods()).length, 4)
    await workshop.change({ parallelism: 2 })
    assert.equal((await workshop.pods()).length, 2)
    const { active, failed, terminating } = await workshop.status()
    assert.deepEqual([active, failed, terminating], [2, undefined, 0])
    await workshop.change({ parallelism: 0 })
    assert.equal((await workshop.pods()).length, 0)
  })

  test('without a number of completions one success is enough, once the others have ended', async () => {
    await using workshop = await Workshop.open({ parallelism: 2 })
    const [first, second] = await workshop.pods()
    await workshop.succeed(first!)
    assert.equal((await workshop.pods()).length, 1)
    assert.deepEqual(await workshop.conditions(), [])
    await workshop.fail(second!)
    assert.deepEqual(await workshop.conditions(), complete)
  })
})

describe('every end is counted once', () => {
  test('pods keep a finalizer until they are in the counters', async () => {
    await using workshop = await Workshop.open({ completions: 2, parallelism: 2 })
    const [pod] = await workshop.pods()
    assert.deepEqual(pod!.metadata.finalizers, [trackingFinalizer])
    await workshop.succeed(pod!)
    const ended = (await workshop.allPods()).find(({ metadata }) => metadata.uid === pod!.metadata.uid)
    assert.equal(ended!.metadata.finalizers, undefined)
    const { succeeded, uncountedTerminatedPods } = await workshop.status()
    assert.deepEqual([succeeded, uncountedTerminatedPods], [1, {}])
  })

  test('a pod that somebody deletes counts as failed, and is replaced after a while', async () => {
    await using workshop = await Workshop.open({})
    const [pod] = await workshop.pods()
    await workshop.cluster.client.delete(Pod, { namespace, name: pod!.metadata.name! })
    await workshop.cluster.settle()
    assert.equal((await workshop.status()).failed, 1)
    assert.equal((await workshop.pods()).length, 0)
    await workshop.pass(10)
    assert.equal((await workshop.pods()).length, 1)
  })

  test('pods of a deleted job are let go', async () => {
    await using workshop = await Workshop.open({ parallelism: 3, completions: 3 })
    const { client } = workshop.cluster
    await client.delete(Job, { namespace, name: 'a' }, { propagationPolicy: 'Background' })
    await workshop.pass(1)
    assert.deepEqual(await workshop.allPods(), [])
  })

  test('and of one that is deleted with its pods first', async () => {
    await using workshop = await Workshop.open({ parallelism: 3, completions: 3 })
    const { client } = workshop.cluster
    await client.delete(Job, { namespace, name: 'a' }, { propagationPolicy: 'Foreground' })
    await workshop.pass(1)
    assert.deepEqual(await workshop.allPods(), [])
    assert.equal((await client.list(Job, { namespace })).items.length, 0)
  })

  test('orphans of a deleted job lose their finalizers and stay', async () => {
    await using workshop = await Workshop.open({ parallelism: 2, completions: 2 })
    const { client } = workshop.cluster
    await client.delete(Job, { namespace, name: 'a' }, { propagationPolicy: 'Orphan' })
    await workshop.pass(1)
    assert.deepEqual(
      (await workshop.allPods()).map(({ metadata }) => [metadata.finalizers, metadata.ownerReferences]),
      Array(2).fill([undefined, undefined]),
    )
  })

  test('a pod with the labels that nobody controls is adopted with a finalizer', async () => {
    await using workshop = await Workshop.open({ completions: 2, parallelism: 2 })
    const job = await workshop.job()
    const { labels } = job.spec.template.metadata
    const spec = { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } as const
    await workshop.cluster.client.create(Pod, { metadata: { name: 'found', namespace, labels: { ...labels } }, spec })
    await workshop.cluster.settle()
    const pods = await workshop.allPods()
    assert.equal(pods.length, 2)
    const found = pods.find(({ metadata }) => metadata.name === 'found')
    if (found === undefined) return
    assert.deepEqual(found.metadata.finalizers, [trackingFinalizer])
    assert.equal(found.metadata.ownerReferences?.[0]?.uid, job.metadata.uid)
  })

  test('six hundred pods that end at once are all counted', async () => {
    await using virtual = await virtualCluster({ nodes: 20 })
    const { cluster } = virtual
    const template = {
      metadata: {},
      spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] },
    } as const
    const spec = { completions: 600, parallelism: 600, template }
    await cluster.client.create(Job, { metadata: { name: 'a', namespace }, spec })
    await cluster.settle()
    await cluster.advance(5_000)
    const { status } = await cluster.client.get(Job, { namespace, name: 'a' })
    assert.equal(status.succeeded, 600)
    assert.equal(status.conditions?.at(-1)?.type, 'Complete')
  })
})

describe('failures', () => {
  test('a new pod waits ten seconds after the first, twice as long after each further one; then the job gives up', async () => {
    await using workshop = await Workshop.open({ backoffLimit: 3 })
    for (const waitSeconds of [10, 20, 40]) {
      await workshop.fail((await workshop.pods())[0]!)
      await workshop.pass(waitSeconds - 1)
      assert.equal((await workshop.pods()).length, 0, `too early after ${waitSeconds - 1} seconds`)
      await workshop.pass(1)
      assert.equal((await workshop.pods()).length, 1, `nobody after ${waitSeconds} seconds`)
    }
    await workshop.fail((await workshop.pods())[0]!)
    assert.deepEqual(await workshop.conditions(), [
      'FailureTarget True BackoffLimitExceeded',
      'Failed True BackoffLimitExceeded',
    ])
    const { failed, completionTime } = await workshop.status()
    assert.deepEqual([failed, completionTime], [4, undefined])
    const gaveUp = 'Warning BackoffLimitExceeded: Job has reached the specified backoff limit'
    assert.deepEqual(await workshop.events(), [gaveUp])
  })

  test('a success ends the waiting', async () => {
    await using workshop = await Workshop.open({ completions: 10, parallelism: 2 })
    const [first, second] = await workshop.pods()
    await workshop.fail(first!)
    assert.equal((await workshop.pods()).length, 1)
    await workshop.pass(1)
    await workshop.succeed(second!)
    assert.equal((await workshop.pods()).length, 2)
  })

  test('the job fails when it has been active for too long; its pods go first', async () => {
    await using workshop = await Workshop.open({ activeDeadlineSeconds: 60, parallelism: 2, completions: 2 })
    await workshop.pass(59)
    assert.equal((await workshop.pods()).length, 2)
    await workshop.pass(1)
    const { conditions, failed, terminating } = await workshop.status()
    const message = 'Job was active longer than specified deadline'
    assert.deepEqual(
      conditions?.map(({ type, reason, message }) => [type, reason, message]),
      [
        ['FailureTarget', 'DeadlineExceeded', message],
        ['Failed', 'DeadlineExceeded', message],
      ],
    )
    assert.deepEqual([failed, terminating, await workshop.allPods()], [2, 0, []])
  })

  test('where containers are restarted, restarts count', async () => {
    await using workshop = await Workshop.open({ backoffLimit: 2 }, { restartPolicy: 'OnFailure' })
    const [pod] = await workshop.pods()
    const restarted = (restartCount: number) =>
      workshop.report(pod!, {
        phase: 'Running',
        containerStatuses: [{ name: 'c', image: 'i', imageID: '', ready: false, restartCount, state: { running: {} } }],
      })
    await restarted(1)
    assert.deepEqual(await workshop.conditions(), [])
    await restarted(2)
    assert.equal((await workshop.conditions()).at(-1), 'Failed True BackoffLimitExceeded')
  })
})

describe('a pod failure policy', () => {
  const onCode = (action: 'FailJob' | 'Ignore' | 'Count' | 'FailIndex', code: number) =>
    ({ action, onExitCodes: { containerName: 'c', operator: 'In', values: [code] } }) as const

  test('fails the job by an exit code, and says by which', async () => {
    await using workshop = await Workshop.open({
      podFailurePolicy: { rules: [onCode('Count', 1), onCode('FailJob', 42)] },
    })
    const [pod] = await workshop.pods()
    await workshop.fail(pod!, 42)
    const { conditions, failed } = await workshop.status()
    const message = `Container c for pod default/${pod!.metadata.name} failed with exit code 42 matching FailJob rule at index 1`
    assert.deepEqual(
      conditions?.map(({ type, reason, message }) => [type, reason, message]),
      [
        ['FailureTarget', 'PodFailurePolicy', message],
        ['Failed', 'PodFailurePolicy', message],
      ],
    )
    assert.equal(failed, 1)
  })

  test('does not count what is to be ignored', async () => {
    const rule = { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] } as const
    await using workshop = await Workshop.open({ backoffLimit: 0, podFailurePolicy: { rules: [rule] } })
    const [pod] = await workshop.pods()
    await workshop.report(pod!, { phase: 'Failed', conditions: [{ type: 'DisruptionTarget', status: 'True' }] })
    assert.equal((await workshop.status()).failed, undefined)
    await workshop.pass(10)
    assert.equal((await workshop.pods()).length, 1)
    await workshop.fail((await workshop.pods())[0]!)
    assert.equal((await workshop.conditions()).at(-1), 'Failed True BackoffLimitExceeded')
  })

  test('fails an index without further attempts', async () => {
    await using workshop = await Workshop.open({
      completionMode: 'Indexed',
      completions: 2,
      parallelism: 2,
      backoffLimitPerIndex: 5,
      podFailurePolicy: { rules: [onCode('FailIndex', 7)] },
    })
    await workshop.fail(await workshop.podAt(1), 7)
    await workshop.pass(3600)
    assert.deepEqual(await workshop.indexes(), [0])
    assert.equal((await workshop.status()).failedIndexes, '1')
  })
})

describe('an indexed job', () => {
  const indexed = { completionMode: 'Indexed', completions: 4, parallelism: 4 } as const

  test('gives every pod its number', async () => {
    await using workshop = await Workshop.open({ ...indexed, parallelism: 2 })
    const pods = [await workshop.podAt(0), await workshop.podAt(1)]
    for (const [index, { metadata, spec }] of pods.entries()) {
      assert.match(metadata.name!, new RegExp(`^a-${index}-[a-z0-9]{5}$`))
      assert.deepEqual([metadata.annotations?.[indexName], spec.hostname], [String(index), `a-${index}`])
      const variable = spec.containers[0]!.env?.find(({ name }) => name === 'JOB_COMPLETION_INDEX')
      assert.equal(variable?.valueFrom?.fieldRef?.fieldPath, `metadata.labels['${indexName}']`)
    }
  })

  test('tells which indexes are done, and starts the next ones', async () => {
    await using workshop = await Workshop.open({ ...indexed, parallelism: 2 })
    await workshop.succeed(await workshop.podAt(1))
    assert.deepEqual(await workshop.indexes(), [0, 2])
    await workshop.succeed(await workshop.podAt(2))
    const { completedIndexes, succeeded } = await workshop.status()
    assert.deepEqual([completedIndexes, succeeded, await workshop.indexes()], ['1,2', 2, [0, 3]])
    await workshop.succeed(await workshop.podAt(3))
    assert.equal((await workshop.status()).completedIndexes, '1-3')
    await workshop.succeed(await workshop.podAt(0))
    assert.deepEqual(await workshop.conditions(), complete)
    assert.equal((await workshop.status()).completedIndexes, '0-3')
  })

  test('grows and shrinks with completions and parallelism together', async () => {
    await using workshop = await Workshop.open({ ...indexed, completions: 2, parallelism: 2 })
    await workshop.change({ completions: 4, parallelism: 4 })
    assert.deepEqual(await workshop.indexes(), [0, 1, 2, 3])
    await workshop.succeed(await workshop.podAt(3))
    await workshop.change({ completions: 2, parallelism: 2 })
    assert.deepEqual(await workshop.indexes(), [0, 1])
    const { succeeded, completedIndexes, failed } = await workshop.status()
    assert.deepEqual([succeeded, completedIndexes, failed], [undefined, undefined, undefined])
  })

  test('lets each index fail by itself, waits for each by itself, and fails in the end', async () => {
    const counter = 'batch.kubernetes.io/job-index-failure-count'
    await using workshop = await Workshop.open({ ...indexed, completions: 2, parallelism: 2, backoffLimitPerIndex: 1 })
    await workshop.fail(await workshop.podAt(0))
    assert.deepEqual(await workshop.indexes(), [1])
    await workshop.pass(10)
    assert.equal((await workshop.podAt(0)).metadata.annotations?.[counter], '1')
    assert.equal((await workshop.podAt(1)).metadata.annotations?.[counter], '0')
    await workshop.fail(await workshop.podAt(0))
    const { failedIndexes, failed } = await workshop.status()
    assert.deepEqual([failedIndexes, failed], ['0', 2])
    assert.deepEqual(await workshop.conditions(), [])
    await workshop.succeed(await workshop.podAt(1))
    assert.deepEqual(await workshop.conditions(), ['FailureTarget True FailedIndexes', 'Failed True FailedIndexes'])
    assert.deepEqual(await workshop.events(), ['Warning FailedIndexes: Job has failed indexes'])
  })

  test('gives up when more indexes have failed than may', async () => {
    await using workshop = await Workshop.open({ ...indexed, backoffLimitPerIndex: 0, maxFailedIndexes: 1 })
    await workshop.fail(await workshop.podAt(0))
    assert.deepEqual(await workshop.conditions(), [])
    await workshop.fail(await workshop.podAt(2))
    assert.equal((await workshop.conditions()).at(-1), 'Failed True MaxFailedIndexesExceeded')
    assert.deepEqual((await workshop.status()).failedIndexes, '0,2')
    assert.deepEqual(await workshop.pods(), [])
  })

  test('succeeds early by its policy; pods that still run are ended and not counted', async () => {
    const rules = [{ succeededIndexes: '0,2', succeededCount: 2 }]
    await using workshop = await Workshop.open({ ...indexed, successPolicy: { rules } })
    await workshop.succeed(await workshop.podAt(2))
    assert.deepEqual(await workshop.conditions(), [])
    await workshop.succeed(await workshop.podAt(0))
    assert.deepEqual(await workshop.conditions(), [
      'SuccessCriteriaMet True SuccessPolicy',
      'Complete True SuccessPolicy',
    ])
    const { conditions, succeeded, completedIndexes } = await workshop.status()
    assert.deepEqual([conditions?.[0]?.message, succeeded, completedIndexes], ['Matched rules at index 0', 2, '0,2'])
    assert.deepEqual(await workshop.pods(), [])
  })
})

describe('a suspended job', () => {
  test('runs nothing, and begins anew when it goes on', async () => {
    await using workshop = await Workshop.open({ suspend: true, activeDeadlineSeconds: 30 })
    assert.deepEqual(await workshop.pods(), [])
    assert.deepEqual(await workshop.conditions(), ['Suspended True JobSuspended'])
    assert.equal((await workshop.status()).startTime, undefined)
    await workshop.pass(100)
    await workshop.change({ suspend: false })
    assert.deepEqual(await workshop.conditions(), ['Suspended False JobResumed'])
    assert.equal((await workshop.status()).startTime, '2026-01-01T00:01:40Z')
    assert.equal((await workshop.pods()).length, 1)
    assert.deepEqual(await workshop.events(), ['Normal Suspended: Job suspended', 'Normal Resumed: Job resumed'])
  })

  test('loses its pods when it is suspended in its course, and they do not count', async () => {
    await using workshop = await Workshop.open({ parallelism: 2, completions: 4 })
    await workshop.succeed((await workshop.pods())[0]!)
    await workshop.pass(5)
    await workshop.change({ suspend: true })
    assert.deepEqual(await workshop.pods(), [])
    const { active, succeeded, failed } = await workshop.status()
    assert.deepEqual([active, succeeded, failed], [undefined, 1, undefined])
    assert.equal((await workshop.status()).startTime, undefined)
    await workshop.pass(5)
    await workshop.change({ suspend: false })
    assert.equal((await workshop.pods()).length, 2)
    assert.equal((await workshop.status()).startTime, '2026-01-01T00:00:10Z')
  })

  test('may be told where to run whenever nothing of it runs', async () => {
    await using workshop = await Workshop.open({ suspend: true })
    await workshop.change({ template: { spec: { nodeSelector: { zone: 'b' } } } })
    await workshop.change({ suspend: false })
    assert.deepEqual((await workshop.pods())[0]!.spec.nodeSelector, { zone: 'b' })
    await workshop.change({ suspend: true })
    await workshop.change({ template: { spec: { nodeSelector: { zone: 'a' } } } })
    await workshop.change({ suspend: false })
    assert.deepEqual((await workshop.pods())[0]!.spec.nodeSelector, { zone: 'a' })
    await assert.rejects(
      workshop.change({ template: { spec: { nodeSelector: { zone: 'c' } } } }),
      /spec.template.*field is immutable/s,
    )
  })
})

describe('pods on their way out', () => {
  for (const [podReplacementPolicy, expected] of [
    ['TerminatingOrFailed', 1],
    ['Failed', 0],
  ] as const) {
    test(`are replaced with ${podReplacementPolicy} ${expected ? 'at once' : 'when they have gone'}`, async () => {
      await using workshop = await Workshop.open({ podReplacementPolicy })
      const [pod] = await workshop.pods()
      const { client } = workshop.cluster
      const name = pod!.metadata.name!
      // A node holds it for as long as it takes to stop.
      await client.patch(
        Pod,
        { namespace, name },
        { type: 'merge', body: { metadata: { finalizers: ['test/node', trackingFinalizer] } } },
      )
      await client.delete(Pod, { namespace, name })
      await workshop.pass(10)
      const others = () => workshop.pods().then((pods) => pods.filter(({ metadata }) => metadata.name !== name))
      assert.equal((await others()).length, expected)
      const { terminating, failed } = await workshop.status()
      assert.deepEqual([terminating, failed], expected ? [1, 1] : [1, undefined])
      await workshop.fail(pod!, 137)
      await workshop.pass(10)
      assert.deepEqual([(await others()).length, (await workshop.status()).failed], [1, 1])
    })
  }
})

test('a job of another controller is left alone', async () => {
  await using workshop = await Workshop.open({ managedBy: 'example.com/queue' })
  await workshop.pass(60)
  assert.deepEqual([await workshop.status(), await workshop.allPods()], [{}, []])
})
