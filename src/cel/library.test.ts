import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compile } from './compile.ts'
import { CelEvaluationError } from './contract.ts'
import {
  type AuthorizerAttributes,
  authorizerType,
  createAuthorizer,
  requestResourceType,
} from './library/authorizer.ts'
import { escapeFieldName, type JsonSchema, typeOfSchema } from './schema-type.ts'
import * as types from './types.ts'
import { optionalNone, toJson } from './values.ts'

/** The result as JSON, or the message of the error. */
function result(source: string): unknown {
  try {
    return toJson(compile(source, { variables: {} }).evaluate({}).value)
  } catch (error) {
    if (error instanceof CelEvaluationError) return `error: ${error.message}`
    throw error
  }
}

const results: Readonly<Record<string, unknown>> = {
  "url('https://example.com:80/path').getHost()": 'example.com:80',
  "url('https://[::1]:80/').getHostname()": '::1',
  "url('https://example.com:80/').getPort()": '80',
  "url('/path').getScheme()": '',
  "url('https://example.com/path with spaces/').getEscapedPath()": '/path%20with%20spaces/',
  "url('https://example.com/path?k1=a&k2=b&k2=c').getQuery()": { k1: ['a'], k2: ['b', 'c'] },
  "isURL('https://user:pass@example.com:80/path?query=val#fragment')": true,
  "isURL('../relative-path')": false,
  "isURL('https://a:x/')": false,
  "'abc 123'.find('[0-9]*')": '',
  "'abc 123 def 456'.findAll('[0-9]+', 1)": ['123'],
  '[1, 3, 2].isSorted()': false,
  "['b', 'a'].min()": 'a',
  '[duration("1s"), duration("2s")].sum() == duration("3s")': true,
  '[1].filter(x, x > 1).max()': 'error: max called on empty list',
  "['a', 'b', 'b'].lastIndexOf('b')": 2,
  "quantity('1.5Gi').isGreaterThan(quantity('1.5G'))": true,
  "quantity('50k').add(20) == quantity('50020')": true,
  "quantity('0.5').isInteger()": false,
  "quantity('0.5').asInteger()": 'error: cannot convert value to integer',
  "isQuantity('1Mii')": false,
  "cidr('192.168.0.0/24').containsIP('192.168.0.1')": true,
  "cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24')": true,
  "cidr('192.168.1.0/24').containsCIDR('192.168.0.0/16')": false,
  "cidr('192.168.0.1/24') == cidr('192.168.0.1/24').masked()": false,
  "string(cidr('2001:DB8::/32').masked())": '2001:db8::/32',
  "ip.isCanonical('2001:DB8::ABCD')": false,
  "ip('ff02::1').isLinkLocalMulticast()": true,
  "ip('255.255.255.255').isGlobalUnicast()": false,
  "ip('fe80::1%en0')": 'error: IP address "fe80::1%en0" with zone value is not allowed',
  "isIP('::ffff:1.2.3.4')": false,
  "type(ip('::1')) == net.IP": true,
  "semver('1.0.0-alpha.2').isLessThan(semver('1.0.0-alpha.10'))": true,
  "semver('v01.02', true).minor()": 2,
  "isSemver('1.0')": false,
  "image('registry.k8s.io/pause').tag()": 'latest',
  "image('localhost:5000/a/b:1.0').registry()": 'localhost:5000',
  "image('nginx@sha256:6aefddb645ee6963afd681b1845c661d0ea4c3b20ab9db86d9e753b203d385f2').containsDigest()": true,
  "isImage('registry.k8s.io//pause')": false,
  "format.named('nope').hasValue()": false,
  "format.dns1035Label().validate('1a').hasValue()": true,
  "format.labelValue().validate('ok').hasValue()": false,
  "format.uuid().validate('x').value()": ['does not match the UUID format'],
  'sets.equivalent([1, 2, 2], [2, 1])': true,
  "'%s is %d, %.1f, %x'.format([dyn('a'), 1, 2.25, 255])": 'a is 1, 2.2, ff',
  "{'a': 1}[?'b'].orValue(2)": 2,
  "{'a': {'b': 1}}.?a.b.value()": 1,
  "[?optional.none(), ?optional.of('a')]": ['a'],
  "optional.of('ab').optMap(x, x.size()).value()": 2,
  "['a', 'b'].transformMap(i, v, v + string(i))": { 0: 'a0', 1: 'b1' },
  '9223372036854775807 + 1': 'error: integer overflow',
  '1 / 0': 'error: division by zero',
  '1 % 0 == 1 || true': true,
  '[1][1]': 'error: index out of bounds: 1',
  "{'a': 1}.b": 'error: no such key: b',
  'size("👍") == 1 && "👍a".charAt(1) == "a"': true,
  "timestamp('2024-02-29T12:00:00Z').getDayOfYear('America/New_York')": 59,
}

test('functions give what they give in the reference', () => {
  assert.deepEqual(Object.fromEntries(Object.keys(results).map((source) => [source, result(source)])), results)
})

