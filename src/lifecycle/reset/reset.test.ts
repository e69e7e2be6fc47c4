import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { VirtualHost } from '../../world/virtual-host.ts'
import { readDocuments, resetSettings } from '../config/read.ts'
import { runPhases } from '../phase.ts'
import type { ResetData } from './data.ts'
import { resetPhases } from './phases.ts'

function dataOn(world: VirtualHost, changes: Partial<ResetData['reset']> = {}) {
  const lines: string[] = []
  const print = (line: string) => void lines.push(line)
  const reset = resetSettings(readDocuments('', print), { world, version: 'v1.36.2', warn: print })
  const tools = { world, env: {}, program: 'v1.36.2', print, warn: print }
  const data: ResetData = { tools, world, reset: { ...reset, ...changes }, ignored: new Set() }
  return { data, lines, print }
}

const worker = [
  '/etc/kubernetes/kubelet.conf',
  '/etc/kubernetes/pki/ca.crt',
  '/var/lib/kubelet/config.yaml',
  '/var/lib/kubelet/pki/kubelet-client-current.pem',
  '/var/log/pods/kube-system_x/0.log',
  '/run/coracle/pods/u/pod.json',
]

async function hostWith(files: readonly string[]): Promise<VirtualHost> {
  const world = new VirtualHost(7)
  for (const file of files) await world.disk.write(file, 'x')
  return world
}

describe('reset [JOI-24]', () => {
  test('takes away what join left, and keeps what it did not make', async () => {
    const kept = ['/etc/cni/net.d/10-x.conflist', '/root/.kube/config', '/etc/kubernetes/tmp/backup']
    const world = await hostWith([...worker, ...kept])
    const { data, lines, print } = dataOn(world)
    await runPhases(resetPhases, data, { print })
    for (const file of worker) assert.equal(await world.disk.stat(file), undefined, file)
    for (const file of kept) assert.ok(await world.disk.stat(file), file)
    assert.ok(
      lines.includes(
        '[reset] Deleting contents of directories: [/etc/kubernetes/manifests /var/lib/kubelet /etc/kubernetes/pki /var/log/pods]',
      ),
    )
  })

  test('takes what was put aside, too, when it is asked to', async () => {
    const world = await hostWith(['/etc/kubernetes/tmp/backup'])
    const { data, print } = dataOn(world, { cleanupTmpDir: true })
    await runPhases(resetPhases, data, { print })
    assert.equal(await world.disk.stat('/etc/kubernetes/tmp/backup'), undefined)
  })

  test('only says what it would do', async () => {
    const world = await hostWith(worker)
    const { data, lines, print } = dataOn(world)
    await runPhases(resetPhases, data, { dryRun: true, print })
    for (const file of worker) assert.ok(await world.disk.stat(file), file)
    assert.ok(lines.includes('[reset] Would stop the kubelet service'))
  })

  test('does what can be done where etcd does not answer, and says what is left to do', async () => {
    const world = await hostWith(['/var/lib/etcd/member/wal'])
    await world.disk.write(
      '/etc/kubernetes/manifests/etcd.yaml',
      'spec: {containers: [{command: [etcd, --advertise-client-urls=http://10.0.0.1:2379, --initial-advertise-peer-urls=http://10.0.0.1:2380]}]}',
    )
    const { data, lines, print } = dataOn(world)
    const done = runPhases(resetPhases, data, { print })
    for (let step = 0; step < 50; step++) await world.advance(1000)
    await done
    assert.ok(lines.some((line) => /^\[reset\] Failed to remove etcd member: .*etcdctl/.test(line)))
    assert.equal(await world.disk.stat('/var/lib/etcd/member/wal'), undefined)
  })

  test('is for root', async () => {
    const world = await hostWith(worker)
    world.machine = { ...world.machine, userId: 1000 }
    const { data, lines, print } = dataOn(world)
    await assert.rejects(runPhases(resetPhases, data, { print }), /preflight checks failed/)
    assert.ok(lines.includes('\t[ERROR IsPrivilegedUser]: user is not running as root'))
    assert.ok(await world.disk.stat(worker[0]!))
  })
})

describe('links and rules', () => {
  test('those that are there go; one that cannot be deleted stops nothing [FLR-16]', async () => {
    const world = await hostWith(['/var/lib/cni/networks/cbr0/10.244.0.2'])
    await world.disk.write('/proc/net/dev', 'Inter-|\n face |\n    lo: 1\n  cni0: 2\nflannel.1: 3\n  eth0: 4\n')
    const calls: string[] = []
    world.exec.programs.set('ip', async (args) => {
      calls.push(args.join(' '))
      return args[2] === 'cni0' ? { code: 2, stderr: 'busy' } : {}
    })
    const { data, lines, print } = dataOn(world)
    await runPhases(resetPhases, data, { print })
    assert.deepEqual(calls, ['link delete cni0', 'link delete flannel.1'])
    assert.ok(lines.includes('[reset] Failed to delete the link cni0: busy'))
    assert.ok(lines.includes('[reset] Deleted the link flannel.1'))
    assert.equal(await world.disk.stat('/var/lib/cni/networks/cbr0/10.244.0.2'), undefined)
  })

  test('rules of others stay', async () => {
    const world = new VirtualHost(7)
    const saved = [
      '*filter',
      ':INPUT ACCEPT [0:0]',
      ':KUBE-FORWARD - [0:0]',
      '-A INPUT -p tcp --dport 22 -j ACCEPT',
      '-A FORWARD -j KUBE-FORWARD',
      '-A KUBE-FORWARD -j ACCEPT',
      'COMMIT',
    ]
    let restored: unknown
    world.exec.programs.set('iptables-save', async () => ({ stdout: saved.join('\n') }))
    world.exec.programs.set('iptables-restore', async (_, { input }) => {
      restored = input
      return {}
    })
    const { data, print } = dataOn(world)
    await runPhases(resetPhases, data, { print })
    assert.deepEqual(String(restored).split('\n'), [saved[0], saved[1], saved[3], saved[6]])
  })
})
