import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { call, nodeUser, outcome, until, withPlugins } from './support/call.ts'

/** What a node agent may and may not do, asked over the whole server: the node authorizer and NodeRestriction together. */

const cluster = await withPlugins({ NodeRestriction: undefined })
after(() => cluster[Symbol.asyncDispose]())
const n1 = nodeUser('n1')
const as1 = async (what: string, body?: object) => outcome(await call(cluster, what, body, n1))
const admin = (what: string, body?: object) => call(cluster, what, body)
const pods = '/api/v1/namespaces/default/pods'
const accounts = '/api/v1/namespaces/default/serviceaccounts'

await admin(`POST ${accounts}`, { metadata: { name: 'default' } })
await admin(`POST ${accounts}`, { metadata: { name: 'other' } })
const tokenVolume = { projected: { sources: [{ serviceAccountToken: { path: 't', audience: 'vault' } }] } }
const pod = (name: string, nodeName: string, more: object = {}) => ({
  metadata: { name },
  spec: { nodeName, containers: [{ name: 'c', image: 'i' }], ...more },
})
const secretVolume = (secretName: string) => ({ name: `v-${secretName}`, secret: { secretName } })
await admin(`POST ${pods}`, {
  ...pod('mine', 'n1', {
    imagePullSecrets: [{ name: 'pull' }],
    containers: [
      {
        name: 'c',
        image: 'i',
        envFrom: [{ secretRef: { name: 'env' } }, { configMapRef: { name: 'settings' } }],
        env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'key', key: 'k' } } }],
      },
    ],
    volumes: [
      secretVolume('mounted'),
      { name: 'claim', persistentVolumeClaim: { claimName: 'data' } },
      { name: 'vault', ...tokenVolume },
    ],
  }),
})
await admin(`POST ${pods}`, pod('theirs', 'n2', { volumes: [secretVolume('foreign')] }))
await admin(`POST ${pods}`, pod('nobodys', '', { volumes: [secretVolume('unbound')] }))
await admin('POST /api/v1/persistentvolumes', {
  metadata: { name: 'volume' },
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    claimRef: { namespace: 'default', name: 'data' },
    csi: {
      driver: 'd',
      volumeHandle: 'h',
      nodeStageSecretRef: { namespace: 'storage', name: 'stage' },
      controllerPublishSecretRef: { namespace: 'storage', name: 'attach' },
    },
  },
})
await admin('POST /apis/storage.k8s.io/v1/volumeattachments', {
  metadata: { name: 'attached' },
  spec: { attacher: 'd', nodeName: 'n1', source: { persistentVolumeName: 'volume' } },
})
await until(async () => (await as1('GET /apis/storage.k8s.io/v1/volumeattachments/attached')) === '200')
const { json: mine } = await admin(`GET ${pods}/mine`)

const forbidden = (what: string, verb: string, resource: string, where: string, why: string, group = '') =>
  `${what} is forbidden: User "system:node:n1" cannot ${verb} resource "${resource}" in API group "${group}" ${where}${why === '' ? '' : `: ${why}`}`
const inDefault = 'in the namespace "default"'
const everywhere = 'at the cluster scope'
const unrelated = "no relationship found between node 'n1' and this object"
const noSecret = (name: string, namespace = 'default') =>
  forbidden(`secrets "${name}"`, 'get', 'secrets', `in the namespace "${namespace}"`, unrelated)
const missing = (resource: string, name: string) => `${resource} "${name}" not found`

