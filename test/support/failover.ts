/**
 * What clients notice when a host of three is lost: three hosts, each with a member of etcd and an API server that uses
 * that one, a balancer before them, and clients that go on all the time. What they do is written down, and checked.
 */
import { HttpClient } from '../../src/client/http.ts'
import { ConfigMap } from '../../src/kinds/core/config-map.ts'
import { Balancer } from '../../src/lifecycle/balancer/balancer.ts'
import { defaults } from '../../src/lifecycle/balancer/configuration.ts'
import { issueCertificate } from '../../src/lifecycle/pki.ts'
import { ApiError, isConflict } from '../../src/schema/status.ts'
import { hostWorld } from '../../src/world/host.ts'
import { commandsOf, createSharedPki, writeControlPlane } from './control-plane-files.ts'
import { type Host, Hosts, type Started, until } from './hosts.ts'
import { type Call, checkLinearizability } from './linearizability.ts'

/** What becomes of the host on which the leader of etcd is: no power, no network, or it stands still. */
export const faults = ['killed', 'cut off', 'paused'] as const
export type Fault = (typeof faults)[number]

export interface Failover {
  readonly fault: Fault
  readonly host: string
  /** The longest time in which nobody's write was answered. */
  readonly gapMs: number
  /** The longest time in which one and the same client had no write answered. */
  readonly clientGapMs: number
  readonly answered: number
  /** Writes that were answered, and that are not there. */
  readonly lost: readonly string[]
  /** What is wrong with the order of reads and writes; nothing when they are linearizable. */
  readonly disorder: string | undefined
  readonly calls: number
}

const world = hostWorld(() => {})
const namespace = 'default'
const port = 6443
const registers = 4
/**
 * How a client is that wants to know soon. A write that was on its way to a leader that is lost then is answered by etcd
 * after seven seconds only (that it does not know), however soon the others go on: whoever has not that long asks again.
 */
const patience = { connectMs: 1_500, answerMs: 3_000, pingMs: 500, pongMs: 1_000 }

const now = () => performance.now()

export class HighlyAvailableCluster implements AsyncDisposable {
  readonly hosts: Hosts
  readonly #address: string
  readonly #pki: ReturnType<typeof createSharedPki>
  readonly #balancer: Balancer
  readonly #processes = new Map<Host, Started[]>()
  readonly #clients = new Set<HttpClient>()
  readonly #crashes: string[] = []
  #run = 0
  #isOver = false

  private constructor(hosts: Hosts, pki: ReturnType<typeof createSharedPki>, balancer: Balancer, address: string) {
    this.hosts = hosts
    this.#pki = pki
    this.#balancer = balancer
    this.#address = address
  }

  /** Resolves when all three serve. */
  static async start(): Promise<HighlyAvailableCluster> {
    const hosts = await Hosts.create({ count: 3, names: ['cp1', 'cp2', 'cp3'] })
    try {
      const pki = createSharedPki()
      const address = hosts.address(254)
      const balancer = await Balancer.start(
        {
          ...defaults,
          listen: { host: address, port },
          backends: hosts.all.map((host) => ({ host: host.address, port })),
        },
        world,
      )
      const cluster = new HighlyAvailableCluster(hosts, pki, balancer, `${address}:${port}`)
      const options = { pki, endpoint: `${address}:${port}`, members: hosts.all, manifests: false }
      for (const host of hosts.all) await writeControlPlane(host, options)
      for (const host of hosts.all) cluster.#startProcesses(host)
      await cluster.untilReady()
      return cluster
    } catch (error) {
      await hosts[Symbol.asyncDispose]()
      throw error
    }
  }

