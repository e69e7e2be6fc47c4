import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { serverContext } from '../src/apiserver/context.ts'
import { startCluster } from '../src/cluster/cluster.ts'
import type { ServedCluster } from '../src/cluster/serve.ts'
import { ValidatingAdmissionPolicy } from '../src/kinds/admissionregistration/validating-admission-policy.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import type { ApiObject } from '../src/schema/kind.ts'
import { type Answer, type Caller, callerOf } from './support/caller.ts'
import { serve } from './support/served.ts'

/** ValidatingAdmissionPolicy and MutatingAdmissionPolicy: rules in the cluster that the server itself evaluates. */

type Loose = Record<string, unknown>

const registration = '/apis/admissionregistration.k8s.io/v1'
const configMaps = '/api/v1/namespaces/default/configmaps'
const mergePatch = { 'content-type': 'application/merge-patch+json' }
const onConfigMaps = {
  resourceRules: [
    { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] },
  ],
}

let served: ServedCluster
let call: Caller
let count = 0

before(async () => {
  served = await serve()
  call = callerOf(served)
  await call('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })
})
after(() => served[Symbol.asyncDispose]())
beforeEach(async () => {
  for (const type of ['validating', 'mutating'])
    for (const plural of ['policies', 'policybindings'])
      await call('DELETE', `${registration}/${type}admission${plural}`)
})

interface Policy {
  /** Of the policy. */
  readonly spec?: Loose
  /** Of the binding. */
  readonly binding?: Loose
}

async function make(url: string, body: Loose): Promise<void> {
  const answer = await call('POST', url, body)
  assert.equal(answer.status, 201, answer.text)
}

/** A validating policy on config maps with a binding that denies, unless it says otherwise. */
async function validating({ spec, binding }: Policy, name = `policy-${++count}`): Promise<string> {
  await make(`${registration}/validatingadmissionpolicies`, {
    metadata: { name },
    spec: { matchConstraints: onConfigMaps, ...spec },
  })
  await make(`${registration}/validatingadmissionpolicybindings`, {
    metadata: { name },
    spec: { policyName: name, validationActions: ['Deny'], ...binding },
  })
  return name
}

async function mutating({ spec, binding }: Policy, name = `policy-${++count}`): Promise<string> {
  await make(`${registration}/mutatingadmissionpolicies`, {
    metadata: { name },
    spec: { matchConstraints: onConfigMaps, reinvocationPolicy: 'Never', ...spec },
  })
  await make(`${registration}/mutatingadmissionpolicybindings`, {
    metadata: { name },
    spec: { policyName: name, ...binding },
  })
  return name
}

const rule = (expression: string, more: Loose = {}) => ({ validations: [{ expression, ...more }] })

const create = (data: Loose = {}, more: Loose = {}, url = configMaps): Promise<Answer> =>
  call('POST', url, { metadata: { name: `map-${++count}`, ...more }, data })

/** What a policy says about the config map, or nothing when it is let in. */
async function refusal(data: Loose = {}, more: Loose = {}): Promise<string> {
  const answer = await create(data, more)
  if (answer.status === 201) return ''
  return String(answer.one('.details.causes[0].message')).replace(/^.* denied request: /, '')
}

describe('what an expression reads', () => {
  const cases: Readonly<Record<string, string>> = {
    'the object': 'object.kind == "ConfigMap" && object.data.key == "value" && oldObject == null',
    'the request': `request.operation == "CREATE" && request.namespace == "default" && request.dryRun == false
      && request.resource.resource == "configmaps" && request.kind.kind == "ConfigMap"
      && request.userInfo.username == "kubernetes-admin" && request.options.kind == "CreateOptions"`,
    'the namespace': 'namespaceObject.metadata.name == "default" && namespaceObject.status.phase == "Active"',
    'the authorizer': `authorizer.group("apps").resource("deployments").namespace("x").check("delete").allowed()
      && authorizer.requestResource.check("create").allowed()`,
    'the authorizer, of others and of paths': `authorizer.path("/healthz").check("get").allowed()
      && !authorizer.serviceAccount("default", "nobody").group("").resource("secrets").check("get").allowed()`,
  }
  for (const [what, expression] of Object.entries(cases)) {
    test(what, async () => {
      await validating({ spec: rule(expression) })
      assert.equal(await refusal({ key: 'value' }), '')
      await validating({ spec: rule(`!(${expression})`, { message: 'as it is' }) })
      assert.equal(await refusal({ key: 'value' }), 'as it is')
    })
  }

  test('the old object', async () => {
    await validating({ spec: rule('oldObject == null || oldObject.data.key == object.data.key', { message: 'fixed' }) })
    await create({ key: 'a' }, { name: 'fixed' })
    const answer = await call('PATCH', `${configMaps}/fixed`, { data: { key: 'b' } }, mergePatch)
    assert.match(String(answer.one('.message')), /denied request: fixed$/)
    assert.equal((await call('PATCH', `${configMaps}/fixed`, { data: { other: 'b' } }, mergePatch)).status, 200)
  })
})

test('variables are evaluated when they are read, and use those before them', async () => {
  await validating({
    spec: {
      variables: [
        { name: 'broken', expression: 'object.data.none' },
        { name: 'parts', expression: 'object.data.key.split("-")' },
        { name: 'many', expression: 'variables.parts.size() > 2' },
      ],
      validations: [
        { expression: 'variables.many', messageExpression: '"only " + string(variables.parts.size())' },
        { expression: 'variables.parts[0] == "a" || variables.broken == "x"' },
      ],
    },
  })
  assert.equal(await refusal({ key: 'a-b-c' }), '', 'nobody has read the broken one')
  assert.equal(await refusal({ key: 'a-b' }), 'only 2')
  const error = 'composited variable "broken" fails to evaluate: no such key: none'
  const expression = 'variables.parts[0] == "a" || variables.broken == "x"'
  assert.equal(await refusal({ key: 'b-b-c' }), `expression '${expression}' resulted in error: ${error}`)
})

describe('what is told', () => {
  const cases: readonly [what: string, validation: Loose, told: string][] = [
    ['the message', { message: ' told ' }, 'told'],
    ['what the expression gives', { message: 'no', messageExpression: '" for " + object.data.key' }, 'for x'],
    ['the message, when the expression fails', { message: 'told', messageExpression: 'object.data.none' }, 'told'],
    ['the message, when the expression gives several lines', { message: 'told', messageExpression: '"a\\nb"' }, 'told'],
    ['the message, when it gives nothing', { message: 'told', messageExpression: '" "' }, 'told'],
    ['the rule, when there is nothing else', { messageExpression: '""' }, 'failed expression: object.data.key == ""'],
  ]
  for (const [what, validation, told] of cases) {
    test(what, async () => {
      const { messageExpression } = validation
      const wrapped = messageExpression === 'object.data.none' ? 'string(object.data.none)' : messageExpression
      await validating({
        spec: rule(' object.data.key == "" ', {
          ...validation,
          ...(wrapped !== undefined && { messageExpression: wrapped }),
        }),
      })
      assert.equal(await refusal({ key: 'x' }), told)
    })
  }

  test('too much', async () => {
    const messageExpression = '[object.data.key, object.data.key].join("")'
    await validating({ spec: rule('false', { message: 'told', messageExpression }) })
    assert.equal(await refusal({ key: 'x'.repeat(3000) }), 'told')
    assert.equal(await refusal({ key: 'x'.repeat(2000) }), 'x'.repeat(4000))
  })
})

test('a warning, and a note for the audit log', async () => {
  await using cluster = await startCluster({ apiOnly: true })
  const resource = cluster.registry.resource(ConfigMap)
  const api = async (plural: string, name: string, spec: Loose) => {
    const kind = cluster.registry.find('admissionregistration.k8s.io', 'v1', plural)!
    await cluster.registry.resource(kind).create('', { metadata: { name }, spec } as ApiObject, serverContext)
  }
  await api('validatingadmissionpolicies', 'p', {
    matchConstraints: onConfigMaps,
    validations: [{ expression: 'object.data.size() < 2', message: 'much' }],
    auditAnnotations: [
      { key: 'size', valueExpression: '"size " + string(object.data.size())' },
      { key: 'none', valueExpression: 'null' },
    ],
  })
  await api('validatingadmissionpolicybindings', 'b', { policyName: 'p', validationActions: ['Warn', 'Audit'] })
  const warnings: string[] = []
  const notes: Record<string, string> = {}
  const context = {
    ...serverContext,
    warn: (text: string) => void warnings.push(text),
    annotate(key: string, value: string) {
      notes[key] = value
    },
  }
  await resource.create(
    'default',
    { metadata: { name: 'a' }, data: { a: '1', b: '2' } } as unknown as ApiObject,
    context,
  )
  assert.deepEqual(warnings, ["Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': much"])
  assert.equal(notes['p/size'], 'size 2')
  assert.ok(!('p/none' in notes))
  assert.deepEqual(JSON.parse(notes['validation.policy.admission.k8s.io/validation_failure']!), [
    { message: 'much', policy: 'p', binding: 'b', expressionIndex: 0, validationActions: ['Warn', 'Audit'] },
  ])
})

describe('parameters', () => {
  const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' }
  const limit = {
    paramKind,
    ...rule('object.data.size() <= int(params.data.max)', { messageExpression: '"max " + params.data.max' }),
  }

  test('by name, in the namespace of the object or another', async () => {
    await create({ max: '1' }, { name: 'own-limit' })
    await call('POST', '/api/v1/namespaces', { metadata: { name: 'limits' } })
    await create({ max: '2' }, { name: 'limit' }, '/api/v1/namespaces/limits/configmaps')
    const own = { name: 'own-limit', parameterNotFoundAction: 'Deny' }
    await validating({ spec: limit, binding: { paramRef: own } })
    assert.equal(await refusal({ a: '1' }), '')
    assert.equal(await refusal({ a: '1', b: '2' }), 'max 1')
    await call('PATCH', `${configMaps}/own-limit`, { data: { max: '9' } }, mergePatch)
    assert.equal(await refusal({ a: '1', b: '2' }), '', 'a change holds at once')
    const other = { name: 'limit', namespace: 'limits', parameterNotFoundAction: 'Deny' }
    await validating({ spec: limit, binding: { paramRef: other } })
    assert.equal(await refusal({ a: '1', b: '2', c: '3' }), 'max 2')
  })

  test('by labels, one after the other', async () => {
    await create({ max: '3' }, { name: 'three', labels: { limit: 'yes' } })
    await create({ max: '2' }, { name: 'two', labels: { limit: 'yes' } })
    const paramRef = { selector: { matchLabels: { limit: 'yes' } }, parameterNotFoundAction: 'Deny' }
    await validating({ spec: limit, binding: { paramRef } })
    assert.equal(await refusal({ a: '1', b: '2', c: '3' }), 'max 2')
    assert.equal(await refusal({ a: '1', b: '2' }), '')
  })

  test('that are not there', async () => {
    const none = 'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction'
    await validating({ spec: limit, binding: { paramRef: { name: 'nope', parameterNotFoundAction: 'Allow' } } })
    assert.equal(await refusal(), '')
    await validating({ spec: limit, binding: { paramRef: { name: 'nope', parameterNotFoundAction: 'Deny' } } })
    assert.equal(await refusal(), none)
  })

  test('without a reference they are null', async () => {
    await validating({ spec: { paramKind, ...rule('params == null') } })
    assert.equal(await refusal(), '')
  })

  test('of a kind that nobody serves, until somebody defines it', async () => {
    const crossing = { apiVersion: 'sea.example.com/v1', kind: 'Limit' }
    const paramRef = { name: 'strict', parameterNotFoundAction: 'Deny' }
    await validating({
      spec: { paramKind: crossing, ...rule('object.data.size() < params.spec.max') },
      binding: { paramRef },
    })
    const unknown =
      "failed to configure policy: failed to find resource referenced by paramKind: 'sea.example.com/v1, Kind=Limit'"
    assert.equal(await refusal(), unknown)
    const schema = {
      type: 'object',
      properties: { spec: { type: 'object', properties: { max: { type: 'integer' } } } },
    }
    await make('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      metadata: { name: 'limits.sea.example.com' },
      spec: {
        group: 'sea.example.com',
        scope: 'Cluster',
        names: { plural: 'limits', kind: 'Limit' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      },
    })
    while ((await call('GET', '/apis/sea.example.com/v1/limits')).status !== 200);
    await make('/apis/sea.example.com/v1/limits', {
      apiVersion: 'sea.example.com/v1',
      kind: 'Limit',
      metadata: { name: 'strict' },
      spec: { max: 2 },
    })
    assert.equal(await refusal({ a: '1' }), '')
    assert.equal(await refusal({ a: '1', b: '2' }), 'failed expression: object.data.size() < params.spec.max')
  })
})

describe('which requests a policy is for', () => {
  const deny = rule('false', { message: 'no' })

  test('names, and what is left out', async () => {
    const [onAll] = onConfigMaps.resourceRules
    const constraints = {
      resourceRules: [{ ...onAll, resourceNames: ['named', 'spared'] }],
      excludeResourceRules: [{ ...onAll, resourceNames: ['spared'] }],
    }
    await validating({ spec: { ...deny, matchConstraints: constraints } })
    assert.equal(await refusal({}, { name: 'other' }), '')
    assert.equal(await refusal({}, { name: 'spared' }), '')
    assert.equal(await refusal({}, { name: 'named' }), 'no')
  })

  test('other versions of the resource, unless it is exact', async () => {
    const resourceRules = [{ apiGroups: ['autoscaling'], apiVersions: ['v2'], operations: ['*'], resources: ['*'] }]
    const scaler = (name: string) =>
      call('POST', '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers', {
        metadata: { name },
        spec: {
          maxReplicas: 3,
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' },
          targetCPUUtilizationPercentage: 50,
        },
      })
    await validating({ spec: { ...deny, matchConstraints: { resourceRules, matchPolicy: 'Exact' } } })
    assert.equal((await scaler('exact')).status, 201)
    const expression = 'object.spec.metrics[0].resource.target.averageUtilization < 40 && request.kind.version == "v2"'
    await validating({ spec: { ...rule(expression), matchConstraints: { resourceRules } } })
    assert.match(
      String((await scaler('same')).one('.message')),
      /denied request: failed expression: object.spec.metrics/,
    )
  })

  test('conditions: one that is not met decides, and failures are as the policy says', async () => {
    const matchConditions = [
      { name: 'fails', expression: 'object.data.none == "x"' },
      { name: 'decides', expression: 'object.metadata.name.startsWith("checked")' },
    ]
    await validating({ spec: { ...deny, matchConditions } })
    assert.equal(await refusal({}, { name: 'free' }), '')
    assert.match(
      await refusal({}, { name: `checked-${count}` }),
      /^expression 'object.data.none == "x"' resulted in error: no such key: data$/,
    )
    await call('DELETE', `${registration}/validatingadmissionpolicies`)
    await validating({ spec: { ...deny, matchConditions, failurePolicy: 'Ignore' } })
    assert.equal(await refusal({}, { name: `checked-${count}` }), '')
  })

  test('connections to pods, by what is asked of them', async () => {
    const pods = '/api/v1/namespaces/default/pods'
    const spec = { nodeName: 'n', containers: [{ name: 'main', image: 'app' }] }
    await make(pods, { metadata: { name: 'target' }, spec })
    const resourceRules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CONNECT'], resources: ['pods/*'] }]
    const expression = `request.subResource != "exec" || (request.kind.kind == "PodExecOptions" && !("sh" in object.command)
      && !has(object.tty) && object.stdout && request.name == "target")`
    await validating({ spec: { ...rule(expression, { message: 'no shells' }), matchConstraints: { resourceRules } } })
    const exec = async (query: string) => {
      const { status, text } = await call('POST', `${pods}/target/exec?${query}`)
      return [status, /no shells/.test(text)]
    }
    assert.deepEqual(await exec('command=sh&command=-c'), [422, true])
    assert.deepEqual(await exec('command=date&tty=true'), [422, true])
    assert.deepEqual(await exec('command=date&container=main'), [501, false], 'let in, but nothing runs there')
    assert.equal((await call('GET', `${pods}/target/log`)).status, 501, 'who reads a log does not connect')
  })

  test('never for what configures admission', async () => {
    const resourceRules = [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] }]
    const name = await validating({ spec: { ...deny, matchConstraints: { resourceRules } } })
    assert.equal((await call('POST', '/api/v1/namespaces', { metadata: { name: 'x' } })).status, 422)
    assert.equal((await call('DELETE', `${registration}/validatingadmissionpolicybindings/${name}`)).status, 200)
    assert.equal((await call('POST', '/api/v1/namespaces', { metadata: { name: 'x' } })).status, 201)
  })
})

describe('what is made to be slow is cut off', () => {
  const cut = 'resulted in error: operation cancelled: actual cost limit exceeded'
  const many = 'object.data.key.split("")'
  const cases: Readonly<Record<string, string>> = {
    'loops in loops': `${many}.all(a, ${many}.all(b, ${many}.all(c, a != "!" || b != c)))`,
    'a regular expression that backtracks elsewhere': `${many}.all(x, (object.data.key + "!").matches("^(a+)+$") || true)`,
    'text that grows': `${many}.all(a, ${many}.map(b, object.data.key + b).size() >= 0)`,
  }
  for (const [what, expression] of Object.entries(cases)) {
    test(what, async () => {
      await validating({ spec: rule(expression) })
      assert.ok((await refusal({ key: 'a'.repeat(5000) })).endsWith(cut))
    })
  }

  test('many rules, each of which could be paid', async () => {
    const expression = `${many}.all(a, ${many}.exists(b, b == a) || true)`
    const validations = Array.from({ length: 40 }, (_, at) => ({ expression: `${expression} && ${at} >= 0` }))
    await validating({ spec: { validations } })
    const words = 'validation failed due to running out of cost budget, no further validation rules will be run'
    assert.equal(await refusal({ key: `${'a'.repeat(300)}` }), '', 'a short text is cheap')
    assert.equal(await refusal({ key: 'b'.repeat(60_000) }), words)
  })
})

describe('mutations', () => {
  const apply = (expression: string) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } })
  const patch = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } })
  const label = (name: string) => apply(`Object{metadata: Object.metadata{labels: {"${name}": "yes"}}}`)

  test('are made in order, with what variables and parameters say', async () => {
    await create({ team: 'blue' }, { name: 'team' })
    await mutating({
      spec: {
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        variables: [{ name: 'team', expression: 'params.data.team' }],
        mutations: [
          apply('Object{metadata: Object.metadata{labels: {"team": variables.team}}}'),
          patch('[JSONPatch{op: "add", path: "/metadata/annotations", value: {"seen": object.metadata.labels.team}}]'),
          patch('[JSONPatch{op: "copy", from: "/data/key", path: "/data/" + jsonpatch.escapeKey("a/b~c")}]'),
        ],
      },
      binding: { paramRef: { name: 'team', parameterNotFoundAction: 'Deny' } },
    })
    const answer = await call('POST', configMaps, { metadata: { name: 'mutated' }, data: { key: 'v' } })
    assert.equal(answer.status, 422, 'a key with a slash is no key of a config map')
    assert.match(answer.text, /data\[a\/b~c\]/)
    await call('DELETE', `${registration}/mutatingadmissionpolicies`)
    await call('DELETE', `${registration}/mutatingadmissionpolicybindings`)
    await mutating({
      spec: {
        mutations: [
          label('team'),
          patch('[JSONPatch{op: "add", path: "/metadata/annotations", value: {"seen": object.metadata.labels.team}}]'),
          patch('[JSONPatch{op: "test", path: "/data/key", value: "other"}, JSONPatch{op: "remove", path: "/data"}]'),
        ],
      },
    })
    const second = await create({ key: 'v' })
    assert.deepEqual(second.one('.metadata.labels'), { team: 'yes' })
    assert.deepEqual(second.one('.metadata.annotations'), { seen: 'yes' })
    assert.deepEqual(second.one('.data'), { key: 'v' }, 'a test that fails leaves the object')
  })

  test('of lists find their items by key, and defaults follow', async () => {
    const pods = {
      resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    }
    const sidecar = `Object{spec: Object.spec{initContainers: [Object.spec.initContainers{name: "mesh", image: "mesh:1", restartPolicy: "Always"}],
      containers: object.spec.containers.map(c, Object.spec.containers{name: c.name, env: [Object.spec.containers.env{name: "MESH", value: "on"}]})}}`
    await mutating({ spec: { matchConstraints: pods, mutations: [apply(sidecar)] } })
    const answer = await call('POST', '/api/v1/namespaces/default/pods', {
      metadata: { name: 'web' },
      spec: { containers: [{ name: 'main', image: 'app', env: [{ name: 'OWN', value: '1' }] }] },
    })
    assert.equal(answer.status, 201, answer.text)
    assert.deepEqual(answer.all('.spec.containers[0].env[*].name'), ['OWN', 'MESH'])
    assert.deepEqual(answer.all('.spec.initContainers[*].imagePullPolicy'), ['IfNotPresent'])
  })

  describe('that cannot be made', () => {
    const cases: readonly [what: string, mutation: Loose, message: string | RegExp][] = [
      [
        'a field that there is not',
        apply('Object{nope: "x"}'),
        'error applying patch: failed to convert patch object to typed object: .nope: field not declared in schema',
      ],
      [
        'a type at another place',
        apply('Object{metadata: Object.data{labels: {"a": "b"}}}'),
        'type mismatch: unexpected type name "Object.data", expected "Object.metadata", which matches field name path from root Object type',
      ],
      [
        'what can only be replaced as a whole',
        apply('Object{metadata: Object.metadata{managedFields: []}}'),
        'error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .metadata.managedFields',
      ],
      [
        'a patch that leads nowhere',
        patch('[JSONPatch{op: "remove", path: "/data/none"}]'),
        'JSON Patch: Unable to remove nonexistent key: none: missing value',
      ],
      [
        'an expression that fails',
        apply('Object{data: {"a": object.data.none}}'),
        `expression 'Object{data: {"a": object.data.none}}' resulted in error: no such key: none`,
      ],
    ]
    for (const [what, mutation, message] of cases) {
      test(what, async () => {
        const name = await mutating({ spec: { mutations: [mutation] } })
        const answer = await create({ key: 'v' })
        const words = `policy '${name}' with binding '${name}' denied request: ${message}`
        assert.deepEqual([answer.status, answer.one('.reason'), answer.one('.message')], [403, 'Invalid', words])
        await call('DELETE', `${registration}/mutatingadmissionpolicies/${name}`)
        await mutating({ spec: { mutations: [mutation, label('after')], failurePolicy: 'Ignore' } })
        assert.deepEqual((await create({ key: 'v' })).one('.metadata.labels'), { after: 'yes' })
      })
    }
  })

  test('that lead to what is no such object', async () => {
    const pods = {
      resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    }
    const much = `Object{spec: Object.spec{containers: [Object.spec.containers{name: "main",
      resources: Object.spec.containers.resources{limits: {"cpu": "much"}}}]}}`
    const name = await mutating({ spec: { matchConstraints: pods, mutations: [apply(much)] } })
    const answer = await call('POST', '/api/v1/namespaces/default/pods', {
      metadata: { name: 'much' },
      spec: { containers: [{ name: 'main', image: 'app' }] },
    })
    assert.equal(answer.status, 403)
    assert.match(
      String(answer.one('.message')),
      new RegExp(`^policy '${name}' with binding '${name}' denied request: .*quantities must match`),
    )
  })

  test('run again when later ones change the object, if they wish', async () => {
    const when = (name: string) => [
      { name: 'when', expression: `has(object.metadata.labels) && "${name}" in object.metadata.labels` },
    ]
    await mutating(
      { spec: { mutations: [label('first')], matchConditions: when('second'), reinvocationPolicy: 'IfNeeded' } },
      'a-again',
    )
    const add = `Object{metadata: Object.metadata{annotations: {"size": string(object.metadata.?labels.orValue({}).size())}}}`
    await mutating({ spec: { mutations: [apply(add)], reinvocationPolicy: 'IfNeeded' } }, 'b-again')
    await mutating({ spec: { mutations: [label('second')] } }, 'c-once')
    const answer = await create()
    assert.deepEqual(answer.one('.metadata.annotations'), { size: '1' })
    assert.deepEqual(answer.one('.metadata.labels'), { second: 'yes' }, 'who did not run at first is not run then')
  })

  test('of what is posted to a scale', async () => {
    const resourceRules = [
      { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['deployments/scale'] },
    ]
    const atMost = 'Object{spec: Object.spec{replicas: object.spec.replicas > 3 ? 3 : object.spec.replicas}}'
    await mutating({ spec: { matchConstraints: { resourceRules }, mutations: [apply(atMost)] } })
    const spec = { containers: [{ name: 'main', image: 'app' }] }
    await make('/apis/apps/v1/namespaces/default/deployments', {
      metadata: { name: 'web' },
      spec: {
        replicas: 1,
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec },
      },
    })
    const scale = '/apis/apps/v1/namespaces/default/deployments/web/scale'
    assert.equal((await call('PATCH', scale, { spec: { replicas: 9 } }, mergePatch)).one('.spec.replicas'), 3)
  })
})

test('expressions that do not fit the types of their objects are told in the status', async () => {
  await using cluster = await startCluster({ nodes: 0 })
  const policies = cluster.registry.resource(ValidatingAdmissionPolicy)
  const make = (name: string, expression: string) =>
    policies.create(
      '',
      {
        metadata: { name },
        spec: { matchConstraints: onConfigMaps, validations: [{ expression }] },
      } as unknown as ApiObject,
      serverContext,
    )
  await make('good', 'object.data.size() > 0')
  await make('bad', 'object.spec.replicas > 0')
  await cluster.settle()
  const status = async (name: string) => (await policies.get('', name)).object.status
  assert.deepEqual(await status('good'), { observedGeneration: 1, typeChecking: {} })
  const warning =
    "/v1, Kind=ConfigMap: ERROR: <input>:1:7: undefined field 'spec'\n | object.spec.replicas > 0\n | ......^\n"
  assert.deepEqual(await status('bad'), {
    observedGeneration: 1,
    typeChecking: { expressionWarnings: [{ fieldRef: 'spec.validations[0].expression', warning }] },
  })
})
