import assert from 'node:assert/strict'
import { type Scene, stories } from '../support/kubectl.ts'

const pod = (name: string, spec: object = {}, metadata: object = {}) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    spec: { containers: [{ name: 'nginx', image: 'nginx' }], ...spec },
  })
const requesting = (cpu: string) => ({
  containers: [{ name: 'nginx', image: 'nginx', resources: { requests: { cpu } } }],
})
const web = { labels: { app: 'web' } }
const hostname = 'kubernetes.io/hostname'
const sameNode = [{ topologyKey: hostname, labelSelector: { matchLabels: { app: 'web' } } }]
const nodeOf = ({ kubectl }: Scene, name: string) => kubectl.read(`get pod ${name}`, '{.spec.nodeName}')
async function waitsFor({ kubectl }: Scene, name: string): Promise<string | undefined> {
  const { status } = JSON.parse(await kubectl(`get pod ${name} -o json`)) as {
    readonly status: { readonly conditions: readonly { readonly type: string; readonly message?: string }[] }
  }
  return status.conditions.find(({ type }) => type === 'PodScheduled')?.message
}
const noHelp = (count: number) =>
  `no new claims to deallocate, preemption: 0/${count} nodes are available: ${count} Preemption is not helpful for scheduling.`

stories(
  {
    'A pod goes from the API to the scheduler, and from there to the kubelet, each of whom writes in turn [MOD-08]':
      async ({ kubectl, settle }) => {
        const columns = 'NAME:.metadata.name,NODE:.spec.nodeName,PHASE:.status.phase,IP:.status.podIP'
        await kubectl('create -f -', pod('earlier'))
        await settle()
        const watching = kubectl.start(`get pods --watch -o custom-columns=${columns} --no-headers`)
        await watching.said(/earlier/)
        await kubectl('create -f -', pod('web'))
        await settle()
        await watching.said(/web .*Running/)
        const { stdout } = await watching.interrupt()
        const lines = stdout.split('\n').filter((line) => line.startsWith('web '))
        const steps = lines.map((line) =>
          line
            .trim()
            .split(/ +/)
            .map((cell) => (cell === '<none>' ? '' : cell)),
        )
        const seen = steps.map(([, node, phase, address]) =>
          [phase, node && 'on a node', address && 'with an address'].filter(Boolean).join(' '),
        )
        assert.deepEqual(
          [...new Set(seen)],
          ['Pending', 'Pending on a node', 'Pending on a node with an address', 'Running on a node with an address'],
        )
        const events = await kubectl.rows('get events --field-selector involvedObject.name=web')
        assert.deepEqual(
          events.map((event) => event['REASON']),
          ['Scheduled', 'Pulled', 'Created', 'Started'],
        )
      },

    'Pods stay together, keep apart, and wait when they can do neither': async (scene) => {
      const { kubectl, settle } = scene
      await kubectl('create -f -', pod('first', {}, web))
      await settle()
      const near = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: sameNode } }
      const far = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: sameNode } }
      await kubectl('create -f -', pod('near', { affinity: near }))
      await kubectl('create -f -', pod('far', { affinity: far }))
      await settle()
      assert.equal(await nodeOf(scene, 'near'), await nodeOf(scene, 'first'))
      assert.notEqual(await nodeOf(scene, 'far'), await nodeOf(scene, 'first'))

      await kubectl('create -f -', pod('second', { affinity: far }, web))
      await kubectl('create -f -', pod('third', { affinity: far }, web))
      await settle()
      // The third waits until the one is gone that keeps away from its like.
      assert.equal(await nodeOf(scene, 'third'), '')
      await kubectl('delete pod far near --wait=false')
      await settle()
      await scene.cluster.advance(1_100)
      await kubectl('create -f -', pod('fourth', { affinity: far }, web))
      await settle()
      assert.equal(
        await waitsFor(scene, 'fourth'),
        "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. no new claims to deallocate, " +
          'preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.',
      )
      const describe = await kubectl('describe pod fourth')
      assert.match(
        describe,
        /Warning +FailedScheduling .* default-scheduler +0\/3 nodes are available: 3 node\(s\) didn't match/,
      )
      const path = `/apis/events.k8s.io/v1/namespaces/${scene.namespace}/events?fieldSelector=reason=FailedScheduling`
      const [event] = JSON.parse(await kubectl(`get --raw ${path}`)).items
      assert.deepEqual(
        [event.action, event.reportingController, event.reportingInstance, event.deprecatedFirstTimestamp],
        ['Scheduling', 'default-scheduler', 'default-scheduler-coracle', null],
      )

      await kubectl('delete pod third --wait=false')
      await settle()
      await scene.cluster.advance(1_100)
      assert.notEqual(await nodeOf(scene, 'fourth'), '')
    },

    'Replicas are spread over nodes evenly': async (scene) => {
      const { kubectl, settle } = scene
      const spread = {
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: hostname,
            whenUnsatisfiable: 'DoNotSchedule',
            labelSelector: { matchLabels: { app: 'web' } },
          },
        ],
      }
      for (let at = 0; at < 7; at++) await kubectl('create -f -', pod(`web-${at}`, spread, web))
      await settle()
      const rows = await kubectl.rows('get pods -o wide')
      const counts = Object.values(Object.groupBy(rows, (row) => row['NODE']!)).map((pods) => pods!.length)
      assert.deepEqual(counts.sort(), [2, 2, 3])

      assert.equal(await kubectl('cordon node-1'), 'node/node-1 cordoned')
      for (let at = 7; at < 12; at++) await kubectl('create -f -', pod(`web-${at}`, spread, web))
      await settle()
      // The cordoned node still counts with what it has: nobody may have more than one above that.
      const later = await kubectl.rows('get pods -o wide')
      const waiting = later.filter((row) => row['STATUS'] === 'Pending')
      const onNode = (name: string) => later.filter((row) => row['NODE'] === name).length
      assert.deepEqual([onNode('node-2'), onNode('node-3')], [onNode('node-1') + 1, onNode('node-1') + 1])
      assert.equal(
        await waitsFor(scene, waiting[0]!['NAME']!),
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match pod topology spread constraints. " +
          'no new claims to deallocate, preemption: 0/3 nodes are available: ' +
          '1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.',
      )
    },

    'Who matters more drives away who matters less, and waits for the place': async (scene) => {
      const { kubectl, settle, cluster } = scene
      const priority = (name: string, value: number) =>
        JSON.stringify({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value })
      await kubectl('create -f -', priority('high', 1000))
      for (const node of ['node-1', 'node-2']) await kubectl(`cordon ${node}`)
      await kubectl('create -f -', pod('low', requesting('6')))
      await settle()
      assert.equal(await nodeOf(scene, 'low'), 'node-3')
      await kubectl('create -f -', pod('high', { ...requesting('6'), priorityClassName: 'high' }))
      await cluster.advance(2_000)
      assert.equal(await nodeOf(scene, 'high'), 'node-3')
      assert.match(await kubectl.refused('get pod low'), /pods "low" not found/)
      const events = await kubectl('get events')
      assert.match(events, /Normal +Preempted +pod\/low +Preempted by pod [-0-9a-f]{36} on node node-3/)
      assert.match(
        events,
        /Warning +FailedScheduling +pod\/high +0\/3 nodes are available: 1 Insufficient cpu, 2 node\(s\) were unschedulable\.\n/,
      )
    },

    'A pod behind a gate is not placed until the gate is taken away': async (scene) => {
      const { kubectl, settle } = scene
      await kubectl('create -f -', pod('web', { schedulingGates: [{ name: 'example.com/quota' }] }))
      await settle()
      const [row] = await kubectl.rows('get pods')
      assert.equal(row?.['STATUS'], 'SchedulingGated')
      await kubectl(`patch pod web --type json -p '[{"op":"remove","path":"/spec/schedulingGates"}]'`)
      await settle()
      assert.notEqual(await nodeOf(scene, 'web'), '')
    },

    'A pod that asks for what no node has is told so': async (scene) => {
      const { kubectl, settle } = scene
      await kubectl('create -f -', pod('ssd', { nodeSelector: { disk: 'ssd' } }))
      await kubectl('taint node node-1 dedicated=db:NoSchedule')
      await kubectl('create -f -', pod('big', requesting('100')))
      await settle()
      assert.equal(
        await waitsFor(scene, 'ssd'),
        `0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. ${noHelp(3)}`,
      )
      assert.equal(
        await waitsFor(scene, 'big'),
        `0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. ${noHelp(3)}`,
      )
      await kubectl('label node node-2 disk=ssd')
      await scene.cluster.advance(1_100)
      assert.equal(await nodeOf(scene, 'ssd'), 'node-2')
    },
  },
  { own: true, virtualTime: true },
)
