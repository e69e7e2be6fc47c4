import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type AccessCluster, accessCluster, eventually, webhookConfig } from './support/access.ts'
import { call, outcome, someone } from './support/call.ts'
import { type OutsideServer, startOutside } from './support/outside.ts'

/** Webhooks that judge tokens, requests and images: a small process that speaks TLS, well, badly, or not at all. */

let hook: OutsideServer
before(async () => {
  hook = await startOutside('identity.ts', { hosts: ['127.0.0.1'] })
})
after(() => hook[Symbol.asyncDispose]())
beforeEach(() => hook.tell({ mood: 'well', reset: true }))

interface Told {
  readonly counts: Readonly<Record<string, number>>
  readonly lastQuestion: Readonly<Record<string, unknown>>
}
const told = async () => (await hook.tell({})) as Told
const asked = async (path: string) => (await told()).counts[path] ?? 0

describe('a webhook that judges tokens', () => {
  let server: AccessCluster
  before(async () => {
    const flags = {
      'authentication-token-webhook-config-file': 'hook.yaml',
      'authentication-token-webhook-version': 'v1',
    }
    server = await accessCluster(flags, { 'hook.yaml': webhookConfig(hook, '/authenticate') })
  })
  after(() => server[Symbol.asyncDispose]())

  test('says whose they are, and is believed for two minutes', async () => {
    const jane = 'jane/7 [crew system:authenticated] {"boat":["coracle"]}'
    assert.equal(await server.whoAmI('user-jane'), jane)
    assert.equal(await server.whoAmI('user-jane'), jane)
    assert.equal(await asked('/authenticate'), 1)
    await server.world.clock.advance(121_000)
    assert.equal(await server.whoAmI('user-jane'), jane)
    assert.equal(await asked('/authenticate'), 2)
  })

  test('is asked in the words of the API, and shown who asks', async () => {
    await server.whoAmI('user-tom')
    assert.deepEqual((await told()).lastQuestion, {
      kind: 'TokenReview',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { creationTimestamp: null },
      spec: { token: 'user-tom' },
      authorization: 'Bearer let-me-in',
    })
  })

  test('a token that it does not know lets nobody in', async () => {
    assert.equal(await server.whoAmI('stranger'), '401 Unauthorized')
  })

  test('nobody is asked where there is no token', async () => {
    assert.match(await server.whoAmI(), /^403 /)
    assert.equal(await asked('/authenticate'), 0)
  })

  for (const mood of ['nonsense', 'lying'])
    test(`${mood}: nobody gets in, and it is not remembered`, async () => {
      await hook.tell({ mood })
      assert.equal(await server.whoAmI(`user-${mood}`), '401 Unauthorized')
      assert.equal(await server.whoAmI(`true-${mood}`), '401 Unauthorized')
      await hook.tell({ mood: 'well' })
      assert.match(await server.whoAmI(`user-${mood}`), new RegExp(`^${mood}/7 `))
    })

  test('in trouble it is asked again, some times', async () => {
    await hook.tell({ mood: 'broken' })
    const answer = server.whoAmI('user-ann')
    await eventually(async () => (await asked('/authenticate')) === 1)
    await hook.tell({ mood: 'well' })
    await eventually(async () => {
      await server.world.clock.advance(2000)
      return (await asked('/authenticate')) === 2
    })
    assert.match(await answer, /^ann\/7 /)
  })

  test('silent, it keeps nobody waiting but those who need it', async () => {
    await hook.tell({ mood: 'silent' })
    let isAnswered = false
    const waiting = server.whoAmI('user-slow').finally(() => {
      isAnswered = true
    })
    await eventually(async () => (await asked('/authenticate')) === 1)
    assert.equal(outcome(await call(server.cluster, 'GET /api/v1/namespaces/default')), '200')
    assert.equal(isAnswered, false)
    await hook.kill()
    await eventually(async () => {
      await server.world.clock.advance(2000)
      return isAnswered
    })
    assert.equal(await waiting, '401 Unauthorized')
    await hook.restart()
  })

  test('dead, it lets nobody in; the others still come in by their own ways', async () => {
    await hook.kill()
    assert.equal(await server.whoAmI('user-dead'), '401 Unauthorized')
    assert.equal(outcome(await call(server.cluster, 'GET /api/v1/namespaces/default')), '200')
    await hook.restart()
    assert.match(await server.whoAmI('user-dead'), /^dead\/7 /)
  })

  test('with a certificate that somebody else has signed, it is not believed', async () => {
    await hook.restart({ newAuthority: true })
    assert.equal(await server.whoAmI('user-impostor'), '401 Unauthorized')
  })
})

