import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAuthority, issueCertificate } from '../src/lifecycle/pki.ts'
import { Home } from './support/cli.ts'
import { coracleFor } from './support/coracle.ts'
import { freePort } from './support/etcd.ts'
import { quietWorld } from './support/served.ts'

const authority = createAuthority('backends', quietWorld)
const wish = { commonName: 'kubernetes', usages: ['server'] as const, hosts: ['127.0.0.1'] }
const { certificate, key } = issueCertificate(authority, wish, quietWorld)

/** Something that is ready, and says its name. */
class Backend implements Disposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  isReady = true

  constructor(name: string) {
    this.#server = createServer({ cert: certificate, key }, ({ url }, response) => {
      response.writeHead(url === '/readyz' && !this.isReady ? 500 : 200, { connection: 'close' }).end(name)
    })
    this.#server.on('secureConnection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  static async start(name: string): Promise<Backend> {
    const backend = new Backend(name)
    await new Promise<void>((resolve) => backend.#server.listen(0, '127.0.0.1', resolve))
    return backend
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** As when its process is killed. */
  [Symbol.dispose](): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** What whoever answers on that port says of itself; over a connection of its own. */
const ask = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, agent: false, rejectUnauthorized: false, timeout: 2_000 }
    const asked = request(options, (answer) => {
      let text = ''
      answer.on('data', (chunk) => {
        text += chunk
      })
      answer.on('close', () => asked.once('close', () => resolve(text)))
    })
    asked.on('timeout', () => asked.destroy(new Error('no answer')))
    asked.on('error', reject)
    asked.end()
  })

/** Asks until all the last answers are from these. */
async function untilAnswersAre(port: number, names: readonly string[]): Promise<void> {
  const latest: string[] = []
  for (;;) {
    latest.push(await ask(port).catch((error: Error) => error.message))
    const last = latest.slice(-6)
    if (last.length === 6 && [...new Set(last)].sort().join() === [...names].sort().join()) return
    await sleep(50)
  }
}

/** A program in the foreground, ended and waited for at the end. */
function running(program: string, args: readonly string[]): AsyncDisposable & { readonly process: ChildProcess } {
  const child = spawn(program, args, { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('close', resolve))
  return {
    process: child,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Debian's packages; in CI they may not be missing. */
function missing(file: string, name: string): string | undefined {
  if (existsSync(file)) return undefined
  if (process.env['CI'] === 'true') throw new Error(`${file} is missing (apt-get install ${name})`)
  return `${file} is missing`
}

describe('What coracle lb config prints', () => {
  const programs = [
    { name: 'haproxy', file: '/usr/sbin/haproxy', args: ['-db', '-f'], check: ['-c', '-f'] },
    { name: 'nginx', file: '/usr/sbin/nginx', args: ['-g', 'daemon off;', '-c'], check: ['-t', '-c'] },
  ]
  for (const { name, file, args, check } of programs) {
    const module = '/usr/lib/nginx/modules/ngx_stream_module.so'
    const skip = missing(file, name) ?? (name === 'nginx' ? missing(module, 'libnginx-mod-stream') : undefined)
    it(`works with ${name}: one of three goes, and clients do not notice [TOP-12 TOP-13]`, {
      skip,
      timeout: 40_000,
    }, async () => {
      using one = await Backend.start('one')
      using two = await Backend.start('two')
      using three = await Backend.start('three')
      const port = await freePort()
      await using coracle = await coracleFor('')
      const flags = '--balance roundrobin --check-interval 200ms --rise 1'
      const addresses = [one, two, three].map(({ address }) => address).join(' ')
      const line = `lb config ${name} --listen 127.0.0.1:${port} ${flags} --backend ${addresses}`
      const { code, stdout, stderr } = await coracle.run(line)
      assert.equal(code, 0, stderr)
      const folder = await mkdtemp(join(tmpdir(), 'coracle-balancer-'))
      const configuration = join(folder, name)
      // Not beside one that the machine runs.
      await writeFile(
        configuration,
        stdout.replace('/run/nginx.pid', `${folder}/pid`).replace('/var/log/nginx', folder),
      )
      const checked = running(file, [...check, configuration])
      assert.equal(await new Promise((resolve) => checked.process.once('close', resolve)), 0)

      await using _ = running(file, [...args, configuration])
      await untilAnswersAre(port, ['one', 'two', 'three'])
      two[Symbol.dispose]()
      await untilAnswersAre(port, ['one', 'three'])
      // Only haproxy asks whether they are ready.
      if (name === 'haproxy') {
        one.isReady = false
        await untilAnswersAre(port, ['three'])
      }
      await rm(folder, { recursive: true, force: true })
    })
  }
})

describe('coracle lb', () => {
  it('balances, and does as its file says when that changes or it is told to [TOP-14 TOP-15 FLR-03]', async () => {
    await using home = await Home.make()
    using one = await Backend.start('one')
    using two = await Backend.start('two')
    const [port, statusPort] = [await freePort(), await freePort()]
    const file = home.path('lb.yaml')
    const write = (...of: readonly Backend[]) =>
      writeFile(
        file,
        JSON.stringify({
          listen: `127.0.0.1:${port}`,
          backends: of.map(({ address }) => address),
          balance: 'roundrobin',
          check: { interval: '50ms' },
          status: `127.0.0.1:${statusPort}`,
        }),
      )
    await write(one, two)
    const balancer = home.start('lb', '--config', file)
    await balancer.until(`Listening on 127.0.0.1:${port}`)
    await untilAnswersAre(port, ['one', 'two'])
    const page = await (await fetch(`http://127.0.0.1:${statusPort}/`)).text()
    assert.match(page, new RegExp(`^${one.address} +up `, 'm'))

    await write(one)
    await untilAnswersAre(port, ['one'])
    await writeFile(file, 'backends: [')
    balancer.kill('SIGHUP')
    await untilAnswersAre(port, ['one'])
    await write(one, two)
    balancer.kill('SIGHUP')
    await untilAnswersAre(port, ['one', 'two'])

    balancer.kill('SIGTERM')
    const ended = await balancer.ended
    assert.equal(ended.code, 0, ended.stderr)
    assert.match(ended.stderr, /the configuration stays as it was: .*lb\.yaml: /)
    assert.equal(await readFile(file, 'utf8').then((text) => text.includes(two.address)), true)
  })

  it('says what is wrong with how it was called', async () => {
    await using coracle = await coracleFor('')
    for (const [line, message] of [
      ['lb', 'listen is missing: where clients connect to'],
      ['lb --listen :1', 'backends are missing: the API servers'],
      ['lb --listen x --backend a', 'listen: "x" is not HOST:PORT'],
      ['lb --listen :1 --backend a --status 0.0.0.0:1', 'status must be on a loopback address, not 0.0.0.0'],
      ['lb --config /nowhere/lb.yaml', 'there is no file /nowhere/lb.yaml'],
    ] as const) {
      const { code, stderr } = await coracle.run(line)
      assert.notEqual(code, 0, line)
      assert.match(stderr, new RegExp(`^error: ${message}$`, 'm'))
    }
  })
})
