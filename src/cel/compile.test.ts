import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tests as checking } from '@bufbuild/cel-spec/testdata/checking.js'
import { tests as parsing } from '@bufbuild/cel-spec/testdata/parsing.js'
import { compile } from './compile.ts'
import { CelCompileError } from './contract.ts'
import * as types from './types.ts'

const object = types.objectType('object', {
  b: types.field(types.int),
  name: types.field(types.string),
  tags: types.field(types.listOf(types.string)),
})

function messageOf(source: string, variables: Readonly<Record<string, types.CelType>> = { self: object }): string {
  try {
    compile(source, { variables })
    return ''
  } catch (error) {
    assert.ok(error instanceof CelCompileError)
    return error.message
  }
}

const primary = "'.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"

test('what does not compile is told in the words of the reference, as recorded', () => {
  const told: Readonly<Record<string, string>> = {
    'foo == 1': "ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo == 1\n | ^",
    'self.c == "x"': 'ERROR: <input>:1:5: undefined field \'c\'\n | self.c == "x"\n | ....^',
    'self >': `ERROR: <input>:1:7: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', ${primary}\n | self >\n | ......^`,
    'bad(': `ERROR: <input>:1:5: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', ')', ${primary}\n | bad(\n | ....^`,
    'object.(': "ERROR: <input>:1:8: Syntax error: no viable alternative at input '.('\n | object.(\n | .......^",
  }
  assert.deepEqual(Object.fromEntries(Object.keys(told).map((source) => [source, messageOf(source)])), told)
})

test('types that do not fit', () => {
  assert.match(
    messageOf('self.name + 1 == "a"'),
    /1:11: found no matching overload for '_\+_' applied to '\(string, int\)'/,
  )
  assert.match(
    messageOf('self.b.startsWith("a")'),
    /found no matching overload for 'startsWith' applied to 'int.\(string\)'/,
  )
  assert.match(messageOf('self.tags.all(t, t)'), /1:18: expected type 'bool' but found 'string'/)
  assert.match(messageOf('self.b.all(t, t)'), /1:5: expression of type 'int' cannot be range of a comprehension/)
  assert.match(messageOf('self.b.x'), /type 'int' does not support field selection/)
  assert.match(messageOf('["a", 1]'), /expected type 'string' but found 'int'/)
  assert.match(messageOf('self.b && true'), /1:5: expected type 'bool' but found 'int'/)
  assert.match(messageOf('cel.bind(a, 1, a)'), /undeclared reference to 'cel'/)
})

test('constants that can only fail', () => {
  assert.match(messageOf('self.name.matches("a(")'), /1:19: invalid matches argument/)
  assert.match(messageOf("duration('1x') > duration('1s')"), /1:10: invalid duration argument/)
  assert.match(messageOf("timestamp('now') == timestamp('2024-01-01T00:00:00Z')"), /1:11: invalid timestamp argument/)
})

test('several faults are told in the order of the text', () => {
  assert.equal(
    messageOf('b +\n a', {}),
    "ERROR: <input>:1:1: undeclared reference to 'b' (in container '')\n | b +\n | ^\n" +
      "ERROR: <input>:2:2: undeclared reference to 'a' (in container '')\n |  a\n | .^",
  )
})

test('what a program tells about itself', () => {
  const program = compile('self.b > 0 && oldSelf.b < self.b', {
    variables: { self: object, oldSelf: object, other: object },
  })
  assert.deepEqual([...program.references].sort(), ['oldSelf', 'self'])
  assert.equal(types.formatType(program.resultType), 'bool')
})

test('libraries come with versions', () => {
  const at = (version: number) => () => compile('[1].all(i, v, v > i)', { variables: {}, version })
  assert.throws(at(31), /undeclared reference to 'all'/)
  assert.doesNotThrow(at(32))
})

interface Suite {
  readonly suites?: readonly Suite[]
  readonly tests?: readonly {
    readonly original: { readonly expr: string; readonly typeEnv?: unknown; readonly container?: string }
    readonly error?: string
    readonly type?: string
  }[]
}

/** Messages of the reference, from the test data of its parser and checker. */
function recordedMessages(): [string, string][] {
  const messages: [string, string][] = []
  const collect = ({ suites = [], tests = [] }: Suite) => {
    for (const { original, error } of tests)
      if (error && !original.typeEnv && !original.container)
        messages.push([original.expr, error.replaceAll('ERROR: :', 'ERROR: <input>:')])
    suites.forEach(collect)
  }
  collect(parsing as Suite)
  collect(checking as Suite)
  return messages
}

/** How many are the same, byte for byte; may only grow. The others are mostly about the recovery of its parser. */
const reachedMessages = 126

test('messages are those of the reference', (context) => {
  // That data was made without optional syntax, two variables, and numbers of several kinds.
  const messages = recordedMessages().filter(([, message]) => !/unsupported syntax|recursion|_[<>]=?_/.test(message))
  const different = messages.filter(([source, message]) => messageOf(source, {}) !== message)
  context.diagnostic(`${messages.length - different.length} of ${messages.length} messages are the same`)
  assert.ok(messages.length - different.length >= reachedMessages)
})
