import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { deferred } from '../base/deferred.ts'
import type { Client, ClientUser, WatchEvents, WatchOptions } from '../client/client.ts'
import { type Call, ForwardingClient } from '../client/forwarding.ts'
import { ValidatingWebhookConfiguration } from '../kinds/admissionregistration/validating-webhook-configuration.ts'
import { Deployment } from '../kinds/apps/deployment.ts'
import { ReplicaSet } from '../kinds/apps/replica-set.ts'
import { Lease } from '../kinds/coordination/lease.ts'
import { Event } from '../kinds/core/event.ts'
import { Node } from '../kinds/core/node.ts'
import { Pod } from '../kinds/core/pod.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import { LmdbStore } from '../store/lmdb.ts'
import { realWorld } from '../world/real.ts'
import { VirtualWorld } from '../world/virtual.ts'
import { type Network, NetworkError } from '../world/world.ts'
import { type Cluster, startCluster } from './cluster.ts'

const namespace = 'default'
const web = (replicas: number, name = 'web') => ({
  metadata: { name, namespace },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'web:1' }] } },
  },
})
const scale = ({ client }: Cluster, replicas: number) =>
  client.patch(Deployment, { namespace, name: 'web' }, { type: 'merge', body: { spec: { replicas } } })
const guard = {
  name: 'guard.example.com',
  clientConfig: { url: 'https://guard.example.com/' },
  rules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE' as const], resources: ['deployments'] }],
  sideEffects: 'None' as const,
  admissionReviewVersions: ['v1'],
}
const podsOf = async ({ client }: Cluster) => (await client.list(Pod, { namespace })).items
const isReady = ({ status }: Pod | Node) =>
  status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
const nodeNamed = ({ client }: Cluster, name: string) => client.get(Node, { name })
const unique = <T>(values: readonly T[]) => new Set(values).size === values.length

describe('a cluster', () => {
  test('runs what it is given', async () => {
    await using cluster = await startCluster()
    await cluster.client.create(Deployment, web(3))
    await cluster.settle()
    const pods = await podsOf(cluster)
    assert.equal(pods.filter(isReady).length, 3)
    assert.ok(unique(pods.map(({ status }) => status.podIP)))
    await scale(cluster, 1)
    await cluster.settle()
    assert.equal((await podsOf(cluster)).length, 1)
  })

  for (const [time, newWorld] of [
    ['real', realWorld],
    ['virtual', () => new VirtualWorld()],
  ] as const)
    test(`settles in ${time} time only when what others got in the way of is tried again`, async () => {
      await using cluster = await startCluster({ world: newWorld() })
      const policies = ['Orphan', 'Background', 'Foreground'] as const
      for (const name of policies) await cluster.client.create(Deployment, web(1, name.toLowerCase()))
      await cluster.settle()
      for (const propagationPolicy of policies)
        await cluster.client.delete(
          Deployment,
          { namespace, name: propagationPolicy.toLowerCase() },
          { propagationPolicy },
        )
      await cluster.settle()
      assert.deepEqual((await cluster.client.list(Deployment)).items, [])
      const left = (await cluster.client.list(ReplicaSet)).items
      assert.deepEqual(
        left.map(({ metadata }) => [metadata.labels?.['app'], metadata.ownerReferences]),
        [['orphan', undefined]],
      )
    })

  test('settles in virtual time without waiting for what comes later', async () => {
    const world = new VirtualWorld()
    const startedAt = world.clock.now()
    await using cluster = await startCluster({ world })
    await cluster.client.create(Deployment, web(3))
    await cluster.settle()
    assert.equal((await podsOf(cluster)).filter(isReady).length, 3)
    assert.ok(world.clock.now() - startedAt < 1000, 'no more time than starting takes')
    await cluster.advance(3_600_000)
    assert.equal(world.clock.now() >= startedAt + 3_600_000, true)
    assert.equal((await podsOf(cluster)).filter(isReady).length, 3)
  })

  test('can be the API alone', async () => {
    await using cluster = await startCluster({ apiOnly: true })
    await cluster.client.create(Deployment, web(3))
    await cluster.settle()
    assert.deepEqual(await podsOf(cluster), [])
    await assert.rejects(cluster.advance(1), /VirtualWorld/)
    await using fork = await cluster.fork()
    assert.deepEqual((await fork.client.list(Node)).items, [])
  })

  test('leaves no timer behind', async () => {
    const world = new VirtualWorld()
    {
      await using cluster = await startCluster({ world })
      await cluster.client.create(Deployment, web(3))
      await cluster.advance(60_000)
      await scale(cluster, 1)
      await cluster.client.create(Pod, {
        metadata: { name: 'large', namespace },
        spec: { containers: [{ name: 'main', image: 'i', resources: { requests: { cpu: '100' } } }] },
      })
    }
    assert.equal(world.clock.next, undefined)
  })

  test('lets its process end', async () => {
    const program = `import { startCluster } from ${JSON.stringify(join(import.meta.dirname, '../index.ts'))}
      await using cluster = await startCluster()
      await cluster.settle()
      await using fork = await cluster.fork()
      console.log('settled')`
    const args = ['--input-type=module', '--eval', program]
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 })
    assert.equal(stdout, 'settled\n')
  })
})

