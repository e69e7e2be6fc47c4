import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BodyError, parseJson, parseYaml, typeMetaOf, unrecognizedJson, unrecognizedYaml } from './json.ts'

const problemsOf = (text: string) => parseJson(Buffer.from(text), { findDuplicates: true }).problems

test('malformed JSON is refused in Go’s words', () => {
  const table: Record<string, string> = {
    '': 'unexpected end of JSON input',
    '{': 'unexpected end of JSON input',
    '{"a"': 'unexpected end of JSON input',
    '"abc': 'unexpected end of JSON input',
    tru: 'unexpected end of JSON input',
    '-': 'unexpected end of JSON input',
    hello: "invalid character 'h' looking for beginning of value",
    '{"a":1,}': "invalid character '}' looking for beginning of object key string",
    '{a:1}': "invalid character 'a' looking for beginning of object key string",
    '[1,]': "invalid character ']' looking for beginning of value",
    '{"a" 1}': "invalid character '1' after object key",
    '{"a":1 "b"}': "invalid character '\"' after object key:value pair",
    '[1 2]': "invalid character '2' after array element",
    '{} x': "invalid character 'x' after top-level value",
    '01': "invalid character '1' after top-level value",
    '"\n"': "invalid character '\\n' in string literal",
    '"\\x"': "invalid character 'x' in string escape code",
    '"\\u12g4"': "invalid character 'g' in \\u hexadecimal character escape",
    '-a': "invalid character 'a' in numeric literal",
    '1.x': "invalid character 'x' after decimal point in numeric literal",
    '1ex': "invalid character 'x' in exponent of numeric literal",
    nul1: "invalid character '1' in literal null (expecting 'l')",
    trux: "invalid character 'x' in literal true (expecting 'e')",
    "'a'": "invalid character '\\'' looking for beginning of value",
    '\u0000': "invalid character '\\x00' looking for beginning of value",
    '\ufeff{}': "invalid character 'ï' looking for beginning of value",
  }
  for (const [text, message] of Object.entries(table)) {
    assert.throws(() => parseJson(Buffer.from(text)), new BodyError(message), JSON.stringify(text))
  }
})

test('nesting has a limit, and reaching it costs no stack', () => {
  const nested = (depth: number) => Buffer.from('['.repeat(depth) + ']'.repeat(depth))
  assert.equal(parseJson(nested(10_000)).problems.length, 0)
  assert.throws(() => parseJson(nested(10_001)), { message: "invalid character '[' exceeded max depth" })
  assert.throws(() => parseJson(Buffer.from('{"a":'.repeat(200_000))), {
    message: "invalid character '{' exceeded max depth",
  })
  assert.deepEqual(parseJson(Buffer.from(`[${'[],'.repeat(20_000)}1]`)).problems, [])
})

test('fields that occur twice are found where they are', () => {
  assert.deepEqual(problemsOf('{"kind":"a","kind":"b"}'), ['duplicate field "kind"'])
  assert.deepEqual(problemsOf('{"spec":{"list":[{"a":1},{"b":1,"b":2,"b":3}],"x":{"y":1},"y":1}}'), [
    'duplicate field "spec.list[1].b"',
  ])
  assert.deepEqual(problemsOf('{"a":"x:\\"y\\":1","b":{"a":1}}'), [])
  assert.deepEqual(problemsOf('{"a":1,"\\u0061":2}'), ['duplicate field "a"'])
  assert.deepEqual(problemsOf('{"a":{"b":1},"a":{"b":2}}'), ['duplicate field "a"'])
  assert.deepEqual(problemsOf('{"a":1,"A":2}'), [])
  assert.deepEqual(problemsOf('[[{"a":1,"a":1}],[1,{"b":[],"b":{}}]]'), [
    'duplicate field "[0][0].a"',
    'duplicate field "[1][1].b"',
  ])
  assert.deepEqual(parseJson(Buffer.from('{"a":1,"a":2}')), { value: { a: 2 }, problems: [] })
})

test('half of a surrogate pair becomes the replacement character', () => {
  assert.deepEqual(parseJson(Buffer.from('{"a\\udc00":"\\ud800","b":"\\ud83d\\ude00"}')).value, {
    'a\ufffd': '\ufffd',
    b: '\u{1f600}',
  })
})

test('what a body is, and what is said when it cannot be read', () => {
  assert.deepEqual(typeMetaOf({ apiVersion: 'v1', kind: 'Pod' }), { apiVersion: 'v1', kind: 'Pod' })
  assert.deepEqual(typeMetaOf(null), { apiVersion: '', kind: '' })
  const say = (body: string) => {
    const bytes = Buffer.from(body)
    try {
      typeMetaOf(parseJson(bytes).value)
    } catch (error) {
      return unrecognizedJson('ConfigMap', error as BodyError, bytes).message
    }
    return ''
  }
  const start =
    "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: "
  const struct =
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
  assert.equal(say(''), `${start}unexpected end of JSON input (<empty>)`)
  assert.equal(say('hello'), `${start}invalid character 'h' looking for beginning of value (68656c6c6f)`)
  assert.equal(say('[]'), `${start}json: cannot unmarshal array into Go value of type ${struct} (5b5d)`)
  assert.equal(
    say('{"kind":1}'),
    `${start}json: cannot unmarshal number into Go struct field .kind of type string ({"kind":1})`,
  )
  const long = '{"apiVersion":"v1","kind":"ConfigMap"} x'
  assert.equal(say(long), `${start}invalid character 'x' after top-level value ({"apiVersion":"v1","kind":"Con ...)`)
})

