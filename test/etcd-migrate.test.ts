import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { etcd } from '../src/cli/commands/etcd.ts'
import { startCluster } from '../src/cluster/cluster.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { createAuthority, issueCertificate } from '../src/lifecycle/pki.ts'
import { LmdbStore } from '../src/store/lmdb.ts'
import { hostWorld } from '../src/world/host.ts'
import { run, type Said } from './support/command.ts'
import { etcdMissing, startEtcd } from './support/etcd.ts'
import { EtcdHosts } from './support/etcd-hosts.ts'
import { describeEachEtcd, testEachEtcd } from './support/etcds.ts'
import { root } from './support/sources.ts'

const world = hostWorld(() => {})
const call = (...args: string[]): Promise<Said> => run([etcd], ['etcd', ...args], world, { HOME: '/nowhere' })

testEachEtcd('a cluster with the embedded store moves to three members, and back', async () => {
  await using all = await EtcdHosts.start(0)
  const data = join(all.folder, 'data')
  const file = join(all.folder, 'moved.db')
  let revision = 0
  {
    await using cluster = await startCluster({ store: await LmdbStore.open(join(data, 'store'), world), apiOnly: true })
    for (const name of ['one', 'two']) {
      await cluster.client.create(ConfigMap, { metadata: { namespace: 'default', name }, data: { is: name } })
    }
    await cluster.client.delete(ConfigMap, { namespace: 'default', name: 'one' })
    revision = cluster.store.revision
  }
  const hosts = [await all.addHost('m1'), await all.addHost('m2'), await all.addHost('m3')]
  const initial = hosts.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',')
  const out = ['--data-dir', data, '--hosts', initial, '--out', file]
  assert.match((await call('migrate', 'to-etcd', ...out, '--dry-run')).lines[0]!, /^export the store of /)
  const exported = await call('migrate', 'to-etcd', ...out)
  assert.equal(exported.code, 0, exported.errors.join())
  assert.match(exported.lines[0]!, new RegExp(`^Exported \\d+ keys at revision ${revision} into `))
  assert.equal((await call('migrate', 'to-etcd', ...out)).errors[0], `error: ${file} is there already`)
  for (const host of hosts) {
    // As it was told, with the directory of this host.
    const line = exported.lines.find((text) => text.startsWith(`  ${host.name}: coracle etcd `))!
    const args = line
      .trim()
      .split(' ')
      .slice(3)
      .map((word) => (word === '/var/lib/etcd' ? host.dataDir : word))
    await rm(host.dataDir, { recursive: true })
    const restored = await call(...args)
    assert.equal(restored.code, 0, restored.errors.join())
    await host.putManifest(initial)
  }
  await Promise.all(hosts.map((host) => host.isWell()))
  const status = await call('status', '-o', 'json', '--endpoints', all.endpoints)
  for (const [, found] of status.lines[0]!.matchAll(/"revision":(\d+)/g)) assert.equal(Number(found), revision)

  const back = join(all.folder, 'back')
  const said = await call('migrate', 'to-embedded', '--data-dir', back, '--endpoints', hosts[1]!.clientUrl)
  assert.equal(said.code, 0, said.errors.join())
  assert.equal((await call('migrate', 'to-embedded', '--data-dir', back, '--endpoints', hosts[1]!.clientUrl)).code, 1)
  await using cluster = await startCluster({ store: await LmdbStore.open(join(back, 'store'), world), apiOnly: true })
  const maps = (await cluster.client.list(ConfigMap, { namespace: 'default' })).items.filter(({ data }) => data?.is)
  assert.deepEqual(
    maps.map(({ metadata, data }) => [metadata.name, data]),
    [['two', { is: 'two' }]],
  )
})

