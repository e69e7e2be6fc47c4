import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CacheSet } from '../src/client/cache.ts'
import { startControlPlane } from '../src/cluster/control-plane.ts'
import { startControllers } from '../src/controllers/index.ts'
import { Deployment } from '../src/kinds/apps/deployment.ts'
import { ReplicaSet } from '../src/kinds/apps/replica-set.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { Endpoints } from '../src/kinds/core/endpoints.ts'
import { Event } from '../src/kinds/core/event.ts'
import { Namespace } from '../src/kinds/core/namespace.ts'
import { Node } from '../src/kinds/core/node.ts'
import { Pod } from '../src/kinds/core/pod.ts'
import { ResourceQuota } from '../src/kinds/core/resource-quota.ts'
import { Secret } from '../src/kinds/core/secret.ts'
import { Service } from '../src/kinds/core/service.ts'
import { ServiceAccount } from '../src/kinds/core/service-account.ts'
import { EndpointSlice } from '../src/kinds/discovery/endpoint-slice.ts'
import { PodDisruptionBudget } from '../src/kinds/policy/pod-disruption-budget.ts'
import { ClusterRole } from '../src/kinds/rbac/cluster-role.ts'
import { createSigningKey } from '../src/lifecycle/pki.ts'
import { toCaches } from '../src/reconciler/caches.ts'
import type { ApiObject, Kind } from '../src/schema/kind.ts'
import { isNotFound } from '../src/schema/status.ts'
import { MemoryStore } from '../src/store/memory.ts'
import { VirtualWorld } from '../src/world/virtual.ts'
import type { LogLevel } from '../src/world/world.ts'

const signingKey = createSigningKey().private

/** A control plane with all controllers in a virtual world: no scheduler, no nodes, a test writes what those would. */
async function startControllersOnly() {
  const faults: string[] = []
  const log = (level: LogLevel, message: string, fields?: object) => {
    if (level === 'warn' || level === 'error') faults.push(`${message} ${JSON.stringify(fields)}`)
  }
  const world = new VirtualWorld(1, { log })
  const store = new MemoryStore(world)
  const options = { world, store, signingKey, version: 'v1.36.2', serverAddress: '127.0.0.1:6443' }
  const controlPlane = await startControlPlane(options)
  const { client } = controlPlane
  const stop = new AbortController()
  const caches = toCaches(new CacheSet({ client, ...world, signal: stop.signal }))
  const parts = { client, caches, world }
  const running = startControllers(parts, { rootCertificate: 'PEM' })
  const settle = async () => {
    for (let revision = -1; revision !== store.revision || running.busy; ) {
      revision = store.revision
      await world.advance(1_000)
    }
  }
  const gone = async <T extends ApiObject>(kind: Kind<T>, name: string, namespace = 'default') => {
    try {
      await client.get(kind, { namespace: kind.namespaced ? namespace : '', name })
      return false
    } catch (error) {
      if (isNotFound(error)) return true
      throw error
    }
  }
  await settle()
  return {
    world,
    client,
    settle,
    gone,
    faults,
    async [Symbol.asyncDispose]() {
      await running.stop()
      stop.abort()
      await controlPlane[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

const template = (image = 'web:1') => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'main', image }] },
})
const selector = { matchLabels: { app: 'web' } }
const namespace = 'default'

const web = (replicas: number) =>
  ({ metadata: { name: 'web', namespace }, spec: { replicas, selector, template: template() } }) as const

