import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Container } from '../../kinds/core/containers.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { Draft } from '../../schema/types.ts'
import { VirtualWorld } from '../../world/virtual.ts'
import { type RuntimeUnderTest, runtimeConformance } from '../conformance.ts'
import { AddressPool } from './addresses.ts'
import { hostAddress, Numbers, numberOfRange, podRange } from './numbers.ts'
import { SimulatedRuntime } from './runtime.ts'

/** What an image does is said by annotations of the pod. */
const scripts: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  patient: {},
  failing: { 'exit-after': '5s', 'exit-code': '3' },
  stubborn: { 'stop-after': '1000000s' },
  missing: { fail: 'ErrImagePull' },
  slow: { 'ready-after': '10s' },
}

function underTest(world = new VirtualWorld()): RuntimeUnderTest {
  const runtime = new SimulatedRuntime({ ...world, podCIDRs: ['10.244.0.0/24'] })
  const image = (name: string): Draft<Container> => ({ name: 'main', image: name })
  return {
    runtime,
    async until(work) {
      let isSettled = false
      const settled = () => {
        isSettled = true
      }
      work.then(settled, settled)
      for (await world.advance(0); !isSettled && world.clock.next !== undefined; )
        await world.advance(world.clock.next - world.clock.now())
      return work
    },
    restarted: () => underTest(world),
    images: {
      patient: image('patient'),
      failing: image('failing'),
      stubborn: image('stubborn'),
      missing: image('missing'),
      slow: image('slow'),
    },
    pod: (name, containers) => {
      const said = Object.entries(scripts[containers[0]?.image ?? ''] ?? {})
      const annotations = Object.fromEntries(said.map(([key, value]) => [`simulation.coracle.dev/${key}`, value]))
      return {
        metadata: { name, namespace: 'default', uid: name, annotations },
        spec: { containers },
      } as unknown as Pod
    },
    [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose](),
  }
}

runtimeConformance('simulated', async () => underTest())

test('an image has its digest as ID, one that is named by a digest its name', async () => {
  await using under = underTest()
  const digest = `sha256:${'1'.repeat(64)}`
  const idOf = async (image: string) => {
    const container: Container = { name: 'main', image, resources: {} }
    const pod = under.pod(`pod-of-${image}`, [container])
    const never = new AbortController().signal
    await under.until(under.runtime.startSandbox(pod, never))
    return (await under.until(under.runtime.startContainer(pod, container, 0, () => {}, never))).imageId
  }
  assert.match(await idOf('i:1'), /^i:1@sha256:[0-9a-f]{64}$/)
  assert.equal(await idOf(`i@${digest}`), `i@${digest}`)
})

test('addresses come back last, and those in use are left out', () => {
  const pool = new AddressPool('10.0.0.0/29')
  pool.reserve('10.0.0.3')
  pool.reserve('192.168.0.1')
  assert.deepEqual(
    [pool.take(), pool.take(), pool.take(), pool.take()],
    ['10.0.0.2', '10.0.0.4', '10.0.0.5', '10.0.0.6'],
  )
  assert.throws(() => pool.take(), /no address is left/)
  pool.giveBack('10.0.0.4')
  pool.giveBack('10.0.0.3')
  pool.giveBack('10.0.0.3')
  assert.deepEqual([pool.take(), pool.take()], ['10.0.0.4', '10.0.0.3'])
  assert.throws(() => pool.take())
})

test('ranges of nodes and their numbers go both ways', () => {
  assert.deepEqual([0, 1, 256, 3071, 3072].map(podRange), [
    '10.244.0.0/24',
    '10.244.1.0/24',
    '10.245.0.0/24',
    '10.255.255.0/24',
    '10.128.0.0/24',
  ])
  assert.deepEqual(
    [hostAddress(0), hostAddress(254), hostAddress(0, 6)],
    ['172.18.0.2', '172.18.1.0', 'fd00:172:18::2'],
  )
  for (const number of [0, 1, 255, 256, 3071, 3072, 5000]) assert.equal(numberOfRange(podRange(number)), number)
  for (const cidr of [undefined, '10.0.0.0/24', '10.244.0.0/16', 'fd00::/64', ''])
    assert.equal(numberOfRange(cidr), undefined)
  const numbers = new Numbers()
  numbers.use(0)
  numbers.use(2)
  assert.deepEqual(
    ['a', 'b', 'a', 'c'].map((name) => numbers.of(name)),
    [1, 3, 1, 4],
  )
})