describe('a node agent reads', () => {
  const secrets = '/api/v1/namespaces/default/secrets'
  for (const [what, expected] of [
    // What is not there, but might be, is answered as such: the node may know.
    ...['mounted', 'env', 'key', 'pull'].map((name) => [`GET ${secrets}/${name}`, missing('secrets', name)]),
    ['GET /api/v1/namespaces/default/configmaps/settings', missing('configmaps', 'settings')],
    [`GET ${secrets}/foreign`, noSecret('foreign')],
    [`GET ${secrets}/unbound`, noSecret('unbound')],
    [`GET ${secrets}/unheard-of`, noSecret('unheard-of')],
    ['GET /api/v1/namespaces/kube-system/secrets/mounted', noSecret('mounted', 'kube-system')],
    ['GET /api/v1/namespaces/storage/secrets/stage', missing('secrets', 'stage')],
    ['GET /api/v1/namespaces/storage/secrets/attach', noSecret('attach', 'storage')],
    [`GET ${secrets}`, forbidden('secrets', 'list', 'secrets', inDefault, 'No Object name found')],
    [`GET ${secrets}?fieldSelector=metadata.name%3Dmounted`, '200'],
    [
      'GET /api/v1/secrets',
      forbidden('secrets', 'list', 'secrets', everywhere, 'can only read namespaced object of this type'),
    ],
    ['GET /api/v1/persistentvolumes/volume', '200'],
    ['GET /api/v1/namespaces/default/persistentvolumeclaims/data', missing('persistentvolumeclaims', 'data')],
    ['GET /apis/storage.k8s.io/v1/volumeattachments/attached', '200'],
    [`GET ${pods}/mine`, '200'],
    [`GET ${pods}/theirs`, forbidden('pods "theirs"', 'get', 'pods', inDefault, unrelated)],
    ['GET /api/v1/pods?fieldSelector=spec.nodeName%3Dn1', '200'],
    [
      'GET /api/v1/pods?fieldSelector=spec.nodeName%3Dn2',
      forbidden('pods', 'list', 'pods', everywhere, 'can only list/watch pods with spec.nodeName field selector'),
    ],
    [
      'GET /api/v1/pods',
      forbidden('pods', 'list', 'pods', everywhere, 'can only list/watch pods with spec.nodeName field selector'),
    ],
    ['GET /api/v1/nodes/n1', missing('nodes', 'n1')],
    [
      'GET /api/v1/nodes/n2',
      forbidden('nodes "n2"', 'get', 'nodes', everywhere, "node 'n1' cannot read 'n2', only its own Node object"),
    ],
    ['GET /api/v1/services', '200'],
    [
      'GET /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1',
      missing('leases.coordination.k8s.io', 'n1'),
    ],
    [
      'GET /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n2',
      forbidden(
        'leases.coordination.k8s.io "n2"',
        'get',
        'leases',
        'in the namespace "kube-node-lease"',
        'can only access node lease with the same name as the requesting node',
        'coordination.k8s.io',
      ),
    ],
    [
      'GET /apis/coordination.k8s.io/v1/namespaces/default/leases/n1',
      forbidden(
        'leases.coordination.k8s.io "n1"',
        'get',
        'leases',
        inDefault,
        'can only access leases in the "kube-node-lease" system namespace',
        'coordination.k8s.io',
      ),
    ],
    [
      'GET /apis/resource.k8s.io/v1/resourceslices',
      forbidden(
        'resourceslices.resource.k8s.io',
        'list',
        'resourceslices',
        everywhere,
        'can only list/watch/deletecollection resourceslices with nodeName field selector',
        'resource.k8s.io',
      ),
    ],
    ['GET /apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.nodeName%3Dn1', '200'],
  ] as const)
    test(what!, async () => assert.equal(await as1(what!), expected))
})

