import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseProcessStat } from '../../base/process-stat.ts'
import type { Container } from '../../kinds/core/containers.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { decode } from '../../schema/decode.ts'
import type { Draft, Mutable } from '../../schema/types.ts'
import { hostWorld } from '../../world/host.ts'
import { type RuntimeUnderTest, runtimeConformance } from '../conformance.ts'
import type { Exit } from '../runtime.ts'
import { Processes } from './processes.ts'
import { ProcessRuntime } from './runtime.ts'

const world = hostWorld(() => {})
const shell = (name: string, script: string): Draft<Container> => ({
  name,
  image: 'shell',
  command: ['sh', '-c', script],
})
const patient = shell('main', 'trap "exit 0" TERM; while :; do sleep 0.05; done')

async function open(
  folder?: string,
): Promise<RuntimeUnderTest & { readonly folder: string; readonly runtime: ProcessRuntime }> {
  const own = folder ?? (await mkdtemp(join(tmpdir(), 'coracle-process-')))
  const runtime = new ProcessRuntime({
    ...world,
    stateFolder: `${own}/state`,
    logs: `${own}/logs`,
    hostAddress: '127.0.0.1',
    programs: () => undefined,
  })
  const later: RuntimeUnderTest[] = []
  return {
    folder: own,
    runtime,
    // A shell takes a moment until it knows what to do when it is asked to end.
    async until(work) {
      const result = await work
      await world.clock.after(100)
      return result
    },
    restarted: () => {
      throw new Error('its pods have no addresses to compare')
    },
    images: {
      patient,
      failing: shell('main', 'sleep 0.05; exit 3'),
      stubborn: shell('main', 'trap "" TERM; while :; do sleep 0.05; done'),
      missing: { name: 'main', image: 'none', command: ['there-is-no-such-program'] },
      slow: { ...patient, readinessProbe: { exec: { command: ['true'] }, initialDelaySeconds: 1 } },
    },
    pod: podOf,
    async [Symbol.asyncDispose]() {
      for (const { pod } of await runtime.remembered()) await runtime.stopPod(pod, 0)
      await runtime[Symbol.asyncDispose]()
      for (const each of later) await each[Symbol.asyncDispose]()
      if (folder === undefined) await rm(own, { recursive: true, force: true })
    },
  }
}

function podOf(name: string, containers: readonly Draft<Container>[]): Pod {
  const metadata = { name, namespace: 'kube-system', uid: `uid-${name}` }
  const spec = { hostNetwork: true, containers }
  const pod = decode(Pod.schema, { apiVersion: 'v1', kind: 'Pod', metadata, spec }).object as unknown as Mutable<Pod>
  Pod.defaults(pod)
  return pod as unknown as Pod
}

const oneNetwork = 'all processes of a host have its address'
runtimeConformance('process', open, {
  deviations: {
    'every sandbox has': oneNetwork,
    'what runs is taken over': `${oneNetwork}; the next test is about this`,
  },
})

const never = new AbortController().signal

test('a process outlives its kubelet, and the next one looks after it', async () => {
  await using first = await open()
  const pod = podOf('p', [patient])
  await first.runtime.startSandbox(pod, never)
  await first.runtime.startContainer(pod, pod.spec.containers[0]!, 2, () => assert.fail('it has not ended'), never)
  await first.runtime[Symbol.asyncDispose]()

  await using second = await open(first.folder)
  const [record] = await second.runtime.remembered()
  assert.equal(record?.pod.metadata.uid, 'uid-p')
  assert.equal(record.containers.get('main')?.attempt, 2)
  const exits: Exit[] = []
  const remains = await second.runtime.takeOver(pod, (_, exit) => exits.push(exit))
  assert.deepEqual([...remains!.running], ['main'])
  const pid = Number.parseInt(await readFile(`${first.folder}/state/uid-p/container-main.stat`, 'utf8'), 10)
  assert.ok(world.exec.isAlive(pid))
  await second.runtime.stopPod(pod, 10)
  assert.deepEqual(exits, [{ code: 0, reason: 'Completed' }])
  assert.deepEqual(await second.runtime.remembered(), [])
})

test('a process notes itself, so that the next kubelet finds it however the last one has ended', async () => {
  await using first = await open()
  const note = `${first.folder}/note`
  // As a kubelet does that is killed the moment after.
  const processes = new Processes(world)
  const { id } = await processes.start(['sh', '-c', 'while :; do sleep 0.05; done'], {
    note,
    logFile: `${first.folder}/log`,
    env: {},
  })
  while ((await world.disk.read(note)) === undefined) await world.clock.after(5)
  assert.deepEqual(await processes.noted(note), id)
  await processes.kill(id)
  await world.disk.write(note, '')
  assert.equal(await processes.noted(note), undefined)
})

test('a kubelet that ends while it starts a process leaves none behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-process-'))
  const began = Promise.withResolvers<number>()
  const runtime = new ProcessRuntime({
    ...world,
    exec: {
      ...world.exec,
      start(...args) {
        const child = world.exec.start(...args)
        began.resolve(child.pid)
        return child
      },
    },
    stateFolder: `${folder}/state`,
    logs: `${folder}/logs`,
    hostAddress: '127.0.0.1',
    programs: () => undefined,
  })
  const pod = podOf('p', [patient])
  await runtime.startSandbox(pod, never)
  const started = runtime.startContainer(pod, pod.spec.containers[0]!, 0, () => {}, never)
  const refused = assert.rejects(started, /pod p is gone/)
  const pid = await began.promise
  await runtime[Symbol.asyncDispose]()
  assert.equal(world.exec.isAlive(pid), false)
  await refused
  await rm(folder, { recursive: true })
})

