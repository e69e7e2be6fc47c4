import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { startCluster } from '../src/cluster/cluster.ts'
import type { ServedCluster } from '../src/cluster/serve.ts'
import {
  type MutatingWebhook,
  MutatingWebhookConfiguration,
} from '../src/kinds/admissionregistration/mutating-webhook-configuration.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { type Answer, type Caller, callerOf, eventually } from './support/caller.ts'
import { type OutsideServer, ownAddress, startOutside } from './support/outside.ts'
import { serve } from './support/served.ts'

/** Admission webhooks: small processes that speak TLS, and what becomes of requests when they misbehave. */

const registration = '/apis/admissionregistration.k8s.io/v1'
const configMaps = '/api/v1/namespaces/default/configmaps'

let served: ServedCluster
let call: Caller
let hook: OutsideServer
let count = 0

before(async () => {
  ;[served, hook] = await Promise.all([serve(), startOutside('admission.ts', { hosts: ['127.0.0.1'] })])
  call = callerOf(served)
  await call('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })
})
after(async () => {
  await Promise.all([served[Symbol.asyncDispose](), hook[Symbol.asyncDispose]()])
})
beforeEach(async () => {
  for (const kind of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'])
    await call('DELETE', `${registration}/${kind}`)
  await hook.tell({ mood: 'well' })
})

type Loose = Record<string, unknown>

const createsConfigMaps = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }]

const clientOf = (path: string) => ({ url: `https://127.0.0.1:${hook.port}${path}`, caBundle: hook.caBundle })

const webhook = (path: string, more: Loose = {}) => ({
  name: 'hook.example.com',
  clientConfig: clientOf(path),
  rules: createsConfigMaps,
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  ...more,
})

async function install(type: 'mutating' | 'validating', webhooks: readonly Loose[], name = `hooks-${++count}`) {
  const answer = await call('POST', `${registration}/${type}webhookconfigurations`, { metadata: { name }, webhooks })
  assert.equal(answer.status, 201, answer.text)
  return name
}

const create = (more: Loose = {}, query = ''): Promise<Answer> =>
  call('POST', `${configMaps}${query}`, { metadata: { name: `map-${++count}`, ...more }, data: { key: 'value' } })

interface Asked {
  readonly path: string
  readonly review: {
    readonly apiVersion: string
    readonly request: Loose & { readonly object: Loose & { readonly metadata: Loose } }
  }
}

/** What the webhook was asked since somebody last wanted to know. */
const asked = async () => ((await hook.tell({})) as { asked: Asked[] }).asked

test('nobody is asked any more for a client that is gone, and nothing is stored for it', async () => {
  await install('mutating', [webhook('/allow', { failurePolicy: 'Ignore', timeoutSeconds: 30 })])
  await hook.tell({ mood: 'silent' })
  const told = async () => (await hook.tell({})) as { readonly asked: readonly Asked[]; readonly dropped: number }
  const { dropped } = await told()
  const client = new AbortController()
  const creating = call('POST', configMaps, { metadata: { name: 'forsaken' } }, {}, client.signal)
  const failing = assert.rejects(creating)
  await eventually(async () => (await told()).asked.length > 0 || undefined)
  client.abort()
  await failing
  await eventually(async () => (await told()).dropped === dropped + 1 || undefined)
  assert.equal((await call('GET', `${configMaps}/forsaken`)).status, 404)
})

