/**
 * The same random requests, as messages, to a real etcd and to our servers of its protocol (over the memory store and
 * over lmdb): every answer, refusal, event and hash is compared. `CORACLE_MODEL_OPS` sets how many requests (default
 * 1,500), `CORACLE_MODEL_SEED` where chance begins, `CORACLE_MODEL_STORES` which of ours (default `memory,lmdb`).
 *
 * Kept out, because etcd 3.4 itself gives more than one answer or is known to be wrong there: a watch that begins
 * exactly at the compacted revision (3.4 forgets a deletion at it); in transactions, deletions of `[key, '\0')` or of ranges that end before they begin (its check for keys that are changed
 * twice goes astray); the order of more than twelve keys with equal values of what they are sorted by.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEtcd } from '../../../test/support/etcd.ts'
import { minorOf, testEachEtcd } from '../../../test/support/etcds.ts'
import type { Infer, ObjectType } from '../../schema/types.ts'
import { LmdbStore } from '../../store/lmdb.ts'
import { MemoryStore } from '../../store/memory.ts'
import type { Store } from '../../store/store.ts'
import { realClock, realRandom } from '../../world/real.ts'
import { seededRandom } from '../../world/virtual.ts'
import { type Call, EtcdClient, type EtcdError } from '../client.ts'
import { type Event, type Method, methods, type RequestOp, type WatchRequest } from '../messages.ts'
import { startEtcdServer } from './server.ts'

const requests = Number(process.env['CORACLE_MODEL_OPS'] ?? 1_500)
const seed = Number(process.env['CORACLE_MODEL_SEED'] ?? 1)
const stores = (process.env['CORACLE_MODEL_STORES'] ?? 'memory,lmdb').split(',')
const world = { clock: realClock, random: realRandom }
/** Watches that are open at a time. */
const watchesMax = 12
const patienceMs = 20_000
/** None of those that are compared. */
const ownWatch = 1_000_000_000

const title = `${requests} random requests, seed ${seed}: etcd and our servers (${stores.join(', ')}) answer alike`

testEachEtcd(title, async (release) => {
  await using etcd = await startEtcd()
  await using resources = new AsyncDisposableStack()
  const subjects = [new Subject('etcd', etcd.endpoint)]
  for (const name of stores) subjects.push(await ours(name, resources))
  resources.defer(() => {
    for (const subject of subjects) subject.close()
  })
  const chance = new Chance(seed, minorOf(release))
  const startedMs = performance.now()
  for (let step = 0; step < requests; step++) {
    await takeStep(chance.next(), subjects, chance, step)
    if (step % 25_000 === 24_999) {
      const memory = Math.round(process.memoryUsage().rss / 2 ** 20)
      process.stderr.write(
        `${step + 1} requests, ${Math.round((performance.now() - startedMs) / 1000)} s, ${memory} MiB\n`,
      )
    }
  }
  await compareWatches(subjects, requests)
})

async function ours(name: string, resources: AsyncDisposableStack): Promise<Subject> {
  let store: Store = new MemoryStore(world)
  if (name === 'lmdb') {
    const directory = await mkdtemp(join(tmpdir(), 'coracle-etcd-model-'))
    resources.defer(() => rm(directory, { recursive: true }))
    store = await LmdbStore.open(directory, world)
  }
  resources.use(store)
  const server = resources.use(await startEtcdServer({ store, clock: realClock, listenUrl: 'http://127.0.0.1:0' }))
  return new Subject(name, server.url)
}

async function takeStep(step: Step, subjects: readonly Subject[], chance: Chance, number: number): Promise<void> {
  // What etcd tells of what was there before a change it reads when it sends it: nothing must be compacted by then.
  if (step.settles) await compareWatches(subjects, number)
  const answers = await Promise.all(subjects.map((subject) => step.run(subject)))
  for (const [i, answer] of answers.entries())
    assert.deepEqual(answer, answers[0], `step ${number}: ${step.name} (${subjects[i]!.name})`)
  chance.learn(answers[0])
  if (step.settles || number % 200 === 0) await compareWatches(subjects, number)
}

/** Ours send before they answer; etcd is given time to have sent as much. */
async function compareWatches([etcd, ...others]: readonly Subject[], step: number): Promise<void> {
  await Promise.all(others.map((other) => other.allSent()))
  for (const [id, expected] of others[0]!.seen) {
    await etcd!.sees(id, expected.length)
    for (const subject of [etcd!, ...others])
      assert.deepEqual(subject.seen.get(id), expected, `watch ${id} before step ${step} (${subject.name})`)
  }
  for (const subject of [etcd!, ...others]) for (const lines of subject.seen.values()) lines.length = 0
}

