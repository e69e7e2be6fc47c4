import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EtcdClient, EtcdError, grpcCode } from '../../etcd/client.ts'
import { VirtualHost } from '../../world/virtual-host.ts'
import { findEtcd, parseManifest } from './access.ts'
import { explainEtcd } from './faults.ts'
import { clusterIdOf, initialMemberId } from './ids.ts'
import { findRestorer, findTool } from './install.ts'
import { addLearner, type EtcdMember, mayComeGood, patienceOf, takeOut } from './members.ts'
import { quorumOf, requireQuorumWithout, requireRoomForAnother, toleratedFailures, warnAboutSize } from './quorum.ts'
import { parseHosts } from './restore-plan.ts'
import { compareHashes } from './status.ts'
import { jsonText, sizeText, table } from './table.ts'
import { requireFittingVersion, requireKnownVersion, versionWarnings } from './versions.ts'

test('ids are reckoned as etcd does [ETM-15 ETB-07 ETB-14]', () => {
  const urls = [131, 132, 133].map((host) => `http://192.168.110.${host}:2380`)
  const ids = urls.map((url) => initialMemberId([url], 'etcd-cluster'))
  assert.deepEqual(
    ids.map((id) => id.toString(16)),
    ['341a3c460c1c993a', '4679fe0fcb37326d', 'ab23bcc86cf3190b'],
  )
  assert.equal(clusterIdOf(ids.toReversed()).toString(16), 'dd7594df5e81191b')
  const usual = initialMemberId(['http://localhost:2380'], 'etcd-cluster')
  assert.equal(usual.toString(16), '8e9e05c52164694d')
  assert.equal(clusterIdOf([usual]).toString(16), 'cdf818194e3a8c32')
})

test('a change of members is asked for again after what goes by itself', () => {
  const failedPrecondition = 9
  for (const [code, message, goesBy] of [
    [grpcCode.unavailable, 'etcdserver: no leader', true],
    [grpcCode.unavailable, 'etcdserver: unhealthy cluster', true],
    [grpcCode.deadlineExceeded, 'etcd: https://10.0.0.1:2379 did not answer within 5000 ms', true],
    [failedPrecondition, 'etcdserver: too many learner members in cluster', true],
    [failedPrecondition, 'etcdserver: can only promote a learner member which is in sync with leader', true],
    [failedPrecondition, 'etcdserver: Peer URLs already exists', false],
    [grpcCode.unknown, 'etcd: the answer is missing', false],
  ] as const)
    assert.equal(mayComeGood(new EtcdError(code, message)), goesBy, message)
})

test('a call that no answer came to is made again, at another endpoint; what it had done is found', async () => {
  const world = new VirtualHost(7)
  const calls: string[] = []
  const silent = new EtcdError(grpcCode.deadlineExceeded, 'etcd: https://10.0.0.1:2379 did not answer within 5000 ms')
  const gone = new EtcdError(grpcCode.unknown, 'etcdserver: member not found')
  const client = (...answers: (EtcdError | object)[]) => {
    const ask = async ({ path }: { path: string }) => {
      calls.push(path.split('/').at(-1)!)
      const answer = answers.shift()
      if (answer instanceof EtcdError) throw answer
      return answer
    }
    return { read: ask, write: ask, failOver: () => calls.push('-') } as unknown as EtcdClient
  }
  const said: string[] = []
  const patience = patienceOf(world.clock, '2m0s', (line) => said.push(line))
  const settle = async <T>(work: Promise<T>) => {
    const settled = work.catch((error: unknown) => error)
    for (let step = 0; step < 20; step++) await world.advance(1000)
    return settled
  }
  const members = [{ id: 2n, name: 'm2', peerUrls: ['https://10.0.0.2:2380'] }]
  await settle(takeOut(client(silent, gone, { members }), 1n, patience))
  assert.deepEqual(calls.splice(0), ['MemberRemove', '-', 'MemberRemove', 'MemberList'])
  assert.deepEqual(said, [`${silent.message}: asking again for up to 2m0s`])
  assert.equal(await settle(takeOut(client(gone), 1n, patience)), gone)
  calls.length = 0

  const url = 'https://10.0.0.2:2380'
  const added = await settle(addLearner(client({ members: [] }, silent, { members }), url, patience))
  assert.equal((added as { member: EtcdMember }).member.id, 2n)
  assert.deepEqual(calls, ['MemberList', 'MemberAdd', '-', 'MemberList'])
})