test('what a webhook is asked, and what its answer does', async () => {
  await install('mutating', [webhook('/label/mutated', { admissionReviewVersions: ['v7', 'v1', 'v1beta1'] })])
  await install('validating', [webhook('/warn')])
  const answer = await create({}, '?fieldManager=somebody&dryRun=All')
  assert.equal(answer.status, 201, answer.text)
  assert.deepEqual(answer.one('.metadata.labels'), { mutated: 'yes' })
  assert.equal(answer.headers['warning'], '299 - "mind the gap"')
  const managed = JSON.stringify(answer.one('.metadata.managedFields'))
  assert.ok(!managed.includes('mutated'), 'nobody owns what a webhook sets')

  const [first, second] = await asked()
  const { uid, object, userInfo, ...request } = first!.review.request
  assert.match(String(uid), /^[0-9a-f-]{36}$/)
  assert.equal(first!.path, '/label/mutated?timeout=10s')
  assert.equal(first!.review.apiVersion, 'admission.k8s.io/v1')
  assert.deepEqual(request, {
    kind: { group: '', version: 'v1', kind: 'ConfigMap' },
    resource: { group: '', version: 'v1', resource: 'configmaps' },
    requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
    requestResource: { group: '', version: 'v1', resource: 'configmaps' },
    name: object.metadata['name'],
    namespace: 'default',
    operation: 'CREATE',
    oldObject: null,
    dryRun: true,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', dryRun: ['All'], fieldManager: 'somebody' },
  })
  assert.equal((userInfo as Loose)['username'], 'kubernetes-admin')
  assert.deepEqual(object['data'], { key: 'value' })
  const seen = second!.review.request.object
  assert.deepEqual(seen.metadata['labels'], { mutated: 'yes' }, 'who validates sees what others made of it')
  assert.ok(seen.metadata['uid'], 'and what the server did')
})

describe('a refusal', () => {
  const status = (value: Loose) => `/deny/${encodeURIComponent(JSON.stringify(value))}`
  const denied = 'admission webhook "hook.example.com" denied the request'
  const cases: readonly [path: string, code: number, reason: unknown, message: string][] = [
    ['/deny', 400, undefined, `${denied} without explanation`],
    [status({ message: 'no' }), 400, undefined, `${denied}: no`],
    [status({ reason: 'Forbidden', code: 403 }), 403, 'Forbidden', `${denied}: Forbidden`],
    [status({ message: 'wait', reason: 'TooManyRequests', code: 429 }), 429, 'TooManyRequests', `${denied}: wait`],
    [status({ message: 'fine', code: 200, status: 'Success' }), 400, undefined, `${denied}: fine`],
  ]
  for (const [path, code, reason, message] of cases) {
    test(decodeURIComponent(path), async () => {
      for (const type of ['mutating', 'validating'] as const) {
        const name = await install(type, [webhook(path)])
        const answer = await create()
        assert.deepEqual(
          [answer.status, answer.one('.status'), answer.one('.reason'), answer.one('.message')],
          [code, 'Failure', reason, message],
        )
        await call('DELETE', `${registration}/${type}webhookconfigurations/${name}`)
      }
    })
  }
})

