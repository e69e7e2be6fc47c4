/**
 * The real etcdctl against the embedded store. Whatever it prints is compared with what it prints against a real etcd
 * that was asked the same; where the two differ by design, the row says what ours is.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type EtcdServer, startEtcdServer } from '../src/etcd/server/server.ts'
import { LmdbStore } from '../src/store/lmdb.ts'
import { MemoryStore } from '../src/store/memory.ts'
import { realClock, realRandom } from '../src/world/real.ts'
import { type Etcd, startEtcd } from './support/etcd.ts'
import { etcdctl, RunningEtcdctl, type Said } from './support/etcdctl.ts'
import { describeEachEtcd } from './support/etcds.ts'

const world = { clock: realClock, random: realRandom }

describeEachEtcd('etcdctl with the embedded store', () => {
  const resources = new AsyncDisposableStack()
  let directory: string
  let etcd: Etcd
  let ours: EtcdServer
  let store: LmdbStore

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'coracle-etcdctl-'))
    resources.defer(() => rm(directory, { recursive: true }))
    etcd = resources.use(await startEtcd())
    store = resources.use(await LmdbStore.open(join(directory, 'store'), world))
    ours = resources.use(await startEtcdServer({ store, clock: realClock, listenUrl: 'http://127.0.0.1:0' }))
  })
  after(() => resources.disposeAsync())

  interface Row {
    readonly run: string
    readonly stdin?: string
    /** What ours prints where it is not what etcd prints. */
    readonly differs?: RegExp
  }

  /** Runs the rows one by one against both; `$LEASE` is the id of the lease that was granted last. */
  const alike = (title: string, rows: readonly (string | Row)[]) =>
    test(title, async () => {
      const leases = { ours: '', etcd: '' }
      for (const row of rows) {
        const { run, stdin = '', differs } = typeof row === 'string' ? { run: row } : row
        const args = (lease: string) =>
          words(run).map((word) => word.replace('$LEASE', lease).replace('$DIR', directory))
        const actual = await etcdctl(ours.url, args(leases.ours), stdin)
        leases.ours = leaseIn(actual) ?? leases.ours
        if (differs) {
          assert.match(comparable(actual, ours.url).join('\n'), differs, run)
          continue
        }
        const expected = await etcdctl(etcd.endpoint, args(leases.etcd), stdin)
        leases.etcd = leaseIn(expected) ?? leases.etcd
        assert.deepEqual(comparable(actual, ours.url), comparable(expected, etcd.endpoint), run)
      }
    })

  alike('puts and gets [ETI-14 ETI-15 ETI-16 ETI-19 ETI-21 ETI-23]', [
    'put student1 99',
    'get student1',
    'get nobody',
    'put student1 100 --prev-kv',
    'put student2 59',
    'put student3 62',
    'put studenu 1',
    'put empty',
    'get student --prefix',
    'get student --prefix --keys-only',
    'get student --prefix --print-value-only',
    'get student --prefix --limit 2',
    'get student --prefix --sort-by=VALUE --order=DESCEND',
    'get student --prefix --sort-by=CREATE --order=ASCEND',
    'get student --prefix --sort-by=MODIFY --order=DESCEND',
    'get student --prefix --sort-by=VERSION --order=DESCEND',
    'get student2 --from-key',
    'get student1 student3',
    'get student1 --rev 2',
    'get student1 --rev 999',
    'get student --prefix -w fields',
    'get student --prefix -w json',
    'get student --prefix -w simple --hex',
    'get student1 -w table',
    'get student1 -w tables',
    'get --prefix -w json --consistency=s ""',
    'put student1 --ignore-value --lease=0',
    'put nobody --ignore-value',
    'put student1 101 --ignore-lease',
    'put -- -dash 1',
    'get -- -dash',
    'del student1',
    'del student1',
    'del student --prefix --prev-kv',
    'del studenu --from-key',
    'get "" --from-key --count-only -w fields',
    'put',
    'get',
  ])

  alike('transactions are all or nothing [ETX-07]', [
    'put a 1',
    { run: 'txn -i', stdin: 'value("a") = "1"\nmod("a") > "0"\n\nput a 2\nget a\nput b 1\n\nput a 3\n\n' },
    { run: 'txn -i', stdin: 'value("a") = "1"\n\nput a 4\n\nget a\nget b\ndel b\n\n' },
    { run: 'txn -i', stdin: 'ver("nobody") = "0"\ncreate("nobody") = "0"\n\nput nobody 1\n\nget nobody\n\n' },
    { run: 'txn', stdin: 'lease("a") = "0"\n\nput x 1\nput x 2\n\n\n' },
    { run: 'txn', stdin: '\n\nput x 1 --lease=1234\n\n\n' },
    { run: 'txn -w json', stdin: 'value("a") != "1"\n\ndel a --prev-kv\nget "" --from-key\n\n\n' },
    'get x',
    { run: 'txn', stdin: 'wrong\n' },
  ])

  alike('leases [ETX-08]', [
    'lease grant 30',
    'put leased 1 --lease=$LEASE',
    'put leased 2 --ignore-lease',
    'lease timetolive $LEASE',
    'lease timetolive $LEASE --keys',
    'lease list',
    'lease keep-alive --once $LEASE',
    'get leased -w fields',
    'lease revoke $LEASE',
    'get leased',
    'lease revoke $LEASE',
    'lease timetolive $LEASE',
    'lease keep-alive $LEASE',
    'put other 1 --lease=77',
    'lease list',
    'lease grant 1',
    'lease timetolive $LEASE',
    'lease revoke $LEASE',
    'lease grant 99999999999',
  ])

  alike('revisions and compaction [ETX-04]', [
    'put r 1',
    'put r 2',
    'put r 3',
    'get r --rev 2 -w fields',
    'compaction 99999',
    'compaction 10',
    'compaction 10',
    'compaction 5',
    'get r --rev 5',
    'compaction 12 --physical',
    'watch r --rev 3',
  ])

  alike('the care of a member [ETI-22 ETX-02 ETX-05]', [
    'version',
    'endpoint health',
    // Leases have ids of chance, which are in the hash.
    { run: 'endpoint hashkv', differs: /^ENDPOINT, \d+$/m },
    'alarm list',
    'alarm disarm',
    'defrag',
    { run: 'endpoint status', differs: /^ENDPOINT, ID, 3\.5\.21, [\d.]+ \wB?, true, false, 2, \d+, \d+, $/m },
    {
      run: 'endpoint status -w table',
      differs: /[|│] ENDPOINT [|│] +ID [|│] +3\.5\.21 [|│] +[\d.]+ \w+ [|│] +true [|│] +false [|│] +2 [|│]/,
    },
    { run: 'endpoint status -w json', differs: /"version":"3\.5\.21",.*"leader":N/ },
    { run: 'member list', differs: /^ID, started, default, , ENDPOINT, false$/m },
    { run: 'member list -w table', differs: /[|│] ID [|│] started [|│] default [|│] +[|│] ENDPOINT [|│] +false [|│]/ },
    { run: 'endpoint health --cluster -w table', differs: /[|│] ENDPOINT [|│] +true [|│]/ },
    { run: 'member add two --peer-urls=http://10.0.0.2:2380', differs: /one member .*coracle etcd migrate/ },
    { run: 'member remove 8e9e05c52164694d', differs: /one member .*coracle etcd migrate/ },
    { run: 'member remove 123', differs: /etcdserver: member not found/ },
    { run: 'member promote 123', differs: /etcdserver: member not found/ },
    { run: 'move-leader 123', differs: /etcdserver: bad leader transferee/ },
    { run: 'user add root:root', differs: /no users; who may connect is decided by client certificates/ },
    { run: 'role list', differs: /no users/ },
    { run: 'auth enable', differs: /no users/ },
    { run: 'auth disable', differs: /Authentication Disabled/ },
    { run: 'snapshot save $DIR/one.db', differs: /Snapshot saved at / },
  ])

  test('a watch sees what comes, what was, and what it asked for [ETX-06]', async () => {
    const both = [etcd.endpoint, ours.url]
    const put = (...args: string[]) => Promise.all(both.map((at) => etcdctl(at, args)))
    const revisions = (await put('put', 'w/0', 'before', '-w', 'json')).map(
      ({ stdout }) => JSON.parse(stdout).header.revision as number,
    )
    const watches = (args: string, later = 0) =>
      both.map((at, i) => new RunningEtcdctl(at, words(`watch --rev ${revisions[i]! + later} ${args}`)))
    const kinds = {
      past: watches('w/ --prefix'),
      previous: watches('w/ --prefix --prev-kv'),
      range: watches('w/0 w/2'),
      future: watches('w/ --prefix', 3),
      json: watches('w/ --prefix -w json'),
    }
    await put('put', 'w/1', 'one')
    await put('put', 'w/1', 'two')
    await put('del', 'w/', '--prefix')
    await put('put', 'w/9', 'nearly')
    await put('put', 'w/1', 'the end')
    const end = { past: 'w/1\nthe end', previous: 'w/1\nthe end', range: 'w/1\nthe end', future: 'w/1\nthe end' }
    for (const [name, [expected, actual]] of Object.entries(kinds)) {
      const last = end[name as keyof typeof end] ?? Buffer.from('the end').toString('base64')
      const [theirs, own] = [await expected!.says(last), await actual!.says(last)].map((text) =>
        events(text, name === 'json'),
      )
      assert.deepEqual(own, theirs, name)
      assert.ok(own!.length >= 3, name)
    }
    for (const watch of Object.values(kinds).flat()) watch[Symbol.dispose]()
  })

  test('a lease that is kept alive stays, and its key goes when it is not [ETX-08]', async () => {
    const id = leaseIn(await etcdctl(ours.url, ['lease', 'grant', '2']))!
    await etcdctl(ours.url, ['put', 'alive', '1', `--lease=${id}`])
    using watch = new RunningEtcdctl(ours.url, ['watch', 'alive'])
    {
      using kept = new RunningEtcdctl(ours.url, ['lease', 'keep-alive', id])
      const often = `lease ${id} keepalived with TTL(2)\n`.repeat(4)
      assert.ok((await kept.says(often)).includes(often))
      assert.equal((await etcdctl(ours.url, ['get', 'alive'])).stdout, 'alive\n1\n')
    }
    assert.match(await watch.says('DELETE\nalive\n'), /DELETE\nalive\n/)
    assert.equal((await etcdctl(ours.url, ['lease', 'timetolive', id])).stdout, `lease ${id} already expired\n`)
  })

  test('locks and elections, which are made of leases and watches', async () => {
    for (const [command, said] of [
      ['lock', 'mine/'],
      ['elect', 'seat/'],
    ] as const) {
      const args = command === 'lock' ? [command, 'mine'] : [command, 'seat', 'me']
      using first = new RunningEtcdctl(ours.url, args)
      await first.says(said)
      using second = new RunningEtcdctl(ours.url, args)
      const [key] = first.stdout.split('\n')
      await etcdctl(ours.url, ['del', key!])
      assert.match(await second.says(said), new RegExp(`^${said}`))
    }
  })

  test('a snapshot becomes a real etcd with all keys, revisions and leases [ETB-01 ETB-02 ETB-04 ETB-14]', async () => {
    const lease = leaseIn(await etcdctl(ours.url, ['lease', 'grant', '600']))!
    await etcdctl(ours.url, ['put', 'snap/leased', '1', `--lease=${lease}`])
    const big = join(directory, 'big')
    await writeFile(big, 'x'.repeat(1_000_000))
    await etcdctl(ours.url, ['put', 'snap/big'], await readFile(big, 'utf8'))
    const put = await etcdctl(ours.url, ['txn'], '\nput snap/1 1\nput snap/2 2\nput snap/3 3\n\n\n')
    assert.equal(put.stdout, 'SUCCESS\n\nOK\n\nOK\n\nOK\n', put.stderr)
    const deleted = JSON.parse((await etcdctl(ours.url, ['del', 'snap/2', '-w', 'json'])).stdout).header.revision

    const file = join(directory, 'moved.db')
    const saved = await etcdctl(ours.url, ['snapshot', 'save', file])
    assert.match(saved.stdout, new RegExp(`Snapshot saved at ${file}\n$`))
    assert.match(saved.stderr, /fetched snapshot.*"size":"[\d.]+ MB"/)
    const status = JSON.parse((await etcdctl(ours.url, ['snapshot', 'status', file, '-w', 'json'])).stdout)
    assert.equal(status.revision, store.revision)

    await using restored = await startEtcd(undefined, (data) =>
      etcdctl('', ['snapshot', 'restore', file, '--data-dir', data]),
    )
    const dump = async (at: string) => JSON.parse((await etcdctl(at, words('get "" --from-key -w json'))).stdout).kvs
    assert.deepEqual(await dump(restored.endpoint), await dump(ours.url))
    const hash = async (at: string) => (await etcdctl(at, ['endpoint', 'hashkv'])).stdout.split(', ')[1]
    assert.equal(await hash(restored.endpoint), await hash(ours.url))
    const { stdout } = await etcdctl(restored.endpoint, ['lease', 'timetolive', lease, '--keys'])
    assert.match(stdout, /granted with TTL\(600s\), remaining\(\d+s\), attached keys\(\[snap\/leased\]\)/)
    const old = ['get', 'snap/2', '--rev', String(deleted - 1)]
    const said = await etcdctl(restored.endpoint, old)
    assert.equal(said.stdout, 'snap/2\n2\n', said.stderr)
  })

  test('beyond the quota only room can be made [ETX-01 ETX-02 ETX-03]', async () => {
    await using full = new MemoryStore(world)
    await using served = await startEtcdServer({
      ...{ store: full, clock: realClock, listenUrl: 'http://127.0.0.1:0', quotaBytes: 100_000 },
    })
    const run = async (...args: string[]) => {
      const { stdout, stderr } = await etcdctl(served.url, args)
      return stdout + (/^Error: .*/m.exec(stderr)?.[0] ?? '')
    }
    const value = 'x'.repeat(60_000)
    assert.equal(await run('put', 'a', value), 'OK\n')
    assert.equal(await run('put', 'b', value), 'OK\n')
    const refused = 'Error: etcdserver: mvcc: database space exceeded'
    assert.equal(await run('put', 'c', value), refused)
    assert.equal(await run('alarm', 'list'), 'memberID:10276657743932975437 alarm:NOSPACE \n')
    assert.match(await run('endpoint', 'status'), /memberID:10276657743932975437 alarm:NOSPACE/)
    assert.equal((await run('get', 'a')).length, value.length + 3)
    assert.equal(await run('del', 'a'), '1\n')
    assert.equal(await run('put', 'c', value), refused, 'the alarm stays')
    assert.match(await run('compaction', String(full.revision)), /^compacted revision \d+\n$/)
    assert.match(await run('defrag'), /^Finished defragmenting etcd member\[http:/)
    assert.equal(await run('alarm', 'disarm'), 'memberID:10276657743932975437 alarm:NOSPACE \n')
    assert.equal(await run('put', 'c', '1'), 'OK\n')
    assert.equal(await run('alarm', 'list'), '')
  })
})

