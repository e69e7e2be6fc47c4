import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Client } from '../../client/client.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { hostWorld } from '../../world/host.ts'
import type { Exit } from '../runtime.ts'
import { HostVolumes } from './host-volumes.ts'
import { withMounts } from './mounts.ts'
import { ProcessRuntime } from './runtime.ts'

const world = hostWorld(() => {})
const never = new AbortController().signal

/** Why mounts cannot be tried here; false: they can. */
function mountsMissing(): string | false {
  if (world.machine.userId !== 0) return 'only root can mount'
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' })
    return false
  } catch {
    return 'this machine lets nobody make namespaces'
  }
}

/** A runtime below a folder of its own, and an API with one ConfigMap and tokens that are counted. */
async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-mounts-'))
  let tokens = 0
  const client = {
    get: async () => ({ data: { 'config.conf': 'mode: iptables\n' } }),
    createSubresource: async () => ({
      spec: {},
      status: {
        token: `token-${++tokens}`,
        expirationTimestamp: new Date(world.clock.now() + 3_600_000).toISOString(),
      },
    }),
  } as unknown as Pick<Client, 'get' | 'createSubresource'>
  const hostAddress = '127.0.0.1'
  const volumes = new HostVolumes({ ...world, client, folder: `${folder}/pods`, hostAddress })
  const runtime = new ProcessRuntime({
    ...world,
    stateFolder: `${folder}/state`,
    logs: `${folder}/logs`,
    hostAddress,
    programs: () => undefined,
    volumes,
  })
  return {
    folder,
    volumes,
    runtime,
    log: (pod: Pod) => readFile(runtime.logFile(pod, 'main', 0), 'utf8'),
    async start(pod: Pod): Promise<{ readonly ended: Promise<Exit> }> {
      await volumes.untilMounted(pod, never, assert.fail)
      await runtime.startSandbox(pod, never)
      const { promise: ended, resolve } = Promise.withResolvers<Exit>()
      await runtime.startContainer(pod, pod.spec.containers[0]!, 0, resolve, never)
      return { ended }
    },
    async [Symbol.asyncDispose]() {
      for (const { pod } of await runtime.remembered()) await runtime.stopPod(pod, 0)
      await runtime[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function podOf(script: string, mounts: readonly object[], volumes: readonly object[]): Pod {
  const env = [{ name: 'FILE', value: 'config.conf' }]
  const container = { name: 'main', command: ['sh', '-c', script], volumeMounts: mounts, env }
  const metadata = { name: 'p', namespace: 'ns', uid: 'u' }
  return { metadata, spec: { hostNetwork: true, containers: [container], volumes } } as unknown as Pod
}

const config = { name: 'config', configMap: { name: 'c' } }
const access = { name: 'access', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }
const scratch = { name: 'scratch', emptyDir: {} }

describe('what a process mounts', { skip: mountsMissing() }, () => {
  test('it sees where it is mounted, and may only read it when that is said', async () => {
    await using under = await open()
    const { folder, runtime } = under
    const seen = `${folder}/seen`
    await world.disk.write(`${folder}/real/file`, 'of the host\n')
    const script = `cd ${seen} && exec 2>&1
      cat config/config.conf 'by name' one access/token; echo
      touch config/x || echo refused
      echo kept >scratch/kept; cat scratch/kept scratch/below/file; ls scratch`
    const pod = podOf(
      script,
      [
        // Deeper ones first: what is mounted above must not hide them.
        { name: 'real', mountPath: `${seen}/scratch/below` },
        { name: 'scratch', mountPath: `${seen}/scratch` },
        { name: 'config', mountPath: `${seen}/config`, readOnly: true },
        { name: 'config', mountPath: `${seen}/by name`, subPathExpr: '$(FILE)' },
        { name: 'real', mountPath: `${seen}/one`, subPath: 'file' },
        { name: 'access', mountPath: `${seen}/access/` },
      ],
      [config, access, scratch, { name: 'real', hostPath: { path: `${folder}/real` } }],
    )
    const { ended } = await under.start(pod)
    assert.deepEqual(await ended, { code: 0, reason: 'Completed' })
    const lines = (await under.log(pod)).trimEnd().split('\n')
    assert.match(lines[4] ?? '', /touch: .*Read-only file system/)
    assert.deepEqual(lines.toSpliced(4, 1), [
      ...['mode: iptables', 'mode: iptables', 'of the host', 'token-1'],
      ...['refused', 'kept', 'of the host', 'below', 'kept'],
    ])
    // The host has places to mount at, and nothing in them.
    assert.deepEqual(await world.disk.list(`${seen}/config`), [])
    assert.equal(await world.disk.read(`${seen}/one`), '')
    assert.doesNotMatch(await readFile('/proc/mounts', 'utf8'), new RegExp(folder))
    assert.ok(await world.disk.stat(`${folder}/pods/u`))
    await runtime.stopPod(pod, 0)
    assert.equal(await world.disk.stat(`${folder}/pods/u`), undefined)
    assert.equal(await world.disk.read(`${folder}/real/file`), 'of the host\n')
  })

  test('it sees anew when it is renewed, and is the process that was noted', async () => {
    await using under = await open()
    const { folder, runtime } = under
    const script = `trap 'exit 0' TERM; while :; do cat ${folder}/seen/token; echo; sleep 0.05; done`
    const pod = podOf(script, [{ name: 'access', mountPath: `${folder}/seen` }], [access])
    const { ended } = await under.start(pod)
    const said = async (text: string) => {
      while (!(await under.log(pod)).includes(text)) await world.clock.after(20)
    }
    await said('token-1\n')
    const pid = Number.parseInt(await readFile(`${folder}/state/u/container-main.stat`, 'utf8'), 10)
    assert.match(await readFile(`/proc/${pid}/cmdline`, 'utf8'), /^(\S*\/)?sh\0-c\0trap/)
    // As the next kubelet does.
    const remains = await runtime.takeOver(pod, () => {})
    assert.deepEqual([...remains!.running], ['main'])
    await said('token-2\n')
    await runtime.stopPod(pod, 10)
    assert.equal((await ended).code, 0)
    assert.equal(world.exec.isAlive(pid), false)
  })

  test('that cannot be mounted ends it, and its log says why', async () => {
    await using under = await open()
    const pod = podOf('true', [{ name: 'scratch', mountPath: '/proc/nowhere' }], [scratch])
    const { ended } = await under.start(pod)
    assert.notEqual((await ended).code, 0)
    assert.match(await under.log(pod), /\/proc\/nowhere/)
  })
})

test('only a process that sees something elsewhere has mounts of its own, and those need util-linux', async () => {
  const command: [string] = ['program']
  const none = { which: async () => undefined }
  const same = { source: '/etc/x', target: '/etc/x', isReadOnly: true }
  const other = { source: '/a', target: '/b', isReadOnly: false }
  assert.deepEqual(await withMounts(command, [], none), command)
  assert.deepEqual(await withMounts(command, [same], none), command)
  await assert.rejects(withMounts(command, [same, other], none), /without unshare: install util-linux/)
  const words = await withMounts(command, [same, other], world.exec)
  assert.equal(words[0], 'unshare')
  assert.deepEqual(words.slice(-9), ['sh', '/etc/x', '/etc/x', 'ro', '/a', '/b', 'rw', '--', 'program'])
})