test('how many members may be lost [ETQ-01 ETQ-02 ETQ-03]', () => {
  const counts = [1, 2, 3, 4, 5, 6, 7, 8, 9]
  assert.deepEqual(counts.map(toleratedFailures), [0, 0, 1, 1, 2, 2, 3, 3, 4])
  assert.deepEqual(counts.map(quorumOf), [1, 2, 2, 3, 3, 4, 4, 5, 5])
  assert.equal(warnAboutSize(1), undefined)
  assert.equal(warnAboutSize(3), undefined)
  assert.match(warnAboutSize(4)!, /survive the loss of 1, no more than 3 do/)
  assert.match(warnAboutSize(9)!, /more than 7 make every write slower/)
})

const member = (id: number, more: Partial<EtcdMember> = {}): EtcdMember => ({
  ...{ id: BigInt(id), name: `m${id}`, peerUrls: [`http://10.0.0.${id}:2380`], clientUrls: [], isLearner: false },
  ...more,
})

test('a member is not taken out of a cluster that would not live on, and none added where it would not', () => {
  const members = [member(1), member(2), member(3)]
  const alive = (...ids: number[]) => ({ members, alive: new Set(ids.map(BigInt)) })
  requireQuorumWithout(alive(1, 2, 3), 3n)
  requireQuorumWithout(alive(1, 2), 3n)
  assert.throws(() => requireQuorumWithout(alive(1, 2), 1n), /without m1 \(1\) quorum is lost: 2 of 2 .* and 1 does/)
  const only = { members: [member(1)], alive: new Set([1n]) }
  assert.throws(() => requireQuorumWithout(only, 1n), /only voting member/)

  requireRoomForAnother(alive(1, 2, 3))
  assert.throws(() => requireRoomForAnother(alive(1, 2)), /with another member 3 would have to answer, and 2 do/)
  requireRoomForAnother({ members: [member(1)], alive: new Set([1n]) })
  const learner = { members: [member(1), member(2, { isLearner: true })], alive: new Set([1n, 2n]) }
  assert.throws(() => requireRoomForAnother(learner), /m2 \(2\) is a learner/)
  requireQuorumWithout(learner, 2n)
  const unstarted = { members: [member(1), member(2, { name: '' })], alive: new Set([1n]) }
  assert.throws(() => requireRoomForAnother(unstarted), /has been added and has not come up/)
})

test('versions that must not stand side by side, and those from which 3.6 must not be reached', () => {
  const of = (...versions: string[]) => versions.map((version, index) => ({ name: `m${index + 1}`, version }))
  assert.deepEqual(versionWarnings(of('3.5.26', '3.5.27')), [])
  assert.deepEqual(versionWarnings(of('3.6.1', '3.6.1')), [])
  assert.match(
    versionWarnings(of('3.5.12', '3.5.26'))[0]!,
    /^m1 \(3\.5\.12\): a learner promoted here is a learner again/,
  )
  assert.match(versionWarnings(of('3.5.25'))[0]!, /removed members may come back/)
  assert.match(versionWarnings(of('3.4.23', '3.5.26'))[0]!, /members of 3\.4 and 3\.5 stand side by side/)

  requireFittingVersion('3.5.26', of('3.5.26', '3.5.26'))
  requireFittingVersion('3.5.26', of('3.4.23'))
  requireFittingVersion('3.6.4', of('3.5.26'))
  assert.throws(() => requireFittingVersion('3.4.23', of('3.5.26')), /cannot join a cluster of 3\.5/)
  assert.throws(() => requireFittingVersion('3.6.4', of('3.4.23')), /minors may not be skipped/)
  assert.throws(() => requireFittingVersion('3.6.4', of('3.5.26', '3.5.21')), /must not join m2 \(3\.5\.21\)/)
  assert.throws(() => requireKnownVersion('3.3.11', '/usr/bin/etcd'), /versions 3\.4 to 3\.6 are known/)
  assert.throws(() => requireKnownVersion('new', 'x'), /"new" is no version/)
})

