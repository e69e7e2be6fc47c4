/**
 * What every runtime must do, as tests. Each implementation runs all of it; what one cannot do it names in
 * `deviations`, with the reason, and the test is skipped with it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Container } from '../kinds/core/containers.ts'
import type { Pod } from '../kinds/core/pod.ts'
import type { Draft } from '../schema/types.ts'
import { ContainerError, type Exit, type Runtime } from './runtime.ts'

/** A runtime, and how to make its containers do what the suite needs. */
export interface RuntimeUnderTest extends AsyncDisposable {
  readonly runtime: Runtime
  /** Waits for what was asked for; in virtual time, lets time pass until it has come. */
  until<T>(work: Promise<T>): Promise<T>
  /** A runtime that comes after this one on the same machine, as after a restart of the kubelet. */
  restarted(): RuntimeUnderTest
  readonly images: {
    /** Runs until it is asked to end, and then ends with code 0. */
    readonly patient: Draft<Container>
    /** Ends by itself, soon, with code 3. */
    readonly failing: Draft<Container>
    /** Does not end when it is asked to. */
    readonly stubborn: Draft<Container>
    /** Cannot be pulled. */
    readonly missing: Draft<Container>
    /** Is ready only some time after it has started. */
    readonly slow: Draft<Container>
  }
  /** The pod of these containers, with whatever else the runtime wants to be told. */
  pod(name: string, containers: readonly Draft<Container>[]): Pod
}

export interface ConformanceOptions {
  /** The first words of a test's name → why this runtime does not pass it. */
  readonly deviations?: Readonly<Record<string, string>>
}