describe('a webhook that does it wrong is ignored or fails the request, as its policy says', () => {
  const failed = (why: string) => `failed calling webhook "hook.example.com": ${why}`
  const badAnswer = (why: string) => failed(`received invalid webhook response: ${why}`)
  const url = (path: string, seconds = 10) => `"https://127.0.0.1:${hook.port}${path}?timeout=${seconds}s"`
  const cases: Readonly<Record<string, () => string | RegExp>> = {
    broken: () =>
      failed(
        'failed to call webhook: an error on the server ("out of order") has prevented the request from succeeding',
      ),
    gone: () => failed('failed to call webhook: the server could not find the requested resource'),
    elsewhere: () =>
      failed(
        'failed to call webhook: the server responded with the status code 307 but did not return more information',
      ),
    garbage: () =>
      failed(
        "failed to call webhook: couldn't get version/kind; json parse error: invalid character '<' looking for beginning of value",
      ),
    cut: () => failed(`failed to call webhook: Post ${url('/allow')}: unexpected EOF`),
    'a list': () => /json parse error: json: cannot unmarshal array into Go value of type struct/,
    'no response': () => badAnswer('webhook response was absent'),
    'another uid': () => /received invalid webhook response: expected response.uid="[0-9a-f-]{36}", got "other"$/,
    'another version': () =>
      badAnswer(
        'expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got admission.k8s.io/v2, Kind=AdmissionReview',
      ),
    'another kind': () =>
      badAnswer('expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /v1, Kind=List'),
  }
  const patches: Readonly<Record<string, () => string | RegExp>> = {
    'a patch without a type': () => badAnswer('webhook returned response.patch but not response.patchType'),
    'a type without a patch': () => badAnswer('webhook returned response.patchType but not response.patch'),
    'another type of patch': () => failed('unsupported patch type "Merge"'),
    'a patch that is no JSON': () => /received undecodable patch in webhook response: /,
  }
  const run = async (type: 'mutating' | 'validating', mood: string, expected: string | RegExp) => {
    await hook.tell({ mood })
    const name = await install(type, [webhook('/allow')])
    const answer = await create()
    const message = String(answer.one('.details.causes[0].message'))
    if (typeof expected === 'string') assert.equal(message, expected)
    else assert.match(message, expected)
    assert.deepEqual(
      [answer.status, answer.one('.reason'), answer.one('.message')],
      [500, 'InternalError', `Internal error occurred: ${message}`],
    )
    const path = `${registration}/${type}webhookconfigurations/${name}`
    await call('PUT', path, {
      ...JSON.parse((await call('GET', path)).text),
      webhooks: [webhook('/allow', { failurePolicy: 'Ignore' })],
    })
    assert.equal((await create()).status, 201, 'ignored')
    await call('DELETE', path)
  }
  for (const [mood, expected] of Object.entries(cases)) {
    test(mood, async () => {
      await run('validating', mood, expected())
      await run('mutating', mood, expected())
    })
  }
  for (const [mood, expected] of Object.entries(patches)) test(mood, () => run('mutating', mood, expected()))

  test('who only validates may not patch', async () => {
    await install('validating', [webhook('/label/x')])
    assert.match((await create()).text, /validating webhook may not return response.patch/)
  })

  test('slow', async () => {
    await hook.tell({ mood: 'silent' })
    const name = await install('validating', [webhook('/allow', { timeoutSeconds: 1 })])
    const answer = await create()
    assert.equal(
      answer.one('.details.causes[0].message'),
      failed(`failed to call webhook: Post ${url('/allow', 1)}: context deadline exceeded`),
    )
    await call('DELETE', `${registration}/validatingwebhookconfigurations/${name}`)
    await install('validating', [webhook('/allow', { timeoutSeconds: 1, failurePolicy: 'Ignore' })])
    assert.equal((await create()).status, 201)
  })

  test('dead, back again, and back with a certificate of somebody else', async () => {
    await install('mutating', [webhook('/label/m', { failurePolicy: 'Ignore' })])
    const name = await install('validating', [webhook('/allow')])
    assert.equal((await create()).status, 201)
    await hook.kill()
    const refused = `dial tcp 127.0.0.1:${hook.port}: connect: connection refused`
    assert.equal(
      (await create()).one('.details.causes[0].message'),
      failed(`failed to call webhook: Post ${url('/allow')}: ${refused}`),
    )
    await hook.restart()
    assert.equal((await create()).status, 201)
    await hook.restart({ newAuthority: true })
    const unknown = 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
    assert.equal(
      (await create()).one('.details.causes[0].message'),
      failed(`failed to call webhook: Post ${url('/allow')}: ${unknown}`),
    )
    const path = `${registration}/validatingwebhookconfigurations/${name}`
    const current = JSON.parse((await call('GET', path)).text)
    assert.equal((await call('PUT', path, { ...current, webhooks: [webhook('/allow')] })).status, 200)
    assert.equal((await create()).status, 201, 'the new authority is believed')
  })
})

