import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compile } from './compile.ts'
import { CelEvaluationError } from './contract.ts'
import { authorizerType, createAuthorizer } from './library/authorizer.ts'
import { estimatedRuleLimit, exceededBudgetMessage, perCallLimit } from './limits.ts'
import { type JsonSchema, typeOfSchema } from './schema-type.ts'
import * as types from './types.ts'

/** Expression, least and most by the estimate, what it costs: figures of the reference's own tests. */
const prices: readonly (readonly [string, number, number, number])[] = [
  ['[1, 2, 3, 4, 5].sum()', 15, 15, 15],
  ['[uint(1), uint(2), uint(3), uint(4), uint(5)].max()', 20, 20, 20],
  ['[1.0, 2.0, 3.0, 4.0, 5.0].isSorted()', 15, 15, 15],
  ['[false, true, false, true, false].min()', 15, 15, 15],
  ["[duration('1s'), duration('2s'), duration('3s'), duration('4s'), duration('5s')].sum()", 20, 20, 20],
  ['[1, 2, 3, 4, 5].indexOf(3)', 15, 15, 15],
  ["'01234567890123456789012345678901234567890123456789'.lastIndexOf('123')", 5, 5, 5],
  ["url('https:://kubernetes.io/').getScheme()", 4, 4, 4],
  ["url('https:://kubernetes.io/') == url('https:://kubernetes.io/')", 7, 9, 7],
  ["url('https:://kubernetes.io/') == url('http://x.b')", 5, 5, 5],
  ["ip('192.168.0.1')", 2, 2, 2],
  ["ip('2001:db8:3333:4444:5555:6666:7777:8888').family()", 5, 5, 5],
  ["ip('192.168.0.1') == ip('192.168.0.1')", 5, 5, 5],
  ["ip.isCanonical('192.168.0.1')", 3, 3, 3],
  ["ip.isCanonical('2001:db8:3333:4444:5555:6666:7777:8888')", 8, 8, 8],
  ["cidr('192.168.0.0/16').masked()", 3, 3, 3],
  ["cidr('192.168.0.0/16').containsCIDR(cidr('192.0.0.0/30'))", 7, 11, 7],
  ["cidr('192.168.0.0/16').containsCIDR('192.168.0.0/16')", 7, 11, 7],
  ["cidr('192.168.0.0/16').containsIP(ip('192.0.0.1'))", 4, 7, 4],
  ["cidr('192.168.0.0/16').containsIP('192.169.0.1')", 5, 8, 5],
  ["'ABCDEFGHIJ abcdefghij'.lowerAscii()", 3, 3, 3],
  ["'ABCDEFGHIJ abcdefghij'.lowerAscii() == 'abcdefghij ABCDEFGHIJ'.lowerAscii()", 7, 9, 9],
  ["strings.quote('ABCDEFGHIJ abcdefghij') == strings.quote('ABCDEFGHIJ abcdefghij')", 7, 11, 9],
  ["'abc 123 def 123'.replace('', 'x')", 3, 3, 3],
  ["'abc 123 def 123'.split(' ', 1)", 3, 3, 3],
  ["'abc 123 def 123'.substring(5, 8)", 2, 2, 2],
  ["'  abc 123 def 123  '.trim()", 2, 2, 2],
  ["'abc 123 def 123'.findAll('123', 1)", 2, 2, 2],
  ["authorizer.path('/healthz').check('get').allowed()", 350003, 350003, 350003],
  ["authorizer.group('apps').resource('deployments').namespace('test').name('backend')", 5, 5, 5],
  [
    "authorizer.group('').resource('pods').fieldSelector('spec.nodeName=example-node-name.fully.qualified.domain.name.example.com')",
    1821,
    1821,
    1821,
  ],
  ['quantity("200M") == quantity("0.2G") && quantity("0.2G") == quantity("200M")', 3, 6, 6],
  ['quantity("50k").add(20).sub(quantity("100k")).sub(-50000).asInteger() > 0', 7, 7, 7],
  ['quantity("50.703k").asApproximateFloat() > 0.0', 3, 3, 3],
  ['format.named("dns1123Subdomain").value().validate("my-name")', 34, 34, 17],
  ['format.named("dns1123Label").value().validate("my-name")', 34, 34, 10],
  ['format.named("dns1123Label").value() == format.named("dns1123Label").value()', 5, 11, 5],
  ['sets.contains([1, 2, 3, 4], [2, 3])', 29, 29, 29],
  ['sets.contains([[1], [2, 3]], [[2, 3]])', 53, 53, 53],
  ['!sets.equivalent([2, 1], [1])', 26, 26, 26],
  ['sets.intersects([[1], [2, 3]], [[1, 2], [2, 3]])', 65, 65, 65],
  ['semver("1234.56789012345.67890123456789").major()', 5, 5, 5],
  ["{'a': 1, 'b': 2}.all(k, v, v > 0)", 37, 41, 41],
  ["{'a': 1, 'b': 2}.exists(k, v, v > 0)", 39, 43, 40],
  ["{'a': 1, 'b': 2}.existsOne(k, v, v > 0)", 38, 40, 40],
  ["{'a': 1, 'b': 2}.transformMap(k, v, v + 1)", 71, 71, 71],
  ["{'a': 1, 'b': 2}.transformMap(k, v, v < 5, v + 1)", 67, 75, 75],
  ["{'a': 1, 'b': 2}.transformMapEntry(k, v, {k: v + 1})", 131, 131, 131],
  ["{'a': 1, 'b': 2}.transformMapEntry(k, v, v < 5, {k: v + 1})", 67, 135, 135],
  ['[1, 2].all(i, v, v > 0)', 17, 21, 21],
  ['[1, 2].exists(i, v, v > 0)', 19, 23, 20],
  ['[1, 2].transformList(i, v, v < 5, v + 1)', 27, 53, 53],
]

