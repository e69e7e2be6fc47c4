/** Real etcds of several releases beside one another, and what goes wrong between them. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { etcd } from '../src/cli/commands/etcd.ts'
import { run } from './support/command.ts'
import { startEtcd } from './support/etcd.ts'
import { EtcdHosts } from './support/etcd-hosts.ts'
import { etcdctl } from './support/etcdctl.ts'
import { type EtcdRelease, etcdReleases, minorOf } from './support/etcds.ts'

const here = etcdReleases()
const programOf = ({ folder }: EtcdRelease) => join(folder, 'etcd')
const patchOf = ({ version }: EtcdRelease) => Number(version.split('.')[2])

const old = here.find((release) => minorOf(release) === 4)
const next = here.find((release) => minorOf(release) === 5)
/** Does not write down that a learner was promoted. */
const forgetful = here.find((release) => minorOf(release) === 5 && patchOf(release) <= 19)
/** Mends that when it starts. */
const mending = here.find((release) => minorOf(release) === 5 && patchOf(release) >= 26)

const rowsOf = async (endpoints: string) =>
  (await run([etcd], ['etcd', 'status', '-o', 'simple', '--endpoints', endpoints])).lines.map((line) => {
    const [, id, version, , , , term] = line.split(', ')
    return { id, version, term: Number(term) }
  })

test('members are upgraded one after another: they stay who they are, and nothing is lost [ETS-10 ETB-18]', {
  skip: old && next ? false : 'needs an etcd 3.4 and an etcd 3.5',
  timeout: 60_000,
}, async () => {
  await using all = await EtcdHosts.start(3)
  const ours = (...args: string[]) => run([etcd], ['etcd', ...args, '--endpoints', all.endpoints])
  const [m1, m2, m3] = all.hosts
  for (const host of all.hosts) await host.setProgram(programOf(old!))
  await Promise.all(all.hosts.map((host) => host.isWell()))
  await etcdctl(all.endpoints, ['put', 'student1', '59'])
  const file = join(all.folder, 'before.db')
  const saved = await run([etcd], ['etcd', 'snapshot', 'save', file, '--endpoints', m1!.clientUrl])
  assert.equal(saved.code, 0, saved.errors.join())
  const before = await rowsOf(all.endpoints)
  assert.ok(before.every(({ version }) => version === old!.version))

  for (const host of [m1!, m2!, m3!]) {
    await host.setProgram(programOf(next!))
    await host.isWell()
    // Of the versions that stand side by side somebody is told as long as they do.
    const { lines } = await ours('check')
    const mixed = lines.some((line) => line.includes('members of 3.4 and 3.5 stand side by side: finish the upgrade'))
    assert.equal(mixed, host !== m3, lines.join('\n'))
  }

  const after = await rowsOf(all.endpoints)
  assert.ok(after.every(({ version }) => version === next!.version))
  assert.deepEqual(
    after.map(({ id }) => id),
    before.map(({ id }) => id),
  )
  assert.ok(after[0]!.term > before[0]!.term, 'each time the leader went another was elected')
  for (const host of all.hosts) {
    assert.equal((await etcdctl(host.clientUrl, ['get', 'student1'])).stdout, 'student1\n59\n')
  }

  // The way back is the snapshot from before, with the etcd from before.
  await using back = await startEtcd(undefined, (directory) =>
    run([etcd], ['etcd', 'snapshot', 'restore', file, '--data-dir', directory]),
  )
  assert.match((await etcdctl(back.endpoint, ['endpoint', 'status'])).stdout, new RegExp(`, ${old!.version}, `))
  assert.equal((await etcdctl(back.endpoint, ['get', 'student1'])).stdout, 'student1\n59\n')

  // What is older than the cluster is not let in.
  await m1!.powerOff()
  const older = ['replace', 'm1', '--with', `m1=${m1!.peerUrl}`, '--etcd-binary', programOf(old!), '--dry-run']
  assert.match((await ours(...older)).errors[0]!, /cannot join a cluster of 3\.5: it would have to be at least that$/)
})

test('a learner that etcd up to 3.5.19 promoted is one still in its file: found, and mended from 3.5.26 on', {
  skip: forgetful ? false : 'needs an etcd between 3.5.1 and 3.5.19',
  timeout: 60_000,
}, async () => {
  await using all = await EtcdHosts.start(2)
  const ours = (...args: string[]) => run([etcd], ['etcd', ...args, '--endpoints', all.endpoints])
  for (const host of all.hosts) await host.setProgram(programOf(forgetful!))
  await Promise.all(all.hosts.map((host) => host.isWell()))
  const { endpoints } = all
  const m3 = await all.addHost('m3')
  await m3.setProgram(programOf(forgetful!))
  const added = await run(
    [etcd],
    ['etcd', 'member', 'add', 'm3', '--peer-urls', m3.peerUrl, '--learner', ...at(endpoints)],
  )
  await m3.putManifest(/ETCD_INITIAL_CLUSTER="(.*)"/.exec(added.lines.join('\n'))![1]!, 'existing')
  const promote = () => run([etcd], ['etcd', 'member', 'promote', 'm3', ...at(endpoints)])
  for (let attempt = 0; attempt < 200 && (await promote()).code !== 0; attempt++) await delay(100)
  const members = await ours('member', 'list', '-o', 'simple')
  assert.ok(members.lines.every((line) => line.endsWith(', false')))

  const found = await ours('check', '--members')
  assert.equal(found.code, 1)
  for (const [index, host] of all.hosts.entries()) {
    const fault = `${host.clientUrl}: in its file m3 (${idIn(members.lines)}) is a learner, in the list it is not`
    assert.equal(found.errors[index], `error: ${fault}`)
  }
  assert.match(
    found.errors.at(-1)!,
    /update to 3\.5\.26 or later, which mends this when it starts, before any step to 3\.6/,
  )
  assert.ok(
    found.lines.some((line) => line.includes('a learner promoted here is a learner again after the step to 3.6')),
  )

  if (!mending) return
  for (const host of all.hosts) {
    await host.setProgram(programOf(mending))
    await host.isWell()
  }
  const mended = await ours('check', '--members')
  assert.equal(mended.lines.at(-1), 'All members list the same members as their files do.')
})

const at = (endpoints: string) => ['--endpoints', endpoints]
const idIn = (lines: readonly string[]) => lines.find((line) => line.includes(', m3, '))!.split(', ')[0]
