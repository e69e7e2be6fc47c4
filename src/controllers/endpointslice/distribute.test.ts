import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Endpoint, EndpointSlice } from '../../kinds/discovery/endpoint-slice.ts'
import { object } from '../fixtures.ts'
import { distribute } from './distribute.ts'

const endpoint = (n: number, ready = true): Endpoint => ({
  addresses: [`10.0.${n >> 8}.${n & 255}`],
  conditions: { ready },
  targetRef: { uid: `uid-${n}` },
})

const endpoints = (from: number, count: number) => Array.from({ length: count }, (_, n) => endpoint(from + n))

const slice = (name: string, from: number, count: number) =>
  object<EndpointSlice>(EndpointSlice, name, { addressType: 'IPv4', endpoints: endpoints(from, count) })

const summary = ({ create, update, remove }: ReturnType<typeof distribute>) => [
  create.map(({ length }) => length),
  update.map(({ slice, endpoints }) => `${slice.metadata.name}: ${endpoints.length}`),
  remove.map(({ metadata }) => metadata.name),
]

const cases: readonly (readonly [string, EndpointSlice[], Endpoint[], unknown])[] = [
  ['nothing changes when all is there', [slice('a', 0, 3)], endpoints(0, 3), [[], [], []]],
  ['250 endpoints make three slices', [], endpoints(0, 250), [[100, 100, 50], [], []]],
  [
    'a new endpoint goes into the slice that changes anyway',
    [slice('a', 0, 90), slice('b', 90, 50)],
    [...endpoints(0, 139), endpoint(500)],
    [[], ['b: 50'], []],
  ],
  [
    'a new endpoint goes into the fullest slice that has room',
    [slice('a', 0, 50), slice('b', 50, 90), slice('c', 140, 100)],
    endpoints(0, 241),
    [[], ['b: 91'], []],
  ],
  ['more than fit make a new slice', [slice('a', 0, 95)], endpoints(0, 105), [[10], [], []]],
  ['a slice that becomes empty goes', [slice('a', 0, 3), slice('b', 3, 3)], endpoints(0, 3), [[], [], ['b']]],
  [
    'an endpoint that is not ready any more stays where it is',
    [slice('a', 0, 1)],
    [endpoint(0, false)],
    [[], ['a: 1'], []],
  ],
]

for (const [name, present, wanted, expected] of cases) {
  test(name, () => assert.deepEqual(summary(distribute(present, wanted)), expected))
}