test('a patch that cannot be applied, or leads to what is no such object, fails whatever the policy', async () => {
  const cases: readonly [operations: readonly object[], message: string | RegExp][] = [
    [
      [{ op: 'add', path: '/metadata/annotations/a', value: 'b' }],
      'Internal error occurred: add operation does not apply: doc is missing path: "/metadata/annotations/a": missing value',
    ],
    [[{ op: 'replace', path: '/data', value: 'text' }], /^Internal error occurred: .*cannot unmarshal string/],
    [
      [{ op: 'replace', path: '/metadata/namespace', value: 'kube-system' }],
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
    [
      [{ op: 'add', path: '/metadata/labels', value: { 'a b': 'c' } }],
      /is invalid: metadata.labels: Invalid value: "a b"/,
    ],
  ]
  for (const [operations, message] of cases) {
    const path = `/patch/${encodeURIComponent(JSON.stringify(operations))}`
    const name = await install('mutating', [webhook(path, { failurePolicy: 'Ignore' })])
    const answer = await create()
    if (typeof message === 'string') assert.equal(answer.one('.message'), message)
    else assert.match(String(answer.one('.message')), message)
    await call('DELETE', `${registration}/mutatingwebhookconfigurations/${name}`)
  }
})

test('reviews of the old version need no uid, and patches no type', async () => {
  await hook.tell({ mood: 'another uid' })
  await install('mutating', [webhook('/label/old', { admissionReviewVersions: ['v1beta1'] })])
  const answer = await create()
  assert.deepEqual(answer.one('.metadata.labels'), { old: 'yes' })
  assert.equal((await asked())[0]!.review.apiVersion, 'admission.k8s.io/v1beta1')
})

describe('which requests a webhook is asked about', () => {
  test('labels of the object and of its namespace', async () => {
    await install('validating', [webhook('/deny', { objectSelector: { matchLabels: { check: 'me' } } })])
    assert.equal((await create()).status, 201)
    assert.equal((await create({ labels: { check: 'me' } })).status, 400)
    await call('POST', '/api/v1/namespaces', { metadata: { name: 'checked', labels: { check: 'yes' } } })
    await install('validating', [webhook('/deny', { namespaceSelector: { matchLabels: { check: 'yes' } } })])
    assert.equal((await create()).status, 201)
    const elsewhere = '/api/v1/namespaces/checked/configmaps'
    assert.equal((await call('POST', elsewhere, { metadata: { name: 'a' } })).status, 400)
  })

  test('conditions', async () => {
    const matchConditions = [
      { name: 'named', expression: 'object.metadata.name.startsWith("checked")' },
      { name: 'allowed', expression: 'authorizer.group("").resource("secrets").check("get").allowed()' },
    ]
    await install('validating', [webhook('/deny', { matchConditions })])
    assert.equal((await create()).status, 201)
    assert.equal((await create({ name: 'checked' })).status, 400)
    await install('validating', [
      webhook('/allow', { matchConditions: [{ name: 'x', expression: 'object.data.none == "a"' }] }),
    ])
    const answer = await create({ name: 'other' })
    const error = `expression 'object.data.none == "a"' resulted in error: no such key: none`
    assert.deepEqual([answer.status, answer.one('.message')], [403, `configmaps "other" is forbidden: ${error}`])
  })

  test('deletions, one by one and many', async () => {
    const rules = [{ ...createsConfigMaps[0], operations: ['DELETE'] }]
    await create({ name: 'keep', labels: { group: 'deleted' } })
    await install('validating', [webhook('/deny', { rules, objectSelector: { matchLabels: { group: 'deleted' } } })])
    await install('mutating', [webhook('/allow', { rules })])
    await asked()
    const gently = { propagationPolicy: 'Foreground' }
    assert.equal((await call('DELETE', `${configMaps}/keep`, gently)).status, 400)
    const [{ review: about }] = (await asked()) as [Asked]
    assert.deepEqual(about.request['options'], { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', ...gently })
    assert.equal((await call('DELETE', `${configMaps}?labelSelector=group=deleted`)).status, 400)
    const reviews = (await asked()).map(({ path, review: { request } }) => [
      path.split('?')[0],
      request['name'],
      request.object,
      (request['oldObject'] as { metadata: Loose }).metadata['name'],
    ])
    assert.deepEqual(reviews, [
      ['/allow', undefined, null, 'keep'],
      ['/deny', undefined, null, 'keep'],
    ])
  })

  test('another version of the resource', async () => {
    const rules = [{ apiGroups: ['autoscaling'], apiVersions: ['v2'], operations: ['*'], resources: ['*'] }]
    const patch = `/patch/${encodeURIComponent(JSON.stringify([{ op: 'replace', path: '/spec/metrics/0/resource/target/averageUtilization', value: 33 }]))}`
    await install('mutating', [webhook(patch, { rules })])
    await install('mutating', [webhook('/deny', { rules, matchPolicy: 'Exact' })])
    const answer = await call('POST', '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers', {
      metadata: { name: 'scaler' },
      spec: {
        maxReplicas: 3,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        targetCPUUtilizationPercentage: 50,
      },
    })
    assert.equal(answer.status, 201, answer.text)
    assert.equal(answer.one('.spec.targetCPUUtilizationPercentage'), 33)
    const { request } = (await asked())[0]!.review
    assert.deepEqual(request['kind'], { group: 'autoscaling', version: 'v2', kind: 'HorizontalPodAutoscaler' })
    assert.deepEqual(request['requestKind'], { group: 'autoscaling', version: 'v1', kind: 'HorizontalPodAutoscaler' })
    assert.equal(request.object['apiVersion'], 'autoscaling/v2')
  })

  test('sub-resources: what is posted to them, and scales', async () => {
    const pod = '/api/v1/namespaces/default/pods'
    const spec = { containers: [{ name: 'main', image: 'app' }] }
    assert.equal((await call('POST', pod, { metadata: { name: 'web' }, spec })).status, 201)
    const rules = [
      {
        apiGroups: ['*'],
        apiVersions: ['*'],
        operations: ['*'],
        resources: ['pods/*', 'deployments/scale', 'serviceaccounts/token'],
      },
    ]
    await install('mutating', [webhook('/label/seen', { rules })])
    await asked()
    await call('POST', `${pod}/web/binding`, { metadata: { name: 'web' }, target: { kind: 'Node', name: 'n' } })
    await call('POST', `${pod}/web/eviction`, { metadata: { name: 'web' } })
    await call('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', { spec: {} })
    const seen = (await asked()).map(({ review: { request } }) => [
      request['operation'],
      request['subResource'],
      (request['kind'] as Loose)['kind'],
    ])
    assert.deepEqual(seen, [
      ['CREATE', 'binding', 'Binding'],
      ['CREATE', 'eviction', 'Eviction'],
      ['CREATE', 'token', 'TokenRequest'],
    ])
    await call('POST', '/apis/apps/v1/namespaces/default/deployments', {
      metadata: { name: 'web' },
      spec: {
        replicas: 1,
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec },
      },
    })
    const limit = `/patch/${encodeURIComponent(JSON.stringify([{ op: 'replace', path: '/spec/replicas', value: 3 }]))}`
    await install('mutating', [webhook(limit, { rules })])
    const scale = '/apis/apps/v1/namespaces/default/deployments/web/scale'
    const answer = await call('PUT', scale, { metadata: { name: 'web' }, spec: { replicas: 9 } })
    assert.deepEqual([answer.status, answer.one('.spec.replicas')], [200, 3])
    const { request } = (await asked())[0]!.review
    assert.deepEqual(request['kind'], { group: 'autoscaling', version: 'v1', kind: 'Scale' })
    assert.equal((request['oldObject'] as { spec: Loose }).spec['replicas'], 1)
  })

  test('never about what configures admission, so that nobody is locked out', async () => {
    const rules = [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] }]
    const name = await install('validating', [webhook('/deny', { rules })])
    assert.equal((await create()).status, 400)
    assert.equal((await call('DELETE', `${registration}/validatingwebhookconfigurations/${name}`)).status, 200)
    assert.equal((await create()).status, 201)
  })
})