describe('a webhook that decides', () => {
  const jane = someone('jane')
  const webhook = (more: object = {}) => ({
    type: 'Webhook',
    name: 'hook',
    webhook: {
      timeout: '300ms',
      subjectAccessReviewVersion: 'v1',
      matchConditionSubjectAccessReviewVersion: 'v1',
      failurePolicy: 'NoOpinion',
      authorizedTTL: '5m',
      unauthorizedTTL: '30s',
      connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: '{folder}/hook.yaml' },
      ...more,
    },
  })
  const configuration = (...authorizers: object[]) => ({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AuthorizationConfiguration',
    authorizers,
  })
  const start = (...authorizers: object[]) =>
    accessCluster(
      { 'authorization-config': 'authz.yaml' },
      { 'hook.yaml': webhookConfig(hook, '/authorize'), 'authz.yaml': configuration(...authorizers) },
    )
  const node = { type: 'Node', name: 'node' }
  const rbac = { type: 'RBAC', name: 'rbac' }
  const cannot = (verb: string, resource: string, why: string) =>
    `${resource} is forbidden: User "jane" cannot ${verb} resource "${resource}" in API group "" in the namespace "default"${why}`
  const list = (server: AccessCluster, resource: string, user = jane) =>
    call(server.cluster, `GET /api/v1/namespaces/default/${resource}`, undefined, user).catch((error: Error) => ({
      status: 0,
      warnings: [],
      json: { message: error.message },
    }))

  test('allows, denies, or leaves it to the next', async () => {
    await using server = await start(webhook(), rbac)
    assert.equal(outcome(await list(server, 'configmaps')), '200')
    assert.equal(outcome(await list(server, 'secrets')), cannot('list', 'secrets', ': secrets are closed'))
    assert.equal(outcome(await list(server, 'pods')), cannot('list', 'pods', ': not my business'))
  })

  test('is asked in the words of the API, selectors included', async () => {
    await using server = await start(webhook(), rbac)
    const query = 'labelSelector=app%20in%20(b,a),!old&fieldSelector=metadata.name!%3Dx'
    await call(server.cluster, `GET /api/v1/namespaces/default/configmaps?${query}`, undefined, {
      ...jane,
      uid: '1',
      extra: { a: ['b'] },
    })
    assert.deepEqual((await told()).lastQuestion['spec'], {
      resourceAttributes: {
        namespace: 'default',
        verb: 'list',
        version: 'v1',
        resource: 'configmaps',
        fieldSelector: { requirements: [{ key: 'metadata.name', operator: 'NotIn', values: ['x'] }] },
        labelSelector: {
          requirements: [
            { key: 'app', operator: 'In', values: ['a', 'b'] },
            { key: 'old', operator: 'DoesNotExist' },
          ],
        },
      },
      user: 'jane',
      groups: ['system:authenticated'],
      extra: { a: ['b'] },
      uid: '1',
    })
  })

  test('its answers count for a while, yes longer than no', async () => {
    await using server = await start(webhook(), rbac)
    for (const _ of [1, 2]) {
      await list(server, 'configmaps')
      await list(server, 'pods')
    }
    assert.equal(await asked('/authorize'), 2)
    await server.world.clock.advance(31_000)
    await list(server, 'configmaps')
    await list(server, 'pods')
    assert.equal(await asked('/authorize'), 3)
  })

  test('is asked about what its conditions name, and nothing else', async () => {
    const matchConditions = [
      { expression: 'has(request.resourceAttributes)' },
      { expression: 'request.resourceAttributes.namespace == "default"' },
      { expression: '!("system:masters" in request.groups)' },
    ]
    await using server = await start(webhook({ matchConditions }), rbac)
    assert.equal(outcome(await list(server, 'configmaps')), '200')
    assert.match(
      outcome(await call(server.cluster, 'GET /api/v1/namespaces/kube-system/configmaps', undefined, jane)),
      /forbidden/,
    )
    await call(server.cluster, 'GET /version', undefined, jane)
    assert.equal(await asked('/authorize'), 1)
  })

  test('who may do everything does not wait for it', async () => {
    await using server = await start(webhook({ failurePolicy: 'Deny' }), rbac)
    await hook.tell({ mood: 'nonsense' })
    assert.equal(outcome(await call(server.cluster, 'GET /api/v1/namespaces/default/secrets')), '200')
    assert.equal(await asked('/authorize'), 0)
  })

  for (const mood of ['nonsense', 'lying', 'silent', 'dead'] as const)
    for (const failurePolicy of ['NoOpinion', 'Deny'] as const)
      test(`${mood}, with ${failurePolicy}: ${failurePolicy === 'Deny' || mood === 'lying' ? 'nobody passes' : 'the others decide'}`, async () => {
        await using server = await start(node, webhook({ failurePolicy }), rbac)
        if (mood === 'dead') await hook.kill()
        else await hook.tell({ mood })
        const viewer = { ...jane, name: 'system:kube-scheduler' }
        const pods = await call(server.cluster, 'GET /version', undefined, viewer).catch(() => ({ status: 500 }))
        assert.equal(pods.status, failurePolicy === 'Deny' || mood === 'lying' ? 500 : 200)
        assert.equal(
          (await list(server, 'configmaps')).status,
          0,
          'whom RBAC does not allow gets an error that is no JSON',
        )
        if (mood === 'dead') await hook.restart()
      })

  test('a review of access says what it said, and what went wrong', async () => {
    await using server = await start(webhook(), rbac)
    const review = async (resource: string) => {
      const spec = { user: 'jane', resourceAttributes: { verb: 'get', resource, namespace: 'default' } }
      return (await call(server.cluster, 'POST /apis/authorization.k8s.io/v1/subjectaccessreviews', { spec })).json
        .status
    }
    assert.deepEqual(await review('secrets'), { allowed: false, denied: true, reason: 'secrets are closed' })
    assert.deepEqual(await review('configmaps'), { allowed: true, reason: 'maps are open' })
    await hook.tell({ mood: 'nonsense' })
    assert.deepEqual(await review('pods'), { allowed: false, evaluationError: 'the webhook did not answer in JSON' })
    const rules = await call(
      server.cluster,
      'POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
      { spec: { namespace: 'default' } },
      jane,
    )
    assert.equal(rules.json.status.incomplete, true)
    assert.equal(rules.json.status.evaluationError, 'webhook authorizer does not support user rule resolution')
  })

  test('the configuration is read again when its file changes; a faulty one changes nothing', async () => {
    await using server = await start(rbac)
    assert.match(outcome(await list(server, 'configmaps')), /forbidden/)
    await server.write('authz.yaml', configuration(webhook(), rbac))
    await eventually(async () => {
      await server.world.clock.advance(100)
      return outcome(await list(server, 'configmaps')) === '200'
    })
    await server.write('authz.yaml', configuration())
    await new Promise((done) => setTimeout(done, 100))
    await server.world.clock.advance(1000)
    assert.equal(outcome(await list(server, 'configmaps')), '200')
  })

  for (const [title, authorizers, message] of [
    ['nothing', [], 'authorizers: Required value: at least one authorization mode must be defined'],
    ['a type that there is not', [{ type: 'Magic', name: 'm' }], 'authorizers[0].type: Unsupported value: "Magic"'],
    [
      'a condition whose name is misspelt',
      [webhook({ matchCondition: [] })],
      'strict decoding error: unknown field "authorizers[0].webhook.matchCondition"',
    ],
    ['a type twice', [rbac, { ...rbac, name: 'r2' }], 'authorizers[1].type: Duplicate value: "RBAC"'],
    ['a name twice', [rbac, { ...node, name: 'rbac' }], 'authorizers[1].name: Duplicate value: "rbac"'],
    [
      'a webhook that is none',
      [{ type: 'Webhook', name: 'w' }],
      'authorizers[0].webhook: Required value: required when type=Webhook',
    ],
    [
      'too much patience',
      [webhook({ timeout: '31s' })],
      'authorizers[0].webhook.timeout: Invalid value: "31s": must be > 0s and <= 30s',
    ],
    ['no word of failures', [webhook({ failurePolicy: '' })], 'authorizers[0].webhook.failurePolicy: Required value'],
    [
      'a condition that is none',
      [webhook({ matchConditions: [{ expression: 'request.user' }] })],
      'authorizers[0].webhook.matchConditions[0].expression: Invalid value: "request.user": must evaluate to bool',
    ],
  ] as const)
    test(`${title}: the server does not start`, async () => {
      await assert.rejects(start(...authorizers), (error: Error) => {
        assert.ok(error.message.includes(message), error.message)
        return true
      })
    })
})

