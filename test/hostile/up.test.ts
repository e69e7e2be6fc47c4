import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { describe, test } from 'node:test'
import { open } from 'lmdb'
import { createAuthority } from '../../src/lifecycle/pki.ts'
import { formatKey } from '../../src/store/lmdb-records.ts'
import { type Ended, Home } from '../support/cli.ts'
import { quietWorld } from '../support/served.ts'

const upQuickly = ['up', '--port', '0', '--api-only'] as const

/** It failed, said why and what to do, and did not show its inside. */
function refuses({ code, stdout, stderr }: Ended, message: string | RegExp, exitCode = 1): void {
  assert.deepEqual([code, stdout], [exitCode, ''], stderr)
  if (typeof message === 'string') assert.equal(stderr, message)
  else assert.match(stderr, message)
  assert.match(stderr, /^error: /)
  assert.doesNotMatch(stderr, /^ +at /m)
}

describe('coracle up with files that are not what they should be', { concurrency: 2 }, () => {
  test('a kubeconfig that is none stays as it is', async () => {
    await using home = await Home.make()
    const file = home.path('config')
    const hint = '  nothing was changed in it; mend it, or name another file with --kubeconfig\n'
    const cases: readonly (readonly [string, string | RegExp])[] = [
      [
        '- a\n- b\n',
        `error: ${file} is not a kubeconfig: it holds no mapping of clusters, contexts and users\n${hint}`,
      ],
      ['{"a": [', /^error: \S+ is not a kubeconfig: .+\n {2}nothing was changed/],
      ['kind: Deployment\n', `error: ${file} is not a kubeconfig: its kind is Deployment, not Config\n${hint}`],
      ['clusters: {a: b}\n', `error: ${file} is not a kubeconfig: its clusters are no list\n${hint}`],
      ['a: b: c: d\n', /is not a kubeconfig/],
      ['\0\0\0\0', /is not a kubeconfig/],
      ['a: 1\na: 2\n', /is not a kubeconfig/],
      ['just text', /is not a kubeconfig/],
    ]
    for (const [text, message] of cases) {
      await writeFile(file, text)
      refuses(await home.run(...upQuickly, '--ephemeral', '--kubeconfig', 'config'), message)
      assert.equal(await readFile(file, 'utf8'), text)
    }
    assert.deepEqual(await readdir(home.folder), ['config'])
  })

  test('a kubeconfig that is empty, or holds nothing yet, is filled', async () => {
    for (const text of ['', '\n', 'apiVersion: v1\nkind: Config\nclusters: null\n', '# mine\n']) {
      await using home = await Home.make()
      await writeFile(home.path('config'), text)
      await home.start(...upQuickly, '--ephemeral', '--kubeconfig', 'config').until('Stop with')
      assert.match(await home.read('config'), /^current-context: "?coracle"?$/m)
    }
  })

  test('paths that lead nowhere', async () => {
    await using home = await Home.make()
    await mkdir(home.path('folder'))
    await writeFile(home.path('file'), 'x')
    refuses(
      await home.run(...upQuickly, '--ephemeral', '--kubeconfig', 'folder'),
      `error: cannot read ${home.path('folder')}: EISDIR: illegal operation on a directory, read\n`,
    )
    refuses(
      await home.run(...upQuickly, '--ephemeral', '--kubeconfig', 'file/config'),
      /^error: cannot read \S+: ENOTDIR/,
    )
    refuses(await home.run(...upQuickly, '--data-dir', 'file'), /^error: cannot read \S+: ENOTDIR/)
    assert.equal(await home.read('file'), 'x')
  })

  test('token files', async () => {
    await using home = await Home.make()
    const cases: readonly (readonly [string, string])[] = [
      ['a,b\n', 'line 1: at least three columns are needed (token,user,uid), found 2'],
      ['a,b,c\n\n"d,e,f\n', 'line 3: a quote is not closed'],
      [',b,c\n', 'line 1: the token is empty'],
      ['\0\0', 'line 1: at least three columns are needed (token,user,uid), found 1'],
    ]
    for (const [text, message] of cases) {
      await writeFile(home.path('tokens'), text)
      refuses(await home.run(...upQuickly, '--token-auth-file', 'tokens'), `error: --token-auth-file: ${message}\n`)
    }
    refuses(
      await home.run(...upQuickly, '--token-auth-file', 'nowhere'),
      'error: --token-auth-file: there is no file nowhere\n',
    )
    refuses(await home.run(...upQuickly, '--token-auth-file', '/'), /^error: cannot read \/: EISDIR/)
    // None of this has begun a cluster.
    assert.deepEqual(await readdir(home.folder), ['tokens'])
  })

  test('keys and certificates that cannot be used are named, and left alone', async () => {
    await using home = await Home.make()
    const first = home.start(...upQuickly)
    await first.until('Stop with')
    first.kill('SIGINT')
    await first.ended
    const pki = (name: string) => home.path('.coracle/pki', name)
    const hint = `  put the file back from a backup, or remove ${home.path('.coracle/pki')} to make new keys\n`
    const other = createAuthority('other', quietWorld)
    const cases: readonly (readonly [string, string, RegExp])[] = [
      ['ca.crt', 'not a certificate', /ca\.crt holds no certificate that can be read: /],
      [
        'ca.crt',
        '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
        /ca\.crt holds no certificate that can be read: /,
      ],
      ['ca.key', '', /ca\.key holds no private key that can be read: /],
      ['ca.crt', other.certificate, /ca\.crt and \S+ca\.key do not belong together\n/],
      ['apiserver.key', other.key, /apiserver\.crt and \S+apiserver\.key do not belong together\n/],
      ['admin.key', '\0', /admin\.key holds no private key that can be read: /],
      ['sa.key', 'x', /sa\.key holds no private key that can be read: /],
    ]
    for (const [name, content, message] of cases) {
      const before = await readFile(pki(name))
      await writeFile(pki(name), content)
      const ended = await home.run(...upQuickly)
      refuses(ended, message)
      assert.ok(ended.stderr.endsWith(hint), ended.stderr)
      assert.equal(await readFile(pki(name), 'utf8'), content)
      await writeFile(pki(name), before)
    }
    const { rename } = await import('node:fs/promises')
    await rename(pki('ca.key'), home.path('ca.key'))
    refuses(
      await home.run(...upQuickly),
      `error: ${pki('ca.crt')} is there, but its key ${pki('ca.key')} is not\n${hint}`,
    )
    await rename(home.path('ca.key'), pki('ca.key'))
    await home.start(...upQuickly).until('Stop with')
  })

  test('a data directory that a newer version wrote', async () => {
    await using home = await Home.make()
    const store = home.path('.coracle/store')
    await mkdir(store, { recursive: true })
    const database = open({ path: store, noSubdir: false, keyEncoding: 'binary', encoding: 'binary' } as never)
    await database.put(formatKey as never, Buffer.from('99') as never)
    await database.close()
    const before = await readFile(`${store}/data.mdb`)
    refuses(
      await home.run(...upQuickly),
      `error: the store in ${store} has format 99, and this version of Coracle reads formats up to 1: ` +
        'start the version that wrote it, or restore a backup into another directory\n',
    )
    assert.deepEqual(await readFile(`${store}/data.mdb`), before)
  })

  test('a store that is none', async () => {
    await using home = await Home.make()
    const store = home.path('.coracle/store')
    await mkdir(store, { recursive: true })
    await writeFile(`${store}/data.mdb`, 'this is not a database, nor has it ever been one'.repeat(1000))
    refuses(await home.run(...upQuickly), /^error: the store in \S+ cannot be opened: .+\n/)
    assert.match(await readFile(`${store}/data.mdb`, 'utf8'), /^this is not a database/)
  })

  test('a data directory that another process has', async () => {
    await using home = await Home.make()
    const first = home.start(...upQuickly)
    await first.until('Stop with')
    const { rm } = await import('node:fs/promises')
    // Without the note about it, `up` cannot know of it; the store does.
    await rm(home.path('.coracle/run.json'))
    refuses(
      await home.run(...upQuickly),
      `error: the store in ${home.path('.coracle/store')} is open in process ${first.pid}: ` +
        'stop that process first, or use another data directory\n',
    )
    first.kill('SIGINT')
    assert.equal((await first.ended).code, 0)
  })

  test('a port that is in use', async () => {
    await using home = await Home.make()
    const occupant = createServer()
    await new Promise<void>((resolve) => occupant.listen(0, '127.0.0.1', resolve))
    const port = String((occupant.address() as AddressInfo).port)
    const message = `error: port ${port} of 127.0.0.1 is in use\n  name another with --port, or --port 0 for any free one\n`
    refuses(await home.run('up', '--port', port), message)
    refuses(await home.run('up', '--port', port, '--ephemeral'), message)
    const detached = await home.run('up', '--port', port, '--detach')
    assert.equal(detached.code, 1)
    assert.ok(detached.stderr.startsWith(message.trimEnd()), detached.stderr)
    assert.ok(!existsSync(home.path('.kube/config')))
    occupant.close()
  })

  test('what a crash left of run.json', async () => {
    await using home = await Home.make()
    await mkdir(home.path('.coracle'))
    const certificateAuthority = createAuthority('x', quietWorld).certificate
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      '{"pid":"x"}',
      `{"pid":1,"url":"nonsense","certificateAuthority":"x"}`,
      `{"pid":-1,"url":"https://127.0.0.1:1","certificateAuthority":"x"}`,
      `{"pid":0,"url":"https://127.0.0.1:1","certificateAuthority":"x"}`,
      JSON.stringify({ pid: process.pid, url: 'https://127.0.0.1:1', certificateAuthority }),
    ]) {
      await writeFile(home.path('.coracle/run.json'), text)
      const status = await home.run('status')
      assert.deepEqual([status.code, status.stderr], [0, ''], text)
      assert.match(status.stdout, /^No cluster is running/)
      const down = await home.run('down')
      assert.match(down.stdout, /^No cluster is running/, text)
    }
  })

  test('folders that one may not touch', async () => {
    await using home = await Home.make()
    await mkdir(home.path('.coracle'))
    await chmod(home.path('.coracle'), 0o500)
    // Permissions do not hold root up, but the system's own folders do.
    const isRoot = process.getuid?.() === 0
    const elsewhere = isRoot ? ['--data-dir', '/sys/coracle'] : []
    refuses(await home.run(...upQuickly, ...elsewhere), /^error: cannot make \S+: (EACCES|EPERM|EROFS)/)
    await chmod(home.path('.coracle'), 0o700)
  })
})