interface Step {
  readonly name: string
  readonly run: (subject: Subject) => Promise<unknown>
  /** The watches are looked at before and after it. */
  readonly settles?: boolean
}

/** A server, and what its watches have seen since they were last compared. */
class Subject {
  readonly name: string
  readonly seen = new Map<number, string[]>()
  readonly #client: EtcdClient
  readonly #watch: Call<Infer<typeof WatchRequest>>
  #answers: ((answer: unknown) => void)[] = []
  #wake = () => {}

  constructor(name: string, endpoint: string) {
    this.name = name
    this.#client = new EtcdClient({ endpoints: [endpoint], clock: realClock })
    const onMessage = (message: Infer<(typeof methods.watch)['response']>) => this.#take(message)
    this.#watch = this.#client.open(methods.watch, { onMessage, onEnd: () => {} })
  }

  close(): void {
    this.#client[Symbol.dispose]()
  }

  async ask<Q extends ObjectType, A extends ObjectType>(method: Method<Q, A>, request: Infer<Q>): Promise<unknown> {
    return this.#client.write(method, request).then(plain, ({ code, message }: EtcdError) => ({ code, message }))
  }

  async keepAlive(id: bigint): Promise<unknown> {
    for await (const answer of this.#client.stream(methods.leaseKeepAlive, { id })) return plain(answer)
    return 'no answer'
  }

  /** Asks on the stream of all watches; the answer to it is the next that tells of a watch made or ended. */
  askWatch(request: Infer<typeof WatchRequest>): Promise<unknown> {
    const answered = new Promise((answer) => this.#answers.push(answer))
    this.#watch.send(request)
    return answered
  }

  /** Answers of one stream come in order, so what was sent before these two is here. */
  async allSent(): Promise<void> {
    await this.askWatch({ createRequest: { key: 'nothing', watchId: ownWatch } })
    await this.askWatch({ cancelRequest: { watchId: ownWatch } })
  }

  async sees(id: number, count: number): Promise<void> {
    const deadline = performance.now() + patienceMs
    while ((this.seen.get(id)?.length ?? 0) < count && performance.now() < deadline) {
      await new Promise<void>((done) => {
        this.#wake = done
        setTimeout(done, 1_000).unref()
      })
    }
  }

  #take(message: Infer<(typeof methods.watch)['response']>): void {
    const { watchId, created, canceled, compactRevision, cancelReason, header, events = [] } = message
    if (created || (canceled && compactRevision === 0)) {
      if (created && !canceled) this.seen.set(watchId, [])
      else this.seen.delete(watchId)
      this.#answers.shift()?.({ watchId, created, canceled, cancelReason, revision: header!.revision })
      return
    }
    if (canceled) this.seen.get(watchId)?.push(`compacted ${compactRevision}`)
    this.seen.get(watchId)?.push(...events.map(line))
    this.#wake()
  }
}

function line({ type, kv, prevKv }: Infer<typeof Event>): string {
  return JSON.stringify(plain({ type, kv, prevKv }))
}

/** Values and ids as text, empty lists left out, and of headers the revision alone: what can be compared. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1')
  if (typeof value === 'bigint') return `${value}n`
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(
    ([, member]) => member !== undefined && !(Array.isArray(member) && member.length === 0),
  )
  const {
    clusterId: _,
    memberId: __,
    raftTerm: ___,
    ...rest
  } = Object.fromEntries(members.map(([name, member]) => [name, plain(member)]))
  return rest
}

const someFilters = [[], [], [0], [1]]
/** Twice as often as this etcd looks after watches that begin in the past. */
const etcdSyncMs = 250

/** What happens next. */
class Chance {
  readonly #random: ReturnType<typeof seededRandom>
  /** From 3.5 on etcd keeps the hashes of its last compactions, and tells them for what is compacted. */
  readonly #remembersHashes: boolean
  #leases: bigint[] = []
  readonly #watches: number[] = []
  #nextLease = 1n
  #revision = 1
  #compacted = 0

  constructor(seed: number, minor: number) {
    this.#random = seededRandom(seed)
    this.#remembersHashes = minor >= 5
  }

  learn(answer: unknown): void {
    const { header, watchId, created, canceled } = answer as {
      header?: { revision?: number }
      watchId?: number
      created?: boolean
      canceled?: boolean
    }
    if (header?.revision) this.#revision = header.revision
    if (created && !canceled) this.#watches.push(watchId!)
  }

