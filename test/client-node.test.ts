import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  ApiException,
  ApisApi,
  AppsV1Api,
  AuthorizationV1Api,
  CoreApi,
  CoreV1Api,
  type Informer,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  type V1Pod,
  type V1Status,
  VersionApi,
  Watch,
} from '@kubernetes/client-node'
import type { ServedCluster } from '../src/cluster/serve.ts'
import { putIntoKubeconfig } from '../src/lifecycle/kubeconfig.ts'
import { serve } from './support/served.ts'

/** The official JavaScript client: how a client behaves that we did not write. */
const config = new KubeConfig()
let served: ServedCluster
let core: CoreV1Api
let apps: AppsV1Api
let objects: KubernetesObjectApi

before(async () => {
  served = await serve({ apiOnly: false, nodes: 2 })
  config.loadFromString(putIntoKubeconfig(undefined, { name: 'coracle', ...served.admin }))
  core = config.makeApiClient(CoreV1Api)
  apps = config.makeApiClient(AppsV1Api)
  objects = KubernetesObjectApi.makeApiClient(config)
})

after(() => served[Symbol.asyncDispose]())

/** A namespace of the test's own. */
async function namespaceFor(test: string): Promise<string> {
  await core.createNamespace({ body: { metadata: { name: test } } })
  await served.cluster.settle()
  return test
}

const as = (strategy: PatchStrategy) => setHeaderOptions('Content-Type', strategy)
const podOf = (name: string, labels: Record<string, string> = {}): V1Pod => ({
  metadata: { name, labels },
  spec: { containers: [{ name: 'main', image: 'nginx' }], terminationGracePeriodSeconds: 1 },
})

/** Holds that a call fails, and with which Status. */
async function fails(call: Promise<unknown>, expected: Partial<V1Status>): Promise<V1Status> {
  const error = await call.then(
    () => assert.fail('it did not fail'),
    (error: unknown) => error,
  )
  assert.ok(error instanceof ApiException, String(error))
  assert.equal(error.code, expected.code)
  // Where the client's description names an error code it has read the body; elsewhere it hands on the text.
  const status = (typeof error.body === 'string' ? JSON.parse(error.body) : error.body) as V1Status
  assert.equal(status.kind, 'Status')
  assert.equal(status.status, 'Failure')
  for (const [key, value] of Object.entries(expected)) assert.deepEqual(status[key as keyof V1Status], value)
  return status
}

test('discovery', async () => {
  assert.deepEqual((await config.makeApiClient(CoreApi).getAPIVersions()).versions, ['v1'])
  const { groups } = await config.makeApiClient(ApisApi).getAPIVersions()
  const appsGroup = groups.find(({ name }) => name === 'apps')
  assert.equal(appsGroup?.preferredVersion?.groupVersion, 'apps/v1')
  const { resources } = await core.getAPIResources()
  const pods = resources.find(({ name }) => name === 'pods')
  assert.deepEqual([pods?.namespaced, pods?.shortNames], [true, ['po']])
  assert.match((await config.makeApiClient(VersionApi).getCode()).gitVersion, /^v1\.36\./)
})

test('configmaps: create, read, replace, list, delete', async () => {
  const namespace = await namespaceFor('configmaps')
  const made = await core.createNamespacedConfigMap({
    namespace,
    body: { metadata: { name: 'a' }, data: { k: '1' }, binaryData: { b: 'AAEC' } },
  })
  assert.ok(made.metadata?.creationTimestamp instanceof Date)
  const replaced = await core.replaceNamespacedConfigMap({
    name: 'a',
    namespace,
    body: { ...made, data: { k: '2' } },
  })
  assert.deepEqual(replaced.data, { k: '2' })
  assert.equal(replaced.metadata?.uid, made.metadata?.uid)
  assert.deepEqual(await core.readNamespacedConfigMap({ name: 'a', namespace }), replaced)
  const { items } = await core.listNamespacedConfigMap({ namespace })
  assert.deepEqual(
    items.map(({ metadata }) => metadata?.name),
    ['a', 'kube-root-ca.crt'],
  )
  const gone = await core.deleteNamespacedConfigMap({ name: 'a', namespace })
  assert.equal(gone.status, 'Success')
  assert.equal(gone.details?.uid, made.metadata?.uid)
  await fails(core.readNamespacedConfigMap({ name: 'a', namespace }), { code: 404 })
})