describeEachEtcd('an etcd with certificates', ({ version }) => {
  let folder: string
  let server: Awaited<ReturnType<typeof startEtcd>>
  const pki = (...parts: string[]) => join(folder, 'pki/etcd', ...parts)

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coracle-etcd-tls-'))
    await mkdir(pki(), { recursive: true })
    await mkdir(join(folder, 'manifests'))
    const authority = createAuthority('etcd-ca', world)
    const usages = ['client', 'server'] as const
    const issued = issueCertificate(
      authority,
      { commonName: 'server', hosts: ['127.0.0.1', 'localhost'], usages },
      world,
    )
    const client = issueCertificate(
      authority,
      { commonName: 'kube-etcd-healthcheck-client', usages: ['client'] },
      world,
    )
    await writeFile(pki('ca.crt'), authority.certificate)
    for (const [name, pair] of [
      ['server', issued],
      ['healthcheck-client', client],
    ] as const) {
      await writeFile(pki(`${name}.crt`), pair.certificate)
      await writeFile(pki(`${name}.key`), pair.key, { mode: 0o600 })
    }
    await writeFile(join(folder, 'other-ca.crt'), createAuthority('other', world).certificate)
    server = await startEtcd({ ca: pki('ca.crt'), cert: pki('server.crt'), key: pki('server.key') })
    const command = ['etcd', '--name=test', `--advertise-client-urls=${server.endpoint}`]
    await writeFile(join(folder, 'manifests/etcd.yaml'), stringify({ spec: { containers: [{ command }] } }))
  })
  after(async () => {
    await server[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  test('is found by the manifest of the host, with the certificates that lie there', async () => {
    const said = await call('status', '--kubernetes-dir', folder, '-o', 'simple')
    assert.equal(said.code, 0, said.errors.join())
    assert.match(
      said.lines[0]!,
      new RegExp(`^${server.endpoint}, [0-9a-f]+, ${version.replaceAll('.', '\\.')}, .* true, false, `),
    )
    assert.equal((await call('check', '--kubernetes-dir', folder)).code, 0, 'the quota is asked for with them, too')
    const saved = await call('snapshot', 'save', join(folder, 'etcd.db'), '--kubernetes-dir', folder)
    assert.equal(saved.code, 0, saved.errors.join())
  })

  test('takes no client without one, and is not trusted when another authority signed [ETI-31]', async () => {
    const files = ['--endpoints', server.endpoint, '--kubernetes-dir', '/nowhere', '--command-timeout', '2']
    const without = await call('member', 'list', ...files, '--cacert', pki('ca.crt'))
    assert.equal(without.code, 1)
    const other = await call('member', 'list', ...files, '--cacert', join(folder, 'other-ca.crt'))
    assert.equal(other.code, 1)
    assert.match(other.errors.join(), /certificate|did not answer/)
    const half = await call('member', 'list', ...files, '--cacert', pki('ca.crt'), '--cert', pki('server.crt'))
    assert.equal(half.errors[0], 'error: --cert and --key are needed together')
    const missing = await call('member', 'list', ...files)
    assert.equal(missing.errors[0], 'error: /nowhere/pki/etcd/ca.crt is not there: say with --cacert where it is')
    const nothing = await call('status', '--kubernetes-dir', '/nowhere')
    assert.equal(nothing.errors[0], 'error: no --endpoints given, and /nowhere/manifests/etcd.yaml is not there')
  })
})

describe('a replacement that is cut off', { skip: etcdMissing() }, () => {
  test('by a partition ends in a clear error, and is finished by the same command', async () => {
    await using all = await EtcdHosts.start(3)
    const [m1, m2, m3] = all.hosts
    await m1!.powerOff()
    const m4 = await all.addHost('m4')
    const command = [
      'etcd',
      'replace',
      'm1',
      '--with',
      `m4=${m4.peerUrl}`,
      '--endpoints',
      all.endpoints,
      '--command-timeout',
      '2',
      '--wait',
      '2',
    ]
    // The other host hangs as soon as the dead member is out.
    const lines: string[] = []
    const first = await run([etcd], command, world, {}, (line) => {
      lines.push(line)
      if (line.includes(' removed from cluster')) m3!.freeze(true)
    })
    assert.equal(first.code, 1)
    assert.match(
      first.errors.join(),
      /quorum is lost: 1 of 2 voting members answer \(silent: m3|context deadline exceeded/,
    )
    const still = await run([etcd], command, world)
    assert.match(still.errors[0]!, /^error: quorum is lost: 1 of 2 voting members answer \(silent: m3 \([0-9a-f]+\)\)$/)
    m3!.freeze(false)
    await m2!.isWell()
    const half = await run([etcd], command, world)
    await m4.putManifest(/ETCD_INITIAL_CLUSTER="(.*)"/.exec(half.lines.join('\n'))![1]!, 'existing')
    const whole = await run([etcd], [...command, '--wait', '60'], world)
    assert.equal(whole.code, 0, whole.errors.join())
    assert.match(whole.lines.at(-1)!, /^Member [0-9a-f]+ promoted$/)
  })

  test('by kill -9 after each step is finished by the same command', async () => {
    await using all = await EtcdHosts.start(3)
    const [m1] = all.hosts
    await m1!.powerOff()
    const m4 = await all.addHost('m4')
    const command = ['etcd', 'replace', 'm1', '--with', `m4=${m4.peerUrl}`, '--endpoints', all.endpoints]
    await killedAt(command, / removed from cluster/)
    await killedAt(command, / added to cluster/)
    const said = await killedAt(command, /Waiting for m4/)
    await m4.putManifest(/ETCD_INITIAL_CLUSTER="(.*)"/.exec(said)![1]!, 'existing')
    const last = await run([etcd], command, world)
    assert.equal(last.code, 0, last.errors.join())
    const list = await run([etcd], ['etcd', 'member', 'list', '-o', 'simple', '--endpoints', all.endpoints], world)
    assert.deepEqual(list.lines.map((line) => line.split(', ')[2]).sort(), ['m2', 'm3', 'm4'])
    assert.ok(list.lines.every((line) => line.endsWith(', false')))
  })
})

/** Runs the program until it says something like that, and kills it then. What it said. */
function killedAt(command: readonly string[], pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(process.execPath, [join(root, 'src/main.ts'), ...command])
    let said = ''
    const hear = (text: Buffer) => {
      said += text.toString()
      if (pattern.test(said)) child.kill('SIGKILL')
    }
    child.stdout!.on('data', hear)
    child.stderr!.on('data', hear)
    child.once('exit', () =>
      pattern.test(said) ? resolve(said) : reject(new Error(`it never came to ${pattern}: ${said}`)),
    )
  })
}