test('a number that another process has by now is not taken for ours', async () => {
  await using under = await open()
  const pod = podOf('p', [patient])
  const folder = `${under.folder}/state/uid-p`
  await world.disk.write(`${folder}/pod.json`, JSON.stringify(pod))
  const own = await readFile('/proc/self/stat', 'utf8')
  const { began } = parseProcessStat(own)!
  await world.disk.write(`${folder}/container-main.stat`, own.replace(` ${began} `, ' 1 '))
  const remains = await under.runtime.takeOver(pod, () => {})
  assert.deepEqual([...remains!.running], [])
  await under.runtime.stopPod(pod, 0)
})

test('a container that fails its liveness probe is ended; one that is not ready says so until it is', async () => {
  await using under = await open()
  const marker = `${under.folder}/well`
  const probe = (path: string) => ({ exec: { command: ['test', '-e', path] }, periodSeconds: 1, failureThreshold: 1 })
  const container = {
    ...patient,
    livenessProbe: { ...probe('/nowhere'), initialDelaySeconds: 2 },
    readinessProbe: probe(marker),
  }
  const pod = podOf('p', [container as Draft<Container>])
  await under.runtime.startSandbox(pod, never)
  const { promise: ended, resolve } = Promise.withResolvers<Exit>()
  await under.runtime.startContainer(pod, pod.spec.containers[0]!, 0, resolve, never)
  const seen: boolean[] = []
  for await (const isReady of under.runtime.readiness(pod, pod.spec.containers[0]!, never)) {
    seen.push(isReady)
    if (!isReady && seen.length === 1) await world.disk.write(marker, '')
    if (isReady) break
  }
  assert.deepEqual(seen, [false, true])
  assert.deepEqual(await ended, { code: 0, reason: 'Completed' })
})

test('variables, arguments and output of a process are those of its container', async () => {
  await using under = await open()
  const container = {
    ...shell('main', 'echo "$WHO $POD $(expr 1 + 1)"; echo "$0"'),
    args: ['$(WHO)-$$(WHO)-$(NOBODY)'],
    env: [
      { name: 'WHO', value: 'me' },
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ],
  }
  const pod = podOf('p', [container as Draft<Container>])
  await under.runtime.startSandbox(pod, never)
  await new Promise<Exit>(
    (resolve) => void under.runtime.startContainer(pod, pod.spec.containers[0]!, 0, resolve, never),
  )
  const log = await readFile(under.runtime.logFile(pod, 'main', 0), 'utf8')
  assert.equal(log, 'me p 2\nme-$(WHO)-$(NOBODY)\n')
})

test('what cannot be mounted into a process is said before it starts', async () => {
  await using under = await open()
  const mounted = (path: string, mountPath: string, type: string) => {
    const pod = podOf('p', [
      { ...patient, volumeMounts: [{ name: 'v', mountPath }] } as Draft<Container>,
    ]) as Mutable<Pod>
    pod.spec.volumes = [{ name: 'v', hostPath: { path, type } }] as never
    return pod as unknown as Pod
  }
  const start = async (pod: Pod) => {
    await under.runtime.startSandbox(pod, never)
    await under.runtime.startContainer(pod, pod.spec.containers[0]!, 0, () => {}, never)
    await under.runtime.stopPod(pod, 0)
  }
  await assert.rejects(
    start(mounted('/nowhere/file', '/nowhere/file', 'File')),
    /hostPath type check failed: \/nowhere\/file is not a file/,
  )
  const made = `${under.folder}/made`
  await start(mounted(made, made, 'DirectoryOrCreate'))
  assert.equal((await world.disk.stat(made))?.isFolder, true)
})

test('what a pod leaves in a folder of the host is there for the next, and each type is checked [STO-03]', async () => {
  await using under = await open()
  const folder = `${under.folder}/data`
  let pods = 0
  const run = async (script: string, path: string, type: string) => {
    const container = { ...shell('main', script), volumeMounts: [{ name: 'v', mountPath: path }] }
    const pod = podOf(`p${pods++}`, [container as Draft<Container>]) as Mutable<Pod>
    pod.spec.volumes = [{ name: 'v', hostPath: { path, type } }] as never
    await under.runtime.startSandbox(pod as unknown as Pod, never)
    const start = (ended: (exit: Exit) => void) =>
      under.runtime.startContainer(pod as unknown as Pod, pod.spec.containers[0]! as Container, 0, ended, never)
    const { promise, resolve } = Promise.withResolvers<Exit>()
    await start(resolve)
    await promise
    const log = await readFile(under.runtime.logFile(pod as unknown as Pod, 'main', 0), 'utf8')
    await under.runtime.stopPod(pod as unknown as Pod, 0)
    return log
  }
  await assert.rejects(run('true', folder, 'Directory'), /hostPath type check failed: .*\/data is not a directory/)
  await run(`echo kept > ${folder}/file`, folder, 'DirectoryOrCreate')
  assert.equal(await run(`cat ${folder}/file`, folder, 'Directory'), 'kept\n')
  assert.equal(await run(`cat ${folder}/file`, `${folder}/file`, 'File'), 'kept\n')
  await assert.rejects(run('true', folder, 'File'), /hostPath type check failed: .*\/data is not a file/)
})
