import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CronJob } from '../src/kinds/batch/cron-job.ts'
import { Job } from '../src/kinds/batch/job.ts'
import { Event } from '../src/kinds/core/event.ts'
import type { Draft } from '../src/schema/types.ts'
import { type VirtualCluster, virtualCluster } from './support/virtual-cluster.ts'

const namespace = 'default'
const ref = { namespace, name: 'c' }
const minutes = (count: number) => count * 60_000

type Spec = Draft<CronJob['spec']>

/** One cron job, whose jobs run on a simulated node for as long as `runs` says. All begins with the year 2026 in UTC. */
class Clockwork implements AsyncDisposable {
  readonly #in: VirtualCluster

  private constructor(cluster: VirtualCluster) {
    this.#in = cluster
  }

  static async open(spec: Spec, { runs = '1s', exitCode = 0 } = {}): Promise<Clockwork> {
    const clockwork = new Clockwork(await virtualCluster({ nodes: 1 }))
    const annotations = { 'simulation.coracle.dev/exit-after': runs, 'simulation.coracle.dev/exit-code': `${exitCode}` }
    const template = {
      metadata: { annotations },
      spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] },
    } as const
    const jobTemplate = { metadata: { labels: { of: 'c' } }, spec: { backoffLimit: 0, template } }
    await clockwork.#in.cluster.client.create(CronJob, {
      metadata: ref,
      spec: { jobTemplate, ...spec },
    } as Draft<CronJob>)
    await clockwork.#in.cluster.settle()
    return clockwork
  }

  get now(): string {
    return this.#in.now()
  }

  get faults(): readonly string[] {
    return this.#in.faults
  }

  get client() {
    return this.#in.cluster.client
  }

  async pass(ms: number): Promise<void> {
    await this.#in.cluster.advance(ms)
  }

  async change(spec: object): Promise<void> {
    await this.client.patch(CronJob, ref, { type: 'merge', body: { spec } })
    await this.#in.cluster.settle()
  }

  async status(): Promise<CronJob['status']> {
    return (await this.client.get(CronJob, ref)).status
  }

  async jobs(): Promise<readonly Job[]> {
    const { items } = await this.client.list(Job, { namespace })
    return items.toSorted((a, b) => (scheduledAt(a) < scheduledAt(b) ? -1 : 1))
  }

  /** The times for which there are jobs. */
  async times(): Promise<string[]> {
    return (await this.jobs()).map(scheduledAt)
  }

  async events(): Promise<string[]> {
    const { items } = await this.client.list(Event, { namespace })
    return items
      .filter(({ involvedObject }) => involvedObject.kind === 'CronJob')
      .map(({ type, reason, message }) => `${type} ${reason}: ${message}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#in[Symbol.asyncDispose]()
  }
}

const scheduledAt = ({ metadata }: Job) => metadata.annotations!['batch.kubernetes.io/cronjob-scheduled-timestamp']!

test('jobs start by the schedule, under a name that tells the minute, and the youngest are kept', async () => {
  await using clockwork = await Clockwork.open({ schedule: '*/10 * * * *' })
  await clockwork.pass(minutes(10))
  const [job] = await clockwork.jobs()
  const minute = Date.UTC(2026, 0, 1, 0, 10) / 60_000
  assert.equal(job!.metadata.name, `c-${minute}`)
  assert.deepEqual(job!.metadata.labels?.of, 'c')
  assert.equal(job!.metadata.ownerReferences?.[0]?.kind, 'CronJob')
  const running = await clockwork.status()
  assert.deepEqual(
    running.active?.map(({ kind, name }) => [kind, name]),
    [['Job', `c-${minute}`]],
  )
  assert.equal(running.lastScheduleTime, '2026-01-01T00:10:00Z')
  await clockwork.pass(minutes(1))
  const done = await clockwork.status()
  assert.deepEqual([done.active, done.lastSuccessfulTime], [undefined, '2026-01-01T00:10:01Z'])
  assert.deepEqual(await clockwork.events(), [
    `Normal SuccessfulCreate: Created job c-${minute}`,
    `Normal SawCompletedJob: Saw completed job: c-${minute}, condition: Complete`,
  ])
  await clockwork.pass(minutes(60))
  assert.deepEqual(await clockwork.times(), ['2026-01-01T00:50:00Z', '2026-01-01T01:00:00Z', '2026-01-01T01:10:00Z'])
  assert.deepEqual(clockwork.faults, [])
})

test('of jobs that failed only the last is kept', async () => {
  await using clockwork = await Clockwork.open({ schedule: '*/10 * * * *' }, { exitCode: 1 })
  await clockwork.pass(minutes(35))
  assert.deepEqual(await clockwork.times(), ['2026-01-01T00:30:00Z'])
  assert.equal((await clockwork.status()).lastSuccessfulTime, undefined)
  assert.ok((await clockwork.events()).some((line) => line.endsWith('condition: Failed')))
})

test('a schedule is meant in its time zone', async () => {
  await using clockwork = await Clockwork.open({ schedule: '30 6 * * *', timeZone: 'Asia/Kolkata' })
  await clockwork.pass(minutes(61))
  assert.deepEqual(await clockwork.times(), ['2026-01-01T06:30:00+05:30'])
  assert.equal((await clockwork.status()).lastScheduleTime, '2026-01-01T01:00:00Z')
})

describe('while a job still runs', () => {
  test('another starts with Allow', async () => {
    await using clockwork = await Clockwork.open({ schedule: '*/10 * * * *' }, { runs: '25m' })
    await clockwork.pass(minutes(21))
    assert.equal((await clockwork.status()).active?.length, 2)
  })

  test('none starts with Forbid; the one that is due starts when the other is over', async () => {
    await using clockwork = await Clockwork.open(
      { schedule: '*/10 * * * *', concurrencyPolicy: 'Forbid' },
      { runs: '25m' },
    )
    await clockwork.pass(minutes(31))
    assert.deepEqual(await clockwork.times(), ['2026-01-01T00:10:00Z'])
    const forbidden =
      'Normal JobAlreadyActive: Not starting job because prior execution is running and concurrency policy is Forbid'
    assert.ok((await clockwork.events()).includes(forbidden))
    await clockwork.pass(minutes(5))
    assert.deepEqual(await clockwork.times(), ['2026-01-01T00:10:00Z', '2026-01-01T00:30:00Z'])
  })

  test('it is deleted with Replace', async () => {
    await using clockwork = await Clockwork.open(
      { schedule: '*/10 * * * *', concurrencyPolicy: 'Replace' },
      { runs: '25m' },
    )
    await clockwork.pass(minutes(21))
    assert.deepEqual(await clockwork.times(), ['2026-01-01T00:20:00Z'])
    assert.equal((await clockwork.status()).active?.length, 1)
    const first = Date.UTC(2026, 0, 1, 0, 10) / 60_000
    assert.ok((await clockwork.events()).includes(`Normal SuccessfulDelete: Deleted job c-${first}`))
  })
})

describe('what was missed while suspended', () => {
  test('is made up for by the last one alone', async () => {
    await using clockwork = await Clockwork.open({ schedule: '*/10 * * * *', suspend: true })
    await clockwork.pass(minutes(47))
    assert.deepEqual([await clockwork.times(), await clockwork.status()], [[], {}])
    await clockwork.change({ suspend: false })
    assert.deepEqual(await clockwork.times(), ['2026-01-01T00:40:00Z'])
    await clockwork.pass(minutes(5))
    assert.deepEqual(await clockwork.times(), ['2026-01-01T00:40:00Z', '2026-01-01T00:50:00Z'])
  })

  test('is not, when its deadline has gone by', async () => {
    const spec = { schedule: '*/10 * * * *', suspend: true, startingDeadlineSeconds: 120 }
    await using clockwork = await Clockwork.open(spec)
    await clockwork.pass(minutes(47))
    await clockwork.change({ suspend: false })
    assert.deepEqual(await clockwork.times(), [])
    await clockwork.pass(minutes(3))
    assert.deepEqual(await clockwork.times(), ['2026-01-01T00:50:00Z'])
  })

  test('is, with a warning, even when it is more than a hundred', async () => {
    await using clockwork = await Clockwork.open({ schedule: '* * * * *', suspend: true })
    await clockwork.pass(minutes(150))
    await clockwork.change({ suspend: false })
    assert.deepEqual(await clockwork.times(), ['2026-01-01T02:30:00Z'])
    const advice = 'Set or decrease .spec.startingDeadlineSeconds or check clock skew'
    assert.ok((await clockwork.events()).includes(`Warning TooManyMissedTimes: too many missed start times. ${advice}`))
  })
})

test('another schedule begins with its next time', async () => {
  await using clockwork = await Clockwork.open({ schedule: '0 0 1 6 *' })
  await clockwork.pass(minutes(33))
  await clockwork.change({ schedule: '*/10 * * * *' })
  assert.deepEqual(await clockwork.times(), [])
  await clockwork.pass(minutes(7))
  assert.deepEqual(await clockwork.times(), ['2026-01-01T00:40:00Z'])
})

test('a schedule that never comes is complained about', async () => {
  await using clockwork = await Clockwork.open({ schedule: '0 0 30 2 *' })
  await clockwork.pass(minutes(1))
  const reason = 'time difference between two schedules is less than 1 second'
  assert.deepEqual(await clockwork.events(), [`Warning InvalidSchedule: invalid schedule: 0 0 30 2 * : ${reason}`])
})

test('an active job that somebody deletes is missed', async () => {
  await using clockwork = await Clockwork.open({ schedule: '*/10 * * * *' }, { runs: '1h' })
  await clockwork.pass(minutes(11))
  const [job] = await clockwork.jobs()
  await clockwork.client.delete(Job, { namespace, name: job!.metadata.name! }, { propagationPolicy: 'Background' })
  await clockwork.pass(minutes(1))
  assert.equal((await clockwork.status()).active, undefined)
  assert.ok((await clockwork.events()).includes(`Normal MissingJob: Active job went missing: ${job!.metadata.name}`))
})

test('its jobs go with it', async () => {
  await using clockwork = await Clockwork.open({ schedule: '*/10 * * * *' }, { runs: '1h' })
  await clockwork.pass(minutes(21))
  await clockwork.client.delete(CronJob, ref)
  await clockwork.pass(minutes(2))
  assert.deepEqual(await clockwork.jobs(), [])
})

test('a job may ask to be deleted, with its pods, a while after it is over', async () => {
  await using virtual = await virtualCluster({ nodes: 1 })
  const { client } = virtual.cluster
  const template = { metadata: {}, spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } as const
  const spec = { ttlSecondsAfterFinished: 100, template }
  await client.create(Job, { metadata: { name: 'a', namespace }, spec })
  await virtual.cluster.settle()
  await virtual.cluster.advance(100_000)
  assert.equal((await client.get(Job, { namespace, name: 'a' })).status.succeeded, 1)
  await virtual.cluster.advance(3_000)
  assert.deepEqual((await client.list(Job, { namespace })).items, [])
})