describe('a fork', () => {
  async function running() {
    const world = new VirtualWorld()
    const cluster = await startCluster({ world, nodes: [{ name: 'a' }, { name: 'b', labels: { disk: 'ssd' } }] })
    await cluster.client.create(Deployment, web(3))
    await cluster.settle()
    return cluster
  }

  test('goes on with the pods as they are', async () => {
    await using cluster = await running()
    const before = await podsOf(cluster)
    await using fork = await cluster.fork()
    await fork.advance(60_000)
    assert.deepEqual(
      (await podsOf(fork)).map(({ metadata, status }) => [metadata.uid, status]),
      before.map(({ metadata, status }) => [metadata.uid, status]),
    )
    assert.equal((await nodeNamed(fork, 'b')).metadata.labels?.disk, 'ssd')
    assert.deepEqual((await nodeNamed(fork, 'b')).spec, (await nodeNamed(cluster, 'b')).spec)
  })

  test('and its parent go their own ways', async () => {
    await using cluster = await running()
    const before = (await podsOf(cluster)).map(({ metadata }) => metadata.name)
    await using fork = await cluster.fork()
    await scale(fork, 6)
    await fork.settle()
    await scale(cluster, 2)
    await cluster.settle()
    const forked = await podsOf(fork)
    const stayed = await podsOf(cluster)
    assert.equal(forked.filter(isReady).length, 6)
    assert.ok(unique(forked.map(({ status }) => status.podIP)))
    assert.ok(unique(forked.map(({ metadata }) => metadata.uid)))
    assert.equal(stayed.length, 2)
    assert.ok(stayed.every(({ metadata }) => before.includes(metadata.name)))
  })

  test('can begin at an earlier revision', async () => {
    await using cluster = await running()
    const { revision } = cluster.store
    const names = (await podsOf(cluster)).map(({ metadata }) => metadata.name)
    await cluster.client.delete(Deployment, { namespace, name: 'web' })
    await cluster.settle()
    await cluster.client.delete(Node, { name: 'b' })
    await cluster.settle()
    assert.deepEqual(await podsOf(cluster), [])
    await using fork = await cluster.fork({ revision })
    await fork.settle()
    assert.deepEqual(
      (await podsOf(fork)).filter(isReady).map(({ metadata }) => metadata.name),
      names,
    )
    await fork.client.patch(Node, { name: 'a' }, { type: 'merge', body: { spec: { unschedulable: true } } })
    await scale(fork, 4)
    await fork.settle()
    assert.equal((await podsOf(fork)).filter(isReady).length, 4)
    assert.deepEqual(await podsOf(cluster), [])
  })

  test('can be one of many, and a fork of a fork', async () => {
    await using cluster = await running()
    await using stack = new AsyncDisposableStack()
    const forks: Cluster[] = []
    for (let at = 0; at < 5; at++) {
      const fork = stack.use(await cluster.fork())
      await scale(fork, at + 1)
      forks.push(fork)
    }
    for (const fork of forks) await fork.settle()
    const counts = await Promise.all(forks.map(async (fork) => (await podsOf(fork)).length))
    assert.deepEqual(counts, [1, 2, 3, 4, 5])
    const again = stack.use(await forks[4]!.fork())
    await scale(again, 1)
    await again.settle()
    assert.equal((await podsOf(again)).length, 1)
    assert.equal((await podsOf(forks[4]!)).length, 5)
  })

  test('of a cluster in real time can live in virtual time', async () => {
    await using cluster = await startCluster({ nodes: 2 })
    await cluster.client.create(Deployment, web(2))
    await cluster.settle()
    const world = new VirtualWorld(7, { startMs: Date.now() })
    await using fork = await cluster.fork({ world })
    fork.nodes!.crash((await podsOf(fork))[0]!.spec.nodeName!)
    await fork.advance(10 * 60_000)
    assert.equal((await podsOf(fork)).filter(isReady).filter(({ metadata }) => !metadata.deletionTimestamp).length, 2)
    assert.equal((await podsOf(cluster)).length, 2)
  })

  test('reaches nobody outside unless it is told by what', async () => {
    const asked: string[] = []
    const network: Network = {
      request({ url }) {
        asked.push(url)
        return Promise.reject(new NetworkError('unreachable', 'nobody is there'))
      },
    }
    await using cluster = await startCluster({ apiOnly: true, network })
    const scheme = { metadata: { name: 'guard' }, webhooks: [guard] }
    await cluster.client.create(ValidatingWebhookConfiguration, scheme)
    const refused = (of: Cluster) => assert.rejects(of.client.create(Deployment, web(1)), /failed calling webhook/)
    await using fork = await cluster.fork()
    await refused(fork)
    assert.deepEqual(asked, [])
    await using sociable = await cluster.fork({ network })
    await refused(sociable)
    assert.equal(asked.length, 1)
  })

  test('leaves a node down that is down', async () => {
    await using cluster = await running()
    cluster.nodes!.crash('b')
    await using fork = await cluster.fork()
    await fork.advance(120_000)
    assert.equal(isReady(await nodeNamed(fork, 'a')), true)
    assert.equal(isReady(await nodeNamed(fork, 'b')), false)
  })
})