test('YAML is read as the JSON it stands for', () => {
  const yaml = [
    'a: yes',
    'b: 0777',
    'c: 2001-01-01',
    'd: 1:30',
    'e: ~',
    'f: "1"',
    '1: one',
    'base: &base {x: 1}',
    'merged: {<<: *base, z: 2}',
    'y: 2',
    'binary: !!binary aGk=',
    '---',
    'second: document',
  ].join('\n')
  assert.deepEqual(parseYaml(Buffer.from(yaml)).value, {
    a: true,
    b: 511,
    c: '2001-01-01',
    d: '1:30',
    e: null,
    f: '1',
    1: 'one',
    base: { x: 1 },
    merged: { x: 1, z: 2 },
    true: 2,
    binary: 'aGk=',
  })
  assert.equal(parseYaml(Buffer.from('')).value, null)
  assert.deepEqual(parseYaml(Buffer.from('data:\n  a: 1\ndata:\n  b: c\n'), { findDuplicates: true }), {
    value: { data: { b: 'c' } },
    problems: ['line 4: key "data" already set in map'],
  })
})

test('malformed and hostile YAML is refused', () => {
  const table: Record<string, string> = {
    'a: [b': "yaml: line 1: did not find expected ',' or ']'",
    '[': 'yaml: line 1: did not find expected node content',
    'a: *x': "yaml: unknown anchor 'x' referenced",
    'a: &a [*a]': "yaml: anchor 'a' value contains itself",
    'a: .nan': 'json: unsupported value: NaN',
    'a: -.inf': 'json: unsupported value: -Inf',
    '<<: a': 'yaml: map merge requires map or sequence of maps as the value',
  }
  for (const [text, message] of Object.entries(table)) {
    assert.throws(() => parseYaml(Buffer.from(text)), new BodyError(message), text)
  }
  const bomb = ['a0: &a0 [x,x,x,x,x,x,x,x,x,x]']
  for (let level = 1; level < 9; level++)
    bomb.push(
      `a${level}: &a${level} [${Array(10)
        .fill(`*a${level - 1}`)
        .join(',')}]`,
    )
  assert.throws(() => parseYaml(Buffer.from(bomb.join('\n'))), {
    message: 'yaml: document contains excessive aliasing',
  })
  const error = unrecognizedYaml(
    'ConfigMap',
    new BodyError("yaml: line 1: did not find expected ',' or ']'"),
    Buffer.from('a: [b'),
  )
  assert.equal(
    error.message,
    "the object provided is unrecognized (must be of type ConfigMap): yaml: line 1: did not find expected ',' or ']' (613a205b62)",
  )
})

test('JSON is read as YAML would be, also where the two differ', () => {
  const read = (text: string) => {
    try {
      return parseYaml(Buffer.from(text), { findDuplicates: true })
    } catch (error) {
      return (error as BodyError).message
    }
  }
  // With a space before it, it is read as any other YAML is.
  const readAsYaml = (text: string) => read(` ${text}`)
  assert.deepEqual(read('{"a":1,\n"a":2}'), {
    value: { a: 2 },
    problems: ['line 2: key "a" already set in map'],
  })
  assert.equal(read('{"a":1e999}'), 'json: unsupported value: +Inf')
  for (const text of [
    '{"a":1e999}',
    '{"a":{"<<":{"b":1}}}',
    '{"a":"\\ud800"}',
    '{\t"a":1}',
    '{"a":1} x',
    '{"a":1}\n---\n{}',
  ])
    assert.deepEqual(read(text), readAsYaml(text), text)
  const word = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('*a', '&a', '# x', 'a: b', '~', 'yes', '1:30'))
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      word,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.constantFrom(true, null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        word.map((text) => `k${text}`),
        tie('value'),
        { maxKeys: 3 },
      ),
    ),
  }))
  fc.assert(
    fc.property(fc.record({ value }), fc.constantFrom(undefined, 2, '\t'), (body, indent) => {
      const text = JSON.stringify(body, null, indent)
      assert.deepEqual(read(text), readAsYaml(text), text)
    }),
    { numRuns: 300 },
  )
})

test('every JSON text is read as JSON.parse reads it, and has no duplicates', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 1, '\t'), (text, indent) => {
      const spaced = JSON.stringify(JSON.parse(text), null, indent)
      assert.deepEqual(parseJson(Buffer.from(spaced), { findDuplicates: true }), {
        value: JSON.parse(spaced),
        problems: [],
      })
    }),
    { numRuns: 200 },
  )
})

test('every broken text has a fault, in words', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.constantFrom('', '}', '"', ',', '\\', '0', 'x'), (text, at, insert) => {
      const index = at % (text.length + 1)
      const broken = text.slice(0, index) + insert + text.slice(index + (insert === '' ? 1 : 0))
      try {
        JSON.parse(broken)
      } catch {
        assert.throws(
          () => parseJson(Buffer.from(broken)),
          /^Error: (?:unexpected end of JSON input$|invalid character '.+' )/u,
        )
      }
    }),
    { numRuns: 300 },
  )
})
