import { Metrics, type Numbers } from '../../base/metrics.ts'
import type { HostWorld } from '../../world/world.ts'
import { type Address, formatAddress } from './address.ts'
import type { BalancerConfiguration, Check } from './configuration.ts'
import { Health } from './health.ts'
import { dial, hangUp, type Joined, join, type Listener, listen, type Socket } from './tcp.ts'

/** So many times sooner than usual is the next check when the last one was a surprise. */
const doubtHurry = 4

type BalancerWorld = Pick<HostWorld, 'clock' | 'network' | 'disk' | 'log'>

interface Backend {
  readonly name: string
  readonly address: Address
  readonly health: Health
  readonly connections: Set<Joined>
  /** Being connected to. */
  pending: number
  /** Why it is down, or the last check failed. */
  fault: string | undefined
  /** Ends its checks. */
  readonly ended: AbortController
  /** Checks at once. */
  hurry: () => void
}

/**
 * Passes TCP connections on to API servers that are ready. What is inside is not looked at: TLS is between client and API
 * server. A backend that is down gets no connection, and loses those that it has as soon as another one is up, so that
 * clients come again and find that one. When none is up all are tried, since an API server that is not ready still says
 * what is wrong better than nobody.
 */
export class Balancer implements AsyncDisposable {
  readonly #world: BalancerWorld
  readonly #metrics = new Metrics()
  readonly #counts: Counts
  readonly #backends = new Map<string, Backend>()
  readonly #clients = new Map<string, number>()
  /** Those that run; they end by themselves. */
  readonly #checks = new Set<Promise<void>>()
  #configuration: BalancerConfiguration
  #authority: string | undefined
  #listener: Listener | undefined
  #page: { close(): Promise<void> } | undefined
  #open = 0
  #turn = 0

  private constructor(configuration: BalancerConfiguration, world: BalancerWorld) {
    this.#configuration = configuration
    this.#world = world
    this.#counts = countsOf(this.#metrics)
    this.#metrics.beforePrinting(() => this.#measure())
  }

  /** Listens. Rejects when the address is taken. */
  static async start(configuration: BalancerConfiguration, world: BalancerWorld): Promise<Balancer> {
    const balancer = new Balancer(configuration, world)
    await balancer.#apply(configuration)
    balancer.#listener = await listen(configuration.listen, (socket) => void balancer.#take(socket))
    await balancer.#showStatus()
    return balancer
  }

  /** Where it listens. */
  get address(): Address {
    return this.#listener!.address
  }