test('a cluster that is started again on its store goes on', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'coracle-cluster-'))
  const world = realWorld()
  const start = async (nodes: readonly string[]) =>
    startCluster({
      world,
      store: await LmdbStore.open(join(directory, 'store'), world),
      nodes: nodes.map((name) => ({ name })),
    })
  try {
    let before: readonly Pod[]
    let ranges: readonly unknown[]
    {
      await using cluster = await start(['a', 'b'])
      await cluster.client.create(Deployment, web(4))
      await cluster.settle()
      before = await podsOf(cluster)
      ranges = await Promise.all(['a', 'b'].map(async (name) => (await nodeNamed(cluster, name)).spec?.podCIDR))
    }
    await using cluster = await start(['b', 'c', 'a'])
    await cluster.settle()
    const after = await podsOf(cluster)
    assert.deepEqual(
      after.map(({ metadata, status }) => [metadata.uid, status.podIP, status.containerStatuses]),
      before.map(({ metadata, status }) => [metadata.uid, status.podIP, status.containerStatuses]),
    )
    assert.deepEqual(
      await Promise.all(['a', 'b'].map(async (name) => (await nodeNamed(cluster, name)).spec?.podCIDR)),
      ranges,
    )
    const nodes = (await cluster.client.list(Node)).items
    assert.ok(unique(nodes.map(({ spec }) => spec?.podCIDR)))
    assert.ok(unique(nodes.map(({ status }) => status?.addresses?.[0]?.address)))
    await scale(cluster, 8)
    await cluster.settle()
    const scaled = await podsOf(cluster)
    assert.equal(scaled.filter(isReady).length, 8)
    assert.ok(unique(scaled.map(({ status }) => status.podIP)))
    await cluster.client.delete(Deployment, { namespace, name: 'web' })
    await cluster.settle()
    assert.deepEqual(await podsOf(cluster), [])
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})

