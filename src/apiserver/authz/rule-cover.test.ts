import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PolicyRule } from '../../kinds/rbac/shared.ts'
import { missingRules, showRule } from './rule-cover.ts'

const rule = (verbs: string[], resources: string[], names?: string[]): PolicyRule => ({
  verbs,
  apiGroups: [''],
  resources,
  ...(names && { resourceNames: names }),
})

test('who holds everything misses nothing, however it is cut', () => {
  const held = [rule(['get'], ['pods']), rule(['list'], ['pods']), rule(['get', 'list'], ['*/status'])]
  assert.deepEqual(missingRules(held, [rule(['get', 'list'], ['pods', 'pods/status'])]), [])
  assert.deepEqual(missingRules([rule(['*'], ['*'])], [rule(['delete'], ['secrets'], ['tls'])]), [])
})

test('what is missing is told as few rules', () => {
  const missing = missingRules([rule(['get'], ['pods'])], [rule(['get', 'list', 'watch'], ['pods'])])
  assert.deepEqual(missing.map(showRule), ['{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}'])
})

test('a right on one name is no right on all', () => {
  const held = [rule(['get'], ['secrets'], ['tls'])]
  assert.equal(missingRules(held, [rule(['get'], ['secrets'])]).length, 1)
  assert.equal(missingRules(held, [rule(['get'], ['secrets'], ['tls'])]).length, 0)
  assert.equal(missingRules(held, [rule(['get'], ['secrets'], ['other'])]).length, 1)
})

test('paths are covered by a prefix', () => {
  const held: PolicyRule[] = [{ verbs: ['get'], nonResourceURLs: ['/healthz/*'] }]
  assert.deepEqual(missingRules(held, [{ verbs: ['get'], nonResourceURLs: ['/healthz/etcd'] }]), [])
  assert.deepEqual(missingRules(held, [{ verbs: ['get'], nonResourceURLs: ['/metrics'] }]).map(showRule), [
    '{NonResourceURLs:["/metrics"], Verbs:["get"]}',
  ])
})
