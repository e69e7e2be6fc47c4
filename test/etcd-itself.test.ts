/**
 * What operators do with etcd and etcdctl themselves: etcd as a service with the keys of `/etc/etcd/etcd.conf`, the
 * second version of its API, users, what its server compacts. The real programs, and beside them what ours says of
 * such an etcd.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { etcd } from '../src/cli/commands/etcd.ts'
import { startCluster } from '../src/cluster/cluster.ts'
import { startEtcdServer } from '../src/etcd/server/server.ts'
import { Pod } from '../src/kinds/core/pod.ts'
import { EtcdStore } from '../src/store/etcd.ts'
import { MemoryStore } from '../src/store/memory.ts'
import { realClock, realRandom } from '../src/world/real.ts'
import { run } from './support/command.ts'
import { etcdMissing, freePort, startEtcd } from './support/etcd.ts'
import { EtcdHosts } from './support/etcd-hosts.ts'
import { etcdctl, etcdctlMissing, RunningEtcdctl, type Said } from './support/etcdctl.ts'

const skip = etcdMissing() ?? etcdctlMissing()
const ours = (endpoint: string, ...args: string[]) => run([etcd], ['etcd', ...args, '--endpoints', endpoint])

/** etcdctl of the second API: what is said where, and how it ends. */
function v2(endpoint: string, ...args: string[]): Promise<Said> {
  const env = { PATH: process.env['PATH'], ETCDCTL_API: '2' }
  return new Promise((resolve) =>
    execFile('etcdctl', ['--endpoints', endpoint, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    ),
  )
}

const said = async (endpoint: string, ...args: string[]) => (await v2(endpoint, ...args)).stdout
const v3 = async (endpoint: string, ...args: string[]) => (await etcdctl(endpoint, args)).stdout

/** Its service: `etcd` with the keys of its configuration file. */
class Service {
  readonly name: string
  readonly client: string
  readonly peer: string
  readonly folder: string
  keys: Record<string, string>
  /** What its log says. */
  log = ''
  #child: ChildProcess | undefined

  private constructor(folder: string, name: string, client: string, peer: string) {
    this.folder = folder
    this.name = name
    this.client = client
    this.peer = peer
    this.keys = {
      ETCD_NAME: name,
      ETCD_DATA_DIR: join(folder, `${name}.etcd`),
      ETCD_LISTEN_PEER_URLS: peer,
      ETCD_LISTEN_CLIENT_URLS: client,
      ETCD_ADVERTISE_CLIENT_URLS: client,
      ETCD_INITIAL_ADVERTISE_PEER_URLS: peer,
      ETCD_INITIAL_CLUSTER: `${name}=${peer}`,
      ETCD_ENABLE_V2: 'true',
      ETCD_UNSAFE_NO_FSYNC: 'true',
      ETCD_HEARTBEAT_INTERVAL: '50',
      ETCD_ELECTION_TIMEOUT: '500',
    }
  }

  static async in(folder: string, name: string): Promise<Service> {
    return new Service(folder, name, `http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`)
  }

  get dataDir(): string {
    return this.keys['ETCD_DATA_DIR']!
  }

  /** Resolves when it is healthy. */
  async start(keys: Record<string, string> = {}): Promise<void> {
    await this.startOnly(keys)
    const [client] = this.keys['ETCD_LISTEN_CLIENT_URLS']!.split(',')
    for (let attempt = 0; attempt < 400; attempt++) {
      if (await fetch(`${client}/health`).then(({ ok }) => ok, no)) return
      await delay(25)
    }
    assert.fail(`etcd of ${this.name} did not get healthy: ${this.log}`)
  }

  async startOnly(keys: Record<string, string> = {}): Promise<void> {
    this.keys = { ...this.keys, ...keys }
    const env = { PATH: process.env['PATH'], ETCD_LOGGER: 'zap', ...this.keys }
    this.#child = spawn('etcd', [], { env, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child.stderr!.on('data', (text) => {
      this.log += text
    })
  }

  /** Resolves when it is over, with how it was. */
  ended(): Promise<number | NodeJS.Signals | null> {
    const child = this.#child
    if (!child) return Promise.resolve(null)
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode ?? child.signalCode)
    return new Promise((done) => child.once('exit', (code, signal) => done(code ?? signal)))
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals | null> {
    const ended = this.ended()
    this.#child!.kill(signal)
    return ended
  }

  kill(): void {
    this.#child?.kill('SIGKILL')
  }
}