test('mutating expressions make objects and escape keys of patches', () => {
  const spec = types.objectType('Object.spec', { replicas: types.field(types.int) })
  const object = types.objectType('Object', { spec: types.field(spec) })
  const messages = (name: string) => [object, spec].find((type) => type.name === name)
  const program = compile('Object{spec: Object.spec{replicas: 1 + 1}}', { variables: {}, messages })
  assert.deepEqual(toJson(program.evaluate({}).value), { spec: { replicas: 2 } })
  const escaped = compile("jsonpatch.escapeKey('k8s.io/my~label')", { variables: {}, messages })
  assert.equal(escaped.evaluate({}).value, 'k8s.io~1my~0label')
  assert.throws(() => compile('Object{spek: 1}', { variables: {}, messages }), /1:12: undefined field 'spek'/)
})

test('the authorizer is asked what the expression says', () => {
  const asked: AuthorizerAttributes[] = []
  const port = {
    authorize: (attributes: AuthorizerAttributes) => {
      asked.push(attributes)
      return { allowed: attributes.verb === 'get', reason: 'because' }
    },
  }
  const environment = { variables: { authorizer: authorizerType, 'authorizer.requestResource': requestResourceType } }
  const bindings = {
    authorizer: createAuthorizer(port),
    'authorizer.requestResource': createAuthorizer(port, { group: 'apps', resource: 'deployments', namespace: 'a' }),
  }
  const run = (source: string) => compile(source, environment).evaluate(bindings).value
  assert.equal(run("authorizer.serviceAccount('a', 'b').group('').resource('pods').check('get').allowed()"), true)
  assert.equal(run("authorizer.requestResource.check('delete').reason()"), 'because')
  assert.equal(run("authorizer.path('/healthz').check('post').errored()"), false)
  assert.deepEqual(asked, [
    { serviceAccount: { namespace: 'a', name: 'b' }, group: '', resource: 'pods', verb: 'get' },
    { group: 'apps', resource: 'deployments', namespace: 'a', verb: 'delete' },
    { path: '/healthz', verb: 'post' },
  ])
  assert.throws(() => run("authorizer.path(' ')"), /path must not be empty/)
})

const spec: JsonSchema = {
  type: 'object',
  properties: {
    min: { type: 'integer' },
    max: { type: 'integer' },
    m: { type: 'object', additionalProperties: { type: 'integer' } },
    ratio: { type: 'number' },
    when: { type: 'string', format: 'date-time' },
    size: { 'x-kubernetes-int-or-string': true },
    'a-b': { type: 'string' },
    ports: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port'],
      items: { type: 'object', properties: { port: { type: 'integer' }, name: { type: 'string' } } },
    },
  },
}

function check(rule: string, self: unknown, oldSelf?: unknown): unknown {
  const type = typeOfSchema(spec)!
  try {
    return compile(rule, { variables: { self: type, oldSelf: type } }).evaluate({ self, oldSelf }).value
  } catch (error) {
    return error instanceof CelEvaluationError ? error.message : error
  }
}

// Recorded: crd/cel.
test('rules of schemas', () => {
  assert.equal(check('!has(self.min) || !has(self.max) || self.min <= self.max', { min: 2, max: 1 }), false)
  assert.equal(check('!has(self.min) || !has(self.max) || self.min <= self.max', { min: 2 }), true)
  assert.equal(check('!has(self.m) || self.m["a"] > 0', { m: { b: 1 } }), 'no such key: a')
  assert.equal(check('self.max > 0', {}), 'no such key: max')
  assert.equal(check('self.ratio > 1 && self.ratio / 2.0 == 1.0', { ratio: 2 }), true)
  assert.equal(check('self.when > timestamp("2024-01-01T00:00:00Z")', { when: '2025-01-01T00:00:00Z' }), true)
  assert.equal(check('type(self.size) == string ? self.size.endsWith("%") : self.size < 5', { size: '5%' }), true)
  assert.equal(check('self.a__dash__b == "x"', { 'a-b': 'x' }), true)
})

test('lists with keys are the same in any order', () => {
  const [first, second] = [{ port: 1, name: 'a' }, { port: 2 }]
  assert.equal(check('self.ports == oldSelf.ports', { ports: [first, second] }, { ports: [second, first] }), true)
  assert.equal(check('self.ports == oldSelf.ports', { ports: [first] }, { ports: [{ port: 1, name: 'b' }] }), false)
})

test('a value may be optional, or made when it is needed', () => {
  const program = compile('!oldSelf.hasValue() || self > oldSelf.value()', {
    variables: { self: types.int, oldSelf: types.optionalOf(types.int) },
  })
  assert.equal(program.evaluate({ self: 1, oldSelf: optionalNone }).value, true)
  assert.equal(program.evaluate({ self: 1, oldSelf: () => 2 }).value, false)
})

test('names that expressions cannot write are escaped', () => {
  const names = ['a-b', 'a.b/c', 'x__y', 'namespace', '1a', 'ok']
  assert.deepEqual(names.map(escapeFieldName), [
    'a__dash__b',
    'a__dot__b__slash__c',
    'x__underscores__y',
    '__namespace__',
    undefined,
    'ok',
  ])
})

test('nothing of a value is read before an expression touches it', () => {
  const self = new Proxy<Record<string, unknown>>(
    { min: 1 },
    { get: (target, key) => (key === 'min' ? target[key] : assert.fail(`read ${String(key)}`)) },
  )
  assert.equal(check('self.min == 1', self), true)
})
