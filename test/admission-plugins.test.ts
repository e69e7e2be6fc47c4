import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Fields } from '../src/apiserver/admission/configuration.ts'
import { selectPlugins } from '../src/apiserver/admission/selection.ts'
import type { Cluster } from '../src/cluster/cluster.ts'
import { VirtualWorld } from '../src/world/virtual.ts'
import { accessCluster } from './support/access.ts'
import { call, outcome, root, someone, withPlugins } from './support/call.ts'

/** Admission plugins, each asked over the whole server; those that are off by default are switched on for it. */

const pods = '/api/v1/namespaces/default/pods'
const plain = (name: string, spec: object = {}, metadata: object = {}) => ({
  metadata: { name, ...metadata },
  spec: { containers: [{ name: 'c', image: 'app:1', imagePullPolicy: 'Never' }], ...spec },
})

type Step = readonly [title: string, what: string, body: object | undefined, expected: string | ((json: never) => void)]

/** Steps one after the other, on a server with one more plugin. */
function plugin(
  name: string,
  configuration: Fields | undefined,
  prepare: (cluster: Cluster) => Promise<unknown>,
  steps: readonly Step[],
): void {
  test(name, async (t) => {
    await using cluster = await withPlugins({ [name]: configuration })
    await call(cluster, 'POST /api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })
    await prepare(cluster)
    for (const [title, what, body, expected] of steps) {
      await t.test(title, async () => {
        const answer = await call(cluster, what, body)
        if (typeof expected === 'string') assert.equal(outcome(answer), expected)
        else expected(answer.json as never)
      })
    }
  })
}

const nothing = async () => {}
const annotate = (annotations: object) => (cluster: Cluster) =>
  call(cluster, 'PATCH /api/v1/namespaces/default', { metadata: { annotations } })
interface PodLike {
  readonly metadata: { readonly labels?: object }
  readonly spec: {
    readonly containers: readonly { readonly imagePullPolicy: string }[]
    readonly volumes: readonly { readonly image?: { readonly pullPolicy: string } }[]
    readonly nodeSelector: object
    readonly tolerations: readonly { readonly key: string; readonly operator: string; readonly value?: string }[]
  }
}

plugin('AlwaysPullImages', undefined, nothing, [
  [
    'images are pulled anew',
    `POST ${pods}`,
    plain('a', { volumes: [{ name: 'v', image: { reference: 'data:1', pullPolicy: 'Never' } }] }),
    ({ spec }: PodLike) => {
      assert.equal(spec.containers[0]?.imagePullPolicy, 'Always')
      assert.equal(spec.volumes[0]?.image?.pullPolicy, 'Always')
    },
  ],
])

const zoned = {
  podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term('topology.kubernetes.io/zone')] },
}
function term(topologyKey: string) {
  return { topologyKey, labelSelector: {} }
}
plugin('LimitPodHardAntiAffinityTopology', undefined, nothing, [
  [
    'nobody keeps others out of a zone',
    `POST ${pods}`,
    plain('a', { affinity: zoned }),
    'pods "a" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey topology.kubernetes.io/zone but only key kubernetes.io/hostname is allowed',
  ],
  [
    'but off his node',
    `POST ${pods}`,
    plain('b', {
      affinity: {
        podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term('kubernetes.io/hostname')] },
      },
    }),
    '201',
  ],
])

const service = (externalIPs: string[]) => ({ metadata: { name: 's' }, spec: { externalIPs, ports: [{ port: 80 }] } })
plugin('DenyServiceExternalIPs', undefined, nothing, [
  [
    'a new address is refused',
    'POST /api/v1/namespaces/default/services',
    service(['9.9.9.9']),
    'services "s" is forbidden: Use of external IPs is denied by admission control.',
  ],
  ['a service without is not', 'POST /api/v1/namespaces/default/services', service([]), '201'],
  [
    'nor may one be added',
    'PATCH /api/v1/namespaces/default/services/s',
    { spec: { externalIPs: ['9.9.9.9'] } },
    'services "s" is forbidden: Use of external IPs is denied by admission control.',
  ],
])