test('webhooks run in the order of their configurations, and again when later ones change the object', async () => {
  await install('mutating', [webhook('/label/b', { reinvocationPolicy: 'Never' })], 'hooks-b')
  await install(
    'mutating',
    [
      webhook('/label/a', { reinvocationPolicy: 'IfNeeded' }),
      webhook('/allow', { name: 'second.example.com', reinvocationPolicy: 'IfNeeded' }),
    ],
    'hooks-a',
  )
  await asked()
  const answer = await create()
  assert.deepEqual(answer.one('.metadata.labels'), { a: 'yes', b: 'yes' })
  const calls = (await asked()).map(
    ({ path, review }) =>
      `${path.split('?')[0]} ${Object.keys((review.request.object.metadata['labels'] as object) ?? {})}`,
  )
  assert.deepEqual(calls, ['/label/a ', '/allow a', '/label/b a', '/label/a a,b', '/allow a,b'])
})

test('a cluster of this process asks webhooks, too', async () => {
  await using cluster = await startCluster({ apiOnly: true })
  await cluster.client.create(MutatingWebhookConfiguration, {
    metadata: { name: 'hooks' },
    webhooks: [webhook('/label/m') as unknown as MutatingWebhook],
  })
  const made = await cluster.client.create(ConfigMap, { metadata: { name: 'a', namespace: 'default' } })
  assert.deepEqual(made.metadata.labels, { m: 'yes' })
})

