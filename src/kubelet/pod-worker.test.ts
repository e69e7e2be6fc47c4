import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deferred } from '../base/deferred.ts'
import type { Client } from '../client/client.ts'
import { type Cluster, startCluster } from '../cluster/cluster.ts'
import { ConfigMap } from '../kinds/core/config-map.ts'
import { Event } from '../kinds/core/event.ts'
import { Pod } from '../kinds/core/pod.ts'
import { Secret } from '../kinds/core/secret.ts'
import { ApiError, isNotFound } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'
import { VirtualWorld } from '../world/virtual.ts'

const namespace = 'default'
const second = 1000
const minute = 60 * second

/** A cluster of one node in virtual time, and pods that say by annotations what becomes of them. */
async function newNode(connect: (client: Client) => Client = (client) => client) {
  const faults: string[] = []
  const world = new VirtualWorld(1, {
    log: (level, message, fields) => {
      if (level === 'warn' || level === 'error') faults.push(`${message} ${JSON.stringify(fields)}`)
    },
  })
  const cluster = await startCluster({ world, nodes: 1, connect })
  return Object.assign(cluster, { faults, world })
}

type Says = Readonly<Record<string, string>>

async function run(
  { client }: Cluster,
  says: Says,
  spec: Draft<Pod['spec']> = {},
  metadata: object = {},
): Promise<Pod> {
  const annotations = Object.fromEntries(
    Object.entries(says).map(([key, value]) => [`simulation.coracle.dev/${key}`, value]),
  )
  const containers = spec.containers ?? [{ name: 'main', image: 'web:1' }]
  return client.create<Pod>(Pod, {
    metadata: { name: 'p', namespace, annotations, ...metadata },
    spec: { nodeName: 'node-1', ...spec, containers },
  })
}

