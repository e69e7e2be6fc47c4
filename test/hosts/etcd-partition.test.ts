/** Five hosts with an etcd each, between which links are cut: who may write, who may read, who leads. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Host, Hosts, hostsMissing, until } from '../support/hosts.ts'

const skip = hostsMissing()

interface Seen {
  readonly leads: boolean
  readonly term: number
}

describe('an etcd of five that falls apart', { skip, timeout: 120_000 }, () => {
  let hosts: Hosts
  /** Who said that it leads, by term: for a moment two may, but in different ones. */
  const leaders = new Map<string, Set<string>>()
  const url = (host: Host) => `http://${host.address}:2379`

  const etcdctl = (host: Host, ...args: string[]) =>
    host.run('etcdctl', ['--endpoints', url(host), '--command-timeout=2s', ...args], { env: { ETCDCTL_API: '3' } })
  const get = async (host: Host, ...args: string[]) =>
    (await etcdctl(host, 'get', 'k', '--print-value-only', ...args)).stdout.trim()

  /** What a member says of itself, as ours asks it. */
  async function seen(host: Host): Promise<Seen> {
    const { code, stdout, stderr } = await host.coracle('etcd', 'status', '-o', 'simple', '--endpoints', url(host))
    assert.equal(code, 0, stderr)
    const [, , , , leads, , term] = stdout.split(', ')
    if (leads === 'true') leaders.set(term!, (leaders.get(term!) ?? new Set()).add(host.name))
    return { leads: leads === 'true', term: Number(term) }
  }

  const leaderOf = (some: readonly Host[]) =>
    until('somebody leads', async () => {
      for (const host of some) if ((await seen(host)).leads) return host
      return undefined
    })

  /** From now on nothing gets from those of one side to those of the other. */
  function split(one: readonly Host[], other: readonly Host[]): void {
    for (const left of one) for (const right of other) hosts.cut(left, right)
  }

  before(async () => {
    hosts = await Hosts.create({ count: 5 })
    const cluster = hosts.all.map(({ name, address }) => `${name}=http://${address}:2380`).join(',')
    for (const host of hosts.all) {
      const { name, address } = host
      host.start('etcd', [
        ...['--name', name, '--data-dir', '/var/lib/etcd', '--initial-cluster', cluster, '--unsafe-no-fsync'],
        ...['--listen-client-urls', `http://${address}:2379`, '--advertise-client-urls', `http://${address}:2379`],
        ...['--listen-peer-urls', `http://${address}:2380`, '--initial-advertise-peer-urls', `http://${address}:2380`],
        ...['--logger', 'zap', '--log-level', 'error'],
      ])
    }
    await until('all are healthy', async () => {
      const all = await Promise.all(hosts.all.map((host) => etcdctl(host, 'endpoint', 'health')))
      return all.every(({ code }) => code === 0)
    })
    assert.equal((await etcdctl(hosts.all[0]!, 'put', 'k', 'before')).code, 0)
  })
  after(() => hosts?.[Symbol.asyncDispose]())

  it('two with the leader are cut off: three elect another, and only these write and read [ETQ-08 ETQ-09 ETQ-10]', async () => {
    const old = await leaderOf(hosts.all)
    const others = hosts.all.filter((host) => host !== old)
    const [minority, majority] = [[old, others[0]!], others.slice(1)]
    const before = await seen(old)
    split(minority, majority)

    const next = await leaderOf(majority)
    const [led] = await Promise.all([next, old].map(seen))
    assert.ok(led!.term > before.term)

    assert.equal((await etcdctl(old, 'put', 'k', 'lost')).code, 1)
    assert.notEqual((await etcdctl(minority[1]!, 'get', 'k')).code, 0, 'what is current nobody here can say')
    assert.equal(await get(old, '--consistency=s'), 'before')
    assert.equal((await etcdctl(majority[0]!, 'put', 'k', 'after')).code, 0)
    for (const host of majority) assert.equal(await get(host), 'after')
    assert.equal(await get(old, '--consistency=s'), 'before', 'old data, by who asks for it so')
    const refused = await old.coracle('etcd', 'member', 'remove', next.name, '--endpoints', url(old))
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /quorum is lost: 2 of 5 voting members answer/)
  })

  it('healed, the old leader follows, and what it could not finish is dropped [ETQ-11]', async () => {
    hosts.heal()
    await until('all are in one term', async () => {
      const all = await Promise.all(hosts.all.map(seen))
      return new Set(all.map(({ term }) => term)).size === 1 && all.filter(({ leads }) => leads).length === 1
    })
    for (const [term, names] of leaders) assert.equal(names.size, 1, `term ${term}: ${[...names].join(', ')}`)
    for (const host of hosts.all) {
      await until('it has caught up', async () => (await get(host)) === 'after')
      assert.equal(await get(host, '--consistency=s'), 'after')
    }
    const { stdout } = await hosts.all[0]!.coracle(
      'etcd',
      'hashkv',
      '-o',
      'simple',
      '--endpoints',
      hosts.all.map(url).join(','),
    )
    assert.equal(
      new Set(
        stdout
          .trim()
          .split('\n')
          .map((line) => line.split(', ')[1]),
      ).size,
      1,
      stdout,
    )
  })

  it('of four that fall into two and two neither side writes [ETQ-12]', async () => {
    const gone = hosts.all[4]!
    const { code, stderr } = await hosts.all[0]!.coracle(
      'etcd',
      'member',
      'remove',
      gone.name,
      '--endpoints',
      hosts.all.slice(0, 4).map(url).join(','),
    )
    assert.equal(code, 0, stderr)
    const four = hosts.all.slice(0, 4)
    split(four.slice(0, 2), four.slice(2))
    const tried = await Promise.all(four.map((host) => etcdctl(host, 'put', 'k', host.name)))
    assert.deepEqual(
      tried.map(({ code }) => code),
      [1, 1, 1, 1],
    )
    hosts.heal()
    await until('they write again', async () => (await etcdctl(four[0]!, 'put', 'k', 'together')).code === 0)
  })
})