const no = () => false

async function withFolder(story: (service: (name: string) => Promise<Service>, folder: string) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-etcd-itself-'))
  const services: Service[] = []
  try {
    await story(async (name) => {
      const service = await Service.in(folder, name)
      services.push(service)
      return service
    }, folder)
  } finally {
    for (const service of services) service.kill()
    await Promise.all(services.map((service) => service.ended()))
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

describe('etcd itself', { skip, concurrency: 2, timeout: 120_000 }, () => {
  test('a service of one: it listens where its file says, and old clients go where it says it is [ETI-05 ETI-06 ETI-07 ETI-27]', () =>
    withFolder(async (service) => {
      const one = await service('default')
      const outside = `http://127.0.0.2:${await freePort()}`
      const listening = { ETCD_LISTEN_CLIENT_URLS: `${outside},${one.client}` }
      await one.start({ ...listening, ETCD_ADVERTISE_CLIENT_URLS: 'http://127.0.0.1:1' })
      for (const client of [outside, one.client]) assert.equal(await v3(client, 'put', 'here', client), 'OK\n')
      assert.ok((await fetch(`${one.peer}/members`)).ok, 'others are spoken to at another port')
      const refused = await v2(outside, 'ls', '/')
      assert.equal(refused.code, 4)
      assert.match(
        refused.stderr,
        /^Error: {2}client: etcd cluster is unavailable or misconfigured; error #0: dial tcp 127\.0\.0\.1:1: connect: connection refused/,
      )
      // Ours asks where it is told to.
      assert.equal((await ours(outside, 'status')).code, 0)

      await one.stop()
      await one.start({ ETCD_ADVERTISE_CLIENT_URLS: `${outside},${one.client}` })
      const found = await v2(outside, 'ls', '/')
      assert.deepEqual([found.code, found.stdout], [0, ''])
      const list = await ours(outside, 'member', 'list', '-o', 'simple')
      assert.ok(list.lines[0]!.includes(one.client) && list.lines[0]!.includes(outside))
      assert.deepEqual(await readdir(one.dataDir), ['member'])
      assert.deepEqual((await readdir(join(one.dataDir, 'member'))).sort(), ['snap', 'wal'])
    }))

  test('keys of the second API: folders, values, refusals; they are not those of the third [ETI-11 ETI-12 ETI-13 ETI-17 ETB-17]', () =>
    withFolder(async (service, folder) => {
      const one = await started(await service('default'))
      const at = one.client
      const empty = await v2(at, 'ls', '/')
      assert.deepEqual([empty.code, empty.stdout], [0, ''])
      await said(at, 'mkdir', '/comeon')
      assert.equal(await said(at, 'ls', '/'), '/comeon\n')
      await said(at, 'rmdir', '/comeon')
      assert.equal(await said(at, 'ls', '/'), '')

      assert.equal(await said(at, 'set', 'app', 'demo'), 'demo\n')
      assert.equal(await said(at, 'get', 'app'), 'demo\n')
      assert.equal(await said(at, 'update', 'app', 'demo1'), 'demo1\n')
      assert.equal(await said(at, 'rm', 'app'), 'PrevNode.Value: demo1\n')
      const missing = await v2(at, 'update', 'nope', '1')
      assert.equal(missing.code, 4)
      assert.match(missing.stderr, /^Error: {2}100: Key not found \(\/nope\) \[\d+\]$/m)
      await said(at, 'mkdir', '/a')
      assert.match((await v2(at, 'mkdir', '/a')).stderr, /^Error: {2}105: Key already exists \(\/a\) \[\d+\]$/m)

      assert.equal(await v3(at, 'put', 'student1', '99'), 'OK\n')
      assert.equal(await v3(at, 'get', '/a'), '')
      assert.match((await v2(at, 'get', 'student1')).stderr, /100: Key not found \(\/student1\)/)

      const copy = join(folder, 'copy')
      assert.equal((await v2(at, 'backup', '--data-dir', one.dataDir, '--backup-dir', copy)).code, 0)
      assert.deepEqual((await readdir(join(copy, 'member'))).sort(), ['snap', 'wal'])
    }))

  test('the variable chooses the API; a server of today has only the third, and so has ours [ETI-10]', async () => {
    const version = (api?: string) =>
      new Promise<string>((resolve) => {
        const env = { PATH: process.env['PATH'], ...(api && { ETCDCTL_API: api }) }
        execFile('etcdctl', [api === '2' ? '--version' : 'version'], { env }, (_, stdout) => resolve(stdout))
      })
    assert.match(await version(), /^API version: 3\.\d$/m)
    assert.equal(await version(), await version('3'))
    assert.match(await version('2'), /^API version: 2$/m)
    await using theirs = await startEtcd()
    await using store = new MemoryStore({ clock: realClock, random: realRandom })
    await using served = await startEtcdServer({ store, clock: realClock, listenUrl: 'http://127.0.0.1:0' })
    for (const command of [
      ['ls', '/'],
      ['set', 'app', 'demo'],
      ['member', 'list'],
    ]) {
      const [expected, actual] = await Promise.all([theirs.endpoint, served.url].map((at) => v2(at, ...command)))
      assert.notEqual(actual!.code, 0, command.join(' '))
      assert.deepEqual(actual, expected)
    }
  })

  test('the commands of etcdctl, by their names and the short one [ETI-18 ETI-20]', async () => {
    const help = (await etcdctl('', ['--help'])).stdout
    const listed = [...help.matchAll(/^\t([a-z]+(?: [a-z-]+)?(?:-[a-z]+)*)\t/gm)].map(([, name]) => name!)
    for (const name of commands) assert.ok(listed.includes(name), name)
    const snap = (await etcdctl('', ['snap', '--help'])).stdout
    for (const name of ['save', 'restore', 'status']) assert.match(snap, new RegExp(`^\\t${name}\\t`, 'm'))
    assert.equal((await etcdctl('', ['snapshot', '--help'])).stdout, snap)
  })

  test('a cluster of two by their files: written on one, read on the other; a third only joins [ETM-01 ETM-02 ETM-03 ETM-04 ETM-05 ETM-06 ETM-07]', () =>
    withFolder(async (service) => {
      const [one, two, three] = [await service('etcd1'), await service('etcd2'), await service('etcd3')]
      await one.start()
      await v3(one.client, 'put', 'alone', '1')
      await one.stop()
      await rm(one.dataDir, { recursive: true })

      const both = `${one.name}=${one.peer},${two.name}=${two.peer}`
      const keys = {
        ETCD_INITIAL_CLUSTER: both,
        ETCD_INITIAL_CLUSTER_TOKEN: 'etcd-cluster',
        ETCD_INITIAL_CLUSTER_STATE: 'new',
      }
      await Promise.all(
        [one, two].map((each) => each.start({ ...keys, ETCD_DATA_DIR: join(each.folder, each.name, 'cluster.etcd') })),
      )
      assert.equal(await v3(one.client, 'get', 'alone'), '', 'what the single one had is gone')
      const status = await ours(`${one.client},${two.client}`, 'status', '-o', 'simple')
      assert.deepEqual(status.lines.map((line) => line.split(', ')[4]).sort(), ['false', 'true'])

      const members = (await said(one.client, 'member', 'list')).trimEnd().split('\n')
      const ids = members.map((line) => line.split(':')[0]!.padStart(16, '0'))
      assert.deepEqual(ids, ids.toSorted())
      const shape = /^[0-9a-f]+: name=etcd[12] peerURLs=http:\S+ clientURLs=http:\S+ isLeader=(true|false)$/
      assert.deepEqual(members.map((line) => shape.exec(line)?.[1]).sort(), ['false', 'true'])
      assert.match(
        await said(two.client, 'cluster-health'),
        /^(member [0-9a-f]+ is healthy: got healthy result from http:\S+\n){2}cluster is healthy\n$/,
      )
      await said(one.client, 'mkdir', '/shared')
      await v3(one.client, 'put', 'student1', '99')
      assert.equal(await said(two.client, 'ls', '/'), '/shared\n')
      assert.equal(await v3(two.client, 'get', 'student1'), 'student1\n99\n')

      // Refused until all have been connected for some seconds.
      let added = await v2(one.client, 'member', 'add', three.name, three.peer)
      for (let attempt = 0; added.code !== 0 && attempt < 100; attempt++) {
        assert.match(added.stderr, /unhealthy cluster|has no leader/)
        await delay(100)
        added = await v2(one.client, 'member', 'add', three.name, three.peer)
      }
      assert.match(
        added.stdout,
        /^Added member named etcd3 with ID [0-9a-f]+ to cluster\n\nETCD_NAME="etcd3"\nETCD_INITIAL_CLUSTER="[^"]+"\nETCD_INITIAL_CLUSTER_STATE="existing"\n$/,
      )
      const all = /ETCD_INITIAL_CLUSTER="(.+)"/.exec(added.stdout)![1]!
      assert.deepEqual(all.split(',').sort(), [...both.split(','), `${three.name}=${three.peer}`].sort())
      assert.match(
        await said(one.client, 'member', 'list'),
        new RegExp(`^[0-9a-f]+\\[unstarted\\]: peerURLs=${three.peer}$`, 'm'),
      )

      // As for a new cluster it makes one of its own, with which the others do not speak.
      await three.startOnly({ ...keys, ETCD_INITIAL_CLUSTER: all })
      await delay(500)
      assert.match(await said(one.client, 'member', 'list'), /\[unstarted\]/)
      await three.stop('SIGKILL')
      await rm(three.dataDir, { recursive: true })
      await three.start({ ETCD_INITIAL_CLUSTER_STATE: 'existing' })
      assert.equal(await said(three.client, 'ls', '/'), '/shared\n')
      assert.equal((await ours(three.client, 'member', 'list', '-o', 'simple')).lines.length, 3)

      await two.stop('SIGKILL')
      let degraded = await v2(one.client, 'cluster-health')
      // It may have been the one that led: then nobody is healthy until there is another.
      for (let attempt = 0; !/^cluster is degraded$/m.test(degraded.stdout) && attempt < 100; attempt++) {
        await delay(100)
        degraded = await v2(one.client, 'cluster-health')
      }
      assert.equal(degraded.code, 5)
      assert.match(degraded.stdout, /^member [0-9a-f]+ is unreachable: \[http:\S+\] are all unreachable$/m)
      assert.match(degraded.stdout, /^cluster is degraded$/m)
      await three.stop('SIGKILL')
      const over = await v2(one.client, 'cluster-health')
      assert.equal(over.code, 5)
      assert.match(over.stdout, /^cluster is unavailable$/m)
    }))

  test('a learner has the data, and serves nothing that has to be current [ETM-20 ETM-21]', async () => {
    await using all = await EtcdHosts.start(1)
    const m1 = all.hosts[0]!
    const m2 = await all.addHost('m2')
    await v3(m1.clientUrl, 'put', 'student1', '99')
    const added = await ours(m1.clientUrl, 'member', 'add', 'm2', '--peer-urls', m2.peerUrl, '--learner')
    await m2.putManifest(/ETCD_INITIAL_CLUSTER="(.*)"/.exec(added.lines.join('\n'))![1]!, 'existing')
    const serializable = ['get', 'student1', '--consistency=s']
    for (let attempt = 0; attempt < 200 && (await v3(m2.clientUrl, ...serializable)) === ''; attempt++) await delay(50)
    assert.equal(await v3(m2.clientUrl, ...serializable), 'student1\n99\n')
    for (const command of [
      ['put', 'student1', '1'],
      ['get', 'student1'],
    ]) {
      const { code, stderr } = await etcdctl(m2.clientUrl, command)
      assert.equal(code, 1)
      assert.match(stderr, /^Error: etcdserver: rpc not supported for learner$/m)
    }
    // Two columns that are easily taken for one another.
    const status = await ours(all.endpoints, 'status')
    const cells = status.lines
      .filter((line) => line.startsWith('| '))
      .map((line) => line.split('|').map((cell) => cell.trim()))
    const column = (title: string) => cells.slice(1).map((row) => row[cells[0]!.indexOf(title)])
    assert.deepEqual(column('IS LEADER'), ['true', 'false'])
    assert.deepEqual(column('IS LEARNER'), ['false', 'true'])
  })

  test('without a majority no pod is made and none is placed; those that run go on [ETI-03]', async () => {
    await using all = await EtcdHosts.start(3)
    const endpoints = all.hosts.map(({ clientUrl }) => clientUrl)
    const store = await EtcdStore.connect({ endpoints, clock: realClock, random: realRandom })
    await using cluster = await startCluster({ store, nodes: 1 })
    const make = (name: string) =>
      cluster.client.create(Pod, {
        metadata: { namespace: 'default', name },
        spec: { containers: [{ name: 'web', image: 'nginx' }] },
      })
    const states = async () =>
      (await cluster.client.list(Pod, { namespace: 'default' })).items.map(
        ({ metadata, status }) => `${metadata.name} ${status?.phase} ${status?.containerStatuses?.[0]?.restartCount}`,
      )
    const become = async (expected: readonly string[]) => {
      for (let attempt = 0; attempt < 200 && !isDeepStrictEqual(await states(), expected); attempt++) await delay(50)
      assert.deepEqual(await states(), expected)
    }
    await make('one')
    await become(['one Running 0'])
    const [, ...most] = all.hosts
    for (const host of most) host.freeze(true)
    await assert.rejects(make('two'), /timed out|did not answer|deadline|no leader|unavailable/i)
    for (const host of most) host.freeze(false)
    await Promise.all(all.hosts.map((host) => host.isWell()))
    await make('three')
    const two = (await states()).filter((state) => state.startsWith('two'))
    await become(['one Running 0', 'three Running 0', ...(two.length > 0 ? ['two Running 0'] : [])])
  })

  test('what the notes ask of an etcd all works on one [ETS-08]', () =>
    withFolder(async (service) => {
      const { client: at } = await started(await service('default'))
      for (const command of ['set app demo', 'get app', 'update app demo1', 'rm app', 'mkdir /a', 'rmdir /a'])
        assert.equal((await v2(at, ...command.split(' '))).code, 0, command)
      for (const command of notedCommands) assert.equal((await etcdctl(at, command.split(' '))).code, 0, command)
      using watch = new RunningEtcdctl(at, ['watch', 'student', '--prefix', '--rev', '3'])
      assert.match(await watch.says('PUT'), /^PUT\n/)
    }))

  test('a snapshot has what the third API wrote, nothing of the second [ETB-10]', () =>
    withFolder(async (service, folder) => {
      const { client: at } = await started(await service('default'))
      await said(at, 'set', 'old', '1')
      await v3(at, 'put', 'new', '1')
      const file = join(folder, 'etcd.db')
      assert.equal((await ours(at, 'snapshot', 'save', file)).code, 0)
      const after = await service('restored')
      const into = ['--name', after.name, '--initial-cluster', `${after.name}=${after.peer}`]
      const urls = ['--initial-advertise-peer-urls', after.peer, '--data-dir', after.dataDir]
      const restored = await run([etcd], ['etcd', 'snapshot', 'restore', file, ...into, ...urls])
      assert.equal(restored.code, 0, restored.errors.join())
      await after.start()
      assert.equal(await v3(after.client, 'get', 'new'), 'new\n1\n')
      assert.equal(await said(after.client, 'ls', '/'), '')
    }))

  test('with etcd stopped, keys of the second API become keys of the third [ETX-11]', () =>
    withFolder(async (service) => {
      const one = await started(await service('default'))
      await said(one.client, 'set', '/old', 'kept')
      await one.stop()
      const { code, stdout } = await etcdctl('', ['migrate', '--data-dir', one.dataDir])
      assert.deepEqual([code, stdout.split('\n').at(-2)], [0, 'finished transforming keys'])
      await one.start()
      assert.match(await v3(one.client, 'get', '/old'), /kept/)
    }))

  test('users and roles: who may do what, until it is off again [ETX-09 ETX-10]', () =>
    withFolder(async (service, folder) => {
      const { client: at } = await started(await service('default'))
      const error = async (...args: string[]) => /^Error: (.*)$/m.exec((await etcdctl(at, args)).stderr)?.[1]
      assert.equal(await error('auth', 'enable'), 'etcdserver: root user does not exist')
      for (const command of [
        ...['user add root:pw', 'user add ann:pw', 'role add root', 'role add own'],
        ...['role grant-permission own readwrite /own/ --prefix=true', 'user grant-role ann own'],
        ...['user grant-role root root', 'auth enable'],
      ])
        assert.equal((await etcdctl(at, command.split(' '))).code, 0, command)
      assert.equal(await error('put', 'a', '1'), 'etcdserver: user name is empty')
      assert.equal(await error('--user', 'ann:pw', 'put', 'a', '1'), 'etcdserver: permission denied')
      assert.equal(await v3(at, '--user', 'ann:pw', 'put', '/own/a', '1'), 'OK\n')
      assert.equal(
        await error('--user', 'ann:wrong', 'get', '/own/a'),
        'etcdserver: authentication failed, invalid user ID or password',
      )
      // Ours has certificates, no users.
      assert.equal((await ours(at, 'status')).code, 0)
      const refused = await ours(at, 'snapshot', 'save', join(folder, 'etcd.db'))
      assert.equal(refused.code, 1)
      assert.match(refused.errors.join('\n'), /^error: auth: user name is empty\n.*etcdctl --user$/)

      assert.equal(await v3(at, '--user', 'root:pw', 'auth', 'disable'), 'Authentication Disabled\n')
      assert.equal(await v3(at, 'put', 'a', '1'), 'OK\n')
    }))

  test('history that is older than it is told to keep is compacted by etcd [ETX-12]', () =>
    withFolder(async (service) => {
      const one = await service('default')
      await one.start({ ETCD_AUTO_COMPACTION_RETENTION: '8' })
      assert.match(one.log, /"auto-compaction-mode":"periodic","auto-compaction-retention":"8h0m0s"/)
      await one.stop()
      await one.start({ ETCD_AUTO_COMPACTION_RETENTION: '1s' })
      const { client: at } = one
      for (let attempt = 0; attempt < 200; attempt++) {
        await v3(at, 'put', 'k', `${attempt}`)
        const { stderr } = await etcdctl(at, ['get', 'k', '--rev', '2'])
        if (/etcdserver: mvcc: required revision has been compacted/.test(stderr)) return
        await delay(50)
      }
      assert.fail('nothing was compacted')
    }))
})

async function started(service: Service): Promise<Service> {
  await service.start()
  return service
}

const notedCommands = [
  ...['version', 'member list', 'endpoint status', 'endpoint health', 'alarm list', 'alarm disarm'],
  ...['put student1 99', 'put student1 100', 'get / --prefix --keys-only', 'compaction 2', 'defrag'],
]

/** Of 3.3, without `help`. */
const commands = [
  ...['get', 'put', 'del', 'txn', 'compaction', 'alarm disarm', 'alarm list', 'defrag', 'endpoint health'],
  ...['endpoint status', 'endpoint hashkv', 'move-leader', 'watch', 'version', 'lease grant', 'lease revoke'],
  ...[
    'lease timetolive',
    'lease list',
    'lease keep-alive',
    'member add',
    'member remove',
    'member update',
    'member list',
  ],
  ...['snapshot save', 'snapshot restore', 'snapshot status', 'make-mirror', 'migrate', 'lock', 'elect'],
  ...['auth enable', 'auth disable', 'user add', 'user delete', 'user get', 'user list', 'user passwd'],
  ...['user grant-role', 'user revoke-role', 'role add', 'role delete', 'role get', 'role list'],
  ...['role grant-permission', 'role revoke-permission', 'check perf'],
]
