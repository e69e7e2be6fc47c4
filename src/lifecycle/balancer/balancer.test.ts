import assert from 'node:assert/strict'
import { createServer, request, type Server } from 'node:https'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import { after, describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { hostWorld } from '../../world/host.ts'
import { createAuthority, issueCertificate } from '../pki.ts'
import { formatAddress, parseAddress } from './address.ts'
import { Balancer } from './balancer.ts'
import { type BalancerConfiguration, ConfigurationError, defaults, readConfiguration } from './configuration.ts'
import { Health } from './health.ts'

const world = hostWorld(() => {})
const authority = createAuthority('backends', world)
const pair = issueCertificate(authority, { commonName: 'kubernetes', usages: ['server'], hosts: ['127.0.0.1'] }, world)

/** Something like an API server: it says its name, is ready or not, and can hang. */
class Backend {
  readonly name: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  isReady = true
  port = 0

  constructor(name: string) {
    this.name = name
    this.#server = createServer({ cert: pair.certificate, key: pair.key }, ({ url }, response) => {
      if (url === '/watch') return void response.writeHead(200).write('begun\n')
      response.writeHead(url === '/readyz' && !this.isReady ? 500 : 200).end(this.name)
    })
    this.#server.on('secureConnection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  async start(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    this.port = (this.#server.address() as AddressInfo).port
    return this
  }

  /** As when its process is killed. */
  kill(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  get connections(): number {
    return this.#sockets.size
  }
}

const started: Backend[] = []
after(() => {
  for (const backend of started) backend.kill()
})

const backends = (...names: string[]): Promise<Backend[]> =>
  Promise.all(
    names.map((name) => {
      const backend = new Backend(name)
      started.push(backend)
      return backend.start()
    }),
  )

const configuration = (of: readonly { readonly port: number }[], more: object = {}): BalancerConfiguration => ({
  ...defaults,
  listen: { host: '127.0.0.1', port: 0 },
  backends: of.map(({ port }) => ({ host: '127.0.0.1', port })),
  ...more,
  check: { ...defaults.check, intervalMs: 20, timeoutMs: 500, ...(more as Partial<BalancerConfiguration>).check },
})

/** Asks over a connection of its own. */
function ask(balancer: Balancer, path = '/'): Promise<string> {
  return new Promise((resolve, reject) => {
    const { port } = balancer.address
    const asked = request({ host: '127.0.0.1', port, path, agent: false, rejectUnauthorized: false }, (answer) => {
      let text = ''
      answer.on('data', (chunk) => {
        text += chunk
        if (path === '/watch') resolve(text)
      })
      answer.on('close', () => asked.once('close', () => resolve(text)))
      answer.on('error', reject)
    })
    asked.on('error', reject)
    asked.end()
  })
}

