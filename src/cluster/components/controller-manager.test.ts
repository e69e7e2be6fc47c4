import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requireKnownControllers, startControllers } from '../../controllers/index.ts'
import { Node } from '../../kinds/core/node.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { VirtualWorld } from '../../world/virtual.ts'
import { startCluster } from '../cluster.ts'
import { controllerManager, fixedSettings } from './controller-manager.ts'
import { readComponentFlags } from './flags.ts'

const namespace = 'default'

/** A cluster in virtual time whose controllers of nodes and of pods that have ended are told what the flags say. */
async function clusterWith(...argv: readonly string[]) {
  const settings = fixedSettings(readComponentFlags(argv, controllerManager.flags))
  const own = ['node-lifecycle-controller', 'pod-garbage-collector-controller']
  const world = new VirtualWorld()
  const cluster = await startCluster({ world, nodes: 1, controllers: ['*', ...own.map((name) => `-${name}`)] })
  const { client, caches, nodes } = cluster
  const parts = startControllers({ client, caches, world }, { ...settings, controllers: own })
  return {
    client,
    nodes: nodes!,
    async advance(ms: number) {
      await cluster.advance(ms)
      await parts.idle()
    },
    async [Symbol.asyncDispose]() {
      await parts.stop()
      await cluster[Symbol.asyncDispose]()
    },
  }
}

test('a node is silent for as long as --node-monitor-grace-period says [CFG-25]', async () => {
  await using cluster = await clusterWith('--node-monitor-period=5s', '--node-monitor-grace-period=40s')
  const ready = async () => {
    const { status } = await cluster.client.get(Node, { name: 'node-1' })
    return status.conditions?.find(({ type }) => type === 'Ready')?.status
  }
  await cluster.advance(60_000)
  // It has just renewed its lease: nodes do every ten seconds.
  cluster.nodes.crash('node-1')
  await cluster.advance(29_000)
  assert.equal(await ready(), 'True')
  await cluster.advance(12_000)
  assert.equal(await ready(), 'Unknown')
})

test('of pods that have ended no more are kept than --terminated-pod-gc-threshold says: the oldest go [CFG-27]', async () => {
  await using cluster = await clusterWith('--terminated-pod-gc-threshold=3')
  const left = async () => (await cluster.client.list(Pod, { namespace })).items.map(({ metadata }) => metadata.name)
  const run = async (name: string) => {
    await cluster.client.create(Pod, {
      metadata: { name, namespace, annotations: { 'simulation.coracle.dev/exit-after': '1s' } },
      spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'job' }] },
    })
    await cluster.advance(30_000)
  }
  for (const name of ['a', 'b', 'c']) await run(name)
  assert.deepEqual(await left(), ['a', 'b', 'c'])
  await run('d')
  await run('e')
  assert.deepEqual(await left(), ['c', 'd', 'e'])
})

test('controllers go by their names of today and of old, also those of which nothing runs here', () => {
  const chosen = (list: string) =>
    fixedSettings(readComponentFlags([`--controllers=${list}`], controllerManager.flags)).controllers!
  assert.deepEqual(chosen('*,-attachdetach,-service'), [
    '*',
    '-persistentvolume-attach-detach-controller',
    '-service-lb-controller',
  ])
  requireKnownControllers({
    controllers: chosen('*,bootstrapsigner,tokencleaner,-route,-csrsigning,-root-ca-cert-publisher'),
  })
  requireKnownControllers({ controllers: ['*', '-selinux-warning-controller', '-cloud-node-lifecycle-controller'] })
  assert.throws(() => requireKnownControllers({ controllers: chosen('*,-mail') }), /"-mail" is not in the list/)
})