  next(): Step {
    const dice = this.#random.next()
    if (dice < 0.3) return this.#ask('put', methods.put, this.#put())
    if (dice < 0.38) return this.#ask('delete', methods.deleteRange, this.#delete(true))
    if (dice < 0.6) return this.#ask('txn', methods.txn, this.#txn(2))
    if (dice < 0.86) return this.#ask('range', methods.range, this.#range())
    if (dice < 0.87) return this.#compact()
    if (dice < 0.9) return this.#watch()
    if (dice < 0.99) return this.#lease()
    return this.#hash()
  }

  #ask<Q extends ObjectType, A extends ObjectType>(name: string, method: Method<Q, A>, request: Infer<Q>): Step {
    return { name: `${name} ${JSON.stringify(plain(request))}`, run: (subject) => subject.ask(method, request) }
  }

  #compact(): Step {
    const revision = this.#someRevision()
    const step = this.#ask('compact', methods.compact, { revision, physical: this.#random.next() < 0.5 })
    if (revision > this.#compacted && revision <= this.#revision) this.#compacted = revision
    return { ...step, settles: true }
  }

  /** One that looks into the past makes etcd wait, so there are few of them. */
  #watch(): Step {
    if (this.#watches.length >= watchesMax || this.#random.next() < 0.2) {
      const [watchId] = this.#watches.splice(this.#random.int(Math.max(1, this.#watches.length)), 1)
      // etcd does not answer when there is no such watch.
      if (watchId !== undefined) return this.#asking({ cancelRequest: { watchId } })
    }
    const watchId = this.#random.next() < 0.1 ? 1 + this.#random.int(30) : 0
    const options = { watchId, prevKv: this.#random.next() < 0.5, fragment: this.#random.next() < 0.3 }
    if (this.#random.next() < 0.05) return this.#watchPast(options)
    const startRevision = this.#pick([0, this.#revision + 2])!
    const filters = someFilters[this.#random.int(someFilters.length)]!
    return this.#asking({ createRequest: { ...options, ...this.#someRange(), filters, startRevision } })
  }

  /** etcd looks into the past when it finds time. It has when there is something to be seen; otherwise it is given some. */
  #watchPast(options: object): Step {
    const startRevision = Math.max(this.#compacted + 1, Math.min(this.#revision, this.#someRevision()))
    const isWhole = this.#random.next() < 0.6
    const range = isWhole ? { key: '\0', rangeEnd: '\0' } : this.#someRange()
    const step = this.#asking({ createRequest: { ...options, ...range, startRevision } })
    if (isWhole) return step
    const run = async (subject: Subject) => {
      const answer = await step.run(subject)
      await realClock.after(etcdSyncMs)
      return answer
    }
    return { ...step, run }
  }

  #asking(request: Infer<typeof WatchRequest>): Step {
    const run = (subject: Subject) => subject.askWatch(request)
    return { name: `watch ${JSON.stringify(plain(request))}`, run, settles: true }
  }

  #lease(): Step {
    const id = this.#random.next() < 0.1 ? 999_999n : (this.#pick(this.#leases) ?? 999_999n)
    const dice = this.#random.next()
    if (dice < 0.4) return this.#grant()
    if (dice < 0.7) {
      this.#leases = this.#leases.filter((other) => other !== id)
      return this.#ask('revoke', methods.leaseRevoke, { id })
    }
    if (dice < 0.8) return { name: `keep ${id} alive`, run: (subject) => subject.keepAlive(id) }
    if (dice < 0.9) return this.#sortedBy('leases', methods.leaseLeases, {}, 'leases')
    return this.#sortedBy('time to live', methods.leaseTimeToLive, { id, keys: this.#random.next() < 0.7 }, 'keys')
  }

  #grant(): Step {
    const again = this.#random.next() < 0.1
    const id = again ? (this.#pick(this.#leases) ?? this.#nextLease) : this.#nextLease
    if (id === this.#nextLease) {
      this.#nextLease++
      this.#leases.push(id)
    }
    return this.#ask('grant', methods.leaseGrant, { id, ttl: this.#pick([500_000, 600_000, 10_000_000_000])! })
  }