  #startProcesses(host: Host): void {
    const commands = commandsOf(host, { pki: this.#pki, members: this.hosts.all })
    this.#processes.set(host, [])
    const [etcd, ...etcdFlags] = commands.etcd
    this.#supervise(host, etcd!, etcdFlags)
    this.#supervise(host, 'coracle', commands['kube-apiserver'])
  }

  /** Starts it again when it ends, as the node agent does, until the host is off. */
  #supervise(host: Host, program: string, args: readonly string[]): void {
    const all = this.#processes.get(host)!
    const started = host.start(program, args)
    all.push(started)
    void started.exited.then(async () => {
      await world.clock.after(500)
      if (!host.isUp || this.#isOver || this.#processes.get(host) !== all) return
      this.#crashes.push(started.output)
      this.#supervise(host, program, args)
    })
  }

  /** What those have said that ended by themselves. */
  get crashes(): readonly string[] {
    return this.#crashes
  }

  /** Until the balancer finds all API servers ready. */
  untilReady(): Promise<unknown> {
    const isReady = async () => [...this.#balancer.states.values()].every((state) => state === 'up')
    return until('three ready API servers', isReady, 60_000).catch((error: Error) => {
      const output = [...this.#processes.values()].flat().map((started) => started.output.slice(-2_000))
      output.push(...this.#crashes.map((crash) => crash.slice(0, 4_000)))
      throw new Error(`${error.message}\n${output.join('\n--\n')}`, { cause: error })
    })
  }

  /** A client with a connection of its own, through the balancer. */
  client(more: Partial<typeof patience> = {}): HttpClient {
    const wish = { commonName: 'admin', organizations: ['system:masters'], usages: ['client'] as const }
    const { certificate, key } = issueCertificate(this.#pki.ca, wish, world)
    const client = new HttpClient({
      server: `https://${this.#address}`,
      certificateAuthority: this.#pki.ca.certificate,
      clientCertificate: certificate,
      clientKey: key,
      clock: world.clock,
      log: () => {},
      patience: { ...patience, ...more },
    })
    this.#clients.add(client)
    return client
  }

  /** The host of etcd's leader. */
  async leader(): Promise<Host> {
    return until('a leader', async () => {
      for (const host of this.hosts.all) {
        const [{ Status: status }] = JSON.parse(await host.etcdctl('endpoint', 'status', '-w', 'json'))
        if (status.leader === status.header.member_id) return host
      }
      return undefined
    })
  }

  harm(host: Host, fault: Fault): void {
    if (fault === 'killed') host.kill()
    else if (fault === 'cut off') this.hosts.isolate(host)
    else host.pause()
  }

  async mend(host: Host, fault: Fault): Promise<void> {
    if (fault === 'paused') host.resume()
    else if (fault === 'cut off') this.hosts.heal()
    else {
      await host.boot()
      this.#startProcesses(host)
    }
  }

  /** Has the leader's host harmed while clients read and write, and says what they noticed. All is well again at the end. */
  async failOver(fault: Fault, quietMs = 3_000): Promise<Failover> {
    const recording = new Recording(`run-${++this.#run}`)
    const setUp = this.client()
    await recording.prepare(setUp)
    const host = await this.leader()
    const clients = [1, 2, 3, 4, 5, 6].map(() => this.client())
    const going = clients.map((client, at) =>
      at % 2 === 0 ? recording.useRegisters(client) : recording.addObjects(client),
    )
    await recording.untilQuiet(quietMs / 2, 30_000)
    const harmedAt = now()
    this.harm(host, fault)
    // As long as it takes until everybody has been served for a while.
    await recording.untilQuiet(quietMs, 30_000)
    const endedAt = now()
    recording.stop()
    await Promise.all(going)
    for (const client of clients) await this.#close(client)
    await this.mend(host, fault)
    await this.untilReady()
    const lost = await recording.findLost(setUp)
    await this.#close(setUp)
    return {
      fault,
      host: host.name,
      gapMs: recording.gap(harmedAt, endedAt),
      clientGapMs: recording.clientGap(harmedAt, endedAt),
      answered: recording.answered,
      lost,
      disorder: recording.disorder(),
      calls: recording.calls.length,
    }
  }

  async #close(client: HttpClient): Promise<void> {
    this.#clients.delete(client)
    await client[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    for (const client of this.#clients) await client[Symbol.asyncDispose]()
    await this.#balancer[Symbol.asyncDispose]()
    await this.hosts[Symbol.asyncDispose]()
  }
}

/** What the clients of one run did. */
class Recording {
  readonly calls: Call[] = []
  readonly #name: string
  /** Client → when its writes were answered. */
  readonly #answers: number[][] = []
  readonly #added: string[] = []
  #stopped = false
  #values = 0

  constructor(name: string) {
    this.#name = name
  }

  get answered(): number {
    return this.#answers.reduce((sum, answers) => sum + answers.length, 0)
  }

  stop(): void {
    this.#stopped = true
  }

  async prepare(client: HttpClient): Promise<void> {
    for (let at = 0; at < registers; at++)
      await client.create(ConfigMap, { metadata: { namespace, name: this.#register(at) }, data: { value: '-' } })
  }

  /** Reads registers, writes them, and swaps what is there for something else, one after the other. */
  async useRegisters(client: HttpClient): Promise<void> {
    const answers = this.#newClient()
    for (let turn = 0; !this.#stopped; turn++) {
      const key = this.#register(world.random.int(registers))
      const kind = turn % 3
      if (kind === 0) await this.#read(client, key)
      else if (kind === 1) await this.#write(client, key, answers)
      else await this.#swap(client, key, answers)
      await world.clock.after(10)
    }
  }

  /** Makes one object after the other. */
  async addObjects(client: HttpClient): Promise<void> {
    const answers = this.#newClient()
    for (; !this.#stopped; await world.clock.after(10)) {
      const name = `${this.#name}-object-${++this.#values}`
      await client.create(ConfigMap, { metadata: { namespace, name } }).then(
        () => {
          this.#added.push(name)
          answers.push(now())
        },
        () => {},
      )
    }
  }

  #newClient(): number[] {
    const answers: number[] = []
    this.#answers.push(answers)
    return answers
  }

  #register = (at: number) => `${this.#name}-register-${at}`

  async #read(
    client: HttpClient,
    key: string,
  ): Promise<{ readonly value: string; readonly version: string } | undefined> {
    const began = now()
    try {
      const { data, metadata } = await client.get(ConfigMap, { namespace, name: key })
      const value = data!['value']!
      this.calls.push({ key, began, ended: now(), type: 'read', value })
      return { value, version: metadata.resourceVersion! }
    } catch {
      return undefined
    }
  }

  async #write(client: HttpClient, key: string, answers: number[]): Promise<void> {
    const value = String(++this.#values)
    const began = now()
    const body = { data: { value } }
    const isAnswered = await client.patch(ConfigMap, { namespace, name: key }, { type: 'merge', body }).then(
      () => true,
      () => false,
    )
    if (isAnswered) answers.push(now())
    this.calls.push({ key, began, ...(isAnswered && { ended: now() }), type: 'write', value })
  }

  /** A write that holds only if nobody was faster since a read; no value comes twice. */
  async #swap(client: HttpClient, key: string, answers: number[]): Promise<void> {
    const found = await this.#read(client, key)
    if (!found) return
    const to = String(++this.#values)
    const began = now()
    const metadata = { namespace, name: key, resourceVersion: found.version }
    const swap = { key, began, type: 'swap', from: found.value, to } as const
    try {
      await client.update(ConfigMap, { metadata, data: { value: to } })
      answers.push(now())
      this.calls.push({ ...swap, ended: now(), done: true })
    } catch (error) {
      this.calls.push(isConflict(error) ? { ...swap, ended: now(), done: false } : { ...swap, done: false })
    }
  }

  /** Until every client has had a write answered in each of the last parts of so long a time. */
  async untilQuiet(quietMs: number, mostMs: number): Promise<void> {
    const began = now()
    const isServed = (answers: readonly number[], from: number) =>
      answers.some((at) => at >= from && at < from + quietMs / 3)
    for (;;) {
      await world.clock.after(100)
      const parts = [3, 2, 1].map((part) => now() - (part * quietMs) / 3)
      const isQuiet = this.#answers.every((answers) => parts.every((from) => isServed(answers, from)))
      if ((isQuiet && now() - began > 2 * quietMs) || now() - began > mostMs) return
    }
  }

  gap(from: number, to: number): number {
    return longestGap(this.#answers.flat(), from, to)
  }

  clientGap(from: number, to: number): number {
    return Math.max(...this.#answers.map((answers) => longestGap(answers, from, to)))
  }

  /** Reads everything once more. Gives the names of what was answered and is not there. */
  async findLost(client: HttpClient): Promise<string[]> {
    for (let at = 0; at < registers; at++) await this.#read(client, this.#register(at))
    const { items } = await client.list(ConfigMap, { namespace })
    const names = new Set(items.map(({ metadata }) => metadata.name!))
    return this.#added.filter((name) => !names.has(name))
  }

  disorder(): string | undefined {
    const verdict = checkLinearizability(this.calls, '-')
    if (verdict.linearizable) return undefined
    return `${verdict.key}: after ${JSON.stringify(verdict.order.slice(-3))} none of ${JSON.stringify(verdict.stuck)}`
  }
}

function longestGap(answers: readonly number[], from: number, to: number): number {
  const times = [from, ...answers.filter((at) => at > from && at < to).sort((a, b) => a - b), to]
  return Math.max(...times.slice(1).map((at, n) => at - times[n]!))
}

/** What is said of a call that must not be answered: how long it took, and why it failed. */
export async function failureOf(call: Promise<unknown>): Promise<{ readonly error: Error; readonly tookMs: number }> {
  const began = now()
  try {
    await call
  } catch (error) {
    return { error: error as Error, tookMs: now() - began }
  }
  throw new ApiError('', 'it was answered')
}

/** The number in the middle. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}