describe('--authorization-mode', () => {
  const jane = someone('jane')
  const can = async (mode: string, what: string) => {
    await using server = await accessCluster({ 'authorization-mode': mode })
    return outcome(await call(server.cluster, what, undefined, jane))
  }
  test('AlwaysAllow', async () => assert.equal(await can('AlwaysAllow', 'GET /api/v1/secrets'), '200'))
  test('AlwaysDeny', async () =>
    assert.match(await can('AlwaysDeny', 'GET /api/v1/secrets'), /scope: Everything is forbidden\.$/))
  test('AlwaysDeny has no more to say than the next', async () =>
    assert.equal(await can('AlwaysDeny,AlwaysAllow', 'GET /api/v1/secrets'), '200'))
  test('ABAC', async () => {
    const policies = [
      '# who may do what',
      '{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"jane","namespace":"sea","resource":"configmaps","apiGroup":""}}',
      '',
      '{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"group":"crew","namespace":"*","resource":"*","apiGroup":"*","readonly":true}}',
      '{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"*","nonResourcePath":"/openapi/*"}}',
      '{"user":"old"}',
    ].join('\n')
    const flags = { 'authorization-mode': 'ABAC,RBAC', 'authorization-policy-file': 'policies' }
    await using server = await accessCluster(flags, { policies })
    const may = async (what: string, name: string, ...groups: string[]) =>
      outcome(await call(server.cluster, what, undefined, someone(name, ...groups)))
    const maps = (namespace: string) => `/api/v1/namespaces/${namespace}/configmaps`
    for (const [what, name, groups, answer] of [
      [`GET ${maps('sea')}`, 'jane', [], /^200/],
      [`DELETE ${maps('sea')}/none`, 'jane', [], /not found/],
      [`GET ${maps('land')}`, 'jane', [], /forbidden: User "jane" cannot list .*: No policy matched\.$/],
      ['GET /apis/apps/v1/deployments', 'tom', ['crew'], /^200/],
      [`DELETE ${maps('sea')}/none`, 'tom', ['crew'], /forbidden/],
      ['GET /openapi/v3', 'anybody', [], /^200/],
      ['GET /.well-known/openid-configuration', 'anybody', [], /forbidden/],
      ['GET /.well-known/openid-configuration', 'old', [], /^200/],
      [`DELETE ${maps('land')}/none`, 'old', [], /not found/],
    ] as const) {
      assert.match(await may(what, name, ...groups), answer, `${name} ${what}`)
    }
    const { json } = await server.ask('/healthz')
    assert.equal(json, 'ok')
    await assert.rejects(accessCluster(flags, { policies: '{"user":"a"}\n{"user":7}' }), {
      message: /^error reading policy file \S+, line 2: \{"user":7\}: /,
    })
  })
  for (const [flags, message] of [
    [{ 'authorization-mode': 'ABAC' }, "authorization-mode ABAC's authorization policy file not passed"],
    [{ 'authorization-policy-file': '/a' }, 'cannot specify --authorization-policy-file without mode ABAC'],
    [{ 'authorization-mode': 'RBAC,Magic' }, 'authorization-mode "Magic" is not a valid mode'],
    [{ 'authorization-mode': 'RBAC,RBAC' }, 'authorization-mode ["RBAC","RBAC"] has mode specified more than once'],
    [{ 'authorization-mode': 'Webhook' }, "authorization-mode Webhook's authorization config file not passed"],
    [{ 'authorization-mode': '' }, 'at least one authorization-mode must be passed'],
    [
      { 'authorization-config': '/nowhere', 'authorization-mode': 'RBAC' },
      '--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined',
    ],
    [{ 'authentication-config': '/nowhere' }, 'open /nowhere: no such file or directory'],
    [
      { 'anonymous-auth': 'maybe' },
      'invalid argument "maybe" for "--anonymous-auth" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
    [{ 'enable-admission-plugins': 'NodeRestriction,Nope' }, 'enable-admission-plugins plugin "Nope" is unknown'],
  ] as const)
    test(`${JSON.stringify(flags)} is refused`, async () => assert.rejects(accessCluster(flags), { message }))
})

describe('a reviewer of images', () => {
  const configuration = (more: object = {}) => ({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AdmissionConfiguration',
    plugins: [
      {
        name: 'ImagePolicyWebhook',
        configuration: {
          imagePolicy: { kubeConfigFile: '{folder}/hook.yaml', allowTTL: 50, denyTTL: 50, retryBackoff: 100, ...more },
        },
      },
    ],
  })
  const start = async (more: object = {}) => {
    const flags = { 'enable-admission-plugins': 'ImagePolicyWebhook', 'admission-control-config-file': 'plugins.yaml' }
    const server = await accessCluster(flags, {
      'hook.yaml': webhookConfig(hook, '/images'),
      'plugins.yaml': configuration(more),
    })
    await call(server.cluster, 'POST /api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })
    return server
  }
  const run = async ({ cluster }: AccessCluster, image: string) =>
    outcome(
      await call(cluster, 'POST /api/v1/namespaces/default/pods?dryRun=All', {
        metadata: { name: 'p', annotations: { 'team.image-policy.k8s.io/ticket': '7', other: 'x' } },
        spec: { containers: [{ name: 'c', image }] },
      }),
    )

  test('lets images in or not, and is asked once for the same', async () => {
    await using server = await start()
    assert.equal(await run(server, 'good'), '201')
    assert.equal(await run(server, 'good'), '201')
    assert.equal(
      await run(server, 'evil'),
      'pods "p" is forbidden: image policy webhook backend denied one or more images: evil is evil',
    )
    assert.equal(await asked('/images'), 2)
    assert.deepEqual((await told()).lastQuestion['spec'], {
      containers: [{ image: 'evil' }],
      annotations: { 'team.image-policy.k8s.io/ticket': '7' },
      namespace: 'default',
    })
  })

  for (const [defaultAllow, expected] of [
    [false, /^pods "p" is forbidden: the webhook did not answer in JSON$/],
    [true, /^201$/],
  ] as const)
    test(`when it cannot be asked, defaultAllow ${defaultAllow} decides`, async () => {
      await using server = await start({ defaultAllow })
      await hook.tell({ mood: 'nonsense' })
      assert.match(await run(server, 'good'), expected)
    })
})
