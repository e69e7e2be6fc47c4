import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Cluster, startCluster } from '../../cluster/cluster.ts'
import type { Probe } from '../../kinds/core/containers.ts'
import { Event } from '../../kinds/core/event.ts'
import { Pod } from '../../kinds/core/pod.ts'
import type { Draft } from '../../schema/types.ts'
import { VirtualWorld } from '../../world/virtual.ts'
import { parseVerdicts } from './probes.ts'

const namespace = 'default'
type Probes = Partial<Record<'startupProbe' | 'livenessProbe' | 'readinessProbe', Draft<Probe>>>

async function withPod(probes: Probes, says: Readonly<Record<string, string>>) {
  const world = new VirtualWorld(2)
  const cluster = await startCluster({ world, nodes: 1 })
  await cluster.settle()
  await cluster.client.create<Pod>(Pod, {
    metadata: { name: 'web', namespace, annotations: prefixed(says) },
    spec: { containers: [{ name: 'main', image: 'i', ports: [{ containerPort: 80 }], ...probes }] },
  } as Draft<Pod>)
  await cluster.settle()
  return { cluster, world }
}

const prefixed = (says: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(says).map(([key, value]) => [`simulation.coracle.dev/${key}`, value]))

/** `ready`, `running`, with the number of restarts behind it. */
async function told({ client }: Cluster): Promise<string> {
  const { status } = await client.get(Pod, { namespace, name: 'web' })
  const main = status.containerStatuses?.[0]
  const now = main?.state?.waiting?.reason ?? (main?.ready ? 'ready' : main?.state?.running ? 'running' : 'ended')
  return main?.restartCount ? `${now}*${main.restartCount}` : now
}

async function eventsOf({ client }: Cluster, ...reasons: readonly string[]): Promise<string[]> {
  const { items } = await client.list(Event, { namespace })
  return items
    .filter(({ reason }) => reasons.includes(reason ?? ''))
    .map(({ type, reason, message, count = 1 }) => `${type} ${reason}: ${message}${count > 1 ? ` x${count}` : ''}`)
}

const second = 1000
const get = { httpGet: { path: '/', port: 80 } }

describe('a pod whose probes are told to fail', () => {
  test('is not ready while its readiness probe fails, which is asked as often as it says', async () => {
    const readinessProbe = {
      ...get,
      initialDelaySeconds: 5,
      periodSeconds: 10,
      failureThreshold: 2,
      successThreshold: 1,
    }
    const { cluster, world } = await withPod({ readinessProbe }, { readiness: 'ok 20s=fail 60s=ok' })
    await using _ = cluster
    await world.advance(4 * second)
    assert.equal(await told(cluster), 'running')
    await world.advance(2 * second)
    assert.equal(await told(cluster), 'ready', 'asked after five seconds')
    await world.advance(20 * second)
    assert.equal(await told(cluster), 'ready', 'one failure, at 25 s, is not enough')
    await world.advance(10 * second)
    assert.equal(await told(cluster), 'running', 'the second one, at 35 s, is')
    await world.advance(30 * second)
    assert.equal(await told(cluster), 'ready', 'one success, at 65 s, is enough')
    assert.deepEqual(await eventsOf(cluster, 'Unhealthy'), [
      'Warning Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 500 x4',
    ])
  })

  test('is restarted when its liveness probe has failed often enough, and again, with back-off', async () => {
    const livenessProbe = { exec: { command: ['cat', '/healthy'] }, periodSeconds: 5, failureThreshold: 3 }
    const { cluster, world } = await withPod({ livenessProbe }, { liveness: 'ok 10s=fail' })
    await using _ = cluster
    await world.advance(19 * second)
    assert.equal(await told(cluster), 'ready')
    await world.advance(3 * second)
    assert.equal(await told(cluster), 'ready*1', 'failures at 10, 15 and 20 s')
    await world.advance(22 * second)
    assert.equal(await told(cluster), 'CrashLoopBackOff*1')
    assert.deepEqual(await eventsOf(cluster, 'Unhealthy', 'Killing'), [
      'Warning Unhealthy: Liveness probe failed:  x6',
      'Normal Killing: Container main failed liveness probe, will be restarted x2',
    ])
  })

  test('holds its other probes back until its startup probe succeeds', async () => {
    const startupProbe = { tcpSocket: { port: 80 }, periodSeconds: 10, failureThreshold: 24 }
    const livenessProbe = { ...get, periodSeconds: 1, failureThreshold: 1 }
    const { cluster, world } = await withPod(
      { startupProbe, livenessProbe },
      { startup: 'fail 95s=ok', liveness: 'fail 95s=ok' },
    )
    await using _ = cluster
    await world.advance(94 * second)
    assert.equal(await told(cluster), 'running')
    await world.advance(10 * second)
    assert.equal(await told(cluster), 'ready')
    const { status } = await cluster.client.get(Pod, { namespace, name: 'web' })
    assert.deepEqual(await eventsOf(cluster, 'Unhealthy'), [
      `Warning Unhealthy: Startup probe failed: dial tcp ${status.podIP}:80: connect: connection refused x10`,
    ])
  })

  test('is restarted when its startup probe does not succeed in time', async () => {
    const startupProbe = { ...get, periodSeconds: 10, failureThreshold: 3 }
    const { cluster, world } = await withPod({ startupProbe }, { startup: 'fail' })
    await using _ = cluster
    await world.advance(25 * second)
    assert.equal(await told(cluster), 'running*1')
    assert.match((await eventsOf(cluster, 'Killing')).join(), /Container main failed startup probe, will be restarted/)
  })

  test('follows what it says while it runs', async () => {
    const { cluster, world } = await withPod({ readinessProbe: { ...get, periodSeconds: 1, failureThreshold: 1 } }, {})
    await using _ = cluster
    assert.equal(await told(cluster), 'ready', 'what nothing is said of is well')
    const say = (readiness: string | null) =>
      cluster.client.patch(
        Pod,
        { namespace, name: 'web' },
        { type: 'merge', body: { metadata: { annotations: { 'simulation.coracle.dev/readiness': readiness } } } },
      )
    await say('fail')
    await world.advance(2 * second)
    assert.equal(await told(cluster), 'running')
    await say(null)
    await world.advance(2 * second)
    assert.equal(await told(cluster), 'ready')
  })

  test('is what it would be without a word where it has no such probe, and after it has gone', async () => {
    const { cluster, world } = await withPod({}, { liveness: 'fail', readiness: 'fail', startup: 'fail' })
    await using _ = cluster
    await world.advance(60 * second)
    assert.equal(await told(cluster), 'ready')
    await cluster.client.delete(Pod, { namespace, name: 'web' })
    await cluster.advance(60 * second)
    assert.deepEqual((await cluster.client.list(Pod, { namespace })).items, [])
  })
})

test('what can be said of a probe', () => {
  assert.deepEqual(parseVerdicts('ok'), [{ fromMs: 0, isWell: true }])
  assert.deepEqual(parseVerdicts('fail 1m=fail 30s=ok'), [
    { fromMs: 0, isWell: false },
    { fromMs: 30_000, isWell: true },
    { fromMs: 60_000, isWell: false },
  ])
  for (const text of ['', 'maybe', 'ok soon=fail', 'ok 30s', 'ok 30s=no'])
    assert.throws(() => parseVerdicts(text), Error, text)
})
