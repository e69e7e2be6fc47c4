import assert from 'node:assert/strict'
import { type Scene, stories } from '../support/kubectl.ts'

const secondMs = 1_000
const minuteMs = 60_000

async function deploy({ kubectl, settle }: Scene, replicas = 3): Promise<void> {
  await kubectl(`create deployment web --image=nginx --replicas=${replicas}`)
  await settle()
}

const podsOn = async ({ kubectl }: Scene, node: string) =>
  (await kubectl.rows('get pods -o wide')).filter((pod) => pod['NODE'] === node)

const statuses = async ({ kubectl }: Scene, command = 'get nodes') =>
  (await kubectl.rows(command)).map(({ NAME, STATUS }) => `${NAME} ${STATUS}`)

const words = (pods: readonly Record<string, string>[]) => pods.map((pod) => pod['STATUS']).sort()

const controller = JSON.stringify({
  apiVersion: 'v1',
  kind: 'ReplicationController',
  metadata: { name: 'web' },
  spec: {
    replicas: 3,
    selector: { app: 'web' },
    template: {
      metadata: { labels: { app: 'web' }, annotations: { 'simulation.coracle.dev/stop-after': '20s' } },
      spec: { containers: [{ name: 'web', image: 'nginx' }] },
    },
  },
})

stories(
  {
    'A node that falls silent is NotReady after fifty seconds, and cordoned as well when it is drained [FLR-02 FLR-05]':
      async (scene) => {
        const { kubectl, cluster } = scene
        cluster.nodes!.crash('node-1')
        await cluster.advance(35 * secondMs)
        assert.deepEqual(await statuses(scene), ['node-1 Ready', 'node-2 Ready', 'node-3 Ready'])
        await cluster.advance(25 * secondMs)
        assert.deepEqual(await statuses(scene), ['node-1 NotReady', 'node-2 Ready', 'node-3 Ready'])
        const text = await kubectl('describe node node-1')
        for (const condition of ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'])
          assert.match(
            text,
            new RegExp(`^ +${condition} +Unknown .* NodeStatusUnknown +Kubelet stopped posting node status\\.$`, 'm'),
          )
        assert.match(
          text,
          /^Taints: +node\.kubernetes\.io\/unreachable:NoExecute\n +node\.kubernetes\.io\/unreachable:NoSchedule$/m,
        )
        await kubectl('drain node-1 --ignore-daemonsets --force')
        assert.deepEqual(await statuses(scene, 'get nodes -o wide'), [
          'node-1 NotReady,SchedulingDisabled',
          'node-2 Ready',
          'node-3 Ready',
        ])
      },

    'Traffic leaves a silent node at once, and its pods are replaced after five minutes [FLR-09 FLR-17 CFG-26]': async (
      scene,
    ) => {
      const { kubectl, cluster } = scene
      await deploy(scene)
      await kubectl('expose deployment web --port=80')
      await cluster.settle()
      const ready = async () =>
        (await kubectl.read('get endpoints web', '{.subsets[*].addresses[*].nodeName}')).split(' ').sort()
      assert.deepEqual(await ready(), ['node-1', 'node-2', 'node-3'])
      const [before] = await podsOn(scene, 'node-1')

      cluster.nodes!.crash('node-1')
      await cluster.advance(minuteMs)
      assert.deepEqual(await ready(), ['node-2', 'node-3'])
      assert.deepEqual(words(await kubectl.rows('get pods')), ['Running', 'Running', 'Running'])

      await cluster.advance(4 * minuteMs)
      assert.equal((await kubectl.rows('get pods')).length, 3, 'nothing is replaced before its time')
      await cluster.advance(1.5 * minuteMs)
      assert.deepEqual(words(await kubectl.rows('get pods')), ['Running', 'Running', 'Running', 'Terminating'])
      assert.deepEqual(
        (await podsOn(scene, 'node-1')).map(({ NAME, STATUS }) => [NAME, STATUS]),
        [[before!['NAME'], 'Terminating']],
      )
      assert.equal((await kubectl.rows('get deployment web'))[0]?.['READY'], '3/3')
      assert.equal((await ready()).length, 3)
      assert.ok(!(await ready()).includes('node-1'))
    },

    'A failed node comes back with a fourth pod, which then goes [WRC-03]': async (scene) => {
      const { kubectl, cluster } = scene
      await kubectl('create -f -', controller)
      await cluster.settle()
      const running = async () => (await kubectl.rows('get rc web'))[0]?.['READY']
      const pods = async () => words(await kubectl.rows('get pods'))
      assert.deepEqual(await pods(), ['Running', 'Running', 'Running'])
      const [before] = await podsOn(scene, 'node-1')
      cluster.nodes!.crash('node-1')
      await cluster.advance(7 * minuteMs)
      assert.equal(await running(), '3', 'one has been replaced')

      await cluster.nodes!.restart('node-1')
      assert.deepEqual(await pods(), ['Running', 'Running', 'Running', 'Terminating'])
      await cluster.settle()
      assert.deepEqual(await pods(), ['Running', 'Running', 'Running'])
      assert.match(await kubectl.refused(`get pod ${before!['NAME']}`), /not found$/)
      assert.equal(await running(), '3')
      assert.deepEqual(await statuses(scene), ['node-1 Ready', 'node-2 Ready', 'node-3 Ready'])
    },

    'The pods of a node that was deleted as it was disappear by themselves [NOD-25 FLR-08]': async (scene) => {
      const { kubectl, cluster } = scene
      await deploy(scene)
      const [before] = await podsOn(scene, 'node-1')
      cluster.nodes!.crash('node-1')
      await kubectl('delete node node-1')
      await cluster.advance(30 * secondMs)
      assert.equal((await podsOn(scene, 'node-1')).length, 1)
      await cluster.advance(minuteMs)
      assert.match(await kubectl.refused(`get pod ${before!['NAME']}`), /not found$/)
      assert.deepEqual(words(await kubectl.rows('get pods')), ['Running', 'Running', 'Running'])
    },

    'A kubelet whose Node was deleted registers again only when it is started anew [NOD-26]': async (scene) => {
      const { kubectl, cluster } = scene
      await kubectl('delete node node-1')
      await cluster.advance(10 * minuteMs)
      assert.match(await kubectl.refused('get node node-1'), /nodes "node-1" not found$/)
      await cluster.nodes!.restart('node-1')
      await cluster.settle()
      assert.deepEqual(await statuses(scene), ['node-1 Ready', 'node-2 Ready', 'node-3 Ready'])
    },
  },
  { own: true, virtualTime: true },
)