describe('what a node may read goes with its pods', () => {
  test('a secret is closed again when the pod is gone', async () => {
    const secret = 'GET /api/v1/namespaces/default/secrets/passing'
    await admin(`POST ${pods}`, pod('passing', 'n1', { volumes: [secretVolume('passing')] }))
    await until(async () => (await as1(secret)) === missing('secrets', 'passing'))
    await admin(`DELETE ${pods}/passing?gracePeriodSeconds=0`)
    await until(async () => (await as1(secret)) === noSecret('passing'))
  })

  test('a mirror pod, which a node makes itself, opens nothing', async () => {
    const node = await admin('POST /api/v1/nodes', { metadata: { name: 'n1' } })
    const uid = node.json.metadata.uid
    const mirror = (more: object, owner: object = {}) => ({
      metadata: {
        name: 'static-n1',
        annotations: { 'kubernetes.io/config.mirror': 'x' },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid, controller: true, ...owner }],
      },
      spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }], ...more },
    })
    // Of service accounts and secrets the plugin ServiceAccount speaks first.
    const refused = (why: string) => `pods "static-n1" is forbidden: ${why}`
    for (const [body, expected] of [
      [mirror({ volumes: [secretVolume('wanted')] }), refused('a mirror pod may not reference secrets')],
      [
        mirror({ volumes: [{ name: 'c', configMap: { name: 'wanted' } }] }),
        refused('node "n1" can not create pods that reference configmaps'),
      ],
      [mirror({ serviceAccountName: 'default' }), refused('a mirror pod may not reference service accounts')],
      [
        mirror({ volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'x' } }] }),
        refused('node "n1" can not create pods that reference persistentvolumeclaims'),
      ],
      [mirror({ nodeName: 'n2' }), refused('node "n1" can only create pods with spec.nodeName set to itself')],
      [mirror({}, { name: 'n2' }), refused('node "n1" can only create pods with an owner reference set to itself')],
      [
        mirror({}, { controller: false }),
        refused('node "n1" can only create pods with a controller owner reference set to itself'),
      ],
      [
        mirror({}, { blockOwnerDeletion: true }),
        refused('node "n1" must not set blockOwnerDeletion on an owner reference'),
      ],
      [mirror({}, { uid: 'else' }), refused(`node n1 UID mismatch: expected else got ${uid}`)],
      [
        pod('static-n1', 'n1'),
        refused('pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods'),
      ],
      [mirror({}), '201'],
    ] as const)
      assert.equal(await as1(`POST ${pods}`, body), expected)
    await admin(`DELETE ${pods}/static-n1?gracePeriodSeconds=0`)
    await admin('DELETE /api/v1/nodes/n1')
  })
})

