import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compile } from './compile.ts'
import { CelCompileError, CelEvaluationError } from './contract.ts'
import { compileRegex } from './regex.ts'
import * as types from './types.ts'

const self = types.objectType('object', {
  n: types.field(types.int),
  s: types.field(types.string),
  l: types.field(types.listOf(types.int)),
  m: types.field(types.mapOf(types.string, types.string)),
  d: types.field(types.dyn),
})

const value = { n: 7, s: 'text', l: [1, 2, 3], m: { a: 'b' }, d: { x: [1, 'a', null, true, 1.5] } }

const tokens =
  `self . n s l m d x y ( ) [ ] { } , : ? + - * / % < > <= == != && || ! in 0 1 -1 9223372036854775807 1u 1.5 'a' b'a' true null
  has all exists exists_one map filter size matches contains replace split join format substring transformMap dyn int string
  uint double type optional.of optMap orValue [1] {'a':1} 'a{1000}' '%s' duration('1s') quantity('1') cidr('::/0') sum max`.split(
    /\s+/,
  )

/** Random texts that are sometimes expressions. */
const soup = fc.array(fc.constantFrom(...tokens), { minLength: 1, maxLength: 25 }).map((parts) => parts.join(' '))

/** Random expressions, most of which compile. */
const { expression } = fc.letrec<{ expression: string }>((tie) => {
  const one = tie('expression')
  return {
    expression: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom(
        'self.n',
        'self.s',
        'self.l',
        'self.m',
        'self.d',
        'self.d.x',
        '1',
        '0',
        '-9223372036854775808',
        '2u',
        '1.5',
        "'a'",
        'true',
        'null',
        '[]',
        '{}',
      ),
      fc
        .tuple(one, fc.constantFrom('+', '-', '*', '/', '%', '<', '>=', '==', '!=', '&&', '||', 'in'), one)
        .map((parts) => `(${parts.join(' ')})`),
      fc
        .tuple(
          fc.constantFrom(
            '!',
            '-',
            'dyn',
            'size',
            'string',
            'int',
            'uint',
            'double',
            'bytes',
            'type',
            'quantity',
            'url',
          ),
          one,
        )
        .map(([name, arg]) => `${name}(${arg})`),
      fc
        .tuple(one, fc.constantFrom('all', 'exists', 'exists_one', 'map', 'filter'), one)
        .map(([range, name, body]) => `dyn(${range}).${name}(x, ${body} == x)`),
      fc.tuple(one, one).map(([left, right]) => `dyn(${left})[${right}]`),
      fc.tuple(one, one, one).map(([condition, yes, no]) => `(${condition} ? ${yes} : ${no})`),
      fc.tuple(one, one).map((parts) => `[${parts.join(', ')}]`),
      fc.tuple(one, one).map((parts) => `{${parts.join(': ')}}`),
      fc
        .tuple(one, fc.constantFrom('matches', 'split', 'replace', 'indexOf', 'find', 'contains'), one)
        .map(([on, name, arg]) => `dyn(${on}).${name}(dyn(${arg}))`),
    ),
  }
})

/** Runs a text; whatever comes of it must be a result or one of the two errors. */
function run(source: string, dialect: 'kubernetes' | 'full'): void {
  try {
    const program = compile(source, { variables: { self }, dialect })
    const { estimate } = program
    assert.ok(estimate.min >= 0 && estimate.max >= 0 && !Number.isNaN(estimate.max), `${source}: ${estimate.max}`)
    const { cost } = program.evaluate({ self: value }, { costLimit: 20_000 })
    assert.ok(cost <= 20_000)
  } catch (error) {
    if (!(error instanceof CelCompileError || error instanceof CelEvaluationError)) throw error
    assert.notEqual(error.message, '')
  }
}

test('texts that are hardly expressions neither hang nor crash', () => {
  fc.assert(
    fc.property(soup, (source) => run(source, 'kubernetes')),
    { numRuns: 3000, seed: 1 },
  )
  fc.assert(
    fc.property(fc.string({ maxLength: 60, unit: 'binary' }), (source) => run(source, 'full')),
    { numRuns: 1000, seed: 2 },
  )
})

test('random expressions neither hang nor crash', () => {
  fc.assert(
    fc.property(expression, (source) => run(source, 'full')),
    { numRuns: 3000, seed: 3 },
  )
})

test('depth and length have limits', () => {
  const fails = (source: string, message: RegExp) => assert.throws(() => compile(source, { variables: {} }), message)
  fails('['.repeat(300) + ']'.repeat(300), /expression recursion limit exceeded: 250/)
  fails('('.repeat(90_000), /expression recursion limit exceeded/)
  fails('-'.repeat(90_000), /Syntax error/)
  fails(Array(20_000).fill('1').join('+'), /max recursion depth exceeded/)
  fails(`{}${'.a'.repeat(40_000)}`, /max recursion depth exceeded/)
  fails(`'${'a'.repeat(100_001)}'`, /expression code point size exceeds limit: size: 100003, limit 100000/)
  const long = compile(Array(10_000).fill('true').join(' && '), { variables: {} })
  assert.equal(long.evaluate({}).value, true)
})

test('texts cannot grow without end', () => {
  const big = `'${'x'.repeat(40_000)}'`
  const program = compile(`${big}.replace('', ${big}).size() > 0`, { variables: {} })
  assert.throws(() => program.evaluate({}), /exceeds the size limit/)
})

test('no pattern holds up the server', () => {
  const text = `${'a'.repeat(5000)}!`
  for (const pattern of ['^(a+)+$', '(a|a)*$', '^(a|aa)+$', '(.*)*x', 'a*a*a*a*a*b', '(a{1,30}){1,30}$'])
    assert.equal(typeof compileRegex(pattern).test(text), 'boolean')
  assert.throws(
    () => compileRegex('(a{1000}){1000}'),
    (failure: { message: string }) => /invalid repeat count/.test(failure.message),
  )
})

test('both ways of matching find the same', () => {
  const part = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '(?:a|b)', '^', '$', '\\b', 'ab|b')
  const pattern = fc
    .array(fc.tuple(part, fc.constantFrom('', '', '?', '*', '+', '*?', '{1,2}')), { maxLength: 3 })
    .map((parts) =>
      parts
        .map(([node, count]) => (/^[\^$]$|^\\b$|\|/.test(node) && !node.startsWith('(') ? node : node + count))
        .join(''),
    )
  fc.assert(
    fc.property(
      pattern,
      fc.string({ unit: fc.constantFrom('a', 'b', '1', ' ', '\n'), maxLength: 8 }),
      (source, text) => {
        // A long tail sends the same pattern to the machine that does not go back.
        const padded = `${text}${'\u0000'.repeat(3000)}`
        const [quick, careful] = [
          compileRegex(source).find(text, 0),
          compileRegex(`(?:${source})(?:(?:x*)*)`).find(text, 0),
        ]
        assert.deepEqual(quick, careful, `${source} in ${JSON.stringify(text)}`)
        assert.equal(typeof compileRegex(source).test(padded), 'boolean')
      },
    ),
    { numRuns: 1000, seed: 4 },
  )
})