async function seen({ client }: Cluster): Promise<Pod | undefined> {
  try {
    return await client.get(Pod, { namespace, name: 'p' })
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** `Running main:running*1 side:ready`: the phase, and what each container does; a star counts restarts. */
async function told(cluster: Cluster): Promise<string> {
  const pod = await seen(cluster)
  if (!pod) return 'gone'
  const { status } = pod
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
  const words = containers.map(({ name, state, ready, restartCount }) => {
    const now = state?.waiting?.reason ?? (state?.running ? (ready ? 'ready' : 'running') : undefined)
    const does = now ?? `${state?.terminated?.reason}(${state?.terminated?.exitCode})`
    return `${name}:${does}${restartCount ? `*${restartCount}` : ''}`
  })
  return [status.phase, ...words].join(' ')
}

async function eventsOf({ client }: Cluster): Promise<string[]> {
  const { items } = await client.list(Event, { namespace, fieldSelector: 'involvedObject.kind=Pod' })
  return items
    .filter(({ source }) => source?.component === 'kubelet')
    .map(({ reason, message, involvedObject, count }) =>
      [involvedObject.fieldPath, reason, message, (count ?? 1) > 1 ? `x${count}` : ''].filter(Boolean).join(' | '),
    )
}

describe('a pod that comes up', () => {
  test('is created, running and ready, with its address, in one go', async () => {
    await using cluster = await newNode()
    await run(cluster, {})
    await cluster.advance(0)
    const pod = await seen(cluster)
    assert.equal(pod?.status.phase, 'Running')
    assert.equal(pod.status.podIP, '10.244.0.2')
    assert.equal(pod.status.hostIP, '172.18.0.2')
    assert.equal(pod.status.observedGeneration, pod.metadata.generation)
    assert.deepEqual(await eventsOf(cluster), [
      'spec.containers{main} | Pulled | Container image "web:1" already present on machine and can be accessed by the pod',
      'spec.containers{main} | Created | Container created',
      'spec.containers{main} | Started | Container started',
    ])
    assert.deepEqual(cluster.faults, [])
  })

  test('among hundreds says that it is on its way only when that takes longer than a moment', async () => {
    await using cluster = await newNode()
    const { world } = cluster
    await cluster.nodes!.add([{ name: 'big', capacity: { cpu: '8', memory: '32Gi', pods: '300' } }])
    const others = { nodeName: 'big', hostNetwork: true }
    for (let n = 0; n < 300; n++) await run(cluster, {}, others, { name: `other-${n}` })
    await run(cluster, { 'start-after': '2s' })
    await world.advance(900)
    assert.equal(await told(cluster), 'Pending')
    await world.advance(200)
    assert.equal(await told(cluster), 'Pending main:ContainerCreating')
    await world.advance(1 * second)
    assert.equal(await told(cluster), 'Running main:ready')
    assert.deepEqual(cluster.faults, [])
  })

  test('tells each step that takes time', async () => {
    await using cluster = await newNode()
    await run(cluster, { 'start-after': '10s', 'ready-after': '20s' })
    const { world } = cluster
    await world.advance(1 * second)
    assert.equal(await told(cluster), 'Pending main:ContainerCreating')
    assert.equal((await seen(cluster))?.status.podIP, '10.244.0.2')
    await world.advance(10 * second)
    assert.equal(await told(cluster), 'Running main:running')
    await world.advance(20 * second)
    assert.equal(await told(cluster), 'Running main:ready')
  })

  test('on the network of its node has the address of its node', async () => {
    await using cluster = await newNode()
    await run(cluster, {}, { hostNetwork: true })
    await cluster.settle()
    assert.equal((await seen(cluster))?.status.podIP, '172.18.0.2')
  })

  test('runs its init containers one after the other, a sidecar beside them', async () => {
    await using cluster = await newNode()
    const { world } = cluster
    await run(
      cluster,
      { 'start-after': '1s', 'exit-after.first': '10s', 'exit-after.second': '10s' },
      {
        initContainers: [
          { name: 'first', image: 'i' },
          { name: 'side', image: 'i', restartPolicy: 'Always' },
          { name: 'second', image: 'i' },
        ],
      },
    )
    const steps: string[] = []
    for (const seconds of [5, 10, 10, 5]) {
      await world.advance(seconds * second)
      steps.push(await told(cluster))
    }
    assert.deepEqual(steps, [
      'Pending first:running side:PodInitializing second:PodInitializing main:PodInitializing',
      'Pending first:Completed(0) side:ready second:running main:PodInitializing',
      'Running first:Completed(0) side:ready second:Completed(0) main:ready',
      'Running first:Completed(0) side:ready second:Completed(0) main:ready',
    ])
  })

  test('waits for others where it has readiness gates', async () => {
    await using cluster = await newNode()
    await run(cluster, {}, { readinessGates: [{ conditionType: 'example.com/gate' }] })
    await cluster.settle()
    const ready = async () => (await seen(cluster))?.status.conditions?.find(({ type }) => type === 'Ready')
    assert.equal((await ready())?.reason, 'ReadinessGatesNotReady')
    const open = { type: 'example.com/gate', status: 'True' }
    await cluster.client.patch(
      Pod,
      { namespace, name: 'p' },
      { type: 'strategic', body: { status: { conditions: [open] } } },
      { subresource: 'status' },
    )
    await cluster.settle()
    assert.equal((await ready())?.status, 'True')
    assert.equal((await ready())?.reason, undefined)
    const types = (await seen(cluster))?.status.conditions?.map(({ type }) => type)
    assert.ok(types?.includes('example.com/gate'), 'what others say stays')
  })
})

describe('a container that ends', () => {
  test('is started again, at once and then with back-off', async () => {
    await using cluster = await newNode()
    const { world } = cluster
    await run(cluster, { 'exit-after': '1s', 'exit-code': '2', 'start-after': '0s' })
    await world.advance(500)
    assert.equal(await told(cluster), 'Running main:ready')
    await world.advance(1 * second)
    assert.equal(await told(cluster), 'Running main:ready*1', 'the first time at once')
    for (const [restarts, seconds] of [10, 20, 40, 80, 160, 300, 300].entries()) {
      await world.advance(1 * second)
      assert.equal(await told(cluster), `Running main:CrashLoopBackOff*${restarts + 1}`)
      await world.advance((seconds - 1) * second)
      assert.equal(await told(cluster), `Running main:CrashLoopBackOff*${restarts + 1}`)
      await world.advance(1 * second)
      assert.equal(await told(cluster), `Running main:ready*${restarts + 2}`)
    }
    const pod = await seen(cluster)
    assert.equal(pod?.status.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 2)
    assert.equal(pod.status.conditions?.find(({ type }) => type === 'Ready')?.status, 'True')
    const backOff = (await eventsOf(cluster)).find((line) => line.includes('BackOff'))
    const { uid } = pod.metadata
    assert.match(
      backOff ?? '',
      new RegExp(`Back-off restarting failed container main in pod p_default\\(${uid}\\) \\| x\\d+$`),
    )
  })

  test('says how long it waits', async () => {
    await using cluster = await newNode()
    await run(cluster, { 'exit-after': '1s', 'start-after': '0s' })
    await cluster.world.advance(3 * second)
    const pod = await seen(cluster)
    assert.equal(
      pod?.status.containerStatuses?.[0]?.state?.waiting?.message,
      `back-off 10s restarting failed container=main pod=p_default(${pod?.metadata.uid})`,
    )
  })

  test('is trusted again after ten good minutes', async () => {
    await using cluster = await newNode()
    const { world } = cluster
    await run(cluster, { 'exit-after': '11m', 'start-after': '0s' })
    for (let restarts = 1; restarts < 4; restarts++) {
      await world.advance(11 * minute + 1)
      assert.equal(await told(cluster), `Running main:ready*${restarts}`)
    }
  })

  test('fails as often as it is told to, and then runs', async () => {
    await using cluster = await newNode()
    await run(cluster, { 'exit-after': '1s', 'exit-code': '1', exits: '2' })
    await cluster.world.advance(10 * minute)
    assert.equal(await told(cluster), 'Running main:ready*2')
  })

  for (const [policy, code, end] of [
    ['Never', '0', 'Succeeded main:Completed(0)'],
    ['Never', '1', 'Failed main:Error(1)'],
    ['OnFailure', '0', 'Succeeded main:Completed(0)'],
    ['OnFailure', '1', 'Running main:ready*1'],
  ] as const) {
    test(`with code ${code} under restart policy ${policy}: ${end}`, async () => {
      await using cluster = await newNode()
      await run(cluster, { 'exit-after': '1m', 'exit-code': code }, { restartPolicy: policy })
      await cluster.world.advance(minute + 10 * second)
      assert.equal(await told(cluster), end)
    })
  }

  test('ends its sidecars when it was the last, and the address is free again', async () => {
    await using cluster = await newNode()
    const initContainers = [{ name: 'side', image: 'i', restartPolicy: 'Always' as const }]
    await run(cluster, { 'exit-after': '1m' }, { restartPolicy: 'Never', initContainers })
    await cluster.advance(30 * second)
    assert.equal(await told(cluster), 'Running side:ready main:ready')
    await cluster.advance(minute)
    assert.equal(await told(cluster), 'Succeeded side:Completed(0) main:Completed(0)')
  })

  test('that could not tell how it ended tells it later', async () => {
    let isDown = false
    const unreliable = (client: Client): Client =>
      new Proxy(client, {
        get(target, name, receiver) {
          if (name === 'as') return (...user: Parameters<Client['as']>) => unreliable(target.as(...user))
          if (name === 'patch' && isDown) return () => Promise.reject(new ApiError('InternalError', 'the API is down'))
          const value = Reflect.get(target, name, receiver)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    await using cluster = await newNode(unreliable)
    await run(cluster, { 'exit-after': '5s' }, { restartPolicy: 'Never' })
    await cluster.advance(second)
    isDown = true
    await cluster.advance(5 * second)
    assert.equal(await told(cluster), 'Running main:ready')
    isDown = false
    await cluster.advance(10 * second)
    assert.equal(await told(cluster), 'Succeeded main:Completed(0)')
  })

  test('of which somebody says otherwise before the answer to its status is there tells it again', async () => {
    const held = deferred()
    let isSlow = false
    const late = (client: Client): Client =>
      new Proxy(client, {
        get(target, name, receiver) {
          if (name === 'as') return (...user: Parameters<Client['as']>) => late(target.as(...user))
          const value = Reflect.get(target, name, receiver)
          if (name === 'patch')
            return async (...asked: unknown[]) => {
              const answer = await value.apply(target, asked)
              if (asked[0] === Pod && isSlow) await held.promise
              return answer
            }
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    await using cluster = await newNode(late)
    const ready = async () => (await seen(cluster))?.status.conditions?.find(({ type }) => type === 'Ready')?.status
    await run(cluster, {})
    await cluster.world.advance(20)
    assert.equal(await ready(), 'False')
    isSlow = true
    await cluster.world.advance(50)
    const first = await ready()
    isSlow = false
    const status = { conditions: [{ type: 'Ready', status: 'False' }] }
    const patch = { type: 'strategic', body: { status } } as const
    await cluster.client.patch(Pod, { namespace, name: 'p' }, patch, { subresource: 'status' })
    await cluster.world.advance(1)
    const second = await ready()
    held.resolve()
    await cluster.advance(minute)
    assert.deepEqual([first, second, await ready()], ['True', 'False', 'True'])
    assert.deepEqual(cluster.faults, [])
  })

  test('in preparation is tried again, unless nothing is', async () => {
    for (const [policy, end] of [
      ['Always', 'Running init:Completed(0)*2 main:ready'],
      ['Never', 'Failed init:Error(1) main:PodInitializing'],
    ] as const) {
      await using cluster = await newNode()
      const initContainers = [{ name: 'init', image: 'i' }]
      await run(cluster, { 'exit-code.init': '1', 'exits.init': '2' }, { restartPolicy: policy, initContainers })
      await cluster.world.advance(30 * second)
      assert.equal(await told(cluster), end)
    }
  })
})

describe('a container that is given another image', () => {
  const change = async ({ client, world }: Cluster & { world: VirtualWorld }, image: string) => {
    const body = { spec: { containers: [{ name: 'main', image }] } }
    await client.patch(Pod, { namespace, name: 'p' }, { type: 'strategic', body })
    await world.advance(second)
  }
  const statusOf = async (cluster: Cluster) => (await seen(cluster))!.status.containerStatuses![0]!

  for (const restartPolicy of ['Always', 'Never'] as const) {
    test(`while it runs is started anew, under restart policy ${restartPolicy}`, async () => {
      await using cluster = await newNode()
      await run(cluster, { 'exit-after': '1h' }, { restartPolicy })
      await cluster.world.advance(second)
      await change(cluster, 'web:2')
      assert.equal(await told(cluster), 'Running main:ready*1')
      const { image, lastState } = await statusOf(cluster)
      assert.deepEqual([image, lastState?.terminated?.reason], ['web:2', 'Completed'])
      const events = await eventsOf(cluster)
      const why = 'Container main definition changed, will be restarted'
      assert.ok(events.includes(`spec.containers{main} | Killing | ${why}`), events.join('\n'))
      // The next time that it ends, it may end for good.
      await cluster.world.advance(2 * 60 * minute)
      assert.equal((await seen(cluster))!.status.phase, restartPolicy === 'Never' ? 'Succeeded' : 'Running')
    })
  }

  test('while it takes its time to end is started once, with the last that was asked for', async () => {
    await using cluster = await newNode()
    await run(cluster, { 'stop-after': '10s' })
    await cluster.world.advance(second)
    await change(cluster, 'web:2')
    assert.equal((await statusOf(cluster)).image, 'web:1')
    await change(cluster, 'web:3')
    await cluster.world.advance(minute)
    assert.equal(await told(cluster), 'Running main:ready*1')
    assert.equal((await statusOf(cluster)).image, 'web:3')
  })

  test('while it is on its way up runs with it in the end', async () => {
    await using cluster = await newNode()
    await run(cluster, { 'start-after': '5s' })
    await cluster.world.advance(second)
    await change(cluster, 'web:2')
    await cluster.world.advance(minute)
    assert.equal(await told(cluster), 'Running main:ready*1')
    assert.equal((await statusOf(cluster)).image, 'web:2')
  })

  test('because the old one was no good does not wait any longer', async () => {
    await using cluster = await newNode()
    await run(cluster, {}, { containers: [{ name: 'main', image: 'WEB' }] })
    await cluster.world.advance(10 * minute)
    assert.equal(await told(cluster), 'Pending main:InvalidImageName')
    await change(cluster, 'web')
    assert.equal(await told(cluster), 'Running main:ready')
    assert.equal((await statusOf(cluster)).image, 'web')
  })

  test('while its node is away runs with it when that is back', async () => {
    await using cluster = await newNode()
    await run(cluster, {})
    await cluster.world.advance(second)
    cluster.nodes!.crash('node-1')
    await change(cluster, 'web:2')
    await cluster.nodes!.restart('node-1')
    await cluster.world.advance(second)
    assert.equal(await told(cluster), 'Running main:ready*1')
    assert.equal((await statusOf(cluster)).image, 'web:2')
  })
})

describe('an ephemeral container', () => {
  const add = ({ client }: Cluster, ...names: readonly string[]) =>
    client.patch(
      Pod,
      { namespace, name: 'p' },
      { type: 'strategic', body: { spec: { ephemeralContainers: names.map((name) => ({ name, image: 'tools:1' })) } } },
      { subresource: 'ephemeralcontainers' },
    )
  const shown = async (cluster: Cluster) =>
    (await seen(cluster))!.status.ephemeralContainerStatuses?.map(
      ({ name, state, ready, restartCount }) => `${name}:${Object.keys(state ?? {})} ${ready} ${restartCount}`,
    )

  test('runs beside the others until the pod ends, and changes nothing of whether the pod is ready', async () => {
    await using cluster = await newNode()
    await run(cluster, {})
    await cluster.world.advance(second)
    await add(cluster, 'look')
    await cluster.world.advance(second)
    assert.deepEqual(await shown(cluster), ['look:running false 0'])
    await add(cluster, 'look', 'again')
    await cluster.world.advance(second)
    assert.deepEqual(await shown(cluster), ['look:running false 0', 'again:running false 0'])
    assert.equal(await told(cluster), 'Running main:ready')
    assert.ok((await eventsOf(cluster)).includes('spec.ephemeralContainers{look} | Started | Container started'))
    await cluster.client.delete(Pod, { namespace, name: 'p' })
    await cluster.world.advance(second)
    assert.equal(await told(cluster), 'gone')
    assert.deepEqual(cluster.faults, [])
  })

  test('that ends is not started again, and does not end the pod', async () => {
    await using cluster = await newNode()
    await run(cluster, { 'exit-after.look': '2s', 'exit-code.look': '3' })
    await cluster.world.advance(second)
    await add(cluster, 'look')
    await cluster.world.advance(minute)
    assert.deepEqual(await shown(cluster), ['look:terminated false 0'])
    assert.equal(await told(cluster), 'Running main:ready')
  })
})

describe('a pod with a deadline', () => {
  const failed = { phase: 'Failed', reason: 'DeadlineExceeded' }
  const ended = async (cluster: Cluster) => {
    const { phase, reason } = (await seen(cluster))!.status
    return { phase, reason }
  }

  for (const restartPolicy of ['Always', 'Never'] as const)
    test(`has failed when it is over, under restart policy ${restartPolicy}`, async () => {
      await using cluster = await newNode()
      await run(cluster, { 'exit-after': '1h' }, { restartPolicy, activeDeadlineSeconds: 10 })
      await cluster.world.advance(9 * second)
      assert.deepEqual(await ended(cluster), { phase: 'Running', reason: undefined })
      await cluster.world.advance(2 * second)
      assert.deepEqual(await ended(cluster), failed)
      assert.ok(
        (await eventsOf(cluster)).includes(
          'DeadlineExceeded | Pod was active on the node longer than the specified deadline',
        ),
      )
      assert.deepEqual(cluster.faults, [])
    })

  test('that is given one later, or a sooner one, goes by that; one that has ended does not', async () => {
    await using cluster = await newNode()
    const body = (activeDeadlineSeconds: number) => ({ spec: { activeDeadlineSeconds } })
    const limit = (seconds: number) =>
      cluster.client.patch(Pod, { namespace, name: 'p' }, { type: 'merge', body: body(seconds) })
    await run(cluster, {})
    await cluster.world.advance(minute)
    await limit(1000)
    await cluster.world.advance(minute)
    assert.equal((await ended(cluster)).phase, 'Running')
    await limit(150)
    await cluster.world.advance(40 * second)
    assert.deepEqual(await ended(cluster), failed)

    await using other = await newNode()
    await run(other, {}, { restartPolicy: 'Never', activeDeadlineSeconds: 100 })
    await other.world.advance(10 * minute)
    assert.deepEqual(await ended(other), { phase: 'Succeeded', reason: undefined })
  })
})

describe('a container that cannot start', () => {
  test('says that its image cannot be pulled, and then that it waits', async () => {
    await using cluster = await newNode()
    const { world } = cluster
    await run(cluster, { fail: 'ErrImagePull', 'start-after': '0s' })
    await world.advance(100)
    assert.equal(await told(cluster), 'Pending main:ErrImagePull')
    await world.advance(5 * second)
    assert.equal(await told(cluster), 'Pending main:ImagePullBackOff')
    await world.advance(5 * second)
    assert.equal(await told(cluster), 'Pending main:ErrImagePull', 'ten seconds later it is tried again')
    assert.deepEqual((await eventsOf(cluster)).slice(0, 3), [
      'spec.containers{main} | Failed | Failed to pull image "web:1": simulated failure of container main | x2',
      'spec.containers{main} | Failed | Error: ErrImagePull | x2',
      'spec.containers{main} | BackOff | Back-off pulling image "web:1"',
    ])
    const fail = { 'simulation.coracle.dev/fail': null }
    await cluster.client.patch(
      Pod,
      { namespace, name: 'p' },
      { type: 'merge', body: { metadata: { annotations: fail } } },
    )
    await world.advance(minute)
    assert.equal(await told(cluster), 'Running main:ready')
  })

  test('because its image has no possible name says so', async () => {
    await using cluster = await newNode()
    await run(cluster, {}, { containers: [{ name: 'main', image: 'No Name' }] })
    await cluster.world.advance(100)
    assert.equal(await told(cluster), 'Pending main:InvalidImageName')
    const why = `Failed to apply default image tag "No Name": couldn't parse image name "No Name": invalid reference format`
    assert.deepEqual(await eventsOf(cluster), [
      `spec.containers{main} | InspectFailed | ${why}`,
      'spec.containers{main} | Failed | Error: InvalidImageName',
    ])
  })

  test('because its variables refer to what is not there says what, and starts when it is', async () => {
    await using cluster = await newNode()
    const { client, world } = cluster
    const env = [{ name: 'A', valueFrom: { secretKeyRef: { name: 'pass', key: 'a' } } }]
    const envFrom = [{ configMapRef: { name: 'settings' } }, { secretRef: { name: 'other', optional: true } }]
    await run(cluster, {}, { containers: [{ name: 'main', image: 'web:1', env, envFrom }] })
    const waits = async () => (await seen(cluster))!.status.containerStatuses![0]!.state?.waiting
    const missing = (message: string) => ({ reason: 'CreateContainerConfigError', message })
    await world.advance(second)
    assert.deepEqual(await waits(), missing('configmap "settings" not found'))
    await client.create(ConfigMap, { metadata: { name: 'settings', namespace } })
    await world.advance(10 * second)
    assert.deepEqual(await waits(), missing('secret "pass" not found'))
    await client.create(Secret, { metadata: { name: 'pass', namespace }, stringData: { b: 'x' } })
    await world.advance(10 * second)
    assert.deepEqual(await waits(), missing(`couldn't find key a in Secret default/pass`))
    const body = { stringData: { a: 'x' } }
    await client.patch(Secret, { namespace, name: 'pass' }, { type: 'merge', body })
    await world.advance(10 * second)
    assert.equal(await told(cluster), 'Running main:ready')
  })

  const unreadable: Readonly<Record<string, [key: string, text: string, message: string]>> = {
    'a time': ['start-after', 'soon', 'time: invalid duration "soon"'],
    'a time of one container': ['exit-after.main', '5', 'time: missing unit in duration "5"'],
    'a code': ['exit-code', '256', '"256" is no exit code'],
    'a number': ['exits', 'twice', '"twice" is no number of times'],
    'a finding': ['readiness', 'bad', '"bad" is neither ok nor fail'],
    'a name': [
      'start-afer',
      '1s',
      'a pod can say start-after, ready-after, exit-after, exit-code, exits, fail, readiness, liveness, startup, ' +
        'stop-after, cpu-usage, memory-usage',
    ],
  }
  for (const [what, [key, text, message]] of Object.entries(unreadable)) {
    test(`because ${what} cannot be read says so`, async () => {
      await using cluster = await newNode()
      await run(cluster, { [key]: text })
      await cluster.settle()
      const { waiting } = (await seen(cluster))?.status.containerStatuses?.[0]?.state ?? {}
      assert.equal(waiting?.reason, 'CreateContainerError')
      assert.equal(waiting?.message, `simulation.coracle.dev/${key}: ${message}`)
    })
  }
})

describe('a pod that is deleted', () => {
  const remove = ({ client }: Cluster, gracePeriodSeconds?: number) =>
    client.delete(Pod, { namespace, name: 'p' }, gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds })

  test('has as long as it needs, within its grace period', async () => {
    await using cluster = await newNode()
    await run(cluster, { 'stop-after': '20s' })
    await cluster.settle()
    await remove(cluster)
    await cluster.world.advance(19 * second)
    assert.equal(await told(cluster), 'Running main:ready')
    await cluster.world.advance(1 * second)
    assert.equal(await told(cluster), 'gone')
    assert.ok((await eventsOf(cluster)).includes('spec.containers{main} | Killing | Stopping container main'))
  })

  test('is killed when the grace period is over', async () => {
    await using cluster = await newNode()
    await run(cluster, { 'stop-after': '10m' })
    await cluster.settle()
    await remove(cluster, 60)
    await cluster.world.advance(59 * second)
    assert.equal(await told(cluster), 'Running main:ready')
    await cluster.world.advance(1 * second)
    assert.equal(await told(cluster), 'gone')
  })

  test('a second time goes sooner', async () => {
    await using cluster = await newNode()
    await run(cluster, { 'stop-after': '10m' })
    await cluster.settle()
    await remove(cluster, 300)
    await cluster.world.advance(10 * second)
    await remove(cluster, 5)
    await cluster.world.advance(5 * second)
    assert.equal(await told(cluster), 'gone')
  })

  test('by force is gone at once, and its address is free', async () => {
    await using cluster = await newNode()
    await run(cluster, { 'stop-after': '10m' })
    await cluster.settle()
    await remove(cluster, 0)
    assert.equal(await told(cluster), 'gone')
    await cluster.settle()
    await run(cluster, {})
    await cluster.settle()
    assert.equal(await told(cluster), 'Running main:ready')
    assert.deepEqual(cluster.faults, [])
  })

  test('while it is being started never runs', async () => {
    await using cluster = await newNode()
    await run(cluster, { 'start-after': '1m' })
    await cluster.world.advance(10 * second)
    await remove(cluster)
    await cluster.world.advance(100)
    assert.equal(await told(cluster), 'gone')
    assert.deepEqual(cluster.faults, [])
  })

  test('while somebody holds it shows how it ended, until it is let go', async () => {
    await using cluster = await newNode()
    await run(cluster, {}, {}, { finalizers: ['example.com/hold'] })
    await cluster.settle()
    await remove(cluster)
    await cluster.settle()
    assert.equal(await told(cluster), 'Succeeded main:Completed(0)')
    const before = await seen(cluster)
    await cluster.world.advance(minute)
    assert.equal(await seen(cluster), before, 'nothing more is said about it')
    await cluster.client.patch(
      Pod,
      { namespace, name: 'p' },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    )
    await cluster.settle()
    assert.equal(await told(cluster), 'gone')
  })
})