test('a deployment of 1,000 replicas gets exactly 1,000 pods, and its deletion takes all with it', async () => {
  await using cluster = await startControllersOnly()
  const { client, settle } = cluster
  await client.create(Deployment, web(1000))
  await settle()
  const [set] = (await client.list(ReplicaSet, { namespace })).items
  assert.equal((await client.list(Pod, { namespace })).items.length, 1000)
  assert.equal(set?.status.replicas, 1000)
  const made = await client.get(Deployment, { namespace, name: 'web' })
  assert.equal(made.metadata.annotations?.['deployment.kubernetes.io/revision'], '1')
  assert.equal(made.status.unavailableReplicas, 1000)
  assert.deepEqual(
    made.status.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`),
    ['Available False MinimumReplicasUnavailable', 'Progressing True ReplicaSetUpdated'],
  )
  const { items: events } = await client.list(Event, { namespace })
  const scaling = events.filter(({ involvedObject }) => involvedObject.kind === 'Deployment')
  assert.deepEqual(
    scaling.map(({ reason, message, source, count }) => [reason, message, source.component, count]),
    [['ScalingReplicaSet', `Scaled up replica set ${set?.metadata.name} from 0 to 1000`, 'deployment-controller', 1]],
  )

  await client.delete(Deployment, { namespace, name: 'web' })
  await settle()
  assert.equal((await client.list(ReplicaSet, { namespace })).items.length, 0)
  assert.equal((await client.list(Pod, { namespace })).items.length, 0)
  assert.deepEqual(cluster.faults, [])
})

test('a rollout goes on as pods become ready, and ends', async () => {
  await using cluster = await startControllersOnly()
  const { client, settle, world } = cluster
  const makeReady = async () => {
    const lastTransitionTime = new Date(world.clock.now()).toISOString()
    for (const pod of (await client.list(Pod, { namespace })).items) {
      if (pod.status.phase === 'Running') continue
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime }]
      await client.updateStatus(Pod, { ...pod, status: { ...pod.status, phase: 'Running', conditions } })
    }
    await settle()
  }
  await client.create(Deployment, web(4))
  await settle()
  await makeReady()
  await client.patch(
    Deployment,
    { namespace, name: 'web' },
    {
      type: 'merge',
      body: { spec: { template: template('web:2') } },
    },
  )
  await settle()
  const sizes = async () => {
    const { items } = await client.list(ReplicaSet, { namespace })
    return items.map(({ spec }) => [spec.template.spec.containers[0]?.image, spec.replicas]).sort()
  }
  // 4 wished, surge 1, unavailable 1.
  assert.deepEqual(await sizes(), [
    ['web:1', 3],
    ['web:2', 2],
  ])
  for (let round = 0; round < 5; round++) await makeReady()
  assert.deepEqual(await sizes(), [
    ['web:1', 0],
    ['web:2', 4],
  ])
  const made = await client.get(Deployment, { namespace, name: 'web' })
  const progressing = made.status.conditions?.find(({ type }) => type === 'Progressing')
  assert.equal(progressing?.reason, 'NewReplicaSetAvailable')
  assert.equal(made.metadata.annotations?.['deployment.kubernetes.io/revision'], '2')
  assert.deepEqual(cluster.faults, [])
})

describe('garbage collection', () => {
  const owned = (uid: string, extra: object = {}) => [
    { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid, ...extra },
  ]
  const configMap = (name: string, metadata: object = {}) => ({ metadata: { name, namespace, ...metadata } })

  test('takes what is owned by somebody who is gone', async () => {
    await using cluster = await startControllersOnly()
    const { client, settle, gone } = cluster
    const owner = await client.create(ConfigMap, configMap('owner'))
    await client.create(ConfigMap, configMap('child', { ownerReferences: owned(owner.metadata.uid!) }))
    await client.create(ConfigMap, configMap('stray', { ownerReferences: owned(world.uuid) }))
    await settle()
    assert.deepEqual([await gone(ConfigMap, 'child'), await gone(ConfigMap, 'stray')], [false, true])
    await client.delete(ConfigMap, { namespace, name: 'owner' }, { propagationPolicy: 'Background' })
    await settle()
    assert.equal(await gone(ConfigMap, 'child'), true)
  })

  test('in the foreground takes the child first', async () => {
    await using cluster = await startControllersOnly()
    const { client, settle, gone } = cluster
    const owner = await client.create(ConfigMap, configMap('owner'))
    const ownerReferences = owned(owner.metadata.uid!, { blockOwnerDeletion: true })
    await client.create(ConfigMap, configMap('child', { ownerReferences, finalizers: ['test/hold'] }))
    await settle()
    await client.delete(ConfigMap, { namespace, name: 'owner' }, { propagationPolicy: 'Foreground' })
    await settle()
    assert.deepEqual([await gone(ConfigMap, 'owner'), await gone(ConfigMap, 'child')], [false, false])
    const body = { metadata: { finalizers: null } }
    await client.patch(ConfigMap, { namespace, name: 'child' }, { type: 'merge', body })
    await settle()
    assert.deepEqual([await gone(ConfigMap, 'owner'), await gone(ConfigMap, 'child')], [true, true])
  })

  test('leaves orphans alone, and those who have another owner', async () => {
    await using cluster = await startControllersOnly()
    const { client, settle, gone } = cluster
    const owner = await client.create(ConfigMap, configMap('owner'))
    const keeper = await client.create(ConfigMap, configMap('keeper'))
    await client.create(ConfigMap, configMap('child', { ownerReferences: owned(owner.metadata.uid!) }))
    const second = { apiVersion: 'v1', kind: 'ConfigMap', name: 'keeper', uid: keeper.metadata.uid! }
    const shared = [...owned(owner.metadata.uid!), second]
    await client.create(ConfigMap, configMap('shared', { ownerReferences: shared }))
    await settle()
    await client.delete(ConfigMap, { namespace, name: 'owner' }, { propagationPolicy: 'Orphan' })
    await settle()
    assert.equal(await gone(ConfigMap, 'owner'), true)
    const child = await client.get(ConfigMap, { namespace, name: 'child' })
    assert.equal(child.metadata.ownerReferences, undefined)
    const kept = await client.get(ConfigMap, { namespace, name: 'shared' })
    assert.deepEqual(
      kept.metadata.ownerReferences?.map(({ name }) => name),
      ['keeper'],
    )
  })

  const world = { uuid: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee' }
})

describe('a namespace', () => {
  test('begins with a service account and the certificate authority, and takes everything with it', async () => {
    await using cluster = await startControllersOnly()
    const { client, settle, gone } = cluster
    await client.create(Namespace, { metadata: { name: 'team' } })
    await settle()
    assert.equal(await gone(ServiceAccount, 'default', 'team'), false)
    const bundle = await client.get(ConfigMap, { namespace: 'team', name: 'kube-root-ca.crt' })
    assert.deepEqual(bundle.data, { 'ca.crt': 'PEM' })
    await client.delete(Namespace, { name: 'team' })
    await settle()
    assert.equal(await gone(Namespace, 'team'), true)
    assert.equal(await gone(ConfigMap, 'kube-root-ca.crt', 'team'), true)
    assert.deepEqual(cluster.faults, [])
  })

  test('tells what it waits for', async () => {
    await using cluster = await startControllersOnly()
    const { client, settle, gone } = cluster
    await client.create(Namespace, { metadata: { name: 'team' } })
    await client.create(ConfigMap, { metadata: { name: 'a', namespace: 'team', finalizers: ['x.io/y'] } })
    await settle()
    await client.delete(Namespace, { name: 'team' })
    await settle()
    const { status } = await client.get(Namespace, { name: 'team' })
    assert.deepEqual(
      status.conditions?.map(({ type, status, reason, message }) => `${type} ${status} ${reason}: ${message}`),
      [
        'NamespaceDeletionDiscoveryFailure False ResourcesDiscovered: All resources successfully discovered',
        'NamespaceDeletionGroupVersionParsingFailure False ParsedGroupVersions: All legacy kube types successfully parsed',
        'NamespaceDeletionContentFailure False ContentDeleted: All content successfully deleted, may be waiting on finalization',
        'NamespaceContentRemaining True SomeResourcesRemain: Some resources are remaining: configmaps. has 1 resource instances',
        'NamespaceFinalizersRemaining True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: x.io/y in 1 resource instances',
      ],
    )
    const body = { metadata: { finalizers: null } }
    await client.patch(ConfigMap, { namespace: 'team', name: 'a' }, { type: 'merge', body })
    await settle()
    assert.equal(await gone(Namespace, 'team'), true)
  })
})

test('endpoints and slices follow a pod’s readiness and end with the service', async () => {
  await using cluster = await startControllersOnly()
  const { client, settle, gone } = cluster
  const ports = [{ name: 'h', port: 80, targetPort: 8080 }]
  await client.create(Service, {
    metadata: { name: 's', namespace },
    spec: { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ports, selector: { app: 'web' } },
  })
  await settle()
  const slices = async () => (await client.list(EndpointSlice, { namespace })).items
  const ours = async () => (await slices()).filter(({ metadata }) => metadata.generateName === 's-')
  assert.deepEqual(
    (await ours()).map(({ endpoints }) => endpoints ?? []),
    [[]],
  )

  await client.create(Pod, { ...template(), metadata: { ...template().metadata, name: 'p', namespace } })
  const setReady = async (status: 'True' | 'False') => {
    const body = {
      status: {
        phase: 'Running',
        podIP: '10.1.0.1',
        podIPs: [{ ip: '10.1.0.1' }],
        conditions: [{ type: 'Ready', status }],
      },
    }
    await client.patch(Pod, { namespace, name: 'p' }, { type: 'merge', body }, { subresource: 'status' })
    await settle()
  }
  const port = { name: 'h', port: 8080, protocol: 'TCP' }
  await setReady('True')
  const ready = await client.get(Endpoints, { namespace, name: 's' })
  assert.deepEqual(ready.metadata.labels, { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' })
  assert.deepEqual(
    ready.subsets?.map(({ addresses, ports }) => [addresses?.map(({ ip }) => ip), ports]),
    [[['10.1.0.1'], [port]]],
  )
  const [slice] = await ours()
  assert.deepEqual(slice?.endpoints?.[0]?.conditions, { ready: true, serving: true, terminating: false })
  assert.deepEqual(slice?.ports, [{ name: 'h', protocol: 'TCP', port: 8080 }])
  assert.deepEqual(slice?.metadata.labels, {
    'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
    'kubernetes.io/service-name': 's',
  })

  await setReady('False')
  const notReady = await client.get(Endpoints, { namespace, name: 's' })
  assert.deepEqual(
    notReady.subsets?.map(({ notReadyAddresses }) => notReadyAddresses?.length),
    [1],
  )
  assert.deepEqual((await ours())[0]?.endpoints?.[0]?.conditions, { ready: false, serving: false, terminating: false })

  await client.delete(Service, { namespace, name: 's' })
  await settle()
  assert.equal(await gone(Endpoints, 's'), true)
  assert.deepEqual(await ours(), [])
})

test('a disruption budget counts the pods of its owners', async () => {
  await using cluster = await startControllersOnly()
  const { client, settle } = cluster
  const spec = { maxUnavailable: 1, selector }
  await client.create(PodDisruptionBudget, { metadata: { name: 'b', namespace }, spec })
  await client.create(Deployment, web(3))
  await settle()
  const status = async () => (await client.get(PodDisruptionBudget, { namespace, name: 'b' })).status
  const numbers = async () => {
    const { expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed, conditions } = await status()
    return [expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed, conditions?.[0]?.reason]
  }
  assert.deepEqual(await numbers(), [3, 0, 2, 0, 'InsufficientPods'])
  for (const { metadata } of (await client.list(Pod, { namespace })).items) {
    const body = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }
    await client.patch(Pod, { namespace, name: metadata.name! }, { type: 'merge', body }, { subresource: 'status' })
  }
  await settle()
  assert.deepEqual(await numbers(), [3, 3, 2, 1, 'SufficientPods'])
})

test('a quota that is full stops a ReplicaSet, which says so', async () => {
  await using cluster = await startControllersOnly()
  const { client, settle } = cluster
  await client.create(ResourceQuota, { metadata: { name: 'q', namespace }, spec: { hard: { pods: '1' } } })
  await settle()
  await client.create(ReplicaSet, {
    metadata: { name: 'a', namespace },
    spec: { replicas: 2, selector, template: template() },
  })
  await cluster.world.advance(1_000)
  const { status } = await client.get(ReplicaSet, { namespace, name: 'a' })
  assert.deepEqual(
    status.conditions?.map(({ type, reason }) => [type, reason]),
    [['ReplicaFailure', 'FailedCreate']],
  )
  assert.equal(status.replicas, 1)
  const used = async () => (await client.get(ResourceQuota, { namespace, name: 'q' })).status.used
  assert.deepEqual(await used(), { pods: '1' })
  await client.delete(ReplicaSet, { namespace, name: 'a' })
  await settle()
  assert.deepEqual(await used(), { pods: '0' })
})

describe('a node', () => {
  const ready = (time: string) => ({ type: 'Ready', status: 'True', lastHeartbeatTime: time, lastTransitionTime: time })

  test('that falls silent is tainted, and its pods go after their tolerated time', async () => {
    await using cluster = await startControllersOnly()
    const { client, settle, world, gone } = cluster
    const begun = world.clock.now()
    const until = (second: number) => world.advance(begun + second * 1_000 - world.clock.now())
    const time = new Date(begun).toISOString()
    await client.create(Node, { metadata: { name: 'n' }, status: { conditions: [ready(time)] } })
    const tolerations = [{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 100 } as const]
    const spec = { ...template().spec, nodeName: 'n', tolerations, terminationGracePeriodSeconds: 0 }
    await client.create(Pod, { metadata: { name: 'p', namespace }, spec })
    await settle()
    const keys = async () => {
      const { items } = await client.list(Node)
      return items[0]?.spec.taints?.map(({ key, effect }) => `${key.replace('node.kubernetes.io/', '')}:${effect}`)
    }
    assert.equal(await keys(), undefined)
    await until(49)
    assert.equal(await keys(), undefined)
    await until(53)
    assert.deepEqual(await keys(), ['unreachable:NoSchedule'])
    const [node] = (await client.list(Node)).items
    const condition = node?.status.conditions?.find(({ type }) => type === 'Ready')
    assert.equal(condition?.status, 'Unknown')
    assert.equal(condition?.reason, 'NodeStatusUnknown')
    assert.equal(condition?.message, 'Kubelet stopped posting node status.')
    await until(59)
    assert.deepEqual(await keys(), ['unreachable:NoSchedule', 'unreachable:NoExecute'])
    assert.equal(await gone(Pod, 'p'), false)
    await world.advance(101_000)
    assert.equal(await gone(Pod, 'p'), true)
    assert.deepEqual(cluster.faults, [])
  })

  test('that is deleted takes its pods with it, after a while', async () => {
    await using cluster = await startControllersOnly()
    const { client, settle, world, gone } = cluster
    await client.create(Node, { metadata: { name: 'n' } })
    await client.create(Pod, { metadata: { name: 'p', namespace }, spec: { ...template().spec, nodeName: 'n' } })
    await settle()
    await client.delete(Node, { name: 'n' })
    await world.advance(39_000)
    assert.equal(await gone(Pod, 'p'), false)
    await world.advance(3_000)
    assert.equal(await gone(Pod, 'p'), true)
  })

  test('that is deleted, made again and deleted again has its while anew', async () => {
    await using cluster = await startControllersOnly()
    const { client, settle, world, gone } = cluster
    const node = { metadata: { name: 'n' } }
    const runOn = (name: string) =>
      client.create(Pod, { metadata: { name, namespace }, spec: { ...template().spec, nodeName: 'n' } })
    await client.create(Node, node)
    await runOn('first')
    await settle()
    await client.delete(Node, node.metadata)
    await world.advance(20_000)
    // Nobody is left who would look at the node's absence again.
    await client.delete(Pod, { namespace, name: 'first' }, { gracePeriodSeconds: 0 })
    await client.create(Node, node)
    await runOn('second')
    await world.advance(60_000)
    await client.delete(Node, node.metadata)
    await world.advance(39_000)
    assert.equal(await gone(Pod, 'second'), false)
    await world.advance(3_000)
    assert.equal(await gone(Pod, 'second'), true)
  })
})

test('roles made of others take in what is labelled for them, and a token goes with its account', async () => {
  await using cluster = await startControllersOnly()
  const { client, settle, gone } = cluster
  const selectors = [{ matchLabels: { 'to-crew': 'true' } }]
  await client.create(ClusterRole, {
    metadata: { name: 'crew' },
    aggregationRule: { clusterRoleSelectors: selectors },
    rules: [],
  })
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }]
  await client.create(ClusterRole, { metadata: { name: 'part', labels: { 'to-crew': 'true' } }, rules })
  await client.create(ServiceAccount, { metadata: { name: 'sailor', namespace } })
  const annotations = { 'kubernetes.io/service-account.name': 'sailor' }
  const type = 'kubernetes.io/service-account-token'
  await client.create(Secret, { metadata: { name: 'pass', namespace, annotations }, type })
  await settle()
  assert.deepEqual((await client.get(ClusterRole, { name: 'crew' })).rules, rules)
  assert.equal(await gone(Secret, 'pass'), false)
  await client.delete(ServiceAccount, { namespace, name: 'sailor' })
  await settle()
  assert.equal(await gone(Secret, 'pass'), true)
})