test('plugins look again at what a webhook has changed', async () => {
  const namespace = '/api/v1/namespaces/limited'
  await call('POST', '/api/v1/namespaces', { metadata: { name: 'limited' } })
  await call('POST', `${namespace}/serviceaccounts`, { metadata: { name: 'default' } })
  await call('POST', `${namespace}/limitranges`, {
    metadata: { name: 'limits' },
    spec: { limits: [{ type: 'Container', default: { cpu: '1' }, defaultRequest: { cpu: '100m' } }] },
  })
  const sidecar = [{ op: 'add', path: '/spec/containers/-', value: { name: 'sidecar', image: 'proxy' } }]
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }]
  await install('mutating', [webhook(`/patch/${encodeURIComponent(JSON.stringify(sidecar))}`, { rules })])
  const answer = await call('POST', `${namespace}/pods`, {
    metadata: { name: 'web' },
    spec: { containers: [{ name: 'main', image: 'app' }] },
  })
  assert.equal(answer.status, 201, answer.text)
  assert.deepEqual(answer.all('.spec.containers[*].name'), ['main', 'sidecar'])
  assert.deepEqual(answer.all('.spec.containers[*].resources.limits.cpu'), ['1', '1'])
  assert.equal(answer.all('.spec.containers[*].volumeMounts[0].mountPath').length, 2, 'the token is mounted')
})

test('a service is reached at one of its ready endpoints, by the name that its certificate holds for', async (context) => {
  const address = ownAddress()
  if (address === undefined) return context.skip('this machine has no address that an endpoint may have')
  await using inside = await startOutside('admission.ts', { hosts: ['hooks.default.svc'], host: address })
  const services = '/api/v1/namespaces/default/services'
  const service = { namespace: 'default', name: 'hooks', path: '/label/service' }
  const clientConfig = { service, caBundle: inside.caBundle }
  await install('mutating', [webhook('', { clientConfig })])
  const failed = async () => String((await create()).one('.details.causes[0].message'))
  const post = 'Post "https://hooks.default.svc:443/label/service?timeout=10s"'
  assert.match(await failed(), /: service "hooks" not found$/)
  await call('POST', services, { metadata: { name: 'hooks' }, spec: { ports: [{ name: 'x', port: 80 }] } })
  assert.ok((await failed()).endsWith(`${post}: no service port 443 found for service "hooks"`))
  await call(
    'PATCH',
    `${services}/hooks`,
    { spec: { ports: [{ name: 'https', port: 443 }] } },
    { 'content-type': 'application/merge-patch+json' },
  )
  assert.ok((await failed()).endsWith(`${post}: no endpoints available for service "hooks"`))
  await call('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    metadata: { name: 'hooks-1', labels: { 'kubernetes.io/service-name': 'hooks' } },
    addressType: 'IPv4',
    ports: [{ name: 'https', port: inside.port }],
    endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: false } }, { addresses: [address] }],
  })
  assert.deepEqual((await create()).one('.metadata.labels'), { service: 'yes' })
})

