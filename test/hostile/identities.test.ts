import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import * as http2 from 'node:http2'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ServedCluster } from '../../src/cluster/serve.ts'
import { createAuthority, issueCertificate, type KeyPair } from '../../src/lifecycle/pki.ts'
import { quietWorld, serve } from '../support/served.ts'

/** People who say that they are somebody else, over a real socket: by certificates, headers, tokens, impersonation. */

let served: ServedCluster
let folder = ''
let clients: KeyPair
const proxies = createAuthority('proxies', quietWorld)
const strangers = createAuthority('kubernetes', quietWorld)

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coracle-identities-'))
  await writeFile(join(folder, 'proxies.crt'), proxies.certificate)
  served = await serve({
    dataDir: join(folder, 'data'),
    accessFlags: {
      'requestheader-client-ca-file': join(folder, 'proxies.crt'),
      'requestheader-allowed-names': 'front-proxy,second-proxy',
    },
  })
  const file = (name: string) => readFile(join(folder, 'data/pki', name), 'utf8')
  clients = { certificate: await file('ca.crt'), key: await file('ca.key') }
})
after(async () => {
  await served[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

type Headers = Readonly<Record<string, string | readonly string[]>>

const certify = (authority: KeyPair, commonName: string, organizations: string[] = [], more: object = {}) =>
  issueCertificate(authority, { commonName, organizations, usages: ['client'], ...more }, quietWorld)

const admin = (): KeyPair => ({ certificate: served.admin.clientCertificate!, key: served.admin.clientKey! })

/** Tests look into answers of all shapes. */
// biome-ignore lint/suspicious/noExplicitAny: see above
type Json = any

interface Answer {
  readonly status: number
  readonly json: Json
}

function send(method: string, path: string, headers: Headers, as?: KeyPair, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...{ host: '127.0.0.1', port: served.port, method, path, agent: false, ca: served.certificateAuthority },
        headers: { 'content-type': 'application/json', ...headers } as Record<string, string[] | string>,
        ...(as && { cert: as.certificate, key: as.key }),
      },
      async (response) => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk)
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({ status: response.statusCode!, json: text.startsWith('{') ? JSON.parse(text) : text })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body && JSON.stringify(body))
  })
}

const review = '/apis/authentication.k8s.io/v1/selfsubjectreviews'

/** Who somebody is taken for: `name [groups]`, or the status and the message. */
async function whoAmI(headers: Headers, as?: KeyPair): Promise<string> {
  return shown(await send('POST', review, headers, as, {}))
}

function shown({ status, json }: Answer): string {
  if (status !== 201) return `${status} ${json.message}`
  const { username, groups = [] } = json.status.userInfo
  return `${username} [${groups.join('|')}]`
}

describe('a client certificate', () => {
  test('says who somebody is', async () => {
    assert.equal(await whoAmI({}, certify(clients, 'jane', ['dev', 'ops'])), 'jane [dev|ops|system:authenticated]')
  })
  for (const [title, make] of [
    ['of another authority of the same name', () => certify(strangers, 'jane', ['system:masters'])],
    ['of the authority of front proxies', () => certify(proxies, 'jane', ['system:masters'])],
    ['that is over', () => certify(clients, 'jane', ['system:masters'], { validityMs: -1 })],
    ['for servers', () => certify(clients, 'jane', ['system:masters'], { usages: ['server'] })],
  ] as const)
    test(`${title}: refused`, async () => assert.equal(await whoAmI({}, make()), '401 Unauthorized'))
})

const forged = { 'x-remote-user': 'root', 'x-remote-group': 'system:masters', 'x-remote-uid': '0' }

