import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type AccessCluster, accessCluster, eventually, SigningKey, webhookConfig } from './support/access.ts'
import { call } from './support/call.ts'
import { type OutsideServer, startOutside } from './support/outside.ts'

/** Tokens of an issuer of somebody else's: a small process that speaks TLS, well or badly, and forged ones. */

const hour = 3600
let issuer: OutsideServer
let url = ''
let server: AccessCluster
const key = new SigningKey('RS256', 'first')

before(async () => {
  issuer = await startOutside('identity.ts', { hosts: ['127.0.0.1'] })
  url = `https://127.0.0.1:${issuer.port}`
  await issuer.tell({ issuer: url, keys: [key.jwk] })
})
after(() => issuer[Symbol.asyncDispose]())
beforeEach(() => issuer.tell({ mood: 'well', issuer: url, keys: [key.jwk], reset: true }))

const now = () => Math.floor(server.world.clock.now() / 1000)
const claims = (more: object = {}) => ({ iss: url, aud: 'kubernetes', sub: 'jane', exp: now() + hour, ...more })

const authority = () => Buffer.from(issuer.caBundle, 'base64').toString('utf8')
const jwt = (more: object = {}) => ({
  issuer: { url, audiences: ['kubernetes'], certificateAuthority: authority() },
  claimMappings: { username: { claim: 'sub', prefix: 'oidc:' }, groups: { claim: 'groups', prefix: 'oidc:' } },
  ...more,
})
const configuration = (...issuers: object[]) => ({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'AuthenticationConfiguration',
  jwt: issuers,
})
const start = (file: object) => accessCluster({ 'authentication-config': 'auth.yaml' }, { 'auth.yaml': file })