describe('a node agent writes', () => {
  const no = (what: string, why: string) => `${what} is forbidden: ${why}`
  const token = (audiences: string[], bound?: object) => ({
    spec: { audiences, ...(bound && { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', ...bound } }) },
  })
  const own = { name: 'mine', uid: mine.metadata.uid }
  const notYet = 'serviceaccounts "default" is forbidden'
  for (const [title, what, body, expected] of [
    [
      'its own node',
      'POST /api/v1/nodes',
      { metadata: { name: 'n1', labels: { 'kubernetes.io/os': 'linux', 'node.kubernetes.io/x': 'y', team: 'a' } } },
      '201',
    ],
    [
      'no other node',
      'POST /api/v1/nodes',
      { metadata: { name: 'n2' } },
      no('nodes "n2"', 'node "n1" is not allowed to modify node "n2"'),
    ],
    [
      'no label that draws pods',
      'PATCH /api/v1/nodes/n1',
      { metadata: { labels: { 'node-restriction.kubernetes.io/a': 'b', 'kubernetes.io/c': 'd' } } },
      no('nodes "n1"', 'is not allowed to modify labels: kubernetes.io/c, node-restriction.kubernetes.io/a'),
    ],
    [
      'labels of its own',
      'PATCH /api/v1/nodes/n1',
      { metadata: { labels: { 'kubelet.kubernetes.io/z': 'w' } } },
      '200',
    ],
    [
      'no taint',
      'PATCH /api/v1/nodes/n1',
      { spec: { taints: null } },
      no('nodes "n1"', 'node "n1" is not allowed to modify taints'),
    ],
    ['the status of its pods', `PATCH ${pods}/mine/status`, { status: { phase: 'Running' } }, '200'],
    [
      'and not their labels',
      `PATCH ${pods}/mine/status`,
      { metadata: { labels: { a: 'b' } } },
      no('pods "mine"', 'node "n1" cannot update labels through pod status'),
    ],
    [
      'no status of others',
      `PATCH ${pods}/theirs/status`,
      { status: { phase: 'Running' } },
      no('pods "theirs"', 'node "n1" can only update pod status for pods with spec.nodeName set to itself'),
    ],
    [
      'no end of other pods',
      `DELETE ${pods}/theirs`,
      undefined,
      no('pods "theirs"', 'node "n1" can only delete pods with spec.nodeName set to itself'),
    ],
    [
      'no eviction of other pods',
      `POST ${pods}/theirs/eviction`,
      { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'theirs' } },
      no('pods "theirs"', 'node n1 can only evict pods with spec.nodeName set to itself'),
    ],
    [
      'its lease',
      'POST /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases',
      { metadata: { name: 'n1' } },
      '201',
    ],
    [
      'no other lease',
      'POST /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases',
      { metadata: { name: 'n2' } },
      no('leases.coordination.k8s.io "n2"', 'can only access node lease with the same name as the requesting node'),
    ],
    [
      'no other driver list',
      'POST /apis/storage.k8s.io/v1/csinodes',
      { metadata: { name: 'n2' }, spec: { drivers: [] } },
      no('csinodes.storage.k8s.io "n2"', 'can only access CSINode with the same name as the requesting node'),
    ],
    [
      'no slice of another node',
      'POST /apis/resource.k8s.io/v1/resourceslices',
      {
        metadata: { name: 's' },
        spec: { driver: 'd.x', nodeName: 'n2', pool: { name: 'p', generation: 1, resourceSliceCount: 1 } },
      },
      no(
        'resourceslices.resource.k8s.io "s"',
        'can only create ResourceSlice with the same NodeName as the requesting node',
      ),
    ],
    ['a token for its pod and an audience of a volume', `POST ${accounts}/default/token`, token(['vault'], own), '201'],
    [
      'none for another audience',
      `POST ${accounts}/default/token`,
      token(['bank'], own),
      `${notYet}: audience "bank" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience`,
    ],
    [
      'none for two audiences',
      `POST ${accounts}/default/token`,
      token(['vault', 'bank'], own),
      `${notYet}: node may only request 0 or 1 audiences`,
    ],
    [
      'none without a pod',
      `POST ${accounts}/default/token`,
      token([]),
      `${notYet}: node requested token not bound to a pod`,
    ],
    [
      'none without the uid of the pod',
      `POST ${accounts}/default/token`,
      token([], { name: 'mine' }),
      `${notYet}: node requested token with a pod binding without a uid`,
    ],
    [
      'none for a pod of that name that is gone',
      `POST ${accounts}/default/token`,
      token([], { name: 'mine', uid: 'old' }),
      `${notYet}: the UID in the bound object reference (old) does not match the UID in record. The object might have been deleted and then recreated`,
    ],
    [
      'none for an account of which no pod runs there',
      `POST ${accounts}/other/token`,
      token([], own),
      forbidden('serviceaccounts "other"', 'create', 'serviceaccounts/token', inDefault, unrelated),
    ],
  ] as const)
    test(title, async () => assert.equal(await as1(what, body), expected))
})

test('a node without a name, or without the group of nodes, is no node', async () => {
  const nameless = { name: 'system:node:', groups: ['system:nodes', 'system:authenticated'] }
  assert.match(
    outcome(await call(cluster, 'GET /api/v1/nodes/n1', undefined, nameless)),
    /unknown node for user "system:node:"$/,
  )
  const groupless = { name: 'system:node:n1', groups: ['system:authenticated'] }
  assert.match(outcome(await call(cluster, 'GET /api/v1/nodes/n1', undefined, groupless)), /at the cluster scope$/)
})