describe('headers of a front proxy', () => {
  test('are believed from a front proxy', async () => {
    const headers = { 'x-remote-user': 'jane', 'x-remote-group': ['dev', 'a, b'], 'x-remote-extra-Team%2fname': 'red' }
    const { json } = await send('POST', review, headers, certify(proxies, 'front-proxy'), {})
    assert.deepEqual(json.status.userInfo, {
      username: 'jane',
      groups: ['dev', 'a, b', 'system:authenticated'],
      extra: { 'team/name': ['red'] },
    })
  })

  test('over HTTP/2 as well, and a comma in a group makes no second one', async () => {
    const { certificate: cert, key } = certify(proxies, 'front-proxy')
    const session = http2.connect(served.url, { ca: served.certificateAuthority, cert, key })
    const stream = session.request({
      ':method': 'POST',
      ':path': review,
      'content-type': 'application/json',
      'x-remote-user': 'jane',
      'x-remote-group': ['x, system:masters', 'y'],
    })
    stream.end('{}')
    let text = ''
    for await (const chunk of stream) text += chunk
    session.close()
    assert.deepEqual(JSON.parse(text).status.userInfo.groups, ['x, system:masters', 'y', 'system:authenticated'])
  })

  for (const [title, as, expected] of [
    ['nobody', undefined, '403'],
    ['a client', () => certify(clients, 'jane'), 'jane [system:authenticated]'],
    [
      'a client that is called like a front proxy',
      () => certify(clients, 'front-proxy'),
      'front-proxy [system:authenticated]',
    ],
    ['a front proxy whose name is not allowed', () => certify(proxies, 'other-proxy'), '401'],
    ['a front proxy of another authority', () => certify(strangers, 'front-proxy'), '401'],
  ] as const)
    test(`from ${title} they mean nothing`, async () => {
      const answer = await whoAmI(forged, as?.())
      assert.ok(answer.startsWith(expected), answer)
    })

  test('a front proxy that says for nobody is nobody', async () => {
    assert.equal(await whoAmI({}, certify(proxies, 'front-proxy')), '401 Unauthorized')
  })

  for (const [title, headers] of [
    ['with an underscore', { x_remote_user: 'root', 'x-remote-group': 'system:masters' }],
    ['in other letters', { 'X-REMOTE-USER': 'root', 'X-Remote-Group': 'system:masters' }],
    ['twice', { 'x-remote-user': ['root', 'admin'], 'x-remote-group': ['system:masters'] }],
  ] as const)
    test(`written ${title}, from a client, they mean nothing`, async () => {
      assert.equal(await whoAmI(headers as Headers, certify(clients, 'jane')), 'jane [system:authenticated]')
    })
})