test('pods run, and go', async () => {
  const namespace = await namespaceFor('pods')
  await core.createNamespacedPod({ namespace, body: podOf('p') })
  await served.cluster.settle()
  const pod = await core.readNamespacedPodStatus({ name: 'p', namespace })
  assert.equal(pod.status?.phase, 'Running')
  assert.match(pod.spec?.nodeName ?? '', /^node-/)
  assert.ok(pod.status?.startTime instanceof Date)
  const onNode = await core.listPodForAllNamespaces({ fieldSelector: `spec.nodeName=${pod.spec?.nodeName}` })
  assert.ok(onNode.items.some(({ metadata }) => metadata?.uid === pod.metadata?.uid))
  await core.deleteNamespacedPod({ name: 'p', namespace, gracePeriodSeconds: 0 })
  await served.cluster.settle()
  await fails(core.readNamespacedPod({ name: 'p', namespace }), { code: 404, reason: 'NotFound' })
})

test('deployments: rollout, scale and the three patches', async () => {
  const namespace = await namespaceFor('deployments')
  const template = { metadata: { labels: { app: 'web' } }, spec: podOf('').spec! }
  await apps.createNamespacedDeployment({
    namespace,
    body: { metadata: { name: 'web' }, spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template } },
  })
  await served.cluster.settle()
  const at = { name: 'web', namespace }
  assert.equal((await apps.readNamespacedDeploymentStatus(at)).status?.readyReplicas, 2)

  const scale = await apps.readNamespacedDeploymentScale(at)
  assert.deepEqual([scale.spec?.replicas, scale.status?.selector], [2, 'app=web'])
  const raised = await apps.replaceNamespacedDeploymentScale({ ...at, body: { ...scale, spec: { replicas: 3 } } })
  assert.equal(raised.spec?.replicas, 3)
  const merge = { ...at, body: { spec: { replicas: 4 } } }
  assert.equal((await apps.patchNamespacedDeploymentScale(merge, as(PatchStrategy.MergePatch))).spec?.replicas, 4)

  const containers = [{ name: 'side', image: 'busybox' }]
  const strategic = await apps.patchNamespacedDeployment(
    { ...at, body: { spec: { template: { spec: { containers } } } } },
    as(PatchStrategy.StrategicMergePatch),
  )
  assert.deepEqual(
    strategic.spec?.template.spec?.containers.map(({ name }) => name),
    ['side', 'main'],
  )
  const merged = await apps.patchNamespacedDeployment(
    { ...at, body: { spec: { template: { spec: { containers } } } } },
    as(PatchStrategy.MergePatch),
  )
  assert.deepEqual(
    merged.spec?.template.spec?.containers.map(({ name }) => name),
    ['side'],
  )
  // What the client sends when nobody says otherwise.
  const json = await apps.patchNamespacedDeployment({
    ...at,
    body: [
      { op: 'test', path: '/spec/replicas', value: 4 },
      { op: 'replace', path: '/spec/replicas', value: 1 },
    ],
  })
  assert.equal(json.spec?.replicas, 1)
  const status = await apps.patchNamespacedDeploymentStatus(
    { ...at, body: { status: { conditions: [{ type: 'Seen', status: 'True' }] } } },
    as(PatchStrategy.StrategicMergePatch),
  )
  assert.ok(status.status?.conditions?.some(({ type }) => type === 'Seen'))
  assert.equal(status.spec?.replicas, 1)
  await served.cluster.settle()
  assert.equal((await apps.readNamespacedDeployment(at)).status?.readyReplicas, 1)
})

test('deletion takes dependents along, or leaves them', async () => {
  const namespace = await namespaceFor('propagation')
  const deployment = (name: string) => ({
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: podOf('').spec! },
    },
  })
  for (const name of ['orphan', 'background', 'foreground'])
    await apps.createNamespacedDeployment({ namespace, body: deployment(name) })
  await served.cluster.settle()
  await apps.deleteNamespacedDeployment({ name: 'orphan', namespace, propagationPolicy: 'Orphan' })
  await apps.deleteNamespacedDeployment({ name: 'background', namespace, body: { propagationPolicy: 'Background' } })
  await apps.deleteNamespacedDeployment({ name: 'foreground', namespace, propagationPolicy: 'Foreground' })
  await served.cluster.settle()
  assert.deepEqual((await apps.listNamespacedDeployment({ namespace })).items, [])
  const left = await apps.listNamespacedReplicaSet({ namespace })
  assert.deepEqual(
    left.items.map(({ metadata }) => [metadata?.labels?.['app'], metadata?.ownerReferences]),
    [['orphan', undefined]],
  )
  await apps.deleteCollectionNamespacedReplicaSet({ namespace, labelSelector: 'app=orphan' })
  await served.cluster.settle()
  assert.deepEqual((await apps.listNamespacedReplicaSet({ namespace })).items, [])
})

