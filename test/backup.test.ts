import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { backup } from '../src/cli/commands/backup.ts'
import { drill } from '../src/cli/commands/drill.ts'
import { restore } from '../src/cli/commands/restore.ts'
import { startCluster } from '../src/cluster/cluster.ts'
import { exportEmbedded } from '../src/cluster/embedded-store.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { keysOfSnapshot } from '../src/lifecycle/backup/snapshot-keys.ts'
import { LmdbStore } from '../src/store/lmdb.ts'
import { hostWorld } from '../src/world/host.ts'
import { run, type Said } from './support/command.ts'
import { etcdMissing } from './support/etcd.ts'
import { EtcdHosts } from './support/etcd-hosts.ts'
import { s3Key, startS3 } from './support/s3.ts'

const world = hostWorld(() => {})

describe('the data directory of a cluster', () => {
  let folder: string
  let data: string
  const commands = [backup, restore, drill]
  const env = { HOME: '/nowhere' }
  const key = () => ['--key-file', join(folder, 'backup.key'), '--work-dir', join(folder, 'work')]
  const call = (...args: string[]): Promise<Said> => run(commands, args, world, env)
  const inFolder = () => ['--in', join(folder, 'backups'), ...key()]

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coracle-backup-'))
    data = join(folder, 'data')
    await mkdir(join(folder, 'work'))
    await mkdir(join(data, 'pki'), { recursive: true })
    await writeFile(join(folder, 'backup.key'), Buffer.alloc(32, 1))
    await writeFile(join(data, 'pki/ca.key'), 'a key', { mode: 0o600 })
    await writeFile(join(data, 'pki/ca.crt'), 'a certificate', { mode: 0o644 })
    await using cluster = await startCluster({ store: await LmdbStore.open(join(data, 'store'), world), nodes: 2 })
    for (const name of ['one', 'two']) {
      await cluster.client.create(ConfigMap, { metadata: { namespace: 'default', name }, data: { is: name } })
    }
    await cluster.settle()
  })
  after(() => rm(folder, { recursive: true, force: true }))

  test('is backed up, also while a cluster runs on it, and read back', async () => {
    await using store = await LmdbStore.open(join(data, 'store'), world)
    const leftovers = ['old', 'new'].map((name) => join(folder, 'work', `lab-${name}.coracle-backup.etcd.db`))
    for (const file of leftovers) await writeFile(file, 'not encrypted')
    await utimes(leftovers[0]!, 1_000_000, 1_000_000)
    const said = await call('backup', '--data-dir', data, '--label', 'lab', ...inFolder())
    assert.equal(said.code, 0, said.errors.join())
    assert.match(
      said.lines[0]!,
      new RegExp(`^Backed up data directory on .*, revision ${store.revision}, \\d+ keys, 2 files$`),
    )
    assert.equal(said.lines[2], 'Read back: it is whole')
    const left = await readdir(join(folder, 'work'))
    assert.deepEqual(
      left,
      ['lab-new.coracle-backup.etcd.db'],
      'what a killed one left goes, what another works on stays',
    )
    await rm(leftovers[1]!)
    const [name] = await readdir(join(folder, 'backups'))
    const bytes = await readFile(join(folder, 'backups', name!))
    assert.equal(bytes.includes('a certificate'), false)
  })

  test('comes back on an empty directory with all it had, and nobody takes old revisions for new', async () => {
    const target = join(folder, 'restored')
    const dry = await call('restore', '--data-dir', target, '--dry-run', ...inFolder())
    assert.equal(dry.code, 0, dry.errors.join())
    assert.match(dry.lines[1]!, /^write 2 files of /)
    assert.equal(await stat(target).catch(() => undefined), undefined)

    const said = await call('restore', '--data-dir', target, ...inFolder())
    assert.equal(said.code, 0, said.errors.join())
    assert.equal(await readFile(join(target, 'pki/ca.key'), 'utf8'), 'a key')
    assert.equal((await stat(join(target, 'pki/ca.key'))).mode & 0o777, 0o600)
    assert.equal((await stat(join(target, 'pki/ca.crt'))).mode & 0o777, 0o644)
    await using cluster = await startCluster({
      store: await LmdbStore.open(join(target, 'store'), world),
      apiOnly: true,
    })
    const maps = await cluster.client.list(ConfigMap, { namespace: 'default' })
    assert.deepEqual(
      maps.items.filter(({ data }) => data?.is).map(({ metadata, data }) => [metadata.name, data]),
      [
        ['one', { is: 'one' }],
        ['two', { is: 'two' }],
      ],
    )
    assert.ok(cluster.store.revision > 1_000_000_000)
  })

  test('is not overwritten without being told, and then put aside', async () => {
    const target = join(folder, 'restored')
    const refused = await call('restore', '--data-dir', target, ...inFolder())
    assert.equal(refused.code, 1)
    assert.match(refused.errors[0]!, /^error: 1 of what the backup holds is there already .*restored\/store$/)
    await writeFile(join(target, 'pki/ca.key'), 'another key')
    assert.match((await call('restore', '--data-dir', target, ...inFolder())).errors[0]!, /^error: 2 of what/)
    const forced = await call('restore', '--data-dir', target, '--force', ...inFolder())
    assert.equal(forced.code, 0, forced.errors.join())
    assert.equal(await readFile(join(target, 'pki/ca.key'), 'utf8'), 'a key')
    const kept = (await readdir(join(target, 'pki'))).find((name) => name.startsWith('ca.key.before-'))
    assert.equal(await readFile(join(target, 'pki', kept!), 'utf8'), 'another key')
  })

  test('a drill brings it to life, and says what changed since', async () => {
    const first = await call('drill', 'restore', '--data-dir', data, '--live', ...inFolder())
    assert.equal(first.code, 0, first.errors.join())
    assert.match(first.lines[1]!, /^holds all \d+ keys that it held$/)
    assert.equal(first.lines[2], 'the running cluster holds the same')
    assert.match(first.lines[3]!, /^restored at revision \d+; the API serves \d+ objects of \d+ kinds$/)
    assert.match(first.lines[4]!, /^after 60 s of its own time: 2 of 2 nodes Ready, 0 of 0 pods running$/)
    assert.match(first.lines[5]!, /^took [\d.]+ s$/)
    assert.deepEqual(await readdir(join(folder, 'work')), [])

    await using cluster = await startCluster({ store: await LmdbStore.open(join(data, 'store'), world), apiOnly: true })
    await cluster.client.create(ConfigMap, { metadata: { namespace: 'default', name: 'three' } })
    await cluster.client.delete(ConfigMap, { namespace: 'default', name: 'one' })
    const second = await call('drill', 'restore', '--data-dir', data, '--live', ...inFolder())
    assert.equal(second.code, 0, second.errors.join())
    assert.ok(second.lines.includes('  made: /registry/configmaps/default/three'), second.lines.join('\n'))
    assert.ok(second.lines.includes('  deleted: /registry/configmaps/default/one'))
  })

  test('a passphrase or key that is wrong, a file that is damaged, a place that is empty: each is said', async () => {
    const place = join(folder, 'backups')
    const [name] = await readdir(place)
    await writeFile(join(folder, 'other.key'), Buffer.alloc(32, 2))
    const wrong = await call(
      'restore',
      '--in',
      place,
      '--key-file',
      join(folder, 'other.key'),
      '--data-dir',
      join(folder, 'x'),
    )
    assert.deepEqual([wrong.code, wrong.errors[0]], [1, 'error: the backup was made with another key file'])
    const none = await call('backup', 'list', '--in', join(folder, 'nothing'))
    assert.deepEqual([none.code, none.lines], [0, []])
    assert.match(
      (await call('backup', 'verify', '--in', join(folder, 'nothing'), ...key())).errors[0]!,
      /^error: there is no backup in /,
    )
    const open = await call('backup', '--in', place, '--data-dir', data)
    assert.deepEqual([open.code, open.errors[0]], [2, 'error: a backup is encrypted: with what?'])

    const bytes = await readFile(join(place, name!))
    await mkdir(join(folder, 'damaged'))
    const damaged = Buffer.from(bytes)
    damaged[5000]! ^= 1
    for (const content of [bytes.subarray(0, bytes.length - 100), damaged]) {
      await writeFile(join(folder, 'damaged', name!), content)
      const said = await call('restore', '--in', join(folder, 'damaged'), ...key(), '--data-dir', join(folder, 'x'))
      assert.equal(said.code, 1)
      assert.match(said.errors[0]!, /^error: the backup is (damaged|cut off)/)
    }
    assert.equal(await stat(join(folder, 'x')).catch(() => undefined), undefined)
    assert.deepEqual(await readdir(join(folder, 'work')), [])
  })

  test('the newest are kept, in S3 too', async () => {
    await using s3 = await startS3()
    const aws = { ...env, AWS_ACCESS_KEY_ID: s3Key.accessKeyId, AWS_SECRET_ACCESS_KEY: s3Key.secretAccessKey }
    let nowMs = world.clock.now()
    const later = { ...world, clock: { ...world.clock, now: () => nowMs } as typeof world.clock }
    const there = ['--in', 's3://backups/lab', '--s3-endpoint', s3.endpoint, ...key()]
    const s3Call = (...args: string[]) => run(commands, [...args, ...there], later, aws)
    for (let count = 1; count <= 4; count++) {
      nowMs += 60_000
      const said = await s3Call('backup', '--data-dir', data, '--label', 'lab', '--keep', '2', '--skip-verify')
      assert.equal(said.code, 0, said.errors.join())
      assert.equal(said.lines.filter((line) => line.startsWith('Removed ')).length, count > 2 ? 1 : 0)
    }
    const listed = await run(
      commands,
      ['backup', 'list', '--in', 's3://backups/lab', '--s3-endpoint', s3.endpoint],
      later,
      aws,
    )
    assert.equal(listed.lines.length, 2)
    assert.match(
      listed.lines[0]!,
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d+ [kM]B +lab-\d{8}T\d{6}Z-[0-9a-f]{6}\.coracle-backup$/,
    )
    const verified = await s3Call('backup', 'verify')
    assert.match(verified.lines[0]!, /^lab-.* is whole: data directory on /)
    const outside = await run(commands, ['backup', 'list', ...there.slice(0, 4)], later, env)
    assert.equal(outside.errors[0], 'error: $AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY are not set')
  })

  test('the store is the same in etcd’s format, whoever exports it', async () => {
    const file = join(folder, 'export.db')
    await exportEmbedded(world, data, file)
    const keys = await keysOfSnapshot(world, file)
    assert.ok(keys.has('/registry/configmaps/default/two'))
    assert.deepEqual(await readdir(folder).then((names) => names.filter((name) => name.endsWith('.store'))), [])
  })
})

