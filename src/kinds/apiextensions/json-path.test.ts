import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonPath } from './json-path.ts'

const object = {
  spec: { replicas: 3, list: ['a', 'b', 'c'], 'with.dot': 1 },
  status: {
    conditions: [
      { type: 'Ready', status: 'True', n: 1 },
      { type: 'Done', status: 'False', n: 2 },
    ],
  },
}

const table: readonly (readonly [path: string, ...found: unknown[]])[] = [
  ['.spec.replicas', 3],
  ['.spec.none'],
  ['.spec.replicas.deeper'],
  ['.spec.list[1]', 'b'],
  ['.spec.list[-1]', 'c'],
  ['.spec.list[0:2]', 'a', 'b'],
  ['.spec.list[*]', 'a', 'b', 'c'],
  ['.spec.with\\.dot', 1],
  [".spec['with.dot']", 1],
  ['.status.conditions[?(@.type=="Ready")].status', 'True'],
  ['.status.conditions[?(@.n>1)].type', 'Done'],
  ['.status.conditions[?(@.type=="None")].status'],
  ['..status', object.status, 'True', 'False'],
  ['.spec[?'],
]

for (const [path, ...found] of table) {
  test(`a path leads to what it names: ${path}`, () => assert.deepEqual(jsonPath(path).find(object), found))
}
