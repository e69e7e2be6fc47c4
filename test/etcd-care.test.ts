import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { isDeepStrictEqual, promisify } from 'node:util'
import { etcd } from '../src/cli/commands/etcd.ts'
import { EtcdClient } from '../src/etcd/client.ts'
import { alarmAction, alarmType, methods } from '../src/etcd/messages.ts'
import { hostWorld } from '../src/world/host.ts'
import { run, type Said } from './support/command.ts'
import { type EtcdHost, EtcdHosts } from './support/etcd-hosts.ts'
import { comparableTables } from './support/etcdctl.ts'
import { describeEachEtcd } from './support/etcds.ts'

const quotaBytes = 4 << 20

/** The real etcdctl, which is the judge of what ours prints. */
async function etcdctl(...args: string[]): Promise<string[]> {
  const env = { ...process.env, ETCDCTL_API: '3' }
  const { stdout } = await promisify(execFile)('etcdctl', args, { env }).catch((error: { stdout: string }) => error)
  return stdout.split('\n').slice(0, -1)
}

describeEachEtcd('three members', () => {
  let all: EtcdHosts
  let endpoints: readonly string[]
  const [m1, m2] = [0, 1].map((index) => () => all.hosts[index]!)

  before(async () => {
    all = await EtcdHosts.start(3, [`--quota-backend-bytes=${quotaBytes}`])
    endpoints = ['--endpoints', all.endpoints]
  })
  after(() => all[Symbol.asyncDispose]())

  const ours = (...args: string[]) => run([etcd], ['etcd', ...args, ...endpoints])
  const theirs = (...args: string[]) => etcdctl(...endpoints, ...args)

  test('tables and lists are those of etcdctl [ETM-11 ETS-01 ETS-02 ETS-09 ETI-21]', async () => {
    await theirs('put', 'student1', '99')
    for (const format of ['table', 'simple', 'json', 'fields']) {
      for (const [name, command, theirCommand] of [
        ['members', ['member', 'list'], ['member', 'list']],
        ['status', ['status'], ['endpoint', 'status']],
        ['hashes', ['hashkv'], ['endpoint', 'hashkv']],
      ] as const) {
        await agree(`${name} ${format}`, [...command, '-o', format], [...theirCommand, '-w', format])
      }
    }
  })

  test('YAML has what JSON has, an unknown format is refused', async () => {
    const yaml = await ours('member', 'list', '-o', 'yaml')
    assert.equal(yaml.lines[0], 'header:')
    const unknown = await ours('member', 'list', '-w', 'tables')
    assert.deepEqual([unknown.code, unknown.errors[0]], [2, 'error: unsupported output format'])
  })

  test('health says how long a read through the quorum takes [ETS-04]', async () => {
    const said = await ours('health')
    assert.equal(said.code, 0)
    const pattern = /^http:\/\/127\.0\.0\.1:\d+ is healthy: successfully committed proposal: took = [\d.]+(ms|s)$/
    assert.equal(said.lines.length, 3)
    for (const line of said.lines) assert.match(line, pattern)
  })

  test('the index grows with every write, the term with elections only [ETS-03]', async () => {
    const before = await statusRows()
    for (let count = 1; count <= 3; count++) await theirs('put', 'student1', `${count}`)
    const after = await statusRows()
    for (const [at, row] of after.entries()) {
      assert.equal(row[6], before[at]![6])
      assert.ok(Number(row[7]) >= Number(before[at]![7]) + 3)
    }
    const follower = after.find((row) => row[4] === 'false')!
    await ours('move-leader', follower[1]!)
    await untilTerm(Number(follower[6]) + 1)
  })

  test('the leader moves, and only to a member [ETM-23]', async () => {
    const rows = await statusRows()
    const leader = rows.find((row) => row[4] === 'true')!
    const other = rows.find((row) => row[4] === 'false')!
    const moved = await ours('move-leader', other[1]!)
    assert.deepEqual(moved.lines, [`Leadership transferred from ${leader[1]} to ${other[1]}`])
    assert.equal((await statusRows()).find((row) => row[4] === 'true')![1], other[1])
    const stranger = await ours('move-leader', 'abc')
    assert.deepEqual([stranger.code, stranger.errors[0]], [1, 'error: etcdserver: member not found'])
  })

  test('a learner is added, is refused where another is, and goes again [ETM-08 ETM-09 ETM-18 ETM-19 ETM-13 ETQ-03]', async () => {
    const peer = 'http://127.0.0.1:9'
    const dry = await ours('member', 'add', 'm4', '--peer-urls', peer, '--learner', '--dry-run')
    assert.equal(dry.lines[0], `add m4 at ${peer} as a learner`)
    assert.match(dry.lines[1]!, /^note: 4 voting members survive the loss of 1, no more than 3 do/)
    const added = await ours('member', 'add', 'm4', '--peer-urls', peer, '--learner')
    assert.equal(added.code, 0, added.errors.join())
    const [, id] = /^Member ([0-9a-f]+) added to cluster [ 0-9a-f]{16}$/.exec(added.lines[0]!)!
    assert.equal(added.lines[2], 'ETCD_NAME="m4"')
    assert.match(added.lines[3]!, new RegExp(`^ETCD_INITIAL_CLUSTER="(.*,)?m4=${peer}(,.*)?"$`))
    assert.deepEqual(added.lines.slice(4, 6), [
      `ETCD_INITIAL_ADVERTISE_PEER_URLS="${peer}"`,
      'ETCD_INITIAL_CLUSTER_STATE="existing"',
    ])
    assert.ok((await theirs('member', 'list')).includes(`${id}, unstarted, , ${peer}, , true`))

    const second = await ours('member', 'add', 'm5', '--peer-urls', 'http://127.0.0.1:10', '--learner')
    assert.equal(second.code, 1)
    assert.match(second.errors[0]!, /has been added and has not come up/)
    const early = await ours('member', 'promote', id!)
    assert.equal(early.errors[0], 'error: etcdserver: can only promote a learner member which is in sync with leader')
    const update = await ours('member', 'update', id!, '--peer-urls', 'http://127.0.0.1:11')
    assert.match(update.errors[0]!, /is a learner: etcd would forget that/)

    const removed = await ours('member', 'remove', id!)
    assert.match(removed.lines[0]!, new RegExp(`^Member ${id} removed from cluster [ 0-9a-f]{16}$`))
    assert.equal((await ours('member', 'remove', id!)).errors[0], 'error: etcdserver: member not found')
  })

  test('defragmentation goes one by one, the leader last [ETX-05]', async () => {
    const rows = await statusRows()
    const leader = rows.find((row) => row[4] === 'true')![0]
    const plan = await ours('defrag', '--dry-run')
    assert.equal(plan.lines.length, 3)
    assert.ok(plan.lines[2]!.startsWith(`defragment ${leader},`))
    const done = await ours('defrag')
    assert.deepEqual(done.lines.at(-1), `Finished defragmenting etcd member[${leader}]`)
    assert.equal(done.lines.length, 3)
  })

  test('compaction says what etcd says [ETX-04]', async () => {
    const revision = await currentRevision()
    assert.deepEqual((await ours('compact', `${revision}`)).lines, [`compacted revision ${revision}`])
    assert.equal(
      (await ours('compact', `${revision}`)).errors[0],
      'error: etcdserver: mvcc: required revision has been compacted',
    )
    assert.equal(
      (await ours('compact', '999999')).errors[0],
      'error: etcdserver: mvcc: required revision is a future revision',
    )
  })

  test('a store that is full takes no writes until room is made in the right order [ETX-01 ETX-02 ETX-03]', async () => {
    const value = 'x'.repeat(100_000)
    for (let count = 0; count < 80; count++) {
      const [said] = await theirs('put', 'big', value)
      if (said !== 'OK') break
    }
    const full = await ours('check')
    assert.equal(full.code, 1)
    assert.match(
      full.lines.find((line) => line.includes('NOSPACE'))!,
      /of 4\.2 MB \(\d+ %\), .* in use, alarm NOSPACE: nothing can be written$/,
    )
    assert.equal(full.errors[0], 'error: alarm NOSPACE is raised')
    assert.match((await ours('alarm', 'list')).lines[0]!, /^memberID:\d+ alarm:NOSPACE $/)
    await agree('a full store', ['status'], ['endpoint', 'status', '-w', 'table'])

    const plan = await ours('check', '--free', '--dry-run')
    const steps = plan.lines.map((line) => line.split(' ')[0]!).filter((word) => /^[a-z]+$/.test(word))
    assert.equal([...new Set(steps)].join(), 'compact,defragment,call')
    assert.equal(steps.filter((step) => step === 'defragment').length, 3)
    const freed = await ours('check', '--free')
    assert.equal(freed.code, 0, freed.errors.join())
    assert.match(freed.lines.find((line) => line.startsWith('compacted'))!, /^compacted revision \d+$/)
    assert.match(freed.lines.at(-1)!, /^memberID:\d+ alarm:NOSPACE $/)
    assert.deepEqual(await theirs('put', 'small', 'fits'), ['OK'])
    assert.deepEqual(await theirs('del', 'big'), ['1'])
    assert.ok((await ours('check')).lines.includes('There is room.'))
  })

  test('an alarm about damage is told, and not called off by making room', async () => {
    using client = new EtcdClient({ endpoints: [m1!().clientUrl], clock: hostWorld(() => {}).clock })
    const { header } = await client.read(methods.status, {})
    await client.write(methods.alarm, {
      action: alarmAction.activate,
      memberId: header!.memberId,
      alarm: alarmType.corrupt,
    })
    const said = await ours('check')
    assert.ok(said.lines.includes(`memberID:${header!.memberId} alarm:CORRUPT `))
    assert.equal(
      said.errors[0],
      `error: the data of member ${header!.memberId.toString(16)} differ from what the others have`,
    )
    assert.deepEqual((await ours('alarm', 'disarm')).lines, [`memberID:${header!.memberId} alarm:CORRUPT `])
    assert.deepEqual((await ours('alarm', 'list')).lines, [])
  })

  test('what a member lists is what its file has', async () => {
    const said = await ours('check', '--members')
    assert.equal(said.lines.at(-1), 'All members list the same members as their files do.')
  })

  test('the host of a member dies: it is replaced by one verb, which goes on where it ended [FLR-10 FLR-12 ETM-12 ETM-14 ETM-16 ETS-05 ETS-06 ETQ-06 ETM-10 ETM-17]', async () => {
    const before = await members()
    const alive = await ours('replace', 'm1', '--with', 'm4=http://127.0.0.1:9', '--dry-run')
    assert.match(alive.errors[0]!, /^error: m1 \([0-9a-f]+\) answers: it is not dead$/)
    assert.match(
      (await ours('replace', 'm1')).lines.join(),
      /^m1 \([0-9a-f]+\) is a member with a vote: nothing is left to do$/,
    )

    await ours('move-leader', 'm1')
    const term = Number((await statusRows())[1]![6])
    await m1!().powerOff()
    await untilTerm(term + 1)
    const status = await run([etcd], ['etcd', 'status', ...endpoints, '--command-timeout', '1'])
    assert.equal(status.code, 1)
    assert.equal(
      status.errors[0],
      `error: Failed to get the status of endpoint ${m1!().clientUrl} (context deadline exceeded)`,
    )
    assert.equal(status.lines.length, 6)
    const health = await ours('health')
    assert.equal(health.code, 1)
    assert.ok(
      health.lines.includes(`${m1!().clientUrl} is unhealthy: failed to commit proposal: context deadline exceeded`),
    )
    assert.equal(health.errors[0], 'error: unhealthy cluster')
    assert.equal(idOf(await members(), 'm1'), idOf(before, 'm1'), 'a member that is off stays one')

    const more = await ours('member', 'remove', 'm2')
    assert.match(
      more.errors[0]!,
      /without m2 \([0-9a-f]+\) quorum is lost: 2 of 2 would have to answer, and 1 does \(silent: m1/,
    )
    const fourth = await ours('member', 'add', 'm4', '--peer-urls', 'http://127.0.0.1:9')
    assert.match(fourth.errors[0]!, /with another member 3 would have to answer, and 2 do/)

    const m4 = await all.addHost('m4')
    const withNext = ['replace', 'm1', '--with', `m4=${m4.peerUrl}`]
    const plan = await ours(...withNext, '--dry-run')
    assert.deepEqual(plan.lines, [
      `remove m1 (${idOf(before, 'm1')}), which does not answer and must not come back`,
      `add m4 at ${m4.peerUrl} as a learner`,
      'wait for etcd to start on the host of m4',
      'give m4 its vote when it has caught up',
    ])
    assert.deepEqual(await members(), before, 'a plan changes nothing')

    const first = await ours(...withNext, '--wait', '0.5')
    assert.equal(first.code, 1)
    assert.match(
      first.errors[0]!,
      /^error: promote: etcdserver: can only promote a learner member which is in sync with leader/,
    )
    assert.match(first.errors[1]!, /run the same command with --with m4=/)
    assert.ok(first.lines.includes(`  ETCD_NAME="m4"`))
    const cluster = /ETCD_INITIAL_CLUSTER="(.*)"/.exec(first.lines.join('\n'))![1]!
    assert.equal(cluster.split(',').length, 3)

    await m4.putManifest(cluster, 'existing')
    const second = await ours(...withNext)
    assert.equal(second.code, 0, second.errors.join())
    assert.match(second.lines.at(-1)!, /^Member [0-9a-f]+ promoted$/)
    assert.deepEqual((await members()).map(({ name, isLearner }) => [name, isLearner]).sort(), [
      ['m2', false],
      ['m3', false],
      ['m4', false],
    ])
    const third = await ours(...withNext, '--dry-run')
    assert.match(third.lines[0]!, /^m4 \([0-9a-f]+\) is a member with a vote: nothing is left to do$/)

    // The host comes back, made anew, under its old name and address, for one of the others.
    await m2!().powerOff()
    const again = await all.addHost('m2', m2!().peerUrl)
    const oldId = idOf(await members(), 'm2')
    const half = await ours('replace', 'm2', '--wait', '0.5')
    assert.match(half.errors[0]!, /in sync with leader/, half.lines.join())
    await again.putManifest(/ETCD_INITIAL_CLUSTER="(.*)"/.exec(half.lines.join('\n'))![1]!, 'existing')
    const whole = await ours('replace', 'm2', '--with', `m2=${again.peerUrl}`)
    assert.equal(whole.code, 0, whole.errors.join())
    assert.notEqual(idOf(await members(), 'm2'), oldId)
    assert.deepEqual(await etcdctl('--endpoints', again.clientUrl, 'get', 'small'), ['small', 'fits'])
  })

  test('who cannot reach a majority hears what to do, and the finished state comes when it can [ETS-07 ETQ-09 ETQ-10 ETQ-14 FLR-18]', async () => {
    const left = all.hosts.filter(({ name }) => name === 'm3')[0]!
    const others = all.hosts.filter((host) => host !== left)
    for (const host of others) host.freeze(true)
    const alone = await run(
      [etcd],
      ['etcd', 'member', 'remove', 'm4', '--endpoints', left.clientUrl, '--command-timeout', '2'],
    )
    assert.equal(alone.code, 1)
    assert.match(
      alone.errors.join('\n'),
      /context deadline exceeded|no leader|not enough started members|quorum is lost/,
    )
    await untilLine(left, /etcdserver: no leader/)
    const atLeft = ['--endpoints', left.clientUrl, '--command-timeout', '1s']
    assert.deepEqual(await etcdctl(...atLeft, 'put', 'small', 'lost'), [])
    assert.deepEqual(await etcdctl(...atLeft, 'get', 'small'), [])
    assert.deepEqual(await etcdctl(...atLeft, 'get', 'small', '--consistency=s'), ['small', 'fits'])
    for (const host of others) host.freeze(false)
    // Of the others, the first two hosts are gone for good.
    await Promise.all(all.hosts.slice(2).map((host) => isWell(host)))
    assert.deepEqual(await etcdctl('--endpoints', left.clientUrl, 'get', 'small'), ['small', 'fits'])
  })

  /** What ours says is what theirs says, once nothing changes between the two questions. */
  async function agree(what: string, command: readonly string[], theirCommand: readonly string[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const said = await ours(...command)
      assert.equal(said.code, 0, said.errors.join())
      const [actual, expected] = comparableTables(withoutAsked(said.lines), withoutAsked(await theirs(...theirCommand)))
      if (attempt === 20) assert.deepEqual(actual, expected, what)
      if (isDeepStrictEqual(actual, expected)) return
    }
  }

  async function members(): Promise<readonly { id: string; name: string; isLearner: boolean }[]> {
    const said = await ours('member', 'list', '-o', 'simple')
    return said.lines.map((line) => {
      const [id, , name, , , isLearner] = line.split(', ')
      return { id: id!, name: name!, isLearner: isLearner === 'true' }
    })
  }

  async function statusRows(): Promise<string[][]> {
    return (await ours('status', '-o', 'simple')).lines.map((line) => line.split(', '))
  }

  /** A leader is elected anew, in a later term. */
  async function untilTerm(term: number): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const rows = await statusRows()
      if (rows.some((row) => row[4] === 'true' && Number(row[6]) >= term)) return
      await new Promise((done) => setTimeout(done, 100))
    }
    assert.fail(`nobody leads in term ${term}`)
  }

  async function currentRevision(): Promise<number> {
    const said = await ours('status', '-o', 'json')
    return Math.max(...[...said.lines[0]!.matchAll(/"revision":(\d+)/g)].map(([, revision]) => Number(revision)))
  }
})

const idOf = (members: readonly { id: string; name: string }[], name: string) =>
  members.find((member) => member.name === name)?.id

/** Who answered is by chance, and an index may have grown between two questions. */
function withoutAsked(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/"member_id":\d+,|^"MemberID".*|^"RaftIndex".*|^"RaftAppliedIndex".*/, ''))
}

async function untilLine({ clientUrl }: EtcdHost, pattern: RegExp): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const said: Said = await run([etcd], ['etcd', 'status', '--endpoints', clientUrl])
    if (pattern.test(said.lines.join('\n'))) return
    await new Promise((done) => setTimeout(done, 100))
  }
  assert.fail(`${clientUrl} never said ${pattern}`)
}

async function isWell({ clientUrl }: EtcdHost): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const said = await run([etcd], ['etcd', 'health', '--endpoints', clientUrl])
    if (said.code === 0) return
    await new Promise((done) => setTimeout(done, 100))
  }
  assert.fail(`${clientUrl} did not get healthy`)
}