/** Until it is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await world.clock.after(5)
}

const isState =
  (balancer: Balancer, { port }: { readonly port: number }, state: string) =>
  () =>
    balancer.states.get(`127.0.0.1:${port}`) === state

describe('A balancer', () => {
  it('gives each connection to the backend with the fewest, or to each in turn', async () => {
    const servers = await backends('one', 'two', 'three')
    for (const balance of ['leastconn', 'roundrobin']) {
      await using balancer = await Balancer.start(configuration(servers, { balance }), world)
      for (const server of servers) await until(isState(balancer, server, 'up'))
      const names = await Promise.all([1, 2, 3, 4, 5, 6].map(() => ask(balancer)))
      assert.deepEqual(names.sort(), ['one', 'one', 'three', 'three', 'two', 'two'], balance)
    }
  })

  it('uses the others when a backend is not ready, and that one again when it is', async () => {
    const [one, two] = await backends('one', 'two')
    await using balancer = await Balancer.start(configuration([one!, two!]), world)
    one!.isReady = false
    await until(isState(balancer, one!, 'down'))
    for (let n = 0; n < 4; n++) assert.equal(await ask(balancer), 'two')
    assert.match(balancer.answer('/').body, /down .*\/readyz answers 500/)
    one!.isReady = true
    await until(isState(balancer, one!, 'up'))
    assert.deepEqual([await ask(balancer), await ask(balancer)].sort(), ['one', 'two'])
  })

  it('goes on to the next at once when a backend that was up is gone', async () => {
    const [one, two] = await backends('one', 'two')
    // It does not look again by itself in time.
    await using balancer = await Balancer.start(configuration([one!, two!], { check: { intervalMs: 60_000 } }), world)
    for (const server of [one!, two!]) await until(isState(balancer, server, 'up'))
    one!.kill()
    for (let n = 0; n < 4; n++) assert.equal(await ask(balancer), 'two')
  })

  it('cuts the connections of a backend that hangs, so that clients come again', async () => {
    const [one] = await backends('one')
    const [two] = await backends('two')
    await using balancer = await Balancer.start(configuration([one!]), world)
    await until(isState(balancer, one!, 'up'))
    const { port } = balancer.address
    const watch = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
    const cut = new Promise((resolve) => watch.once('error', resolve))
    await new Promise((resolve) => watch.once('secureConnect', resolve))
    await balancer.reload(configuration([one!, two!]))
    await until(isState(balancer, two!, 'up'))
    one!.isReady = false
    assert.equal(((await cut) as NodeJS.ErrnoException).code, 'ECONNRESET')
    assert.equal(await ask(balancer), 'two')
  })

  it('tries those that are not ready when none is, and cuts nobody off then', async () => {
    const [one] = await backends('one')
    one!.isReady = false
    await using balancer = await Balancer.start(configuration([one!]), world)
    await until(isState(balancer, one!, 'down'))
    assert.equal(await ask(balancer), 'one')
    assert.deepEqual(balancer.answer('/healthz'), { status: 503, body: 'no backend is up\n' })
    one!.kill()
    await assert.rejects(ask(balancer), { code: 'ECONNRESET' })
  })

  it('reloads: what is new is used, what is gone is not, and its connections end', async () => {
    const [one, two] = await backends('one', 'two')
    await using balancer = await Balancer.start(configuration([one!], { drainTimeoutMs: 20 }), world)
    assert.equal(await ask(balancer, '/watch'), 'begun\n')
    await balancer.reload(configuration([two!], { drainTimeoutMs: 20 }))
    assert.equal(await ask(balancer), 'two')
    await until(() => one!.connections === 0)
    assert.deepEqual([...balancer.states.keys()], [`127.0.0.1:${two!.port}`])
  })

  it('believes only certificates of its authorities when it has some', async () => {
    const [one] = await backends('one')
    const disk = {
      ...world.disk,
      read: async (path: string) => (path === '/ca' ? authority.certificate : other.certificate),
    }
    const other = createAuthority('another', world)
    for (const [caFile, state] of [
      ['/ca', 'up'],
      ['/another', 'down'],
    ] as const) {
      await using balancer = await Balancer.start(configuration([one!], { check: { caFile } }), { ...world, disk })
      await until(isState(balancer, one!, state))
    }
  })

  it('turns away who comes when there are too many, of all or of one client', async () => {
    const [one] = await backends('one')
    for (const limit of [{ maxConnections: 1 }, { maxConnectionsPerClient: 1 }]) {
      await using balancer = await Balancer.start(configuration([one!], limit), world)
      await ask(balancer, '/watch')
      await assert.rejects(ask(balancer), { code: 'ECONNRESET' })
      assert.match(balancer.answer('/metrics').body, /^coracle_lb_refused_total\{reason="limit"\} 1$/m)
    }
  })

  it('lets either side end first, and the other finish what it has to say', async () => {
    // It answers when the client has said all.
    const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
      let said = ''
      socket.on('data', (chunk) => {
        said += chunk
      })
      socket.on('end', () => socket.end(said.toUpperCase()))
      socket.on('error', () => {})
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await using balancer = await Balancer.start(configuration([{ port }]), world)
    const client = connect({ host: '127.0.0.1', port: balancer.address.port, allowHalfOpen: true })
    client.end('all that there is to say'.repeat(10_000))
    let heard = ''
    for await (const chunk of client) heard += chunk
    assert.equal(heard, 'ALL THAT THERE IS TO SAY'.repeat(10_000))
    client.destroy()
    server.close()
  })

  it('does not wait for ever for a side that goes on after the other has ended', async () => {
    const heard: Socket[] = []
    const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
      heard.push(socket.on('error', () => {}).resume())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await using balancer = await Balancer.start(configuration([{ port }], { halfOpenTimeoutMs: 20 }), world)
    const client = connect({ host: '127.0.0.1', port: balancer.address.port, allowHalfOpen: true })
    client.end('one word')
    client.on('error', () => {})
    await new Promise((resolve) => client.resume().once('close', resolve))
    for (const socket of heard) socket.destroy()
    server.close()
  })

  it('counts', async () => {
    const [one] = await backends('one')
    await using balancer = await Balancer.start(configuration([one!]), world)
    await until(isState(balancer, one!, 'up'))
    await ask(balancer)
    const counted = new RegExp(`^coracle_lb_connections_total\\{backend="127.0.0.1:${one!.port}"\\} 1$`, 'm')
    assert.match(balancer.answer('/metrics').body, counted)
    assert.equal(balancer.answer('/healthz').body, 'ok\n')
    assert.equal(balancer.answer('/nothing').status, 404)
  })
})

describe('Health', () => {
  const changes = (checks: string) => {
    const health = new Health({ rise: 2, fall: 3 })
    return [...checks].map((check) => (health.checked(check === '+') ? health.state[0] : '.')).join('')
  }
  for (const [checks, expected] of [
    ['+', 'u'],
    ['-', 'd'],
    ['+---', 'u..d'],
    ['+--+--', 'u.....'],
    ['-++', 'd.u'],
    ['-+-+', 'd...'],
    ['+---++', 'u..d.u'],
  ] as const)
    it(`${checks} is ${expected}`, () => assert.equal(changes(checks), expected))
})

describe('A configuration', () => {
  it('is a file, and flags that go before it', () => {
    const file = `
listen: ":6443"
backends: [10.0.0.1, "10.0.0.2:7443", "[fd00::1]:6443"]
balance: roundrobin
check: {interval: 3s, fall: 5, path: /livez}
maxConnections: 100
`
    const read = readConfiguration(file, { balance: 'leastconn', check: { fall: '7' } })
    assert.deepEqual(read.backends.map(formatAddress), ['10.0.0.1:6443', '10.0.0.2:7443', '[fd00::1]:6443'])
    assert.deepEqual(read.listen, { host: '', port: 6443 })
    assert.deepEqual(
      [read.balance, read.check.intervalMs, read.check.fall, read.check.rise, read.check.path, read.maxConnections],
      ['leastconn', 3000, 7, 2, '/livez', 100],
    )
  })

  const faults: Readonly<Record<string, string>> = {
    'backends: [a]': 'listen is missing: where clients connect to',
    'listen: ":1"': 'backends are missing: the API servers',
    'listen: "x"\nbackends: [a]': 'listen: "x" is not HOST:PORT',
    'listen: ":99999"\nbackends: [a]': 'listen: ":99999" is not HOST:PORT',
    'listen: ":1"\nbackends: [a]\nwrong: 1': 'wrong is not known',
    'listen: ":1"\nbackends: [a]\ncheck: {wrong: 1}': 'check.wrong is not known',
    'listen: ":1"\nbackends: [a]\ncheck: {interval: 5}': 'check.interval is not a time such as 2s or 500ms: 5',
    'listen: ":1"\nbackends: [a]\ncheck: {rise: -1}': 'check.rise is not a whole number: -1',
    'listen: ":1"\nbackends: [a]\nbalance: random': 'balance is leastconn or roundrobin, not "random"',
    'listen: ":1"\nbackends: [a]\nstatus: ":8404"': 'status must be on a loopback address, not all addresses',
    'listen: ":1"\nbackends: a': 'backends is not a list of texts',
    '- a': 'it holds no mapping',
  }
  for (const [file, message] of Object.entries(faults))
    it(`is refused: ${message}`, () =>
      assert.throws(
        () => readConfiguration(file, {}),
        (error) => error instanceof ConfigurationError && error.message === message,
      ))

  it('knows addresses', () => {
    for (const text of ['10.0.0.1:6443', '[fd00::1]:6443', 'cp-1.example:1', ':6443'])
      assert.equal(formatAddress(parseAddress(text)), text)
    for (const text of ['', 'fd00::1', 'a:b', 'a b:1', 'a/b:1']) assert.throws(() => parseAddress(text), text)
  })
})
