import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { Pod } from '../src/kinds/core/pod.ts'
import { Home } from './support/cli.ts'

const configuration = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: default-scheduler
- schedulerName: packer
`

test('coracle why: a pod without a node, one with a node, and no such pod', async () => {
  await using home = await Home.make()
  await writeFile(home.path('scheduler.yaml'), configuration)
  const up = home.start('up', '--ephemeral', '--port', '0', '--nodes', '3', '--scheduler-config', 'scheduler.yaml')
  await up.until('Stop with')
  await using client = await home.client()
  const containers = [{ name: 'main', image: 'i' }]
  const create = (name: string, spec: object = {}) =>
    client.create<Pod>(Pod, { metadata: { name, namespace: 'default' }, spec: { containers, ...spec } })
  await create('ssd', { nodeSelector: { disk: 'ssd' } })
  await create('packed', { schedulerName: 'packer' })
  const untilScheduled = async (name: string, status: string) => {
    for await (const event of client.watch(Pod, {
      namespace: 'default',
      sendInitialEvents: true,
      signal: AbortSignal.timeout(20_000),
    })) {
      if (event.type === 'BOOKMARK' || event.object.metadata.name !== name) continue
      if (event.object.status.conditions?.some((one) => one.type === 'PodScheduled' && one.status === status)) return
    }
  }
  await Promise.all([untilScheduled('ssd', 'False'), untilScheduled('packed', 'True')])

  const ssd = await home.run('why', 'pod/ssd')
  assert.equal(ssd.code, 0, ssd.stderr)
  assert.equal(
    ssd.stdout,
    [
      'pod default/ssd has no node: all 3 refuse it.',
      "The scheduler said: 0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. " +
        'no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
      '',
      'NODE                     REFUSED BY     BECAUSE                                             WOULD HELP',
      "node-1, node-2, node-3   NodeAffinity   node(s) didn't match Pod's node affinity/selector   kubectl label node NODE disk=ssd",
      '',
      'The smallest change, for node-1: kubectl label node node-1 disk=ssd',
      '',
    ].join('\n'),
  )
  const packed = await home.run('why', 'pod/packed')
  assert.match(packed.stdout, /^pod default\/packed is on node node-[123]\.\n$/)
  const gone = await home.run('why', 'pod/gone')
  assert.deepEqual([gone.code, gone.stderr], [1, 'error: pods "gone" not found\n'])
  const wrong = await home.run('why', 'gone')
  assert.deepEqual([wrong.code, wrong.stderr], [2, 'error: say which pod: pod/NAME\n  see "coracle why --help"\n'])
})

test('up --scheduler-config: what is wrong in the file is said before anything begins', async () => {
  await using home = await Home.make()
  await writeFile(home.path('scheduler.yaml'), `${configuration}colour: red\n`)
  const { code, stderr } = await home.run('up', '--ephemeral', '--port', '0', '--scheduler-config', 'scheduler.yaml')
  assert.equal(code, 2)
  assert.match(stderr, /^error: --scheduler-config: .*unknown field "colour"/)
})