test('a control-plane host: etcd, keys and manifests come back on an empty one', {
  skip: etcdMissing(),
}, async () => {
  await using all = await EtcdHosts.start(1)
  const [host] = all.hosts
  const place = join(all.folder, 'backups')
  const key = join(all.folder, 'key')
  await writeFile(key, Buffer.alloc(40, 3))
  await mkdir(join(host!.kubernetesDir, 'pki'))
  await writeFile(join(host!.kubernetesDir, 'pki/ca.key'), 'key of the authority', { mode: 0o600 })
  const flags = ['--in', place, '--key-file', key, '--work-dir', all.folder]
  const etcdPut = await fetch(`${host!.clientUrl}/v3/kv/put`, {
    method: 'POST',
    body: JSON.stringify({
      key: Buffer.from('/registry/x/1').toString('base64'),
      value: Buffer.from('v').toString('base64'),
    }),
  })
  assert.ok(etcdPut.ok)

  const made = await run([backup], ['backup', '--kubernetes-dir', host!.kubernetesDir, ...flags], world, {})
  assert.equal(made.code, 0, made.errors.join())
  assert.match(made.lines[0]!, /^Backed up host .*, revision 2, 1 keys, \d+ files$/)

  await host!.powerOff()
  await rm(host!.kubernetesDir, { recursive: true })
  await rm(host!.dataDir, { recursive: true })
  const said = await run([restore], ['restore', ...flags], world, {})
  assert.equal(said.code, 0, said.errors.join())
  assert.equal(await readFile(join(host!.kubernetesDir, 'pki/ca.key'), 'utf8'), 'key of the authority')
  await host!.powerOn()
  await host!.isWell()
  const got = await fetch(`${host!.clientUrl}/v3/kv/range`, {
    method: 'POST',
    body: JSON.stringify({ key: Buffer.from('/registry/x/1').toString('base64') }),
  })
  const { header, kvs } = (await got.json()) as { header: { revision: string }; kvs: { value: string }[] }
  assert.equal(Buffer.from(kvs[0]!.value, 'base64').toString(), 'v')
  assert.ok(Number(header.revision) > 1_000_000_000)
})
