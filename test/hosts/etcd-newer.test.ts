/** Control planes on the newer etcd: its flags, its probes, its members that come and go. */
import assert from 'node:assert/strict'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { etcdReleases, minorOf } from '../support/etcds.ts'
import { type Host, Hosts, hostsMissing, until } from '../support/hosts.ts'

const release = etcdReleases().find((one) => minorOf(one) > 4)
const skip = hostsMissing() ?? (release ? undefined : 'needs an etcd from 3.5 on')
const lenient = ['--ignore-preflight-errors', 'NumCPU,Mem'] as const

describe('control planes on a newer etcd', { skip, timeout: 120_000 }, () => {
  let hosts: Hosts
  let first: Host
  let second: Host
  let joining: readonly string[]

  before(async () => {
    hosts = await Hosts.create({ count: 2, names: ['cp1', 'cp2'] })
    ;[first, second] = hosts.all as [Host, Host]
    for (const { folder } of hosts.all)
      for (const name of ['etcd', 'etcdctl', 'etcdutl'])
        await symlink(join(release!.folder, name), join(folder, 'bin', name))
  })
  after(() => hosts?.[Symbol.asyncDispose]())

  const namesOfMembers = async () =>
    (await first.etcdctl('member', 'list'))
      .split('\n')
      .map((line) => line.split(', ')[2])
      .sort()

  it('init starts it with flags that it knows, and its pod gets ready', async () => {
    const endpoint = ['--control-plane-endpoint', `${first.address}:6443`, '--upload-certs']
    const { code, stdout, stderr } = await first.coracle('init', ...endpoint, ...lenient)
    assert.equal(code, 0, stdout + stderr)
    const command = stdout
      .replaceAll(/ \\\n\t/g, ' ')
      .split('\n')
      .find((line) => line.includes('--control-plane --certificate-key'))
    joining = command!.trim().split(/\s+/).slice(1)
    const [{ Status }] = JSON.parse(await first.etcdctl('endpoint', 'status', '-w', 'json'))
    assert.equal(Status.version, release!.version)
    assert.match(
      await first.read('/etc/kubernetes/manifests/etcd.yaml'),
      /--experimental-watch-progress-notify-interval=5s/,
    )
    const path = 'jsonpath={.status.containerStatuses[0].ready} {.status.containerStatuses[0].restartCount}'
    await until(
      'its pod is ready',
      async () => (await first.kubectl('get', 'pod', '-n', 'kube-system', 'etcd-cp1', '-o', path)) === 'true 0',
    )
  })

  it('a second one comes as a learner that gets its vote, and goes with its reset, not with its node [ETM-22]', async () => {
    const { code, stdout, stderr } = await second.coracle(...joining, ...lenient)
    assert.equal(code, 0, stdout + stderr)
    // It may be a learner for less time than etcdctl takes to look.
    const log = await first.sh(
      'grep -ho "switched to configuration .*)" /var/log/pods/kube-system_etcd-cp1_*/etcd/*.log',
    )
    assert.match(log.stdout, /voters=\(\d+\) learners=\(\d+\)\n.*voters=\(\d+ \d+\)/)
    const list = async () => (await first.etcdctl('member', 'list')).split('\n')
    assert.deepEqual(await namesOfMembers(), ['cp1', 'cp2'])
    assert.ok((await list()).every((line) => line.endsWith(', false')))

    await first.kubectl('delete', 'node', 'cp2')
    assert.deepEqual(await namesOfMembers(), ['cp1', 'cp2'])
    const reset = await second.coracle('reset', '--force')
    assert.equal(reset.code, 0, reset.stdout + reset.stderr)
    assert.deepEqual(await namesOfMembers(), ['cp1'])
  })
})
