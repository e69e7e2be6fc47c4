import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { describe, test } from 'node:test'
import { usualSettings } from '../src/apiserver/access/settings.ts'
import { type Cluster, startCluster } from '../src/cluster/cluster.ts'
import { accessCluster } from './support/access.ts'
import { call } from './support/call.ts'

/** The keys with which tokens of service accounts are signed: changed without anybody being thrown out, and published. */

const keyPair = (type: 'rsa' | 'P-256' | 'P-384' | 'P-521') => {
  const made =
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: type })
  return {
    private: made.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    public: made.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}

const start = (signingKey: string, further: readonly string[] = []) =>
  startCluster({
    apiOnly: true,
    signingKey,
    access: { ...usualSettings, authentication: { ...usualSettings.authentication, serviceAccountKeys: further } },
  })

const accounts = '/api/v1/namespaces/default/serviceaccounts'

async function tokenOf(cluster: Cluster): Promise<string> {
  await call(cluster, `POST ${accounts}`, { metadata: { name: 'robot' } })
  return (await call(cluster, `POST ${accounts}/robot/token`, { spec: {} })).json.status.token
}

async function isKnown(cluster: Cluster, token: string): Promise<boolean> {
  const { json } = await call(cluster, 'POST /apis/authentication.k8s.io/v1/tokenreviews', { spec: { token } })
  return json.status.authenticated === true
}

test('after a change of keys old tokens hold as long as their key is listed', async () => {
  const [old, fresh] = [keyPair('P-256'), keyPair('P-256')]
  await using before = await start(old.private)
  const token = await tokenOf(before)
  await using rotated = await before.fork()
  assert.equal(await isKnown(rotated, token), true)

  // The same accounts under the new key, first with the old one beside it, then without.
  const store = await before.store.fork()
  await using both = await startCluster({
    apiOnly: true,
    store,
    signingKey: fresh.private,
    access: { ...usualSettings, authentication: { ...usualSettings.authentication, serviceAccountKeys: [old.public] } },
  })
  assert.equal(await isKnown(both, token), true)
  const next = (await call(both, `POST ${accounts}/robot/token`, { spec: {} })).json.status.token
  assert.equal(await isKnown(both, next), true)
  await using without = await startCluster({
    apiOnly: true,
    store: await before.store.fork(),
    signingKey: fresh.private,
  })
  assert.equal(await isKnown(without, token), false)
  assert.equal(await isKnown(without, next), true)
})

describe('keys are published, so that anybody can check a token', () => {
  for (const [type, algorithm] of [
    ['rsa', 'RS256'],
    ['P-256', 'ES256'],
    ['P-384', 'ES384'],
    ['P-521', 'ES512'],
  ] as const)
    test(algorithm, async () => {
      await using cluster = await start(keyPair(type).private, [keyPair('P-256').public])
      const token = await tokenOf(cluster)
      const { json: document } = await call(cluster, 'GET /.well-known/openid-configuration')
      assert.ok(document.id_token_signing_alg_values_supported.includes(algorithm))
      assert.match(document.jwks_uri, /\/openid\/v1\/jwks$/)
      const { keys } = (await call(cluster, 'GET /openid/v1/jwks')).json
      assert.equal(keys.length, 2)
      const [head = '', body = '', signature = ''] = token.split('.')
      const { alg, kid } = JSON.parse(Buffer.from(head, 'base64url').toString('utf8'))
      assert.equal(alg, algorithm)
      const jwk = keys.find((each: { kid: string }) => each.kid === kid)
      const key = createPublicKey({ key: jwk, format: 'jwk' })
      const manner = { key, dsaEncoding: 'ieee-p1363' as const }
      const isSigned = verify(
        `sha${algorithm.slice(2)}`,
        Buffer.from(`${head}.${body}`),
        manner,
        Buffer.from(signature, 'base64url'),
      )
      assert.equal(isSigned, true)
      assert.equal(await isKnown(cluster, token), true)
    })
})

test('--service-account-key-file takes private and public keys, several in a file', async () => {
  const [one, two] = [keyPair('P-256'), keyPair('rsa')]
  const flags = { 'service-account-key-file': 'keys.pem' }
  await using server = await accessCluster(flags, { 'keys.pem': `${one.private}${two.public}` })
  const { keys } = (await call(server.cluster, 'GET /openid/v1/jwks')).json
  assert.deepEqual(
    keys.map(({ kty }: { kty: string }) => kty),
    ['EC', 'EC', 'RSA'],
  )
  assert.ok(
    keys.every((key: object) => !('d' in key)),
    'no private part is shown',
  )
  await assert.rejects(
    accessCluster(flags, { 'keys.pem': 'nothing' }),
    /does not contain any valid RSA or ECDSA public keys/,
  )
})

test('a token that is bound to a pod says on which node it runs', async () => {
  await using cluster = await startCluster({ apiOnly: true })
  await tokenOf(cluster)
  const node = await call(cluster, 'POST /api/v1/nodes', { metadata: { name: 'n1' } })
  const pods = '/api/v1/namespaces/default/pods'
  const pod = async (name: string, nodeName: string) => {
    const spec = { nodeName, serviceAccountName: 'robot', containers: [{ name: 'c', image: 'i' }] }
    const { json } = await call(cluster, `POST ${pods}`, { metadata: { name }, spec })
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name }
    const { token } = (await call(cluster, `POST ${accounts}/robot/token`, { spec: { boundObjectRef } })).json.status
    const review = await call(cluster, 'POST /apis/authentication.k8s.io/v1/tokenreviews', { spec: { token } })
    const { 'authentication.kubernetes.io/credential-id': _, ...extra } = review.json.status.user.extra
    assert.deepEqual(extra['authentication.kubernetes.io/pod-uid'], [json.metadata.uid])
    return extra
  }
  const known = await pod('known', 'n1')
  assert.deepEqual(known['authentication.kubernetes.io/node-name'], ['n1'])
  assert.deepEqual(known['authentication.kubernetes.io/node-uid'], [node.json.metadata.uid])
  const unknown = await pod('unknown', 'n2')
  assert.deepEqual(unknown['authentication.kubernetes.io/node-name'], ['n2'])
  assert.equal(unknown['authentication.kubernetes.io/node-uid'], undefined)
  assert.equal((await pod('nowhere', ''))['authentication.kubernetes.io/node-name'], undefined)
})