test('eviction goes through the budget', async () => {
  const namespace = await namespaceFor('eviction')
  await core.createNamespacedPod({ namespace, body: podOf('p', { app: 'guarded' }) })
  await objects.create({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'b', namespace },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'guarded' } } },
  } as KubernetesObject)
  await served.cluster.settle()
  const eviction = { name: 'p', namespace, body: { metadata: { name: 'p', namespace } } }
  await fails(core.createNamespacedPodEviction(eviction), { code: 429, reason: 'TooManyRequests' })
  await objects.delete({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'b', namespace } })
  await core.createNamespacedPodEviction(eviction)
  await served.cluster.settle()
  const evicted = await core.readNamespacedPod({ name: 'p', namespace }).catch(() => undefined)
  assert.ok(evicted === undefined || evicted.metadata?.deletionTimestamp !== undefined)
})

test('lists page by page and by selectors', async () => {
  const namespace = await namespaceFor('lists')
  for (const index of [1, 2, 3, 4, 5])
    await core.createNamespacedSecret({
      namespace,
      body: { metadata: { name: `s-${index}`, labels: { odd: String(index % 2 === 1) } }, stringData: { k: 'v' } },
    })
  const names: (string | undefined)[] = []
  let token: string | undefined
  do {
    const page = await core.listNamespacedSecret({ namespace, limit: 2, ...(token && { _continue: token }) })
    names.push(...page.items.map(({ metadata }) => metadata?.name))
    token = page.metadata?._continue
    if (names.length === 2) assert.equal(page.metadata?.remainingItemCount, 3)
  } while (token)
  assert.deepEqual(names, ['s-1', 's-2', 's-3', 's-4', 's-5'])
  const chosen = async (selectors: { labelSelector?: string; fieldSelector?: string }) =>
    (await core.listNamespacedSecret({ namespace, ...selectors })).items.map(({ metadata }) => metadata?.name)
  assert.deepEqual(await chosen({ labelSelector: 'odd=true' }), ['s-1', 's-3', 's-5'])
  assert.deepEqual(await chosen({ labelSelector: 'odd notin (true)' }), ['s-2', 's-4'])
  assert.deepEqual(await chosen({ fieldSelector: 'metadata.name=s-2' }), ['s-2'])
  assert.deepEqual(await chosen({ fieldSelector: 'type=Opaque', labelSelector: 'odd=false' }), ['s-2', 's-4'])
  await fails(core.listNamespacedSecret({ namespace, labelSelector: '((' }), { code: 400, reason: 'BadRequest' })
})

test('what goes wrong comes with a Status', async () => {
  const namespace = await namespaceFor('errors')
  const body = { metadata: { name: 'a' } }
  const made = await core.createNamespacedConfigMap({ namespace, body })
  await fails(core.createNamespacedConfigMap({ namespace, body }), {
    code: 409,
    reason: 'AlreadyExists',
    message: 'configmaps "a" already exists',
  })
  await core.replaceNamespacedConfigMap({ name: 'a', namespace, body: { ...made, data: { k: '1' } } })
  await fails(core.replaceNamespacedConfigMap({ name: 'a', namespace, body: { ...made, data: { k: '2' } } }), {
    code: 409,
    reason: 'Conflict',
  })
  await fails(core.readNamespacedConfigMap({ name: 'b', namespace }), {
    code: 404,
    reason: 'NotFound',
    message: 'configmaps "b" not found',
  })
  const invalid = await fails(
    core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'Not A Name' } } }),
    {
      code: 422,
      reason: 'Invalid',
    },
  )
  assert.equal(invalid.details?.causes?.[0]?.field, 'metadata.name')
  await fails(core.createNamespacedPod({ namespace: 'nowhere', body: podOf('p') }), { code: 404 })
  await fails(core.createNamespacedPod({ namespace, body: { metadata: { name: 'p' } } }), { code: 422 })
})

