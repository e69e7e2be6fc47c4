import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigMap } from '../kinds/core/config-map.ts'
import { Pod } from '../kinds/core/pod.ts'
import { Secret } from '../kinds/core/secret.ts'
import { ServiceAccount } from '../kinds/core/service-account.ts'
import { reconcileOnce } from '../reconciler/fixture.ts'
import { lines, object, pod } from './fixtures.ts'
import { legacyTokenCleaner } from './legacy-token-cleaner.ts'

const tracking = (since: string) =>
  object<ConfigMap>(ConfigMap, 'kube-apiserver-legacy-service-account-token-tracking', {
    metadata: { namespace: 'kube-system' },
    data: { since },
  })

const account = (name = 'builder') =>
  object<ServiceAccount>(ServiceAccount, name, { secrets: [{ name: 'builder-token' }] })

const token = (labels: Readonly<Record<string, string>> = {}, name = 'builder-token') =>
  object<Secret>(Secret, name, {
    metadata: {
      labels,
      creationTimestamp: '2024-01-01T00:00:00Z',
      annotations: { 'kubernetes.io/service-account.name': 'builder' },
    },
    type: 'kubernetes.io/service-account-token',
  })

const used = (day: string) => ({ 'kubernetes.io/legacy-token-last-used': day })
const invalid = (day: string) => ({ 'kubernetes.io/legacy-token-invalid-since': day })

function run(secret: Secret, { since = '2024-01-01', pods = [] as readonly Pod[], at = '2026-01-01T12:00:00Z' } = {}) {
  const state = [
    [ConfigMap, tracking(since)],
    [ServiceAccount, account()],
    [Pod, ...pods],
  ] as const
  return reconcileOnce(legacyTokenCleaner, secret, state, { now: Date.parse(at) }).changes
}

const days = (count: number) => `again after ${count * 24 * 3_600_000} ms`

test('a token that nobody has used for a year is marked, with the day', () => {
  const [change] = run(token())
  assert.ok(change?.type === 'patch')
  assert.deepEqual(change.patch.body, {
    metadata: { labels: invalid('2026-01-01'), uid: 'uid-secret-builder-token' },
  })
  assert.equal(run(token(used('2024-12-30'))).length, 1)
})

test('and deleted after another', () => {
  assert.deepEqual(lines(run(token(invalid('2024-12-30')))), ['remove secret/builder-token'])
  assert.deepEqual(lines(run(token(invalid('2025-01-01')), { at: '2026-01-01T00:00:00Z' })), [days(1)])
})

test('not before its use has been watched for a year', () => {
  assert.deepEqual(lines(run(token(), { since: '2025-01-01', at: '2026-01-01T00:00:00Z' })), [days(1)])
})

test('one that was used within the year waits for it to end', () => {
  assert.deepEqual(lines(run(token(used('2025-01-02')), { at: '2026-01-01T00:00:00Z' })), [days(2)])
})

test('what was made by hand, or cannot be read, is left alone', () => {
  assert.deepEqual(run(token({}, 'by-hand')), [])
  assert.deepEqual(run(token(used('yesterday'))), [])
})

test('one that a pod mounts is in use', () => {
  const volumes = [{ name: 'v', projected: { sources: [{ secret: { name: 'builder-token' } }] } }]
  const [mounts] = [pod('p', { rest: { spec: { volumes } } } as never)]
  assert.deepEqual(lines(run(token(), { pods: [mounts!] })), [days(1)])
  const pulls = pod('q', { rest: { spec: { imagePullSecrets: [{ name: 'builder-token' }] } } } as never)
  assert.deepEqual(lines(run(token(), { pods: [pulls] })), [days(1)])
  const others = pod('r', { rest: { spec: { imagePullSecrets: [{ name: 'other' }] } } } as never)
  assert.equal(lines(run(token(), { pods: [others] }))[0], 'patch secret/builder-token')
})
