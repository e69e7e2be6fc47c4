import assert from 'node:assert/strict'
import { type Scene, stories } from '../support/kubectl.ts'

const minuteMs = 60_000

const job = (name: string, spec: object = {}, annotations: object = {}) =>
  JSON.stringify({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: jobSpec(spec, annotations) })

const jobSpec = (spec: object, annotations: object) => ({
  ...spec,
  template: {
    metadata: { annotations },
    spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'perl' }] },
  },
})

const cronJob = (spec: object) =>
  JSON.stringify({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'report' },
    spec: { jobTemplate: { spec: jobSpec({}, {}) }, ...spec },
  })

const statuses = async ({ kubectl }: Scene, name: string) =>
  (await kubectl.rows(`get pods -l job-name=${name}`)).map((pod) => pod['STATUS'])

stories({
  'A job runs its pods to the end, and they stay listed as completed [WRC-16]': async (scene) => {
    const { kubectl, settle } = scene
    assert.equal(await kubectl('create job pi --image=perl -- perl -e 1'), 'job.batch/pi created')
    assert.equal(await kubectl('wait --for=condition=complete job/pi --timeout=30s'), 'job.batch/pi condition met')
    await settle()
    const [row] = await kubectl.rows('get jobs')
    assert.deepEqual([row?.['NAME'], row?.['COMPLETIONS']], ['pi', '1/1'])
    assert.deepEqual(await statuses(scene, 'pi'), ['Completed'])
    const text = await kubectl('describe job pi')
    assert.match(text, /^Pods Statuses: +0 .*1 Succeeded \/ 0 Failed/m)
    assert.match(text, /Normal +SuccessfulCreate .*job-controller +Created pod: pi-\w{5}$/m)
    assert.match(text, /Normal +Completed .*job-controller +Job completed$/m)
    assert.match(await kubectl('delete job pi'), /^job.batch "pi" deleted/)
    await settle()
    assert.equal(await kubectl('get pods --ignore-not-found'), '')
  },

  'Several pods beside one another, each with its number': async (scene) => {
    const { kubectl } = scene
    await kubectl('create -f -', job('many', { completions: 5, parallelism: 3, completionMode: 'Indexed' }))
    await kubectl('wait --for=condition=complete job/many --timeout=30s')
    assert.deepEqual(await statuses(scene, 'many'), Array(5).fill('Completed'))
    assert.equal(await kubectl.read('get job many', '{.status.completedIndexes}'), '0-4')
    const [row] = await kubectl.rows('get jobs many')
    assert.equal(row?.['COMPLETIONS'], '5/5')
  },

  'A job that cannot succeed gives up, and says why': async (scene) => {
    const { kubectl, settle } = scene
    const annotations = { 'simulation.coracle.dev/exit-code': '3', 'simulation.coracle.dev/exit-after': '1ms' }
    await kubectl('create -f -', job('bad', { backoffLimit: 0 }, annotations))
    await kubectl('wait --for=condition=failed job/bad --timeout=30s')
    await settle()
    assert.deepEqual(await statuses(scene, 'bad'), ['Error'])
    const text = await kubectl('describe job bad')
    assert.match(text, /^Pods Statuses: +0 .*0 Succeeded \/ 1 Failed/m)
    assert.match(text, /Warning +BackoffLimitExceeded .*Job has reached the specified backoff limit$/m)
  },

  'One of several numbers fails by itself, and the others go on': async ({ kubectl }) => {
    const annotations = { 'simulation.coracle.dev/exit-code.index-1': '7' }
    const spec = { completions: 3, parallelism: 3, completionMode: 'Indexed', backoffLimitPerIndex: 0 }
    await kubectl('create -f -', job('partly', spec, annotations))
    await kubectl('wait --for=condition=failed job/partly --timeout=30s')
    assert.equal(
      await kubectl.read('get job partly', '{.status.completedIndexes} {.status.failedIndexes} {.status.failed}'),
      '0,2 1 1',
    )
    assert.match(await kubectl('describe job partly'), /Warning +FailedIndexes .*Job has failed indexes$/m)
  },

  'A job waits while it is suspended': async (scene) => {
    const { kubectl, settle } = scene
    await kubectl('create -f -', job('later', { suspend: true }))
    await settle()
    assert.deepEqual(await statuses(scene, 'later'), [])
    await kubectl(`patch job later --type=merge -p '{"spec":{"suspend":false}}'`)
    await kubectl('wait --for=condition=complete job/later --timeout=30s')
    assert.deepEqual(await statuses(scene, 'later'), ['Completed'])
  },
})

stories(
  {
    'A cron job starts jobs at its times, and can be suspended': async (scene) => {
      const { kubectl, cluster } = scene
      await kubectl('create -f -', cronJob({ schedule: '*/5 * * * *', successfulJobsHistoryLimit: 2 }))
      await cluster.settle()
      const [first] = await kubectl.rows('get cronjobs')
      assert.deepEqual([first?.['SCHEDULE'], first?.['SUSPEND'], first?.['ACTIVE']], ['*/5 * * * *', 'False', '0'])
      await cluster.advance(20 * minuteMs)
      await cluster.advance(minuteMs)
      const jobs = await kubectl.rows('get jobs')
      assert.deepEqual(
        jobs.map(({ COMPLETIONS }) => COMPLETIONS),
        ['1/1', '1/1'],
      )
      for (const { NAME } of jobs) assert.match(NAME!, /^report-\d{8}$/)
      await kubectl(`patch cronjob report --type=merge -p '{"spec":{"suspend":true}}'`)
      await cluster.advance(20 * minuteMs)
      assert.deepEqual(
        (await kubectl.rows('get jobs')).map(({ NAME }) => NAME),
        jobs.map(({ NAME }) => NAME),
      )
      // Older ones ask for batch/v1beta1, which is gone.
      if (kubectl.minor >= 21) {
        const text = await kubectl('describe cronjob report')
        assert.match(text, /Normal +SuccessfulCreate .*cronjob-controller +Created job report-\d{8}$/m)
        assert.match(text, /Normal +SawCompletedJob .*Saw completed job: report-\d{8}, (condition|status): Complete$/m)
        assert.equal(await kubectl('create job now --from=cronjob/report'), 'job.batch/now created')
        await cluster.advance(minuteMs)
        assert.deepEqual(await statuses(scene, 'now'), ['Completed'])
      }
    },

    'A job goes away by itself if it is told to': async ({ kubectl, cluster }) => {
      await kubectl('create -f -', job('short', { ttlSecondsAfterFinished: 100 }))
      await cluster.advance(minuteMs)
      assert.equal((await kubectl.rows('get jobs'))[0]?.['COMPLETIONS'], '1/1')
      await cluster.advance(minuteMs)
      assert.equal(await kubectl('get jobs,pods --ignore-not-found'), '')
    },
  },
  { own: true, virtualTime: true },
)
