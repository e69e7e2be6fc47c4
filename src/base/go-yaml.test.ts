import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { goYaml } from './go-yaml.ts'

test('an object is printed as the reference prints it', () => {
  const object = {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'a', labels: {}, finalizers: [], creationTimestamp: '2026-01-01T00:00:00Z', generation: 2 },
    data: { z: '1', a: 'true', text: 'one\ntwo\n', list: 'a: b', 'a.b': '' },
    items: [{ b: 1, a: [1, [2, 3]] }, 'x', null],
  }
  assert.equal(
    goYaml(object),
    `apiVersion: v1
data:
  a: "true"
  a.b: ""
  list: 'a: b'
  text: |
    one
    two
  z: "1"
items:
- a:
  - 1
  - - 2
    - 3
  b: 1
- x
- null
kind: ConfigMap
metadata:
  creationTimestamp: "2026-01-01T00:00:00Z"
  finalizers: []
  generation: 2
  labels: {}
  name: a
`,
  )
})

test('long lines are folded at a space once they are longer than 80 characters', () => {
  const words = 'only the following media types are accepted: application/json;stream=watch, application/x'
  assert.equal(
    goYaml({ message: words }),
    `message: 'only the following media types are accepted: application/json;stream=watch,\n  application/x'\n`,
  )
})

test('keys with numbers are in the order of the numbers', () => {
  assert.equal(goYaml({ a10: 1, a9: 2, '.': 3, B: 4 }), '.: 3\nB: 4\na9: 2\na10: 1\n')
})

test('what is printed is read as what it was', () => {
  const texts = [
    '',
    ' ',
    ' a',
    'a ',
    '~',
    'null',
    'yes',
    'NO',
    '0x1f',
    '0o17',
    '012',
    '1e3',
    '.5',
    '1:30:45',
    '2026-01-01',
    '-',
    '- a',
    '?',
    ': a',
    'a:',
    'a: b',
    'a #b',
    '#a',
    '&a',
    '*a',
    '!a',
    '|',
    '>',
    "it's",
    '"q"',
    '%',
    '@',
    '`',
    '{a',
    '[a',
    'a\tb',
    'a\nb',
    'a\n\nb\n\n',
    '\n',
    '\n a',
    ' a\nb',
    '\u0007',
    '\u00e4',
    '\u2028',
    '\ud83d\ude00',
    '---',
    '--- a',
    '=',
    '<<',
    'x '.repeat(100),
    `${'long'.repeat(30)} ${'word'.repeat(30)}`,
    'two  spaces '.repeat(12),
  ]
  for (const text of texts) {
    const printed = goYaml({ a: { b: text, c: [text] } })
    assert.deepEqual(parse(printed, { version: '1.1' }), { a: { b: text, c: [text] } }, JSON.stringify(text) + printed)
  }
})