/** Words as a shell has them; only quotes for the empty word are known. */
const words = (command: string) => command.split(' ').map((word) => (word === '""' ? '' : word))

const leaseIn = ({ stdout }: Said) => /^lease ([0-9a-f]{16}) granted/.exec(stdout)?.[1]

/** What of an answer is the same whoever gives it. */
function comparable({ code, stdout, stderr }: Said, endpoint: string): string[] {
  const error = stderr.split('\n').filter((line) => line.startsWith('Error:') || line.startsWith('Failed'))
  return [`exit ${code}`, ...stdout.split('\n'), ...error].map((line) =>
    line
      .replaceAll(endpoint, 'ENDPOINT')
      .replace(/\b[0-9a-f]{15,16}\b/g, 'ID')
      .replace(/"(cluster_id|member_id|lease|leader)":\d+/g, '"$1":N')
      .replace(/"raft_term":\d+/g, '"raft_term":N')
      .replace(/^"(ClusterID|MemberID|RaftTerm|Lease)" : \d+$/, '"$1" : N')
      .replace(/took = .*/, 'took')
      .replace(/remaining\(\d+s\)/, 'remaining'),
  )
}

/** Without revisions, which leases of other tests may have raised. */
function events(text: string, isJson: boolean): unknown[] {
  if (!isJson) return text.split('\n')
  return text
    .trim()
    .split('\n')
    .flatMap((line) => JSON.parse(line).Events)
    .map(({ type, kv: { key, value, version } }) => ({ type, key, value, version }))
}
