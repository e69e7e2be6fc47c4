import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Home } from './support/cli.ts'
import { etcdctl, etcdctlMissing } from './support/etcdctl.ts'

const skip = etcdctlMissing()

describe('coracle up', () => {
  const up = ['up', '--port', '0', '--api-only'] as const

  test('refuses an address that anybody could reach, with exit code 2', async () => {
    await using home = await Home.make()
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [
        ['--etcd-listen-client-url', 'http://0.0.0.0:2379'],
        /^error: --etcd-listen-client-url: .* not a loopback address/,
      ],
      [['--etcd-cert-file', 'a.pem'], /^error: --etcd-… flags are of use with --etcd-listen-client-url alone$/m],
      [
        ['--etcd-listen-client-url', 'http://127.0.0.1:0', '--etcd-quota-backend-bytes', '2G'],
        /^error: --etcd-quota-backend-bytes: 2G is no number of bytes$/m,
      ],
    ]
    await Promise.all(
      cases.map(async ([flags, message]) => {
        const { code, stderr } = await home.run(...up, '--ephemeral', ...flags)
        assert.match(stderr, message)
        assert.equal(code, 2)
      }),
    )
  })

  test('serves what it keeps, in the background too, and keeps what etcdctl wrote', { skip }, async () => {
    await using home = await Home.make()
    const start = async () => {
      const { stdout, stderr } = await home.run(...up, '--detach', '--etcd-listen-client-url', 'http://127.0.0.1:0')
      const url = /^etcd's protocol on (http:\/\/127\.0\.0\.1:\d+);/m.exec(stdout)?.[1]
      assert.ok(url, stdout + stderr)
      return url
    }
    let url = await start()
    assert.equal((await etcdctl(url, ['put', '/other/key', 'kept'])).stdout, 'OK\n')
    await home.run('down')
    url = await start()
    assert.equal((await etcdctl(url, ['get', '/other/key'])).stdout, '/other/key\nkept\n')
    assert.match((await etcdctl(url, ['endpoint', 'health'])).stderr, /is healthy/)
    await home.run('down')
  })
})