describe('a node', () => {
  const second = 1000
  const start = (nodes: number) => startCluster({ world: new VirtualWorld(), nodes })

  test('renews its lease every ten seconds and its conditions every five minutes', async () => {
    await using cluster = await start(1)
    const lease = async () => {
      const { spec } = await cluster.client.get(Lease, { namespace: 'kube-node-lease', name: 'node-1' })
      return Date.parse(spec?.renewTime ?? '')
    }
    const heartbeat = async () =>
      (await nodeNamed(cluster, 'node-1')).status?.conditions?.find(({ type }) => type === 'Ready')
    await cluster.advance(10 * second)
    const renewed = await lease()
    const { lastHeartbeatTime, lastTransitionTime } = (await heartbeat())!
    await cluster.advance(10 * second)
    assert.equal((await lease()) - renewed, 10 * second)
    assert.equal((await heartbeat())?.lastHeartbeatTime, lastHeartbeatTime)
    await cluster.advance(300 * second)
    assert.notEqual((await heartbeat())?.lastHeartbeatTime, lastHeartbeatTime)
    assert.equal((await heartbeat())?.lastTransitionTime, lastTransitionTime)
    const { metadata } = await cluster.client.get(Lease, { namespace: 'kube-node-lease', name: 'node-1' })
    assert.equal(metadata.ownerReferences?.[0]?.uid, (await nodeNamed(cluster, 'node-1')).metadata.uid)
  })

  test('that crashes is given up after 50 seconds, and its pods go after the time that they tolerate', async () => {
    await using cluster = await start(2)
    await cluster.client.create(Deployment, web(4))
    await cluster.settle()
    cluster.nodes!.crash('node-1')
    assert.deepEqual(cluster.nodes!.names, ['node-2'])
    const lost = async () => (await podsOf(cluster)).filter(({ spec }) => spec.nodeName === 'node-1')
    const condemned = async () => (await lost()).filter(({ metadata }) => metadata.deletionTimestamp).length
    assert.equal((await lost()).length, 2)

    await cluster.advance(35 * second)
    assert.equal(isReady(await nodeNamed(cluster, 'node-1')), true, 'its last heartbeat was ten seconds ago at most')
    await cluster.advance(25 * second)
    const ready = (await nodeNamed(cluster, 'node-1')).status?.conditions?.find(({ type }) => type === 'Ready')
    assert.equal(ready?.status, 'Unknown')
    assert.equal((await lost()).filter(isReady).length, 0)
    await cluster.advance(280 * second)
    assert.equal(await condemned(), 0)
    await cluster.advance(30 * second)
    assert.equal(await condemned(), 2, 'nobody is there to confirm that they have ended')
    const others = (await podsOf(cluster)).filter(({ spec }) => spec.nodeName === 'node-2')
    assert.equal(others.filter(isReady).length, 4)

    await cluster.nodes!.restart('node-1')
    await cluster.advance(60 * second)
    assert.equal(isReady(await nodeNamed(cluster, 'node-1')), true)
    assert.equal((await lost()).length, 0, 'they end when their node is back')
  })

  test('that is back in time keeps its pods', async () => {
    await using cluster = await start(1)
    await cluster.client.create(Deployment, web(2))
    await cluster.settle()
    const before = (await podsOf(cluster)).map(({ metadata }) => metadata.uid)
    cluster.nodes!.crash('node-1')
    await cluster.advance(120 * second)
    assert.equal((await podsOf(cluster)).filter(isReady).length, 0)
    await cluster.nodes!.restart('node-1')
    await cluster.advance(30 * second)
    const after = (await podsOf(cluster)).filter(isReady)
    assert.deepEqual(
      after.map(({ metadata }) => metadata.uid),
      before,
    )
  })

  test('that is deleted stays away until it is started again', async () => {
    await using cluster = await start(2)
    const { spec, metadata } = await nodeNamed(cluster, 'node-1')
    await cluster.client.delete(Node, { name: 'node-1' })
    await cluster.advance(300 * second)
    assert.deepEqual(
      (await cluster.client.list(Node)).items.map(({ metadata }) => metadata.name),
      ['node-2'],
    )
    await cluster.nodes!.restart('node-1')
    const again = await nodeNamed(cluster, 'node-1')
    assert.notEqual(again.metadata.uid, metadata.uid)
    assert.equal(again.spec?.podCIDR, spec?.podCIDR, 'it has the addresses that it had')
    await assert.rejects(cluster.nodes!.restart('node-9'), /there is no simulated node node-9/)
  })
})

test('many nodes have addresses of their own', async () => {
  await using cluster = await startCluster({ world: new VirtualWorld(), nodes: 300 })
  const nodes = (await cluster.client.list(Node)).items
  assert.ok(unique(nodes.map(({ spec }) => spec?.podCIDR)))
  assert.ok(unique(nodes.map(({ status }) => status?.addresses?.[0]?.address)))
})