  /** In no order at etcd. The time that is left is not compared. */
  #sortedBy<Q extends ObjectType, A extends ObjectType>(
    name: string,
    method: Method<Q, A>,
    request: Infer<Q>,
    list: string,
  ): Step {
    const run = async (subject: Subject) => {
      const { ttl, ...answer } = (await subject.ask(method, request)) as Record<string, unknown>
      const items = (answer[list] as unknown[] | undefined)?.map((item) => JSON.stringify(item)).sort()
      return { ...answer, [list]: items, isThere: ttl === undefined || (ttl as number) > 0 }
    }
    return { name: `${name} ${JSON.stringify(plain(request))}`, run }
  }

  #hash(): Step {
    const first = this.#remembersHashes ? this.#compacted + 1 : this.#compacted
    const revision = Math.max(first, this.#someRevision())
    return this.#ask('hash', methods.hashKv, { revision })
  }

  #txn(depth: number): Infer<(typeof methods.txn)['request']> {
    const ops = () => Array.from({ length: this.#random.int(4) }, () => this.#op(depth))
    const compare = Array.from({ length: this.#random.int(3) }, () => this.#compare())
    return { compare, success: ops(), failure: ops() } as Infer<(typeof methods.txn)['request']>
  }

  #op(depth: number): RequestOp {
    const dice = this.#random.next()
    if (dice < 0.45) return { requestPut: this.#put() }
    if (dice < 0.6) return { requestDeleteRange: this.#delete(false) }
    if (dice < 0.85 || depth === 0) return { requestRange: this.#range() }
    return { requestTxn: this.#txn(depth - 1) as RequestOp['requestTxn'] & object }
  }

  #put() {
    const dice = this.#random.next()
    const lease = dice < 0.15 ? (this.#pick(this.#leases) ?? 0n) : dice < 0.16 ? 888_888n : 0n
    const ignoreValue = this.#random.next() < 0.05
    const ignoreLease = this.#random.next() < 0.05
    const value = ignoreValue && this.#random.next() < 0.9 ? Buffer.alloc(0) : this.#value()
    const key = this.#random.next() < 0.002 ? '' : this.#key()
    return { key, value, lease, prevKv: this.#random.next() < 0.4, ignoreValue, ignoreLease }
  }

  #delete(isAlone: boolean) {
    const { key, rangeEnd } = this.#someRange()
    const goesAstray = !isAlone && (rangeEnd === '\0' || (rangeEnd !== undefined && rangeEnd <= key))
    return { key, rangeEnd: goesAstray ? undefined : rangeEnd, prevKv: this.#random.next() < 0.5 }
  }

  #range() {
    const range = this.#someRange()
    const sifts = this.#random.next() < 0.15
    const bound = () => (sifts && this.#random.next() < 0.5 ? this.#someRevision() : 0)
    const sortTarget = this.#random.next() < 0.3 ? this.#random.int(5) : 0
    // By anything but the key: within one folder, which has twelve keys.
    const folder = range.key.slice(0, 3)
    return {
      ...(sortTarget > 0 ? { key: folder, rangeEnd: `${folder.slice(0, 2)}0` } : range),
      ...{ sortTarget, sortOrder: this.#random.next() < 0.3 ? this.#random.int(3) : 0 },
      ...{ minModRevision: bound(), maxModRevision: bound(), minCreateRevision: bound(), maxCreateRevision: bound() },
      ...{
        revision: this.#random.next() < 0.4 ? this.#someRevision() : 0,
        limit: this.#random.int(3) * this.#random.int(4),
      },
      ...{ keysOnly: this.#random.next() < 0.1, countOnly: this.#random.next() < 0.1 },
      serializable: this.#random.next() < 0.3,
    }
  }

  #compare(): unknown {
    const target = this.#random.int(5)
    const of = [
      { version: this.#random.int(4) },
      { createRevision: this.#someRevision() },
      { modRevision: this.#someRevision() },
      { value: this.#value() },
      { lease: BigInt(this.#random.int(4)) },
    ][target]!
    const range = this.#random.next() < 0.2 ? this.#someRange() : { key: this.#key() }
    return { ...range, target, result: this.#random.int(4), ...of }
  }

  #someRange(): { key: string; rangeEnd?: string } {
    const dice = this.#random.next()
    const key = this.#key()
    if (dice < 0.4) return { key }
    if (dice < 0.45) return { key, rangeEnd: '\0' }
    return { key, rangeEnd: this.#key() }
  }

  /** Mostly one of the last ones, now and then one that is compacted or yet to come. */
  #someRevision(): number {
    return Math.max(1, this.#revision + 2 - this.#random.int(30))
  }

  #key(): string {
    return `/${'abc'[this.#random.int(3)]}/${this.#random.int(6)}${this.#random.next() < 0.1 ? '\xff' : ''}`
  }

  #value(): Buffer {
    return Buffer.from('x'.repeat(this.#random.int(3)) + this.#random.int(3))
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[this.#random.int(items.length)]
  }
}