/** Registers the suite. `open` gives a runtime without pods; each test disposes of its own. */
export function runtimeConformance(
  name: string,
  open: () => Promise<RuntimeUnderTest>,
  options: ConformanceOptions = {},
): void {
  const conforms = (title: string, check: (under: RuntimeUnderTest) => Promise<void>) => {
    const deviation = Object.entries(options.deviations ?? {}).find(([words]) => title.startsWith(words))?.[1]
    test(`${name}: ${title}`, { skip: deviation }, async () => {
      await using under = await open()
      await check(under)
    })
  }
  const never = new AbortController().signal

  /** Starts a pod of one container; its exits are noted. */
  async function started(under: RuntimeUnderTest, podName: string, container: Draft<Container>) {
    const pod = under.pod(podName, [container])
    const sandbox = await under.until(under.runtime.startSandbox(pod, never))
    const exits: Exit[] = []
    const { promise: exited, resolve } = Promise.withResolvers<Exit>()
    const start = (attempt: number) =>
      under.until(
        under.runtime.startContainer(
          pod,
          pod.spec.containers[0]!,
          attempt,
          (exit) => {
            exits.push(exit)
            resolve(exit)
          },
          never,
        ),
      )
    const running = await start(0)
    return { pod, container: pod.spec.containers[0]!, sandbox, running, exits, exited, start }
  }

  conforms('it says what it is', async ({ runtime }) => {
    assert.match(runtime.version, /^[a-z-]+:\/\/\d+\.\d+\.\d+/)
  })

  conforms('every sandbox has an address of its own', async (under) => {
    const addresses = new Set<string>()
    for (let at = 0; at < 5; at++) {
      const { addresses: own } = await under.until(under.runtime.startSandbox(under.pod(`p${at}`, []), never))
      assert.match(own[0] ?? '', /^\d+\.\d+\.\d+\.\d+$/)
      addresses.add(own[0]!)
    }
    assert.equal(addresses.size, 5)
  })

  conforms('a pod on the network of its node has no address of its own', async (under) => {
    const pod = under.pod('p', [])
    const { addresses } = await under.until(
      under.runtime.startSandbox({ ...pod, spec: { ...pod.spec, hostNetwork: true } }, never),
    )
    assert.deepEqual(addresses, [])
  })

  conforms('a container runs until its pod is stopped, and then says how it ended', async (under) => {
    const { pod, running, exits } = await started(under, 'p', under.images.patient)
    assert.match(running.containerId, /^[a-z-]+:\/\/[0-9a-f]{64}$/)
    assert.notEqual(running.imageId, '')
    assert.deepEqual(exits, [])
    await under.until(under.runtime.stopPod(pod, 30))
    assert.deepEqual(exits, [{ code: 0, reason: 'Completed' }])
    await under.until(under.runtime.stopPod(pod, 30))
    assert.equal(exits.length, 1, 'it ends once')
  })

  conforms('a container that ends by itself says so once', async (under) => {
    const { pod, exited, exits } = await started(under, 'p', under.images.failing)
    assert.deepEqual(await under.until(exited), { code: 3, reason: 'Error' })
    await under.until(under.runtime.stopPod(pod, 30))
    assert.equal(exits.length, 1)
  })

  conforms('the next attempt is another container', async (under) => {
    const { running, exited, start } = await started(under, 'p', under.images.failing)
    await under.until(exited)
    assert.notEqual((await start(1)).containerId, running.containerId)
  })

  conforms('one container of a pod is stopped, and another takes its place', async (under) => {
    const { pod, container, running, exits, exited, start } = await started(under, 'p', under.images.patient)
    await under.until(under.runtime.stopContainer(pod, container, 30))
    await under.until(exited)
    assert.deepEqual(exits, [{ code: 0, reason: 'Completed' }])
    await under.until(under.runtime.stopContainer(pod, container, 30))
    assert.notEqual((await start(1)).containerId, running.containerId)
    assert.equal(exits.length, 1)
    await under.until(under.runtime.stopPod(pod, 30))
    assert.equal(exits.length, 2)
  })

  conforms('a container that does not end is killed when its time is over', async (under) => {
    const { pod, exits } = await started(under, 'p', under.images.stubborn)
    await under.until(under.runtime.stopPod(pod, 1))
    assert.deepEqual(exits, [{ code: 137, reason: 'Error' }])
  })

  conforms('a second call shortens the time that a pod has to end', async (under) => {
    const { pod, exits } = await started(under, 'p', under.images.stubborn)
    const first = under.runtime.stopPod(pod, 100_000)
    await under.until(under.runtime.stopPod(pod, 0))
    await under.until(first)
    assert.deepEqual(exits, [{ code: 137, reason: 'Error' }])
  })

  conforms('a pod that is not there is stopped already', async (under) => {
    await under.until(under.runtime.stopPod(under.pod('unknown', []), 30))
  })

  conforms('an image that cannot be had is an error of its own kind', async (under) => {
    const pod = under.pod('p', [under.images.missing])
    await under.until(under.runtime.startSandbox(pod, never))
    await assert.rejects(
      under.until(under.runtime.startContainer(pod, pod.spec.containers[0]!, 0, unexpected, never)),
      (error) => error instanceof ContainerError && error.reason === 'ErrImagePull',
    )
  })

  conforms('a start that is called off is over', async (under) => {
    const pod = under.pod('p', [under.images.patient])
    await under.until(under.runtime.startSandbox(pod, never))
    const stop = new AbortController()
    const start = under.runtime.startContainer(pod, pod.spec.containers[0]!, 0, unexpected, stop.signal)
    stop.abort()
    await assert.rejects(under.until(start))
    await under.until(under.runtime.stopPod(pod, 0))
  })

  conforms('a container that is not ready at once is ready later', async (under) => {
    const { pod, container, running } = await started(under, 'p', under.images.slow)
    assert.equal(running.isReady, false)
    await under.until(under.runtime.untilReady(pod, container, never))
    const other = await started(under, 'q', under.images.slow)
    const stop = new AbortController()
    const waiting = under.runtime.untilReady(other.pod, other.container, stop.signal)
    stop.abort()
    await assert.rejects(waiting)
  })

  conforms('what runs is taken over after a restart, and what does not is not', async (under) => {
    const { pod, sandbox, running } = await started(under, 'p', under.images.patient)
    const seen: Pod = { ...pod, status: statusOf(pod, sandbox.addresses[0]!, running.containerId) }
    await using later = under.restarted()
    const ends: (readonly [string, Exit])[] = []
    const remains = await later.until(later.runtime.takeOver(seen, (container, exit) => ends.push([container, exit])))
    assert.deepEqual(remains?.addresses, sandbox.addresses)
    assert.deepEqual([...remains.running], ['main'])
    const other = await later.until(later.runtime.startSandbox(later.pod('new', []), never))
    assert.notEqual(other.addresses[0], sandbox.addresses[0])
    await later.until(later.runtime.stopPod(seen, 30))
    assert.deepEqual(ends, [['main', { code: 0, reason: 'Completed' }]])
  })
}

function unexpected(exit: Exit): void {
  assert.fail(`a container that never started has ended with code ${exit.code}`)
}

const statusOf = (pod: Pod, podIP: string, containerID: string): Pod['status'] => ({
  phase: 'Running',
  podIP,
  podIPs: [{ ip: podIP }],
  containerStatuses: pod.spec.containers.map(({ name, image = '' }) => ({
    name,
    state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
    lastState: {},
    ready: true,
    restartCount: 0,
    image,
    imageID: image,
    containerID,
    started: true,
  })),
})