test('controllers that are stepped look at one object at a time, when they are told to', async () => {
  const stepped = ['deployment-controller', 'replicaset-controller']
  await using cluster = await startCluster({ time: 'virtual', nodes: 1, stepped })
  const { client } = cluster
  for (const name of ['a', 'b']) await client.create(Deployment, web(2, name))
  await cluster.advance(60_000)
  const counts = async () => [(await client.list(ReplicaSet)).items.length, (await podsOf(cluster)).length]
  assert.deepEqual(await counts(), [0, 0])
  assert.equal(await cluster.step('replicaset-controller'), undefined)
  assert.equal(await cluster.step('deployment-controller'), 'default/a')
  assert.deepEqual(await counts(), [1, 0])
  assert.equal(await cluster.step('deployment-controller'), 'default/b')
  assert.match((await cluster.step('replicaset-controller')) ?? '', /^default\/a-/)
  assert.deepEqual(await counts(), [2, 2])
  for (const name of stepped) while ((await cluster.step(name)) !== undefined);
  for (const name of stepped) while ((await cluster.step(name)) !== undefined);
  assert.equal((await podsOf(cluster)).filter(isReady).length, 4)
  assert.equal((await client.get(Deployment, { namespace: 'default', name: 'b' })).status.readyReplicas, 2)
  await assert.rejects(cluster.step('job-controller'), /job-controller is not stepped/)
  const strange = startCluster({ time: 'virtual', nodes: 1, stepped: ['garbage-collector-controller'] })
  await assert.rejects(strange, /"garbage-collector-controller" is no controller that can be stepped/)
})

test('controllers run that are asked for', async () => {
  const quiet = { time: 'virtual', nodes: 1, controllers: ['*', '-replicaset-controller'] } as const
  await using cluster = await startCluster(quiet)
  await cluster.client.create(Deployment, web(2))
  await cluster.settle()
  const { items } = await cluster.client.list(ReplicaSet, { namespace: 'default' })
  assert.deepEqual(
    items.map(({ spec, status }) => [spec?.replicas, status?.replicas]),
    [[2, 0]],
  )
  await assert.rejects(startCluster({ ...quiet, controllers: ['*', '-replica-controller'] }), {
    message: '"-replica-controller" is not in the list of known controllers',
  })
})

/** A client whose writes of events wait. */
class HeldEvents extends ForwardingClient {
  readonly #client: Client
  readonly #begins: () => Promise<void>

  constructor(client: Client, begins: () => Promise<void>) {
    super()
    this.#client = client
    this.#begins = begins
  }

  protected async forward<T>({ kind, writes, make }: Call<T>): Promise<T> {
    if (writes && kind === Event) await this.#begins()
    return make(this.#client)
  }

  watch<T extends ApiObject>(kind: Kind<T>, options: WatchOptions): WatchEvents<T> {
    return this.#client.watch(kind, options)
  }

  as(user: ClientUser): Client {
    return new HeldEvents(this.#client.as(user), this.#begins)
  }
}

test('who stops a cluster waits a second for its events, and no longer for those that have not begun', async () => {
  const world = new VirtualWorld(1)
  const { promise: held, resolve: release } = deferred()
  let begun = 0
  const connect = (client: Client) =>
    new HeldEvents(client, () => {
      begun++
      return held
    })
  const cluster = await startCluster({ world, nodes: 0, connect })
  const pods = 50
  const spec = { containers: [{ name: 'main', image: 'web:1' }] }
  for (let at = 0; at < pods; at++) await cluster.client.create(Pod, { metadata: { name: `a${at}`, namespace }, spec })
  await world.advance(5_000)
  const before = begun
  assert.ok(before > 0 && before < pods, `${before} events of ${pods} have begun`)
  const stopped = cluster[Symbol.asyncDispose]()
  await world.advance(1_000)
  release()
  await stopped
  assert.equal(begun, before)
})

test('one seed has one history', async () => {
  const digestOf = async (seed: number) => {
    await using cluster = await startCluster({ time: 'virtual', seed, nodes: 2 })
    await cluster.client.create(Deployment, web(3))
    await cluster.advance(60_000)
    const { kvs } = await cluster.store.range({ from: '\0', to: '\0' })
    return kvs.map(({ key, value, modRevision }) => `${modRevision} ${key} ${Buffer.from(value)}`).join('\n')
  }
  assert.equal(await digestOf(3), await digestOf(3))
  assert.notEqual(await digestOf(3), await digestOf(4))
})
