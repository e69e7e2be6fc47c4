/** A host whose processes are supervised as such: no static pods, nothing of the control plane in the API. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createSharedPki, writeControlPlane } from '../support/control-plane-files.ts'
import { type Host, Hosts, hostsMissing, type Started, until } from '../support/hosts.ts'

const components = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet'] as const

describe('a host whose processes are supervised without static pods', { skip: hostsMissing() ?? false }, () => {
  let hosts: Hosts
  let host: Host
  let supervisor: Started

  const processOf = (name: string) =>
    host.processes().find(({ args }) => args.slice(0, 8).some((arg) => arg === name || arg.endsWith(`/${name}`)))
  const pids = () => components.map((name) => processOf(name)?.pid)
  const start = () => host.start('coracle', ['node', '--v=2'])

  before(async () => {
    hosts = await Hosts.create({ count: 1 })
    host = hosts.all[0]!
    await writeControlPlane(host, { pki: createSharedPki() })
    supervisor = start()
  })
  after(async () => {
    await hosts?.[Symbol.asyncDispose]()
  })

  it('becomes a Ready node, and no pod stands for the control plane [MOD-01]', async () => {
    await until('a Ready node', async () => / Ready /.test(await host.kubectl('get', 'nodes')))
    assert.equal(await host.kubectl('get', 'pods', '-n', 'kube-system', '-o', 'name'), '')
    assert.ok(pids().every((pid) => pid !== undefined))
    assert.match(await host.read('/var/log/coracle/kube-apiserver.log'), /the API is served/)
  })

  it('starts again what ends, and what it was killed over goes on', async () => {
    const before = pids()
    for (const name of ['kube-scheduler', 'kubelet'] as const) host.killAll(name)
    await until('both are back', async () =>
      pids().every((pid, at) => pid !== undefined && (at === 3 || at === 4 ? pid !== before[at] : pid === before[at])),
    )
    const now = pids()
    await supervisor.kill('SIGKILL')
    supervisor = start()
    await until('the supervisor', async () => (await host.sh('curl -s http://127.0.0.1:10247/healthz')).stdout === 'ok')
    host.killAll('kube-controller-manager')
    await until('it looks after them again', async () => {
      const pid = processOf('kube-controller-manager')?.pid
      return pid !== undefined && pid !== now[2]
    })
    assert.deepEqual(pids().slice(0, 2), now.slice(0, 2))
  })

  it('ends all when it is asked to end', async () => {
    await supervisor.kill('SIGTERM')
    await until('all have ended', async () => pids().every((pid) => pid === undefined))
  })

  it('writes units that systemd understands', async () => {
    const { code, stderr } = await host.coracle('node', '--systemd-units=/etc/kubernetes/units')
    assert.equal(code, 0, stderr)
    const unit = await host.read('/etc/kubernetes/units/kube-apiserver.service')
    assert.match(unit, /^ExecStart=\S*node.* kube-apiserver .*--secure-port=6443/m)
    assert.match(unit, /^Restart=always$/m)
    assert.match(await host.read('/etc/kubernetes/units/etcd.service'), /^ExecStart=\/usr\/bin\/etcd /m)
    assert.match(
      await host.read('/etc/kubernetes/units/kubelet.service'),
      /--kubeconfig=\/etc\/kubernetes\/kubelet.conf/,
    )
  })
})