const device = { containers: [{ name: 'c', image: 'i', resources: { limits: { 'x.com/gpu': '1', cpu: '1' } } }] }
plugin('ExtendedResourceToleration', undefined, nothing, [
  [
    'who asks for a device may go where devices are',
    `POST ${pods}`,
    plain('a', device),
    ({ spec }: PodLike) =>
      assert.deepEqual(
        spec.tolerations.filter(({ key }) => key === 'x.com/gpu'),
        [{ key: 'x.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
      ),
  ],
])

const map = { metadata: { name: 'm' } }
plugin('NamespaceAutoProvision', undefined, nothing, [
  ['a namespace is made for what is made in it', 'POST /api/v1/namespaces/fresh/configmaps', map, '201'],
  ['and is there', 'GET /api/v1/namespaces/fresh', undefined, '200'],
  ['a dry run makes none', 'POST /api/v1/namespaces/dry/configmaps?dryRun=All', map, 'namespaces "dry" not found'],
])

plugin('NamespaceExists', undefined, nothing, [
  ['nothing without a namespace', 'POST /api/v1/namespaces/none/configmaps', map, 'namespaces "none" not found'],
  ['with one it is fine', 'POST /api/v1/namespaces/default/configmaps', map, '201'],
])

plugin(
  'PodNodeSelector',
  { podNodeSelectorPluginConfig: { clusterDefaultNodeSelector: 'env=any', default: 'env=test,disk=ssd' } },
  annotate({ 'scheduler.alpha.kubernetes.io/node-selector': 'env=test' }),
  [
    [
      'a pod gets the selector of its namespace',
      `POST ${pods}`,
      plain('a'),
      ({ spec }: PodLike) => assert.deepEqual(spec.nodeSelector, { env: 'test' }),
    ],
    [
      'and may select further',
      `POST ${pods}`,
      plain('b', { nodeSelector: { disk: 'ssd' } }),
      ({ spec }: PodLike) => assert.deepEqual(spec.nodeSelector, { disk: 'ssd', env: 'test' }),
    ],
    [
      'but nothing else instead',
      `POST ${pods}`,
      plain('c', { nodeSelector: { env: 'prod' } }),
      'pods "c" is forbidden: pod node label selector conflicts with its namespace node label selector',
    ],
    [
      'nor what is not listed',
      `POST ${pods}`,
      plain('d', { nodeSelector: { gpu: 'yes' } }),
      'pods "d" is forbidden: pod node label selector labels conflict with its namespace whitelist',
    ],
  ],
)

const tolerations = (...list: object[]) => JSON.stringify(list)
plugin(
  'PodTolerationRestriction',
  { whitelist: [{ operator: 'Exists', effect: 'NoExecute' }] },
  annotate({
    'scheduler.alpha.kubernetes.io/defaultTolerations': tolerations({
      key: 'team',
      operator: 'Equal',
      value: 'a',
      effect: 'NoSchedule',
    }),
    'scheduler.alpha.kubernetes.io/tolerationsWhitelist': tolerations(
      { key: 'team', operator: 'Exists', effect: 'NoSchedule' },
      { operator: 'Exists', effect: 'NoExecute' },
    ),
  }),
  [
    [
      'a pod gets the tolerations of its namespace',
      `POST ${pods}`,
      plain('a'),
      ({ spec }: PodLike) => assert.equal(spec.tolerations.find(({ key }) => key === 'team')?.value, 'a'),
    ],
    [
      'and none that are not listed',
      `POST ${pods}`,
      plain('b', { tolerations: [{ key: 'other', operator: 'Exists', effect: 'NoSchedule' }] }),
      'pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist',
    ],
  ],
)

test('EventRateLimit', async () => {
  const world = new VirtualWorld()
  const limits = [
    { type: 'Namespace', qps: 1, burst: 2 },
    { type: 'User', qps: 100, burst: 100 },
  ]
  await using cluster = await withPlugins({ EventRateLimit: { limits } }, { world })
  let count = 0
  const send = async (namespace: string) => {
    const name = `e${count++}`
    const body = {
      metadata: { name },
      involvedObject: { kind: 'Pod', name: 'p', namespace },
      reason: 'r',
      type: 'Normal',
    }
    return outcome(await call(cluster, `POST /api/v1/namespaces/${namespace}/events`, body))
  }
  assert.equal(await send('default'), '201')
  assert.equal(await send('default'), '201')
  assert.equal(await send('default'), 'limit reached on type Namespace for key default')
  assert.equal(await send('kube-system'), '201', 'each namespace for itself')
  await world.clock.advance(1000)
  assert.equal(await send('default'), '201', 'one a second comes after')
  assert.equal(await send('default'), 'limit reached on type Namespace for key default')
})

describe('OwnerReferencesPermissionEnforcement', async () => {
  const cluster = await withPlugins({ OwnerReferencesPermissionEnforcement: undefined })
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default'
  const maps = '/api/v1/namespaces/default/configmaps'
  const rules = [
    { verbs: ['create', 'update', 'get', 'patch'], apiGroups: [''], resources: ['configmaps'] },
    { verbs: ['delete'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['deletable'] },
  ]
  await call(cluster, `POST ${rbac}/roles`, { metadata: { name: 'writer' }, rules })
  await call(cluster, `POST ${rbac}/rolebindings`, {
    metadata: { name: 'writer' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'writer' },
    subjects: [{ kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' }],
  })
  await cluster.settle()
  const owned = (name: string, blockOwnerDeletion: boolean, kind = 'Deployment') => ({
    metadata: {
      name,
      ownerReferences: [
        { apiVersion: kind === 'Deployment' ? 'apps/v1' : 'v9', kind, name: 'd', uid: 'u', blockOwnerDeletion },
      ],
    },
  })
  const jane = someone('jane')
  for (const [title, body, expected] of [
    ['an owner is set by who may delete the object', owned('deletable', false), '201'],
    [
      'and by nobody else',
      owned('fixed', false),
      'configmaps "fixed" is forbidden: cannot set an ownerRef on a resource you can\'t delete: , <nil>',
    ],
    [
      'one is held back by who may set its finalizers',
      owned('deletable', true),
      'configmaps "deletable" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can\'t set finalizers on: , <nil>',
    ],
    [
      'and only where it is known',
      owned('deletable', true, 'Nothing'),
      'configmaps "deletable" is forbidden: cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion v9 Kind Nothing: no matches for kind "Nothing" in version "v9"',
    ],
  ] as const)
    test(title, async () => {
      assert.equal(outcome(await call(cluster, `POST ${maps}`, body, jane)), expected)
      if (expected === '201') await call(cluster, `DELETE ${maps}/deletable`)
    })
})

test('AlwaysDeny lets nothing in', async () => {
  await using cluster = await withPlugins({ AlwaysDeny: undefined }).catch((error: Error) => {
    // Not even the server itself can write then; the reference ends the same way.
    assert.match(error.message, /admission control is denying all modifications/)
    return { [Symbol.asyncDispose]: async () => {} }
  })
  assert.ok(cluster)
})

describe('on by default', async () => {
  const cluster = await withPlugins({})
  await call(cluster, 'POST /api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })

  test('DefaultIngressClass: the youngest of several', async () => {
    const mark = { 'ingressclass.kubernetes.io/is-default-class': 'true' }
    const classes = '/apis/networking.k8s.io/v1/ingressclasses'
    for (const [name, annotations] of [
      ['a', mark],
      ['b', mark],
      ['c', {}],
    ] as const)
      await call(cluster, `POST ${classes}`, { metadata: { name, annotations }, spec: { controller: 'x.io/y' } })
    const ingresses = '/apis/networking.k8s.io/v1/namespaces/default/ingresses'
    const backend = { service: { name: 's', port: { number: 80 } } }
    const make = async (name: string, more: object, annotations = {}) =>
      (
        await call(cluster, `POST ${ingresses}`, {
          metadata: { name, annotations },
          spec: { defaultBackend: backend, ...more },
        })
      ).json.spec.ingressClassName
    assert.equal(await make('none', {}), 'a')
    assert.equal(await make('named', { ingressClassName: 'c' }), 'c')
    assert.equal(await make('old', {}, { 'kubernetes.io/ingress.class': 'z' }), undefined)
  })

  test('PodTopologyLabels: a pod carries where its node is, by whichever way it came there', async () => {
    const where = { 'topology.kubernetes.io/zone': 'z1', 'topology.kubernetes.io/region': 'r1' }
    await call(cluster, 'POST /api/v1/nodes', { metadata: { name: 'n', labels: { ...where, other: 'x' } } })
    const direct = await call(cluster, `POST ${pods}`, plain('direct', { nodeName: 'n' }, { labels: { a: 'b' } }))
    assert.deepEqual(direct.json.metadata.labels, { a: 'b', ...where })
    await call(cluster, `POST ${pods}`, plain('bound', {}, { labels: { 'topology.kubernetes.io/zone': 'lie' } }))
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'bound' },
      target: { kind: 'Node', name: 'n' },
    }
    assert.equal((await call(cluster, `POST ${pods}/bound/binding`, binding)).status, 201)
    assert.deepEqual((await call(cluster, `GET ${pods}/bound`)).json.metadata.labels, where)
  })

  test('Priority: one class alone is the default', async () => {
    const classes = '/apis/scheduling.k8s.io/v1/priorityclasses'
    const make = async (name: string) =>
      outcome(await call(cluster, `POST ${classes}`, { metadata: { name }, value: 1, globalDefault: true }))
    assert.equal(await make('usual'), '201')
    assert.equal(
      await make('other'),
      'priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
    )
    assert.equal(outcome(await call(cluster, `PATCH ${classes}/usual`, { metadata: { labels: { a: 'b' } } })), '200')
    const { json: pod } = await call(cluster, `POST ${pods}`, plain('prior'))
    assert.equal(pod.spec.priority, 1)
    const { priority: _, preemptionPolicy: _p, ...spec } = pod.spec
    assert.equal(
      outcome(await call(cluster, `PUT ${pods}/prior`, { ...pod, spec })),
      '200',
      'it keeps what it was given',
    )
    await call(cluster, `DELETE ${classes}/usual`)
  })

  test('LimitRanger and ResourceQuota: also when a pod is resized', async () => {
    const limits = [{ type: 'Container', max: { cpu: '2' } }]
    await call(cluster, 'POST /api/v1/namespaces/default/limitranges', { metadata: { name: 'l' }, spec: { limits } })
    const resources = (cpu: string) => ({
      containers: [{ name: 'c', image: 'app:1', resources: { requests: { cpu }, limits: { cpu } } }],
    })
    await call(cluster, `POST ${pods}`, plain('sized', resources('1')))
    const resize = async (cpu: string) => outcome(await call(cluster, `PUT ${pods}/sized/resize`, await resized(cpu)))
    const resized = async (cpu: string) => {
      const { json } = await call(cluster, `GET ${pods}/sized`)
      const [container] = json.spec.containers
      return {
        ...json,
        spec: { ...json.spec, containers: [{ ...container, resources: { requests: { cpu }, limits: { cpu } } }] },
      }
    }
    assert.equal(await resize('3'), 'pods "sized" is forbidden: maximum cpu usage per Container is 2, but limit is 3')
    assert.equal(await resize('2'), '200')
    const quotas = '/api/v1/namespaces/default/resourcequotas'
    await call(cluster, `POST ${quotas}`, { metadata: { name: 'q' }, spec: { hard: { 'requests.cpu': '2' } } })
    const status = { hard: { 'requests.cpu': '2' }, used: { 'requests.cpu': '2' } }
    await call(cluster, `PATCH ${quotas}/q/status`, { status })
    await call(cluster, 'DELETE /api/v1/namespaces/default/limitranges/l')
    assert.equal(
      await resize('2500m'),
      'pods "sized" is forbidden: exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=2, limited: requests.cpu=2',
    )
    await call(cluster, `DELETE ${quotas}/q`)
  })

  test('ServiceAccount: secrets that an account does not list stay closed to containers that come later', async () => {
    const name = 'strict'
    const annotations = { 'kubernetes.io/enforce-mountable-secrets': 'true' }
    await call(cluster, 'POST /api/v1/namespaces/default/serviceaccounts', { metadata: { name, annotations } })
    await call(cluster, `POST ${pods}`, plain('strict', { serviceAccountName: name }))
    const { json } = await call(cluster, `GET ${pods}/strict`)
    const env = [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }]
    const spec = { ...json.spec, ephemeralContainers: [{ name: 'debug', image: 'i', env }] }
    assert.equal(
      outcome(await call(cluster, `PUT ${pods}/strict/ephemeralcontainers`, { ...json, spec })),
      'pods "strict" is forbidden: ephemeral container debug with envVar A referencing secret.secretName="s" is not allowed because service account strict does not reference that secret',
    )
  })

  test('NamespaceLifecycle: three namespaces stay', async () => {
    for (const name of ['default', 'kube-system', 'kube-public'])
      assert.equal(
        outcome(await call(cluster, `DELETE /api/v1/namespaces/${name}`)),
        `namespaces "${name}" is forbidden: this namespace may not be deleted`,
      )
  })
})

test('PodSecurity: defaults and exemptions of its configuration', async () => {
  const configuration = {
    defaults: { enforce: 'baseline', 'enforce-version': 'latest' },
    exemptions: { usernames: ['operator'], namespaces: ['kube-system'], runtimeClasses: [] },
  }
  await using cluster = await withPlugins({ PodSecurity: configuration })
  for (const namespace of ['default', 'kube-system'])
    await call(cluster, `POST /api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } })
  const host = (name: string) => plain(name, { hostNetwork: true })
  assert.match(outcome(await call(cluster, `POST ${pods}`, host('a'))), /violates PodSecurity "baseline:latest"/)
  const operator = { ...root, name: 'operator' }
  assert.equal(outcome(await call(cluster, `POST ${pods}`, host('b'), operator)), '201')
  assert.equal(outcome(await call(cluster, 'POST /api/v1/namespaces/kube-system/pods', host('c'))), '201')
  await call(cluster, 'PATCH /api/v1/namespaces/default', {
    metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } },
  })
  assert.equal(outcome(await call(cluster, `POST ${pods}`, host('d'))), '201', 'a namespace says otherwise')
})

test('ResourceQuota: what is limited needs a quota that says how much', async () => {
  const configuration = {
    limitedResources: [
      { resource: 'pods', matchScopes: [{ scopeName: 'PriorityClass', operator: 'In', values: ['precious'] }] },
      { resource: 'configmaps', matchContains: ['count/configmaps'] },
    ],
  }
  await using cluster = await withPlugins({ ResourceQuota: configuration })
  await call(cluster, 'POST /api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })
  await call(cluster, 'POST /apis/scheduling.k8s.io/v1/priorityclasses', { metadata: { name: 'precious' }, value: 10 })
  const precious = plain('p', { priorityClassName: 'precious' })
  assert.equal(
    outcome(await call(cluster, `POST ${pods}`, precious)),
    'pods "p" is forbidden: insufficient quota to match these scopes: [{PriorityClass In [precious]}]',
  )
  assert.equal(outcome(await call(cluster, `POST ${pods}`, plain('q'))), '201')
  const maps = 'POST /api/v1/namespaces/default/configmaps'
  assert.equal(
    outcome(await call(cluster, maps, map)),
    'configmaps "m" is forbidden: insufficient quota to consume: count/configmaps',
  )
  const quotas = '/api/v1/namespaces/default/resourcequotas'
  await call(cluster, `POST ${quotas}`, { metadata: { name: 'q' }, spec: { hard: { 'count/configmaps': '1' } } })
  await call(cluster, `PATCH ${quotas}/q/status`, {
    status: { hard: { 'count/configmaps': '1' }, used: { 'count/configmaps': '0' } },
  })
  assert.equal(outcome(await call(cluster, maps, map)), '201')
  assert.match(
    outcome(await call(cluster, maps, { metadata: { name: 'n' } })),
    /exceeded quota: q, requested: count\/configmaps=1, used: count\/configmaps=1/,
  )
})

test('ResourceQuota: what is let in is booked in the transaction that stores it, and not without it', async () => {
  await using cluster = await withPlugins({})
  const quotas = '/api/v1/namespaces/default/resourcequotas'
  const maps = 'POST /api/v1/namespaces/default/configmaps'
  const hard = { 'count/configmaps': '4' }
  for (const name of ['one', 'two']) {
    await call(cluster, `POST ${quotas}`, { metadata: { name }, spec: { hard } })
    await call(cluster, `PATCH ${quotas}/${name}/status`, { status: { hard, used: { 'count/configmaps': '0' } } })
  }
  const { json: made } = await call(cluster, maps, map)
  assert.match(outcome(await call(cluster, maps, map)), /already exists/)
  assert.equal(outcome(await call(cluster, `${maps}?dryRun=All`, { metadata: { name: 'dry' } })), '201')
  for (const name of ['one', 'two']) {
    const { json: quota } = await call(cluster, `GET ${quotas}/${name}`)
    assert.equal(quota.metadata.resourceVersion, made.metadata.resourceVersion)
    assert.deepEqual(quota.status.used, { 'count/configmaps': '1' })
    const isBooking = ({ manager, subresource }: Record<string, string>) =>
      manager === 'kube-apiserver' && subresource === 'status'
    assert.ok(quota.metadata.managedFields.some(isBooking))
  }
  const names = Array.from({ length: 30 }, (_, at) => ({ metadata: { name: `m${at}` } }))
  const answers = await Promise.all(names.map((each) => call(cluster, maps, each)))
  assert.equal(answers.filter(({ status }) => status === 201).length, 3)
  assert.ok(answers.every(({ status }) => status === 201 || status === 403))
})

test('DefaultTolerationSeconds: as its flags say', async () => {
  await using server = await accessCluster({ 'default-not-ready-toleration-seconds': '7' })
  await call(server.cluster, 'POST /api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })
  const { json } = await call(server.cluster, `POST ${pods}`, plain('a'))
  assert.deepEqual(
    json.spec.tolerations.map(({ tolerationSeconds }: { tolerationSeconds: number }) => tolerationSeconds),
    [7, 300],
  )
  await assert.rejects(
    accessCluster({ 'default-unreachable-toleration-seconds': 'long' }),
    /parsing "long": invalid syntax$/,
  )
})

describe('which plugins run', () => {
  const names = (options: Parameters<typeof selectPlugins>[0]) => selectPlugins(options).map(({ name }) => name)
  test('by default', () => {
    assert.deepEqual(names({}), [
      ...['NamespaceLifecycle', 'LimitRanger', 'ServiceAccount', 'TaintNodesByCondition', 'PodSecurity', 'Priority'],
      ...['DefaultTolerationSeconds', 'DefaultStorageClass', 'StorageObjectInUseProtection'],
      ...['PersistentVolumeClaimResize', 'RuntimeClass', 'CertificateApproval', 'CertificateSigning'],
      ...['ClusterTrustBundleAttest', 'CertificateSubjectRestriction', 'DefaultIngressClass', 'PodTopologyLabels'],
      ...['NodeDeclaredFeatureValidator', 'MutatingAdmissionPolicy', 'MutatingAdmissionWebhook'],
      ...['ValidatingAdmissionPolicy', 'ValidatingAdmissionWebhook', 'ResourceQuota'],
    ])
  })
  test('the order is that of the list, not of the flag', () => {
    const chosen = names({ enable: ['AlwaysPullImages', 'NodeRestriction'], disable: ['LimitRanger'] })
    assert.deepEqual(chosen.slice(0, 5), [
      'NamespaceLifecycle',
      'ServiceAccount',
      'NodeRestriction',
      'TaintNodesByCondition',
      'AlwaysPullImages',
    ])
  })
  for (const [title, options, message] of [
    ['a name that nobody knows', { enable: ['Nope'] }, 'enable-admission-plugins plugin "Nope" is unknown'],
    ['also to switch off', { disable: ['Nope'] }, 'disable-admission-plugins plugin "Nope" is unknown'],
    [
      'on and off at once',
      { enable: ['Priority'], disable: ['Priority'] },
      '[Priority] in enable-admission-plugins and disable-admission-plugins overlapped',
    ],
  ] as const)
    test(title, () => assert.throws(() => names(options), { message }))
})
