import assert from 'node:assert/strict'
import { type Scene, stories } from '../support/kubectl.ts'

const daemonSet = (tolerations: object[] = []) =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'nginx-daemonset' },
    spec: {
      selector: { matchLabels: { name: 'nginx' } },
      template: {
        metadata: { labels: { name: 'nginx' } },
        spec: { tolerations, containers: [{ name: 'nginx', image: 'nginx' }] },
      },
    },
  })

/** As kubeadm leaves its first node. */
const controlPlane = {
  name: 'master',
  labels: { 'node-role.kubernetes.io/control-plane': '' },
  taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }],
} as const

const nodesOf = async ({ kubectl }: Scene) =>
  (await kubectl.rows('get pods -o wide'))
    .filter((pod) => pod['STATUS'] === 'Running')
    .map((pod) => pod['NODE'])
    .sort()

stories(
  {
    'One pod on each worker and none on the control plane, unless it tolerates that [DMS-01 DMS-02 DMS-03 DMS-04]':
      async (scene) => {
        const { kubectl, cluster, settle } = scene
        await cluster.nodes!.add([controlPlane])
        await kubectl('delete node node-3')
        assert.equal(await kubectl('create -f -', daemonSet()), 'daemonset.apps/nginx-daemonset created')
        await settle()
        const [{ AGE: _, ...row } = {}] = await kubectl.rows('get DaemonSet')
        assert.deepEqual(row, {
          NAME: 'nginx-daemonset',
          DESIRED: '2',
          CURRENT: '2',
          READY: '2',
          'UP-TO-DATE': '2',
          AVAILABLE: '2',
          'NODE SELECTOR': '<none>',
        })
        assert.deepEqual(await nodesOf(scene), ['node-1', 'node-2'])

        await kubectl('delete daemonset nginx-daemonset')
        await settle()
        const tolerations = ['control-plane', 'master'].map((role) => ({
          key: `node-role.kubernetes.io/${role}`,
          operator: 'Exists',
          effect: 'NoSchedule',
        }))
        await kubectl('create -f -', daemonSet(tolerations))
        await settle()
        assert.deepEqual(await nodesOf(scene), ['master', 'node-1', 'node-2'])
      },

    'A new node gets its pod by itself, and a node that goes takes its pod along [DMS-05]': async (scene) => {
      const { kubectl, cluster, settle } = scene
      await kubectl('create -f -', daemonSet())
      await settle()
      await cluster.nodes!.add([{ name: 'node-4' }])
      await settle()
      assert.deepEqual(await nodesOf(scene), ['node-1', 'node-2', 'node-3', 'node-4'])
      await kubectl('drain node-4 --ignore-daemonsets')
      await kubectl('delete node node-4')
      await settle()
      assert.equal((await kubectl.rows('get ds'))[0]?.['DESIRED'], '3')
    },

    'A cordon does not stop a DaemonSet [DMS-06 NOD-16]': async (scene) => {
      const { kubectl, settle } = scene
      await kubectl('cordon node-1')
      await kubectl('create -f -', daemonSet())
      await settle()
      assert.deepEqual(await nodesOf(scene), ['node-1', 'node-2', 'node-3'])
      const pod = await kubectl.read('get pods --field-selector=spec.nodeName=node-1', '{.items[0].metadata.name}')
      await kubectl(`delete pod ${pod}`)
      await settle()
      assert.deepEqual(await nodesOf(scene), ['node-1', 'node-2', 'node-3'])
    },

    'A node selector chooses the nodes, and a new image rolls over them': async (scene) => {
      const { kubectl, settle } = scene
      await kubectl('create -f -', daemonSet())
      await settle()
      await kubectl('label node node-2 disk=ssd')
      await kubectl(`patch ds nginx-daemonset -p '{"spec":{"template":{"spec":{"nodeSelector":{"disk":"ssd"}}}}}'`)
      await settle()
      assert.deepEqual(await nodesOf(scene), ['node-2'])
      assert.equal((await kubectl.rows('get ds'))[0]?.['NODE SELECTOR'], 'disk=ssd')
      await kubectl('label node node-2 disk-')
      await settle()
      assert.deepEqual(await nodesOf(scene), [])

      await kubectl(
        `patch ds nginx-daemonset --type=json -p '[{"op":"remove","path":"/spec/template/spec/nodeSelector"}]'`,
      )
      await kubectl('set image ds nginx-daemonset nginx=nginx:2')
      assert.match(
        await kubectl('rollout status ds nginx-daemonset'),
        /daemon set "nginx-daemonset" successfully rolled out$/,
      )
      assert.equal(await kubectl.read('get pods', '{.items[*].spec.containers[0].image}'), 'nginx:2 nginx:2 nginx:2')
      assert.match(await kubectl('rollout history ds nginx-daemonset'), /^2 +<none>\n3 +<none>\n4 +<none>/m)
      assert.equal(await kubectl('rollout undo ds nginx-daemonset'), 'daemonset.apps/nginx-daemonset rolled back')
      await kubectl('rollout status ds nginx-daemonset')
      assert.equal(await kubectl.read('get pods', '{.items[*].spec.containers[0].image}'), 'nginx nginx nginx')
    },
  },
  { own: true },
)
