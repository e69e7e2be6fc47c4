import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createSigningKey } from '../../lifecycle/pki.ts'
import { VirtualWorld } from '../../world/virtual.ts'
import {
  type BoundObjects,
  type SecretToken,
  ServiceAccountTokens,
  signSecretToken,
  type TokenSubject,
} from './service-account-tokens.ts'
import { parseTokenFile, staticTokens, TokenFileError } from './static-token.ts'

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
const as = (request: ReturnType<typeof bearer>) =>
  request as unknown as Parameters<ReturnType<typeof staticTokens>['authenticate']>[0]

test('a token file names users with and without groups', async () => {
  const tokens = staticTokens(parseTokenFile('# comment\nabc,admin,1,"system:masters,ops"\n\nxyz,jane,2\n'))
  assert.deepEqual(await tokens.authenticate(as(bearer('abc'))), {
    name: 'admin',
    uid: '1',
    groups: ['system:masters', 'ops', 'system:authenticated'],
  })
  assert.deepEqual(await tokens.authenticate(as(bearer('xyz'))), {
    name: 'jane',
    uid: '2',
    groups: ['system:authenticated'],
  })
  assert.equal(await tokens.authenticate(as(bearer('nope'))), undefined)
})

for (const [what, text, message] of [
  ['too few columns', 'abc,admin', /line 1: at least three columns/],
  ['an open quote', 'a,b,c\nd,e,f,"g', /line 2: a quote is not closed/],
  ['an empty token', ',admin,1', /line 1: the token is empty/],
] as const) {
  test(`a token file with ${what} is refused by line`, () => {
    assert.throws(
      () => parseTokenFile(text),
      (error: Error) => error instanceof TokenFileError && message.test(error.message),
    )
  })
}

const builder: TokenSubject = { namespace: 'ci', name: 'builder', uid: 'uid-1' }

function tokens(
  world: VirtualWorld,
  uids: Record<string, string> = { 'ServiceAccount ci/builder': 'uid-1' },
): ServiceAccountTokens {
  const objects: BoundObjects = {
    uidOf: (kind, namespace, name) => uids[`${kind} ${namespace}/${name}`],
    secretToken: () => undefined,
  }
  return new ServiceAccountTokens({ signingKey, objects, tools: world })
}
const signingKey = createSigningKey().private

test('a service account token authenticates its account', () => {
  const verifier = tokens(new VirtualWorld())
  const { token } = verifier.issue(builder, [], 3600)
  const user = verifier.authenticate(bearer(token))
  assert.equal(user?.name, 'system:serviceaccount:ci:builder')
  assert.deepEqual(user?.groups, ['system:serviceaccounts', 'system:serviceaccounts:ci', 'system:authenticated'])
})

test('it ends when its time is over', async () => {
  const world = new VirtualWorld()
  const verifier = tokens(world)
  const { token, expiresAtMs } = verifier.issue(builder, [], 600)
  assert.equal(expiresAtMs, world.clock.now() + 600_000)
  await world.advance(599_000)
  assert.ok(verifier.authenticate(bearer(token)))
  await world.advance(1_000)
  assert.throws(() => verifier.authenticate(bearer(token)), { reason: 'Unauthorized' })
  assert.deepEqual(verifier.review(token, [verifier.issuer]), { error: 'service account token has expired' })
})

test('for another audience it is refused, and says so in a review', () => {
  const verifier = tokens(new VirtualWorld())
  const { token } = verifier.issue(builder, ['vault'], 3600)
  assert.throws(() => verifier.authenticate(bearer(token)), { reason: 'Unauthorized' })
  assert.deepEqual(verifier.review(token, ['other']), {
    error: 'token audiences ["vault"] is invalid for the target audiences ["other"]',
  })
})

test('it ends with the account, and with the pod that it is bound to', async () => {
  const world = new VirtualWorld()
  const uids: Record<string, string> = { 'ServiceAccount ci/builder': 'uid-1', 'Pod ci/job': 'uid-2' }
  const verifier = tokens(world, uids)
  const { token } = verifier.issue({ ...builder, bound: { kind: 'Pod', name: 'job', uid: 'uid-2' } }, [], 3600)
  assert.ok(verifier.authenticate(bearer(token)))

  uids['Pod ci/job'] = 'a pod of the same name'
  await world.advance(10_001)
  assert.throws(() => verifier.authenticate(bearer(token)), { reason: 'Unauthorized' })
  assert.deepEqual(verifier.review(token, [verifier.issuer]), { error: 'service account token has been invalidated' })
})

