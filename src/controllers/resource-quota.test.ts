import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lease } from '../kinds/coordination/lease.ts'
import { ConfigMap } from '../kinds/core/config-map.ts'
import { Pod } from '../kinds/core/pod.ts'
import { ResourceQuota } from '../kinds/core/resource-quota.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import type { Draft } from '../schema/types.ts'
import { now, object, pod } from './fixtures.ts'
import { resourceQuotaController } from './resource-quota.ts'

const kinds = [Pod, ConfigMap, ResourceQuota, Lease]
const controller = resourceQuotaController(() => kinds)

const quota = (hard: Readonly<Record<string, string>>, spec: object = {}, status: object = {}) =>
  object<ResourceQuota>(ResourceQuota, 'q', { spec: { hard, ...spec }, status } as Draft<ResourceQuota>)

/** What a look at the quota comes to: the status that is written, if any, and when it looks again. */
async function look(subject: ResourceQuota, pods: readonly Pod[] = []) {
  const objects = new Map<Kind, readonly ApiObject[]>([
    [ResourceQuota, [subject]],
    [Pod, pods],
    [ConfigMap, [object<ConfigMap>(ConfigMap, 'c', {})]],
    [Lease, [object<Lease>(Lease, 'l', {})]],
  ])
  const written: ResourceQuota['status'][] = []
  const client = {
    get: async () => subject,
    list: async (kind: Kind) => ({ items: objects.get(kind) }),
    updateStatus: async (_: Kind, { status }: ResourceQuota) => void written.push(status),
  }
  const again = await controller.reconcile(subject, { client, now, reads: () => true } as never)
  return { written, again }
}

test('everything that is named is counted, of whatever kind', async () => {
  const hard = { pods: '5', 'count/configmaps': '5', 'count/leases.coordination.k8s.io': '5', 'requests.cpu': '2' }
  const { written } = await look(quota(hard), [pod('a'), pod('b', { phase: 'Succeeded' })])
  const used = { pods: '1', 'count/configmaps': '1', 'count/leases.coordination.k8s.io': '1', 'requests.cpu': '0' }
  assert.deepEqual(written, [{ hard, used }])
})

test('scopes narrow what is counted', async () => {
  const { written } = await look(quota({ pods: '5' }, { scopes: ['Terminating'] }), [
    pod('a'),
    pod('b', { rest: { spec: { activeDeadlineSeconds: 5 } } as Draft<Pod> }),
  ])
  assert.deepEqual(written[0]?.used, { pods: '1' })
})

test('what is right already is not written again', async () => {
  const status = { hard: { pods: '5' }, used: { pods: '1' } }
  assert.deepEqual(await look(quota({ pods: '5' }, {}, status), [pod('a')]), { written: [], again: undefined })
})

test('a pod that does not end counts until it should have', async () => {
  const stuck = (deletionTimestamp: string) =>
    pod('a', { rest: { metadata: { deletionTimestamp, deletionGracePeriodSeconds: 30 } } })
  const status = { hard: { pods: '5' }, used: { pods: '1' } }
  const before = await look(quota({ pods: '5' }, {}, status), [stuck('2026-01-01T11:59:40Z')])
  assert.deepEqual(before, { written: [], again: { againAfterMs: 10_001 } })
  const after = await look(quota({ pods: '5' }, {}, status), [stuck('2026-01-01T11:59:20Z')])
  assert.deepEqual(after.written[0]?.used, { pods: '0' })
})

test('what frees something wakes the quotas of its namespace, a pod that is to end when it should have', () => {
  const subject = quota({ pods: '5' })
  const [ofPods] = controller.watches.filter(({ kind }) => kind === (Pod as unknown))
  const wakes = (change: object) => {
    const context = { now, list: () => [subject], get: () => undefined, by: () => [] }
    const woken = [...ofPods!.wakes(change as never, context as never)]
    return woken.map(({ namespace, name, afterMs }) => `${namespace}/${name} after ${afterMs}`)
  }
  const running = pod('a', { phase: 'Running' })
  const ended = pod('a', { phase: 'Failed' })
  const metadata = { deletionTimestamp: '2026-01-01T12:00:30Z', deletionGracePeriodSeconds: 30 }
  const going = pod('a', { phase: 'Running', rest: { metadata } })
  assert.deepEqual(wakes({ object: running, old: undefined }), [])
  assert.deepEqual(wakes({ object: running, old: running }), [])
  assert.deepEqual(wakes({ object: ended, old: running }), ['default/q after 0'])
  assert.deepEqual(wakes({ object: undefined, old: running }), ['default/q after 0'])
  assert.deepEqual(wakes({ object: going, old: running }), ['default/q after 60001'])
})