  /** The name of each backend, and whether it serves. */
  get states(): ReadonlyMap<string, 'unknown' | 'up' | 'down'> {
    return new Map([...this.#backends.values()].map(({ name, health }) => [name, health.state]))
  }

  /** Works by another configuration from now on; connections stay where their backend does. The addresses it listens on cannot change. */
  async reload(configuration: BalancerConfiguration): Promise<void> {
    await this.#apply(configuration)
    this.#world.log('info', 'reloaded', { backends: [...this.#backends.keys()] })
  }

  async #apply(configuration: BalancerConfiguration): Promise<void> {
    const { caFile } = configuration.check
    const authority = caFile === undefined ? undefined : await this.#world.disk.read(caFile)
    if (caFile !== undefined && authority === undefined) throw new Error(`there is no file ${caFile}`)
    this.#authority = authority
    this.#configuration = configuration
    const wanted = new Map(configuration.backends.map((address) => [formatAddress(address), address]))
    for (const backend of [...this.#backends.values()]) if (!wanted.has(backend.name)) this.#drop(backend)
    for (const [name, address] of wanted) if (!this.#backends.has(name)) this.#add(name, address)
  }

  #add(name: string, address: Address): void {
    const health = new Health(this.#configuration.check)
    const ended = new AbortController()
    const hurry = () => {}
    const backend: Backend = {
      ...{ name, address, health, connections: new Set(), pending: 0, fault: undefined, ended, hurry },
    }
    this.#backends.set(name, backend)
    const checks = this.#watchOver(backend).finally(() => this.#checks.delete(checks))
    this.#checks.add(checks)
  }

  #drop(backend: Backend): void {
    this.#backends.delete(backend.name)
    backend.ended.abort()
    this.#world.clock.timer(this.#configuration.drainTimeoutMs, () => cut(backend))
  }

  // Health.

  async #watchOver(backend: Backend): Promise<void> {
    const { signal } = backend.ended
    while (!signal.aborted) {
      const fault = await this.#check(backend, this.#configuration.check)
      if (signal.aborted) return
      backend.fault = fault
      if (backend.health.checked(fault === undefined)) this.#stateChanged(backend)
      await this.#pause(backend)
    }
  }

  /** Until the next check is due, or somebody could not connect. */
  #pause(backend: Backend): Promise<void> {
    const { signal } = backend.ended
    return new Promise((resolve) => {
      const done = () => {
        cancel()
        signal.removeEventListener('abort', done)
        backend.hurry = () => {}
        resolve()
      }
      const { intervalMs } = this.#configuration.check
      const delayMs = backend.health.isInDoubt ? intervalMs / doubtHurry : intervalMs
      const cancel = this.#world.clock.timer(delayMs, done)
      signal.addEventListener('abort', done, { once: true })
      backend.hurry = done
    })
  }

  /** What is wrong with it. */
  async #check({ name }: Backend, check: Check): Promise<string | undefined> {
    const tls = this.#authority === undefined ? { skipServerVerification: true } : { ca: this.#authority }
    try {
      const answer = await this.#world.network.request({
        url: `${check.plain ? 'http' : 'https'}://${name}${check.path}`,
        tls: { ...tls, ...(check.serverName !== undefined && { serverName: check.serverName }) },
        // Whether new connections come about is to be known.
        headers: { connection: 'close' },
        timeoutMs: check.timeoutMs,
      })
      answer.close()
      return answer.status < 400 ? undefined : `${check.path} answers ${answer.status}`
    } catch (error) {
      return (error as Error).message
    }
  }

  #stateChanged({ name, health, fault }: Backend): void {
    const { log } = this.#world
    if (health.state === 'up') log('info', `${name} is up`)
    else log('warn', `${name} is down`, { because: fault })
    const all = [...this.#backends.values()]
    if (!all.some((other) => other.health.state === 'up')) return
    for (const other of all) if (other.health.state === 'down') cut(other)
  }

  // Connections.

  async #take(client: Socket): Promise<void> {
    const from = client.remoteAddress ?? ''
    const already = this.#clients.get(from) ?? 0
    const { maxConnections, maxConnectionsPerClient: perClient } = this.#configuration
    if (this.#open >= maxConnections || (perClient > 0 && already >= perClient)) {
      this.#counts.refused.of('limit').value++
      hangUp(client)
      return
    }
    this.#open++
    this.#clients.set(from, already + 1)
    client.on('error', () => {})
    client.once('close', () => {
      this.#open--
      const left = this.#clients.get(from)! - 1
      if (left > 0) this.#clients.set(from, left)
      else this.#clients.delete(from)
    })
    await this.#passOn(client)
  }

  /** Tries one backend after the other. */
  async #passOn(client: Socket): Promise<void> {
    const tried = new Set<Backend>()
    for (;;) {
      const backend = this.#choose(tried)
      if (!backend || client.destroyed) {
        if (!client.destroyed) this.#counts.refused.of('no backend').value++
        hangUp(client)
        return
      }
      tried.add(backend)
      backend.pending++
      try {
        const socket = await dial(backend.address, this.#configuration.connectTimeoutMs)
        this.#join(client, socket, backend)
        return
      } catch {
        this.#counts.failed.of(backend.name).value++
        backend.hurry()
      } finally {
        backend.pending--
      }
    }
  }

  #join(client: Socket, socket: Socket, backend: Backend): void {
    if (client.destroyed) {
      socket.destroy()
      return
    }
    const joined = join(client, socket, this.#configuration.halfOpenTimeoutMs)
    backend.connections.add(joined)
    this.#counts.total.of(backend.name).value++
    void joined.ended.then(() => {
      backend.connections.delete(joined)
      this.#counts.bytes.of(backend.name, 'in').value += joined.bytes.in
      this.#counts.bytes.of(backend.name, 'out').value += joined.bytes.out
    })
    // While it was connected to, it may have been given up.
    if (backend.ended.signal.aborted || (backend.health.state === 'down' && this.#isAnyUp)) joined.cut()
  }

  get #isAnyUp(): boolean {
    return [...this.#backends.values()].some(({ health }) => health.state === 'up')
  }

  /** Those that are up come first, then those of which nothing is known, then the others. */
  #choose(tried: ReadonlySet<Backend>): Backend | undefined {
    const left = [...this.#backends.values()].filter((backend) => !tried.has(backend))
    const candidates = (['up', 'unknown', 'down'] as const)
      .map((state) => left.filter(({ health }) => health.state === state))
      .find((group) => group.length > 0)
    if (!candidates) return undefined
    const start = this.#turn++ % candidates.length
    const turned = [...candidates.slice(start), ...candidates.slice(0, start)]
    if (this.#configuration.balance === 'roundrobin') return turned[0]
    return turned.reduce((best, next) => (load(next) < load(best) ? next : best))
  }

  // What it tells of itself.

  async #showStatus(): Promise<void> {
    const { status } = this.#configuration
    if (!status) return
    if (!this.#world.network.serveText) throw new Error('there is no way to show a status page')
    this.#page = await this.#world.network.serveText(status, (path) => this.answer(path))
  }

  /** What the status page answers: `/`, `/metrics`, `/healthz`. */
  answer(path: string): { readonly status: number; readonly body: string } {
    switch (path.split('?', 1)[0]) {
      case '/':
        return { status: 200, body: this.#table() }
      case '/metrics':
        return { status: 200, body: this.#metrics.print() }
      case '/healthz':
        return this.#isAnyUp ? { status: 200, body: 'ok\n' } : { status: 503, body: 'no backend is up\n' }
      default:
        return { status: 404, body: 'there are /, /metrics and /healthz\n' }
    }
  }

  #table(): string {
    const lines = [...this.#backends.values()].map(({ name, health, connections, fault }) =>
      `${name.padEnd(32)} ${health.state.padEnd(8)} ${String(connections.size).padStart(11)}  ${fault ?? ''}`.trimEnd(),
    )
    return [
      `listening on ${formatAddress(this.address)}, ${this.#open} of ${this.#configuration.maxConnections} connections`,
      '',
      `${'BACKEND'.padEnd(32)} ${'STATE'.padEnd(8)} CONNECTIONS  LAST FAULT`,
      ...lines,
      '',
    ].join('\n')
  }

  #measure(): void {
    for (const { name, health, connections } of this.#backends.values()) {
      this.#counts.up.of(name).value = health.state === 'up' ? 1 : 0
      this.#counts.current.of(name).value = connections.size
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = this.#listener?.close()
    for (const backend of [...this.#backends.values()]) {
      this.#backends.delete(backend.name)
      backend.ended.abort()
      cut(backend)
    }
    await Promise.all([closing, this.#page?.close(), ...this.#checks])
  }
}

interface Counts {
  readonly total: Numbers
  readonly current: Numbers
  readonly failed: Numbers
  readonly refused: Numbers
  readonly bytes: Numbers
  readonly up: Numbers
}

const countsOf = (metrics: Metrics): Counts => ({
  total: metrics.counter('coracle_lb_connections_total', 'Connections that were passed on.', ['backend']),
  current: metrics.gauge('coracle_lb_connections', 'Connections that are open.', ['backend']),
  failed: metrics.counter('coracle_lb_connect_failures_total', 'Connections that did not come about.', ['backend']),
  refused: metrics.counter('coracle_lb_refused_total', 'Clients that were turned away.', ['reason']),
  bytes: metrics.counter('coracle_lb_bytes_total', 'Bytes of clients, of connections that have ended.', [
    'backend',
    'direction',
  ]),
  up: metrics.gauge('coracle_lb_backend_up', 'Whether the backend serves.', ['backend']),
})

const load = ({ connections, pending }: Backend): number => connections.size + pending

function cut({ connections }: Backend): void {
  for (const connection of connections) connection.cut()
}