for (const [what, forge] of [
  ['another key', (token: string) => resign(token)],
  ['no signature', (token: string) => `${token.split('.').slice(0, 2).join('.')}.`],
  ['the algorithm "none"', (token: string) => withHead(token, (head) => ({ ...head, alg: 'none' }))],
  [
    'changed claims',
    (token: string) => withBody(token, (body) => ({ ...body, sub: 'system:serviceaccount:kube-system:admin' })),
  ],
  ['noise', () => 'a.b.c'],
] as const) {
  test(`a token with ${what} is nobody's`, () => {
    const verifier = tokens(new VirtualWorld())
    assert.equal(verifier.authenticate(bearer(forge(verifier.issue(builder, [], 3600).token))), undefined)
  })
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const read = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString())

function withHead(token: string, change: (head: Record<string, unknown>) => unknown): string {
  const [head, body, signature] = token.split('.') as [string, string, string]
  return [part(change(read(head))), body, signature].join('.')
}

function withBody(token: string, change: (body: Record<string, unknown>) => unknown): string {
  const [head, body, signature] = token.split('.') as [string, string, string]
  return [head, part(change(read(body))), signature].join('.')
}

function resign(token: string): string {
  const other = new ServiceAccountTokens({
    signingKey: createSigningKey().private,
    objects: { uidOf: () => 'uid-1', secretToken: () => undefined },
    tools: new VirtualWorld(),
  })
  return withHead(other.issue(builder, [], 3600).token, (head) => ({ ...head, kid: read(token.split('.')[0]!).kid }))
}

describe('a token that stands in a secret', () => {
  const subject = { namespace: 'ci', secret: 'key', account: 'builder', accountUid: 'uid-1' }
  const token = signSecretToken(signingKey, subject)

  /** What the server says to the token's bearer, when the secret holds this. */
  function answer(held: Partial<SecretToken> | undefined, shown = token, uid = 'uid-1') {
    const objects: BoundObjects = {
      uidOf: (kind, namespace, name) =>
        `${kind} ${namespace}/${name}` === 'ServiceAccount ci/builder' ? uid : undefined,
      secretToken: (namespace, name) =>
        held && `${namespace}/${name}` === 'ci/key'
          ? { token, isMarkedInvalid: false, noteUse() {}, ...held }
          : undefined,
    }
    const verifier = new ServiceAccountTokens({ signingKey, objects, tools: new VirtualWorld() })
    const review = verifier.review(shown, [verifier.issuer])
    return review && ('error' in review ? review.error : `${review.user.name} ${review.user.uid} ${review.user.groups}`)
  }

  test('speaks for its account, in front of the API server alone', () => {
    const groups = 'system:serviceaccounts,system:serviceaccounts:ci,system:authenticated'
    assert.equal(answer({}), `system:serviceaccount:ci:builder uid-1 ${groups}`)
    const objects: BoundObjects = {
      uidOf: () => 'uid-1',
      secretToken: () => ({ token, isMarkedInvalid: false, noteUse() {} }),
    }
    const verifier = new ServiceAccountTokens({ signingKey, objects, tools: new VirtualWorld() })
    assert.deepEqual(verifier.review(token, ['vault']), {
      error: `token audiences ["${verifier.issuer}"] is invalid for the target audiences ["vault"]`,
    })
  })

  test('ends with the secret, with the account, and with being marked', () => {
    assert.equal(answer(undefined), 'service account token has been invalidated')
    // Of as many characters, but not of as many bytes, as somebody may have written it into the secret.
    for (const other of ['another', 'é'.repeat(token.length)])
      assert.equal(answer({ token: other }), "service account token does not match server's copy")
    assert.equal(answer({}, token, 'uid-2'), 'service account ci/builder has been deleted')
    assert.match(
      answer({ isMarkedInvalid: true })!,
      /^the token in secret ci\/key for service account ci\/builder has been marked invalid\. Use tokens from the TokenRequest API/,
    )
  })

  test('is not believed when somebody else has signed it, or it names somebody else', () => {
    assert.equal(answer({}, signSecretToken(createSigningKey().private, subject)), undefined)
    const other = withBody(token, (body) => ({ ...body, sub: 'system:serviceaccount:kube-system:admin' }))
    assert.equal(answer({ token: other }, other), undefined)
  })
})