test('a watch brings what happens from a revision on, with bookmarks', async () => {
  const namespace = await namespaceFor('watches')
  const { metadata } = await core.listNamespacedConfigMap({ namespace })
  const made = await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'a' } } })
  await core.deleteNamespacedConfigMap({ name: 'a', namespace })
  const watch = new Watch(config)
  const path = `/api/v1/namespaces/${namespace}/configmaps`
  const follow = (query: Record<string, string | boolean>, last: (phase: string) => boolean) =>
    new Promise<string[]>((resolve, reject) => {
      const seen: string[] = []
      const request = watch.watch(
        path,
        query,
        (phase, object) => {
          seen.push(`${phase} ${object.metadata.name ?? ''}`.trim())
          if (last(phase)) request.then((controller) => controller.abort())
        },
        (error) => (error === null || error.name === 'AbortError' ? resolve(seen) : reject(error)),
      )
    })
  const from = { resourceVersion: metadata!.resourceVersion! }
  assert.deepEqual(await follow(from, (phase) => phase === 'DELETED'), ['ADDED a', 'DELETED a'])
  const later = { resourceVersion: made.metadata!.resourceVersion! }
  assert.deepEqual(await follow(later, (phase) => phase === 'DELETED'), ['DELETED a'])
  const streamed = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true }
  assert.deepEqual(await follow(streamed, (phase) => phase === 'BOOKMARK'), ['ADDED kube-root-ca.crt', 'BOOKMARK'])
  await assert.rejects(
    follow({ labelSelector: '((' }, () => true),
    { statusCode: 400 },
  )
})

test('an informer sees what is added, updated and deleted', async () => {
  const namespace = await namespaceFor('informers')
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'before', labels: { mine: 'yes' } } } })
  const list = () => core.listNamespacedConfigMap({ namespace, labelSelector: 'mine=yes' })
  const informer = makeInformer<V1ConfigMap>(config, `/api/v1/namespaces/${namespace}/configmaps`, list, 'mine=yes')
  const seen: string[] = []
  for (const verb of ['add', 'update', 'delete'] as const)
    informer.on(verb, (object) => seen.push(`${verb} ${object.metadata?.name}`))
  await informer.start()
  const body = { metadata: { name: 'a', labels: { mine: 'yes' } } }
  await core.createNamespacedConfigMap({ namespace, body })
  await core.patchNamespacedConfigMap(
    { name: 'a', namespace, body: { data: { k: 'v' } } },
    as(PatchStrategy.MergePatch),
  )
  const deleted = once(informer, 'delete')
  await core.deleteNamespacedConfigMap({ name: 'a', namespace })
  await deleted
  // Out of the selector is out of sight.
  const unlabelled = once(informer, 'delete')
  await core.patchNamespacedConfigMap(
    { name: 'before', namespace, body: { metadata: { labels: { mine: null } } } },
    as(PatchStrategy.MergePatch),
  )
  await unlabelled
  await informer.stop()
  assert.deepEqual(seen, ['add before', 'add a', 'update a', 'delete a', 'delete before'])
  assert.deepEqual(informer.list(), [])
})

const once = (informer: Informer<V1ConfigMap>, verb: 'delete') =>
  new Promise<void>((resolve) => informer.on(verb, () => resolve()))

test('objects of any kind are made, read, patched, listed and deleted', async () => {
  const namespace = await namespaceFor('objects')
  const quota = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'q', namespace },
    spec: { hard: { pods: '5' } },
  }
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'objects:reader' },
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
  }
  for (const spec of [quota, role] as KubernetesObject[]) {
    const made = await objects.create(spec)
    assert.equal(made.kind, spec.kind)
    const patch = { ...spec, metadata: { ...spec.metadata, labels: { seen: 'yes' } } }
    const patched = await objects.patch(
      patch,
      undefined,
      undefined,
      undefined,
      undefined,
      PatchStrategy.StrategicMergePatch,
    )
    assert.equal(patched.metadata?.labels?.['seen'], 'yes')
    const read = await objects.read({ ...spec, metadata: { name: spec.metadata!.name!, namespace } })
    assert.equal(read.metadata?.uid, made.metadata?.uid)
    await objects.delete(spec)
    await fails(objects.read({ ...spec, metadata: { name: spec.metadata!.name!, namespace } }), { code: 404 })
  }
  const { items } = await objects.list('v1', 'ServiceAccount', namespace)
  assert.deepEqual(
    items.map(({ metadata }) => metadata?.name),
    ['default'],
  )
})

test('who may what is answered', async () => {
  const { status } = await config.makeApiClient(AuthorizationV1Api).createSelfSubjectAccessReview({
    body: { spec: { resourceAttributes: { verb: 'delete', resource: 'nodes' } } },
  })
  assert.equal(status?.allowed, true)
})