test('tables, sizes and numbers as etcdctl prints them', () => {
  assert.deepEqual(table(['A', 'LONG HEAD'], [['1', 'x']]), [
    '+---+-----------+',
    '| A | LONG HEAD |',
    '+---+-----------+',
    '| 1 |         x |',
    '+---+-----------+',
  ])
  const sizes = { 0: '0 B', 9: '9 B', 999: '999 B', 1000: '1.0 kB', 20480: '20 kB', 21504: '22 kB', 4194304: '4.2 MB' }
  for (const [bytes, text] of Object.entries(sizes)) assert.equal(sizeText(Number(bytes)), text)
  assert.equal(sizeText(2 ** 31), '2.1 GB')
  assert.equal(
    jsonText({ id: 12280890972713573414n, left: undefined, list: [1n, 'a"b', null, true] }),
    '{"id":12280890972713573414,"list":[1,"a\\"b",null,true]}',
  )
})

test('hashes of members say whether they hold the same, where they can be compared', () => {
  const hash = (value: number, compactRevision = 5) => ({
    ...{ endpoint: 'e', memberId: 1n, clusterId: 1n, raftTerm: 1n, revision: 9 },
    ...{ hash: value, compactRevision },
  })
  assert.equal(compareHashes([hash(1), hash(1)]), 'same')
  assert.equal(compareHashes([hash(1), hash(2)]), 'different')
  assert.equal(compareHashes([hash(1), hash(2, 6)]), 'incomparable')
})

test('hosts of a restore are read with the places where their clients reach them', () => {
  assert.deepEqual(parseHosts('m1=https://10.0.0.1:2380,m2=http://10.0.0.2:1=http://10.0.0.2:2/'), [
    { name: 'm1', peerUrl: 'https://10.0.0.1:2380', clientUrl: 'https://10.0.0.1:2379' },
    { name: 'm2', peerUrl: 'http://10.0.0.2:1', clientUrl: 'http://10.0.0.2:2' },
  ])
  assert.throws(() => parseHosts('m1'), /"m1" is not NAME=PEER-URL/)
})

test('etcd is found by its manifest, whichever way its flags are written; a half-written one is said to be', async () => {
  const host = new VirtualHost()
  const manifest = (command: string) => `spec:\n  containers:\n  - command: ${command}\n`
  const file = '/etc/kubernetes/manifests/etcd.yaml'
  await assert.rejects(
    findEtcd(host, {}),
    /no --endpoints given, and \/etc\/kubernetes\/manifests\/etcd\.yaml is not there/,
  )
  await host.disk.write(file, manifest('[etcd, --advertise-client-urls, "http://10.0.0.1:2379"]'))
  assert.deepEqual(await findEtcd(host, {}), { endpoints: ['http://10.0.0.1:2379'], tls: undefined, ofHost: true })
  const cluster = '"--initial-cluster=m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380"'
  await host.disk.write(file, manifest(`[etcd, "--advertise-client-urls=http://10.0.0.1:2379", ${cluster}]`))
  assert.deepEqual((await findEtcd(host, {})).endpoints, ['http://10.0.0.1:2379', 'http://10.0.0.2:2379'])
  assert.deepEqual((await findEtcd(host, { endpoints: '10.0.0.9:1,http://b:2/' })).endpoints, [
    'http://10.0.0.9:1',
    'http://b:2',
  ])
  assert.equal(parseManifest(file, manifest('[etcd, -name=a=b]')).flag('name'), 'a=b')
  for (const text of ['', 'spec:\n  cont', manifest('[]'), '{']) {
    await host.disk.write(file, text)
    await assert.rejects(findEtcd(host, {}), /etcd\.yaml (starts nothing|is no manifest)/, text)
  }
})

test('a program of etcd is found and its version known; where there is none it is said how to get one', async () => {
  const host = new VirtualHost()
  await assert.rejects(findTool(host, 'etcd'), (error: Error & { hint?: string }) => {
    assert.match(error.message, /there is no etcd on the search path/)
    assert.match(error.hint!, /apt-get install etcd-server/)
    return true
  })
  await assert.rejects(findRestorer(host, { etcdctl: '/opt/etcdctl' }), /\/opt\/etcdctl is no program/)
})

test('an error of etcd comes with the next step', () => {
  const explained = (message: string) => explainEtcd(new EtcdError(grpcCode.unknown, message))
  assert.match(explained('etcdserver: too many learner members in cluster')!.hint!, /promote or remove the learner/)
  assert.match(explained('etcdserver: mvcc: database space exceeded')!.hint!, /coracle etcd check --free/)
  assert.equal(explained('etcdserver: something new')!.hint, undefined)
  assert.equal(explainEtcd(new TypeError('x')), undefined)
})
