import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pullPolicyOf } from './image-name.ts'

const policies: readonly (readonly [image: string, policy: string])[] = [
  ['busybox', 'Always'],
  ['busybox:latest', 'Always'],
  ['registry.example:5000/app', 'Always'],
  ['busybox:1.36', 'IfNotPresent'],
  [`busybox@sha256:${'a'.repeat(64)}`, 'IfNotPresent'],
  [`busybox:latest@sha256:${'a'.repeat(64)}`, 'Always'],
  ['a'.repeat(64), 'IfNotPresent'],
  ['Upper/Case', 'IfNotPresent'],
  ['', 'IfNotPresent'],
  [' busybox', 'IfNotPresent'],
]

for (const [image, policy] of policies) {
  test(`"${image}" is pulled ${policy}`, () => {
    assert.equal(pullPolicyOf(image), policy)
  })
}