describe('acting as somebody else', () => {
  const jane = () => certify(clients, 'jane')
  for (const [title, headers] of [
    ['as an administrator', { 'impersonate-user': 'kubernetes-admin' }],
    ['in the group of masters', { 'impersonate-user': 'jane', 'impersonate-group': 'system:masters' }],
    ['as a node', { 'impersonate-user': 'system:node:n1', 'impersonate-group': 'system:nodes' }],
    ['as a service account', { 'impersonate-user': 'system:serviceaccount:kube-system:default' }],
    ['under another uid', { 'impersonate-user': 'jane', 'impersonate-uid': '0' }],
    ['with extras', { 'impersonate-user': 'jane', 'impersonate-extra-scopes': 'all' }],
  ] as const)
    test(`${title}: refused without the right`, async () =>
      assert.match(await whoAmI(headers, jane()), /^403 .*cannot impersonate/))

  test('who may act as one group may not slip in another behind a comma', async () => {
    const rbac = '/apis/rbac.authorization.k8s.io/v1'
    const rules = [
      { verbs: ['impersonate'], apiGroups: [''], resources: ['users'], resourceNames: ['bob'] },
      { verbs: ['impersonate'], apiGroups: [''], resources: ['groups'], resourceNames: ['dev', 'dev,system:masters'] },
    ]
    await send('POST', `${rbac}/clusterroles`, {}, admin(), { metadata: { name: 'acting' }, rules })
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'acting' }
    const subjects = [{ kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' }]
    await send('POST', `${rbac}/clusterrolebindings`, {}, admin(), { metadata: { name: 'acting' }, roleRef, subjects })
    await served.cluster.settle()
    const as = { 'impersonate-user': 'bob', 'impersonate-group': 'dev,system:masters' }
    assert.equal(await whoAmI(as, jane()), 'bob [dev,system:masters|system:authenticated]')
    assert.equal((await send('GET', '/api/v1/secrets', as, jane())).status, 403)
  })
})

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

describe('a token of a service account', () => {
  const accounts = '/api/v1/namespaces/default/serviceaccounts'
  const make = (path: string, body: object) => send('POST', path, {}, admin(), body)
  async function tokenFor(account: string, spec: object = {}): Promise<string> {
    const { json } = await make(`${accounts}/${account}/token`, { spec })
    return json.status.token
  }
  before(async () => {
    await make(accounts, { metadata: { name: 'robot' } })
    await make(accounts, { metadata: { name: 'default' } })
  })
  const robot =
    'system:serviceaccount:default:robot [system:serviceaccounts|system:serviceaccounts:default|system:authenticated]'

  test('says who it is', async () => assert.equal(await whoAmI(bearer(await tokenFor('robot'))), robot))

  test('for another audience is worth nothing here', async () => {
    assert.equal(await whoAmI(bearer(await tokenFor('robot', { audiences: ['vault'] }))), '401 Unauthorized')
  })

  test('bound to a pod that is gone is worth nothing, though another pod has its name', async () => {
    const pod = {
      metadata: { name: 'p' },
      spec: { serviceAccountName: 'robot', containers: [{ name: 'c', image: 'i' }] },
    }
    const pods = '/api/v1/namespaces/default/pods'
    await make(pods, pod)
    const token = await tokenFor('robot', { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p' } })
    await send('DELETE', `${pods}/p?gracePeriodSeconds=0`, {}, admin())
    await make(pods, pod)
    assert.equal(await whoAmI(bearer(token)), '401 Unauthorized')
  })

  test('of an account that is gone is worth nothing, though another has its name', async () => {
    await make(accounts, { metadata: { name: 'gone' } })
    const token = await tokenFor('gone')
    await send('DELETE', `${accounts}/gone`, {}, admin())
    await make(accounts, { metadata: { name: 'gone' } })
    assert.equal(await whoAmI(bearer(token)), '401 Unauthorized')
  })

  test('with anything changed is worth nothing', async () => {
    const [head, body, signature] = (await tokenFor('robot')).split('.') as [string, string, string]
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'))
    const other = Buffer.from(JSON.stringify({ ...claims, sub: 'system:serviceaccount:kube-system:admin' })).toString(
      'base64url',
    )
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    for (const token of [`${head}.${other}.${signature}`, `${none}.${body}.`, `${head}.${body}.`, `${head}.${body}`])
      assert.equal(await whoAmI(bearer(token)), '401 Unauthorized')
  })

  test('cannot be had by who may not ask for it', async () => {
    const answer = await send('POST', `${accounts}/robot/token`, {}, certify(clients, 'jane'), { spec: {} })
    assert.equal(answer.status, 403)
  })
})

describe('a bootstrap token', () => {
  const secrets = '/api/v1/namespaces/kube-system/secrets'
  const make = (id: string, data: Readonly<Record<string, string>>, more: object = {}) =>
    send('POST', secrets, {}, admin(), {
      metadata: { name: `bootstrap-token-${id}` },
      type: 'bootstrap.kubernetes.io/token',
      stringData: {
        'token-id': id,
        'token-secret': '0123456789abcdef',
        'usage-bootstrap-authentication': 'true',
        ...data,
      },
      ...more,
    })
  const token = (id: string, secret = '0123456789abcdef') => bearer(`${id}.${secret}`)

  test('lets a new node in, as a bootstrapper', async () => {
    await make('aaaaaa', { 'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token' })
    assert.equal(
      await whoAmI(token('aaaaaa')),
      'system:bootstrap:aaaaaa [system:bootstrappers|system:bootstrappers:kubeadm:default-node-token|system:authenticated]',
    )
  })
  for (const [title, id, data] of [
    ['over', 'bbbbbb', { expiration: '2001-01-01T00:00:00Z' }],
    ['over at a time that nobody can read', 'cccccc', { expiration: 'soon' }],
    ['meant for signing alone', 'dddddd', { 'usage-bootstrap-authentication': 'false' }],
    ['with a group of the system', 'eeeeee', { 'auth-extra-groups': 'system:masters' }],
    ['whose name is another’s', 'ffffff', { 'token-id': 'aaaaaa' }],
  ] as const)
    test(`${title}: refused`, async () => {
      await make(id, data)
      assert.equal(await whoAmI(token(id)), '401 Unauthorized')
    })
  test('with a wrong secret, or of a secret of another type: refused', async () => {
    assert.equal(await whoAmI(token('aaaaaa', '0123456789abcdeX')), '401 Unauthorized')
    assert.equal(await whoAmI(token('aaaaaa', '0123456789abcdee')), '401 Unauthorized')
    await make('gggggg', {}, { type: 'Opaque' })
    assert.equal(await whoAmI(token('gggggg')), '401 Unauthorized')
  })
})

describe('without any credential', () => {
  test('there is nothing but health, the version and a refusal', async () => {
    const open: string[] = []
    for (const path of [
      '/healthz',
      '/livez',
      '/readyz',
      '/version',
      '/api',
      '/apis',
      '/openapi/v2',
      '/openapi/v3',
      '/metrics',
      '/logs',
      '/debug/pprof/',
      '/openid/v1/jwks',
      '/.well-known/openid-configuration',
      '/api/v1/nodes',
    ]) {
      const { status } = await send('GET', path, {})
      if (status === 200) open.push(path)
    }
    assert.deepEqual(open, ['/healthz', '/livez', '/readyz', '/version'])
  })
  test('a token that nobody knows is not the same as none', async () => {
    assert.equal(await whoAmI(bearer('nonsense')), '401 Unauthorized')
  })
})