describe('tokens of an issuer', () => {
  before(async () => {
    server = await start(configuration(jwt()))
  })
  after(() => server[Symbol.asyncDispose]())

  test('say who somebody is', async () => {
    const token = key.token(claims({ groups: ['dev', 'ops'], jti: 'one' }))
    assert.equal(await server.whoAmI(token), 'oidc:jane [oidc:dev oidc:ops system:authenticated]')
  })

  test('no group of the system can be claimed past the prefix', async () => {
    const token = key.token(claims({ groups: ['system:masters'] }))
    assert.equal((await server.ask('/api/v1/secrets', token)).status, 403)
  })

  for (const algorithm of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'])
    test(`signed by ${algorithm}`, async () => {
      const other = new SigningKey(algorithm, `of-${algorithm}`)
      await issuer.tell({ keys: [key.jwk, other.jwk] })
      await server.world.clock.advance(60_000)
      assert.match(await server.whoAmI(other.token(claims())), /^oidc:jane /)
    })

  const stranger = new SigningKey('RS256', 'first')
  const hmac = () => {
    // The public key taken for a shared secret: what RFC 8725 warns of.
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const content = `${encode({ alg: 'HS256', kid: 'first' })}.${encode(claims())}`
    return `${content}.${createHmac('sha256', key.publicPem).update(content).digest('base64url')}`
  }
  for (const [title, forge] of [
    ['for another audience', () => key.token(claims({ aud: 'bank' }))],
    ['for no audience', () => key.token(claims({ aud: undefined }))],
    ['expired', () => key.token(claims({ exp: now() - 1 }))],
    ['without an end', () => key.token(claims({ exp: undefined }))],
    ['of tomorrow', () => key.token(claims({ nbf: now() + 24 * hour }))],
    ['of another issuer', () => key.token(claims({ iss: 'https://elsewhere.example' }))],
    ['signed by somebody else under the name of the key', () => stranger.token(claims())],
    ['signed by nobody', () => key.token(claims(), { alg: 'none' }).replace(/[^.]*$/, '')],
    ['signed with the public key as a secret', hmac],
    ['whose algorithm is not that of the key', () => key.token(claims(), { alg: 'PS256' })],
    ['with a demand that nobody here knows', () => key.token(claims(), { crit: ['exp'] })],
    [
      'changed on its way',
      () =>
        key
          .token(claims())
          .replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify(claims({ sub: 'root' }))).toString('base64url')}.`),
    ],
    ['without a subject', () => key.token(claims({ sub: undefined }))],
    ['with an empty subject', () => key.token(claims({ sub: '' }))],
    ['with groups that are no texts', () => key.token(claims({ groups: [1] }))],
    ['that is three dots', () => '...'],
  ] as const)
    test(`${title}: refused`, async () => assert.equal(await server.whoAmI(forge()), '401 Unauthorized'))

  test('a review says whose a token is, and why it is nobody’s; for no audience but the server’s own', async () => {
    const review = async (token: string, audiences?: string[]) => {
      const body = { spec: { token, audiences } }
      const answer = await call(server.cluster, 'POST /apis/authentication.k8s.io/v1/tokenreviews', body)
      return answer.json.status
    }
    const own = 'https://kubernetes.default.svc.cluster.local'
    const token = key.token(claims())
    const user = { username: 'oidc:jane', groups: ['system:authenticated'] }
    assert.deepEqual(await review(token), { authenticated: true, user, audiences: [own] })
    assert.deepEqual(await review(token, ['vault', own]), { authenticated: true, user, audiences: [own] })
    assert.deepEqual(await review(token, ['vault']), { user: {}, error: 'invalid bearer token' })
    assert.deepEqual(await review(key.token(claims({ exp: 1 }))), {
      user: {},
      error: '[invalid bearer token, oidc: verify token: oidc: token is expired]',
    })
  })

  test('groups may be in another token, which has to hold as well', async () => {
    const source = { endpoint: `${url}/groups`, access_token: 'groups-please' }
    const elsewhere = (more: object = {}, names: object = { groups: 'there' }) =>
      claims({ _claim_names: names, _claim_sources: { there: { ...source, ...more } } })
    let turn = 0
    /** Each time another token: who was known is remembered for a while. */
    const whoAmI = (token: object) => server.whoAmI(key.token({ ...token, turn: turn++ }))
    const groupsToken = (by: SigningKey, more: object = {}) =>
      issuer.tell({ groupsToken: by.token(claims({ groups: ['far', 'away'], ...more })) })
    await groupsToken(key)
    assert.equal(await whoAmI(elsewhere()), 'oidc:jane [oidc:far oidc:away system:authenticated]')
    assert.equal(await whoAmI({ ...elsewhere(), groups: ['near'] }), 'oidc:jane [oidc:near system:authenticated]')
    for (const without of [elsewhere({ endpoint: '' }), elsewhere({}, { name: 'there' })]) {
      assert.equal(await whoAmI(without), 'oidc:jane [system:authenticated]')
    }
    const refused = [
      elsewhere({ access_token: 'let me in' }),
      elsewhere({ endpoint: url.replace('https', 'http') }),
      elsewhere({}, { groups: 'nowhere' }),
      claims({ _claim_names: { groups: 'there' } }),
      claims({ _claim_names: ['groups'], _claim_sources: {} }),
    ]
    for (const token of refused) assert.equal(await whoAmI(token), '401 Unauthorized', JSON.stringify(token))
    const wrong = [
      () => groupsToken(stranger),
      () => groupsToken(key, { aud: 'vault' }),
      () => groupsToken(key, { exp: 1 }),
      () => groupsToken(key, { iss: 'https://127.0.0.1:1' }),
      () => groupsToken(key, { groups: undefined }),
      () => issuer.tell({ groupsToken: 'nonsense' }),
    ]
    for (const tell of wrong) {
      await tell()
      assert.equal(await whoAmI(elsewhere()), '401 Unauthorized')
    }
  })

  test('an issuer may change its keys, and is not asked at every wrong token', async () => {
    const next = new SigningKey('ES256', 'second')
    await issuer.tell({ keys: [next.jwk], reset: true })
    await server.world.clock.advance(60_000)
    assert.match(await server.whoAmI(next.token(claims())), /^oidc:jane /)
    assert.equal(
      await server.whoAmI(key.token(claims({ sub: 'late' }))),
      '401 Unauthorized',
      'the old key holds no more',
    )
    for (let at = 0; at < 5; at++) await server.whoAmI(stranger.token(claims({ sub: `s${at}` })))
    const { counts } = (await issuer.tell({})) as { counts: Record<string, number> }
    assert.equal(counts['/keys'], 1)
  })

  for (const [mood, wait] of [
    ['silent', 31_000],
    ['broken', 0],
    ['nonsense', 0],
  ] as const)
    test(`while an issuer is ${mood}, the keys that are known still hold, and no others`, async () => {
      await server.world.clock.advance(60_000)
      assert.match(await server.whoAmI(key.token(claims({ sub: mood }))), /^oidc:/)
      await server.world.clock.advance(60_000)
      if (mood === 'silent') await issuer.kill()
      else await issuer.tell({ mood })
      assert.match(await server.whoAmI(key.token(claims({ sub: `${mood}-2` }))), /^oidc:/)
      const unknown = new SigningKey('ES256', `unknown-${mood}`)
      assert.equal(await server.whoAmI(unknown.token(claims())), '401 Unauthorized', String(wait))
      if (mood !== 'silent') return
      await issuer.restart()
      await issuer.tell({ issuer: url, keys: [key.jwk] })
    })

  test('an issuer with a certificate that nobody has signed gives no keys', async () => {
    await using fresh = await start(configuration(jwt()))
    await issuer.restart({ newAuthority: true })
    await issuer.tell({ issuer: url, keys: [key.jwk] })
    assert.equal(await fresh.whoAmI(key.token(claims())), '401 Unauthorized')
  })

  test('one that calls itself otherwise gives none either', async () => {
    await using fresh = await start(configuration(jwt()))
    await issuer.tell({ issuer: 'https://elsewhere.example' })
    assert.equal(await fresh.whoAmI(key.token(claims())), '401 Unauthorized')
  })

  test('service accounts are the server’s own: nobody else may say what their tokens mean', async () => {
    const own = { url: 'https://kubernetes.default.svc.cluster.local', audiences: ['a'] }
    await assert.rejects(start(configuration(jwt({ issuer: own }))), /URL must not overlap with disallowed issuers/)
  })
})

describe('expressions over claims', () => {
  const mapped = () =>
    jwt({
      claimMappings: {
        username: { expression: '"corp:" + claims.name.lowerAscii()' },
        groups: { expression: 'claims.roles.split(",").map(r, "corp:" + r)' },
        uid: { expression: 'claims.sub' },
        extra: [{ key: 'corp.example/floor', valueExpression: 'string(claims.floor)' }],
      },
      claimValidationRules: [
        { expression: 'claims.exp - claims.iat <= 7200', message: 'tokens live two hours at most' },
        { claim: 'hd', requiredValue: 'corp.example' },
      ],
      userValidationRules: [{ expression: '!user.username.startsWith("corp:root")', message: 'not for root' }],
    })
  const good = () => claims({ name: 'Jane', roles: 'dev,ops', floor: 3, hd: 'corp.example', iat: now() })
  before(async () => {
    server = await start(configuration(mapped()))
  })
  after(() => server[Symbol.asyncDispose]())

  test('make the user', async () => {
    assert.equal(
      await server.whoAmI(key.token(good())),
      'corp:jane/jane [corp:dev corp:ops system:authenticated] {"corp.example/floor":["3"]}',
    )
  })
  for (const [title, change] of [
    ['a rule over claims refuses', { iat: 1 }],
    ['a claim has not the value that it must have', { hd: 'else.example' }],
    ['a claim is missing', { hd: undefined }],
    ['a rule over the user refuses', { name: 'ROOT' }],
    ['an expression finds nothing', { roles: undefined }],
  ] as const)
    test(`${title}: refused`, async () => {
      assert.equal(await server.whoAmI(key.token({ ...good(), ...change })), '401 Unauthorized')
    })
})

describe('a configuration', () => {
  test('is read again when its file changes; a faulty one changes nothing', async () => {
    server = await start(configuration(jwt()))
    await using current = server
    assert.match(await current.whoAmI(key.token(claims({ sub: 'a' }))), /^oidc:a /)
    const changed = jwt({ claimMappings: { username: { claim: 'sub', prefix: 'new:' } } })
    await current.write('auth.yaml', configuration(changed))
    await eventually(async () => {
      await current.world.clock.advance(100)
      return (await current.whoAmI(key.token(claims({ sub: 'b' })))).startsWith('new:b ')
    })
    await current.write('auth.yaml', '{ this is no: configuration')
    await new Promise((done) => setTimeout(done, 100))
    await current.world.clock.advance(1000)
    assert.match(await current.whoAmI(key.token(claims({ sub: 'c' }))), /^new:c /)
  })

  test('says where nobody needs a credential', async () => {
    const file = { ...configuration(), anonymous: { enabled: true, conditions: [{ path: '/livez' }] } }
    await using open = await start(file)
    assert.equal((await open.ask('/livez')).status, 200)
    assert.equal((await open.ask('/readyz')).status, 401)
    assert.equal((await open.ask('/api/v1/pods')).status, 401)
  })

  test('the flag alone closes all paths', async () => {
    await using closed = await accessCluster({ 'anonymous-auth': 'false' })
    assert.equal((await closed.ask('/livez')).status, 401)
  })

  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const issuerWith = (more: object) => jwt({ issuer: { url: 'https://i.example', audiences: ['a'], ...more } })
  for (const [title, issuer, message] of [
    [
      'a rule whose name is misspelt',
      () => ({ ...jwt(), claimValidationRule: [{ claim: 'a' }], issuer: { ...jwt().issuer, audience: 'x' } }),
      'strict decoding error: unknown field "jwt[0].issuer.audience", unknown field "jwt[0].claimValidationRule"',
    ],
    ['no URL', () => issuerWith({ url: undefined }), 'jwt[0].issuer.url: Required value: URL is required'],
    [
      'no https',
      () => issuerWith({ url: 'http://i.example' }),
      'jwt[0].issuer.url: Invalid value: "http://i.example": URL scheme must be https',
    ],
    [
      'a query',
      () => issuerWith({ url: 'https://i.example?a=b' }),
      'jwt[0].issuer.url: Invalid value: "https://i.example?a=b": URL must not contain a query',
    ],
    [
      'no audience',
      () => issuerWith({ audiences: [] }),
      'jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required',
    ],
    [
      'two audiences, and no word which',
      () => issuerWith({ audiences: ['a', 'b'] }),
      'jwt[0].issuer.audienceMatchPolicy: Invalid value: "": audienceMatchPolicy must be MatchAny for multiple audiences',
    ],
    [
      'an authority that is none',
      () => issuerWith({ certificateAuthority: pem }),
      'jwt[0].issuer.certificateAuthority: Invalid value: "<omitted>": data does not contain any valid RSA or ECDSA certificates',
    ],
    [
      'a claim without a prefix',
      () => ({ ...issuerWith({}), claimMappings: { username: { claim: 'sub' } } }),
      'jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing',
    ],
    [
      'both ways to a name',
      () => ({
        ...issuerWith({}),
        claimMappings: { username: { claim: 'sub', prefix: '', expression: 'claims.sub' } },
      }),
      'jwt[0].claimMappings.username: Invalid value: "": claim and expression can\'t both be set',
    ],
    [
      'an address that may not be the user’s',
      () => ({ ...issuerWith({}), claimMappings: { username: { expression: 'claims.email' } } }),
      'claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
    ],
    [
      'a rule that is no question',
      () => ({ ...issuerWith({}), claimValidationRules: [{ expression: '1 + 1' }] }),
      'jwt[0].claimValidationRules[0].expression: Invalid value: "1 + 1": compilation failed: must evaluate to bool',
    ],
    [
      'a key of ours in extra',
      () => ({
        ...issuerWith({}),
        claimMappings: {
          username: { claim: 'sub', prefix: '' },
          extra: [{ key: 'kubernetes.io/x', valueExpression: '"a"' }],
        },
      }),
      'jwt[0].claimMappings.extra[0].key: Invalid value: "kubernetes.io/x": kubernetes.io domain is reserved for Kubernetes use',
    ],
  ] as const)
    test(`${title}: the server does not start`, async () => {
      await assert.rejects(start(configuration(issuer())), (error: Error) => {
        assert.ok(error.message.includes(message), error.message)
        return true
      })
    })
})

test('the older flags --oidc-*', async () => {
  const flags = {
    'oidc-issuer-url': url,
    'oidc-client-id': 'kubernetes',
    'oidc-ca-file': 'ca.pem',
    'oidc-groups-claim': 'groups',
    'oidc-groups-prefix': 'g:',
    'oidc-required-claim': 'hd=corp.example',
  }
  server = await accessCluster(flags, { 'ca.pem': authority() })
  await using current = server
  const token = key.token(claims({ groups: ['a'], hd: 'corp.example' }))
  assert.equal(await current.whoAmI(token), `${url}#jane [g:a system:authenticated]`)
  assert.equal(await current.whoAmI(key.token(claims())), '401 Unauthorized')
  await assert.rejects(accessCluster({ 'oidc-issuer-url': url }), /must be specified together/)
})

test('which algorithms may sign tokens, by --oidc-signing-algs', async () => {
  const flags = (algorithms: string) => ({
    'oidc-issuer-url': url,
    'oidc-client-id': 'kubernetes',
    'oidc-ca-file': 'ca.pem',
    'oidc-signing-algs': algorithms,
  })
  const named = `${url}#jane [system:authenticated]`
  for (const [algorithms, said] of [
    ['RS256', named],
    ['ES256,RS256', named],
    ['ES256', '401 Unauthorized'],
  ] as const) {
    server = await accessCluster(flags(algorithms), { 'ca.pem': authority() })
    await using current = server
    assert.equal(await current.whoAmI(key.token(claims())), said, algorithms)
  }
  await assert.rejects(accessCluster(flags('HS256'), { 'ca.pem': authority() }), {
    message: 'oidc: unsupported signing alg: "HS256"',
  })
})

test('a token that does not hold by its issuer may be known to the webhook', async () => {
  const flags = { 'authentication-config': 'auth.yaml', 'authentication-token-webhook-config-file': 'hook.yaml' }
  const hook = webhookConfig(issuer, '/authenticate')
  server = await accessCluster(flags, { 'auth.yaml': configuration(jwt()), 'hook.yaml': hook })
  await using current = server
  const asked = async () => ((await issuer.tell({})) as { counts: Record<string, number> }).counts['/authenticate'] ?? 0
  assert.match(await current.whoAmI(key.token(claims())), /^oidc:jane /)
  assert.equal(await asked(), 0)
  const expired = key.token(claims({ exp: now() - 1 }))
  assert.equal(await current.whoAmI(expired), '401 Unauthorized')
  assert.equal(await asked(), 1)
  const known = key.token(claims({ exp: now() - 2 }))
  await issuer.tell({ known })
  assert.match(await current.whoAmI(known), /^known\/7 \[crew system:authenticated\]/)
})