const allowAll = createAuthorizer({ authorize: () => ({ allowed: true }) })

test('expressions cost what they cost in the reference', () => {
  const got = prices.map(([source]) => {
    const program = compile(source, { variables: { authorizer: authorizerType } })
    const { cost } = program.evaluate({ authorizer: allowAll })
    return [source, program.estimate.min, program.estimate.max, cost]
  })
  assert.deepEqual(got, prices)
})

test('an evaluation ends when it has cost too much', () => {
  const numbers = Array.from({ length: 200 }, (_, index) => index)
  const source = 'self.all(a, self.all(b, self.all(c, a + b + c >= 0)))'
  const program = compile(source, { variables: { self: types.listOf(types.int) } })
  assert.throws(
    () => program.evaluate({ self: numbers }),
    (error) =>
      error instanceof CelEvaluationError &&
      error.reason === 'cost' &&
      error.message === 'operation cancelled: actual cost limit exceeded' &&
      error.cost < perCallLimit + 1000,
  )
})

test('a call is paid for before it runs', () => {
  const numbers = Array.from({ length: 500_000 }, (_, index) => index)
  const program = compile('sets.contains(self, self)', { variables: { self: types.listOf(types.int) } })
  assert.throws(() => program.evaluate({ self: numbers }), /cost limit exceeded/)
})

test('no failure of a part hides that the limit was reached', () => {
  const program = compile('[1, 2, 3].all(x, x > 0) || true', { variables: {} })
  assert.throws(() => program.evaluate({}, { costLimit: 20 }), /cost limit exceeded/)
})

const ruleCost = (rule: string, schema: JsonSchema): number =>
  compile(rule, { variables: { self: typeOfSchema(schema)! } }).estimate.max

test('rules are priced by the limits of their schemas', () => {
  assert.equal(ruleCost('self == "x"', { type: 'string', maxLength: 10 }), 2)
  assert.equal(ruleCost('self.all(x, x > 0)', { type: 'array', maxItems: 10, items: { type: 'integer' } }), 52)
  assert.equal(ruleCost('self.startsWith("abc")', { type: 'string' }), 2)
  assert.equal(ruleCost('self.matches("a.*b")', { type: 'string', maxLength: 100 }), 42)
  assert.equal(
    ruleCost("self.kind == 'a'", { type: 'object', properties: { kind: { type: 'string', enum: ['a'] } } }),
    3,
  )
})

// cel-go knows no size of what a conversion gives, so the reference refuses such a messageExpression; `format` is priced.
test('a text that is made of a number has no known size', () => {
  assert.equal(ruleCost("'at most ' + string(self)", { type: 'integer' }), Number.POSITIVE_INFINITY)
  assert.ok(ruleCost("'at most %d'.format([self])", { type: 'integer' }) < 100)
})

// Recorded: crd/schema-errors-10.
test('rules over lists without end are too expensive', () => {
  const list: JsonSchema = { type: 'array', items: { type: 'string' } }
  const nested = ruleCost('self.all(x, x.all(y, self.all(z, z.all(w, w == y))))', { type: 'array', items: list })
  assert.equal(
    exceededBudgetMessage('estimated rule cost', nested, estimatedRuleLimit),
    'estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)',
  )
  assert.match(exceededBudgetMessage('estimated rule cost', 23_000_000, estimatedRuleLimit), /by factor of 2.3x /)
})
