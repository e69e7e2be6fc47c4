/**
 * What goes wrong while a cluster of hosts is changed: clocks that are a day apart, two that want the same at once, links
 * that are cut and processes that are killed in the middle. Each ends in words that say what to do next, or in the
 * finished state, if not at once then after the same command again.
 */
import assert from 'node:assert/strict'
import { copyFile, rm, writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { clockShiftedBy, type Host, Hosts, hostsMissing, type Ran, type Started, until } from '../support/hosts.ts'

/** What hosts of tests have less of than a control plane should. */
const lenient = ['--ignore-preflight-errors', 'NumCPU,Mem'] as const
const dayMs = 24 * 3_600_000

const said = ({ stdout, stderr }: Ran) => `${stdout}${stderr}`

/** Resolves when a command that goes on has said it. */
const hears = (started: Started, words: string) => until(words, async () => started.output.includes(words))

/** Members as etcd's own tool lists them: name and state. */
async function members(host: Host): Promise<string[]> {
  const lines = (await host.etcdctl('member', 'list')).split('\n')
  return lines.map((line) => line.split(', ')).map(([, state, name, , , isLearner]) => `${name} ${state} ${isLearner}`)
}

const voters = (...names: string[]) => names.map((name) => `${name} started false`)

const untilReady = (from: Host, ...names: string[]) =>
  until(`${names} are ready`, async () => {
    const rows = (await from.kubectl('get', 'nodes', '--no-headers')).split('\n')
    return names.every((name) => rows.some((row) => new RegExp(`^${name} +Ready `).test(row)))
  })

describe('bad days of a cluster of hosts', { skip: hostsMissing() ?? false }, () => {
  let hosts: Hosts
  let [first, second, third, spare, worker]: Host[] = []
  let join: readonly string[] = []
  let joinWorker: readonly string[] = []

  before(async () => {
    hosts = await Hosts.create({ count: 5, names: ['m1', 'm2', 'm3', 'm4', 'w1'] })
    ;[first, second, third, spare, worker] = hosts.all
    const init = ['init', '--control-plane-endpoint', `${first!.address}:6443`, '--upload-certs', ...lenient]
    const made = await first!.coracle(...init)
    assert.equal(made.code, 0, said(made))
    const [command = ''] = /coracle join .*?--certificate-key \S+/s.exec(made.stdout) ?? []
    join = [...command.replaceAll('\\\n', ' ').split(/\s+/).slice(1), ...lenient]
    joinWorker = join.slice(0, join.indexOf('--control-plane'))
  })
  after(() => hosts?.[Symbol.asyncDispose]())

  for (const [where, ms] of [
    ['ahead', dayMs],
    ['behind', -dayMs],
  ] as const)
    it(`a host whose clock is a day ${where} is told so before anything is done to it`, async () => {
      const refused = await spare!.run('coracle', join, { env: clockShiftedBy(ms) })
      assert.equal(refused.code, 1)
      assert.match(
        refused.stderr,
        /\[ERROR ClockSkew\]: the clock of this host says \S+, that of the API server at \S+ says/,
      )
      assert.match(refused.stderr, /set both by the same time server/)
      assert.equal((await spare!.sh('find /etc/kubernetes /var/lib/kubelet -type f')).stdout, '')
    })

  /** Two hosts join as one, at the same moment, and once more; gives the one that becomes it. */
  async function rival(name: string, command: readonly string[], ...two: readonly [Host, Host]): Promise<Host> {
    const args = [...command, '--node-name', name]
    const told = new RegExp(
      `error: .*"${name}".*\\bcoracle reset here, then the same command with --node-name NAME`,
      's',
    )
    const address = ['get', 'node', name, '-o', 'jsonpath={.status.addresses[0].address}']
    const ended = await Promise.all(two.map((host) => host.coracle(...args)))
    const texts = ended.map(said).join('\n---\n')
    assert.deepEqual(ended.map(({ code }) => code).sort(), [0, 1], texts)
    assert.match(ended.find(({ code }) => code === 1)!.stderr, told)
    const [winner, loser] = ended[0]!.code === 0 ? two : (two.toReversed() as [Host, Host])
    assert.equal(await first!.kubectl(...address), winner.address, texts)
    const [again, refused] = await Promise.all([winner, loser].map((host) => host.coracle(...args)))
    assert.equal(again!.code, 0, said(again!))
    assert.equal(refused!.code, 1, said(refused!))
    assert.match(refused!.stderr, told)
    assert.equal(await first!.kubectl(...address), winner.address)
    return winner
  }

  async function undo(names: readonly string[], ...all: readonly Host[]): Promise<void> {
    const undone = await Promise.all(all.map((host) => host.coracle('reset', '--force')))
    for (const ended of undone) assert.equal(ended.code, 0, said(ended))
    await first!.kubectl('delete', 'node', ...names)
    assert.deepEqual(await members(first!), voters('m1'))
  }

  it('of two hosts that join at the same moment under one name one becomes it; the other is told so, each time', async () => {
    const [winner] = await Promise.all([
      rival('twin', join, second!, third!),
      rival('pair', joinWorker, spare!, worker!),
    ])
    const runsKubelet = (host: Host) => host.processes().some(({ args }) => args.includes('kubelet'))
    assert.deepEqual([second!, third!].filter(runsKubelet), [winner])
    assert.deepEqual((await members(first!)).sort(), voters('m1', 'twin'))
    assert.match(await first!.etcdctl('member', 'list'), new RegExp(`twin, https://${winner.address}:2380`))
    await untilReady(first!, 'twin', 'pair')
    await undo(['twin', 'pair'], second!, third!, spare!, worker!)
  })

  it('so it is where kubelets ask the API server of their own host', async () => {
    const map = ['configmap', 'kubeadm-config', '-n', 'kube-system'] as const
    const before = await first!.kubectl('get', ...map, '-o', 'jsonpath={.data.ClusterConfiguration}')
    const write = (ClusterConfiguration: string) =>
      first!.kubectl('patch', ...map, '--type=merge', '-p', JSON.stringify({ data: { ClusterConfiguration } }))
    await write(`${before}\nfeatureGates: {ControlPlaneKubeletLocalMode: true}\n`)
    const winner = await rival('twin', join, second!, third!)
    assert.match(await first!.etcdctl('member', 'list'), new RegExp(`twin, https://${winner.address}:2380`))
    await undo(['twin'], second!, third!)
    await write(before)
  })

  it('two control planes that join at the same moment both become one', async () => {
    const both = await Promise.all([second!, third!].map((host) => host.coracle(...join)))
    for (const ended of both) assert.equal(ended.code, 0, said(ended))
    assert.deepEqual((await members(first!)).sort(), voters('m1', 'm2', 'm3'))
    await untilReady(first!, 'm1', 'm2', 'm3')
  })

  it('a Node that was deleted while its host lives comes back with the same command', async () => {
    await first!.kubectl('delete', 'node', 'm2')
    const again = await second!.coracle(...join)
    assert.equal(again.code, 0, said(again))
    await untilReady(first!, 'm2')
  })

  it('a partition while a member is replaced: it is said what is in the way, and the same command goes on', async () => {
    third!.kill()
    const replace = ['etcd', 'replace', 'm3', '--with', `m4=https://${spare!.address}:2380`, '--wait', '5'] as const
    hosts.cut(first!, second!)
    const refused = await first!.coracle(...replace)
    assert.equal(refused.code, 1, said(refused))
    assert.match(
      refused.stderr,
      /quorum is lost: 1 of 3 voting members answer \(silent: .*\bm2 [\s\S]*mend the network/,
    )
    hosts.heal()

    const halfDone = first!.start('coracle', replace)
    await hears(halfDone, 'Waiting for m4 to come up and catch up')
    hosts.cut(first!, second!)
    assert.equal(await halfDone.exited, 1)
    assert.match(halfDone.output, /Member [0-9a-f]+ removed from cluster/)
    assert.match(halfDone.output, /Member [0-9a-f]+ added to cluster/)
    assert.match(halfDone.output, /error: promote: .*run the same command with --with m4=https/s)
    hosts.heal()

    const [, ...rest] = replace
    const [again, joined] = await Promise.all([
      until('the rest of it', async () => {
        const ended = await first!.coracle('etcd', ...rest)
        return ended.code === 0 && ended
      }),
      joinCutOff(),
    ])
    assert.equal(joined.code, 0, said(joined))
    assert.equal(again.code, 0, said(again))
    assert.deepEqual((await members(first!)).sort(), voters('m1', 'm2', 'm4'))
    await first!.kubectl('delete', 'node', 'm3')
    await untilReady(first!, 'm1', 'm2', 'm4')
  })

  /** The new host's own cable is pulled while its member learns; whatever becomes of its command, another finishes it. */
  async function joinCutOff(): Promise<Ran> {
    const begun = spare!.start('coracle', join)
    await hears(begun, '[etcd] Waiting for the new etcd member to join')
    hosts.isolate(spare!)
    await sleep(2_000)
    hosts.heal()
    const code = await begun.exited
    return code === 0 ? { code, stdout: begun.output, stderr: '' } : spare!.coracle(...join)
  }

  it('a snapshot needs room; a restore of three members, killed and cut off in its middle, is finished by the same command', async () => {
    const three = [first!, second!, spare!]
    await first!.sh('mkdir /var/lib/coracle/small')
    first!.limitDisk('/var/lib/coracle/small', 1)
    const full = await first!.coracle('etcd', 'snapshot', 'save', '/var/lib/coracle/small/etcd.db')
    assert.equal(full.code, 1)
    assert.match(full.stderr, /cannot write .*etcd\.db: ENOSPC: no space left on device/)
    assert.equal((await first!.sh('ls -A /var/lib/coracle/small')).stdout, '')
    const file = '/var/lib/coracle/etcd.db'
    await first!.kubectl('create', 'configmap', 'before')
    for (const args of [
      ['save', file],
      ['restore', file],
    ]) {
      const ended = await first!.coracle('etcd', 'snapshot', ...args)
      assert.equal(ended.code, 0, said(ended))
    }
    await first!.kubectl('create', 'configmap', 'later')
    for (const host of [second!, spare!])
      for (const path of [file, `${file}.plan.json`]) await copyFile(first!.folder + path, host.folder + path)
    const share = ['etcd', 'snapshot', 'restore', file, '--plan', `${file}.plan.json`, '--local'] as const

    // One is killed wherever it may be: while etcd's own tool works for it, and after each of its steps.
    const slowTool = `${first!.folder}/bin/etcdctl`
    await writeFile(slowTool, '#!/bin/sh\nsleep 1\nexec /usr/bin/etcdctl "$@"\n', { mode: 0o755 })
    const atTool = first!.start('coracle', share)
    await until('etcdctl at work', async () => first!.processes().some(({ args }) => args.includes(slowTool)))
    await atTool.kill()
    await rm(slowTool)
    for (const words of ['beside the data that is there', 'of this host are stopped']) {
      const killed = first!.start('coracle', share)
      await hears(killed, words)
      await killed.kill()
    }
    // Another is cut off while it has stopped and the others go on.
    const cutOff = second!.start('coracle', share)
    await hears(cutOff, 'of this host are stopped')
    hosts.isolate(second!)
    const ended = await Promise.all([first!, spare!].map((host) => host.coracle(...share)))
    for (const [at, end] of ended.entries()) assert.equal(end.code, 0, `${at} ${said(end)}`)
    hosts.heal()
    if ((await cutOff.exited) !== 0) {
      const last = await second!.coracle(...share)
      assert.equal(last.code, 0, said(last))
    }
    assert.deepEqual((await members(first!)).sort(), voters('m1', 'm2', 'm4'))
    const maps = await until('all three serve what was saved', async () => {
      const lists = await Promise.all(
        three.map((host) => host.kubectl('get', 'configmaps', '-o', 'name', '-s', `https://${host.address}:6443`)),
      )
      return new Set(lists).size === 1 && lists[0]
    })
    assert.match(maps as string, /configmap\/before/)
    assert.doesNotMatch(maps as string, /configmap\/later/)
    await untilReady(first!, 'm1', 'm2', 'm4')
  })
})