test('what only the server sets stays so', async () => {
  const operations = [
    { op: 'add', path: '/metadata/deletionTimestamp', value: '2026-01-01T00:00:00Z' },
    { op: 'add', path: '/metadata/uid', value: 'chosen' },
    { op: 'add', path: '/metadata/managedFields', value: [{ manager: 'x', operation: 'Nonsense' }] },
    { op: 'add', path: '/nonsense', value: 'dropped' },
  ]
  await install('mutating', [webhook(`/patch/${encodeURIComponent(JSON.stringify(operations))}`)])
  const answer = await create()
  assert.equal(answer.status, 201, answer.text)
  assert.equal(answer.one('.metadata.deletionTimestamp'), undefined)
  assert.notEqual(answer.one('.metadata.uid'), 'chosen')
  assert.notEqual(answer.one('.metadata.managedFields[0].manager'), 'x')
  assert.match(String(answer.headers['warning']), /managedFields was in an invalid state after admission/)
  assert.equal(answer.one('.nonsense'), undefined)
})

test('versions that only a conversion webhook can convert are shown and changed through it', async () => {
  await using conversion = await startOutside('conversion.ts', { hosts: ['127.0.0.1'] })
  const schemaOf = (properties: Loose) => ({
    openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } },
  })
  const clientConfig = { url: `https://127.0.0.1:${conversion.port}/convert`, caBundle: conversion.caBundle }
  const text = { type: 'string' }
  const versions = [
    { name: 'v1', served: true, storage: true, schema: schemaOf({ address: text }) },
    { name: 'v2', served: true, storage: false, schema: schemaOf({ host: text, port: { type: 'integer' } }) },
  ]
  const defined = await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'lamps.lights.example.com' },
    spec: {
      group: 'lights.example.com',
      scope: 'Namespaced',
      names: { plural: 'lamps', kind: 'Lamp' },
      versions,
      conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig } },
    },
  })
  assert.equal(defined.status, 201, defined.text)
  const lamps = '/apis/lights.example.com/v1/namespaces/default/lamps'
  await eventually(async () => (await call('GET', lamps)).status === 200 || undefined)

  const rules = [{ apiGroups: ['lights.example.com'], apiVersions: ['v2'], operations: ['*'], resources: ['lamps'] }]
  const brighter = [{ op: 'replace', path: '/spec/port', value: 81 }]
  const matchConditions = [{ name: 'hall', expression: 'object.spec.host == "hall"' }]
  const path = `/patch/${encodeURIComponent(JSON.stringify(brighter))}`
  await install('mutating', [webhook(path, { rules, matchConditions })])
  await install('validating', [webhook('/warn', { rules })])
  const lamp = (name: string, address: string) =>
    call('POST', lamps, {
      apiVersion: 'lights.example.com/v1',
      kind: 'Lamp',
      metadata: { name },
      spec: { address },
    })
  assert.equal((await lamp('a', 'porch:80')).one('.spec.address'), 'porch:80')
  await asked()
  const answer = await lamp('b', 'hall:80')
  assert.equal(answer.one('.spec.address'), 'hall:81', answer.text)
  const reviews = (await asked()).map(({ review: { request } }) => [
    request.object['apiVersion'],
    request.object['spec'],
  ])
  assert.deepEqual(reviews, [
    ['lights.example.com/v2', { host: 'hall', port: 80 }],
    ['lights.example.com/v2', { host: 'hall', port: 81 }],
  ])
  await call('DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/lamps.lights.example.com')
})
