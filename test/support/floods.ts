/**
 * Clients that want too much, each in a thread of its own so that whoever measures beside them is not held up by them, and
 * what others see of the server meanwhile. The tests have small floods, `bench/floods.ts` large ones.
 */
import * as http2 from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { Worker } from 'node:worker_threads'

export interface FloodPlan {
  readonly name: FloodName
  readonly port: number
  readonly token: string
  /** Requests, watches or connections at a time. */
  readonly width: number
}

/** What came of a flood: answers by status (`cut`: none), and what else there is to count. */
export type FloodCounts = Readonly<Record<string, number>>

/** One request after another, on as many streams as the plan says. */
type Ask = (http: FloodClient, at: number) => Promise<number>

export const namespace = 'flood'
const maps = `/api/v1/namespaces/${namespace}/configmaps`
export const things = `/apis/flood.example/v1/namespaces/${namespace}/things`

/** What a server is asked again and again, and answers at once. */
const askings = {
  /** Whole lists, of which there are many objects. */
  lists: (http) => http.ask('GET', maps),
  /** Objects without an end. */
  creations: (http) => http.ask('POST', maps, JSON.stringify({ metadata: { generateName: 'c-' }, data: { a: 'b' } })),
  /** Bodies beyond what is allowed. */
  'large bodies': (http) => http.ask('POST', maps, `{"data":{"a":"${'x'.repeat(3.2 * 1024 * 1024)}"}}`),
  /** As deep as the limit of bytes lets them be, by turns of lists and maps. */
  'deep bodies': (http, at) => http.ask('POST', maps, at % 2 === 0 ? deep('[', ']') : deep('{"a":', '}', '1')),
  /** Texts on which backtracking takes for ever, for patterns, formats and expressions that look at them. */
  'slow texts': (http) => http.ask('POST', things, JSON.stringify(slowThing)),
} satisfies Record<string, Ask>

const deep = (open: string, close: string, inside = '') => open.repeat(200_000) + inside + close.repeat(200_000)

const slowThing = {
  apiVersion: 'flood.example/v1',
  kind: 'Thing',
  metadata: { generateName: 't-' },
  spec: { word: `${'a'.repeat(100_000)}!`, time: `${'1'.repeat(100_000)}!`, many: Array(150).fill('ab'.repeat(20)) },
}

/** The type of the slow texts, with everything that can be made to look at them. */
export const thingDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.flood.example' },
  spec: {
    group: 'flood.example',
    scope: 'Namespaced',
    names: { plural: 'things', singular: 'thing', kind: 'Thing' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                'x-kubernetes-validations': [{ rule: `!self.word.matches('^(a|aa)+$')` }],
                properties: {
                  word: { type: 'string', maxLength: 200_000, pattern: '^(([a-z])+.)+[A-Z]([a-z])+$' },
                  time: { type: 'string', maxLength: 200_000, format: 'duration' },
                  many: {
                    type: 'array',
                    maxItems: 150,
                    items: { type: 'string', maxLength: 40 },
                    'x-kubernetes-validations': [
                      { rule: `self.all(a, self.exists_one(b, a.size() > 40 && b.contains(a)) || true)` },
                    ],
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
} as const

/** What never ends, or never begins. */
const lasting = {
  /** Watches of everything. */
  watches: async (plan, counts) => {
    const { port, token, width } = plan
    const perConnection = 200
    for (let opened = 0; opened < width; ) {
      const http = await FloodClient.connect(port, token)
      for (const end = Math.min(width, opened + perConnection); opened < end; opened++) {
        http.open('GET', `${maps}?watch=true&resourceVersion=`, (what) => count(counts, what))
      }
    }
  },
  /** Heads of requests that come byte by byte. */
  'slow heads': async ({ port, width }, counts) => {
    for (let opened = 0; opened < width; opened++) drip(port, counts)
  },
  /** Bodies that come byte by byte. */
  'slow bodies': async ({ port, token, width }, counts) => {
    for (let opened = 0; opened < width; ) {
      const http = await FloodClient.connect(port, token)
      for (const end = Math.min(width, opened + 200); opened < end; opened++) {
        const stream = http.open('POST', maps, (what) => what !== 'bytes' && count(counts, what), { length: 10_000 })
        const timer = setInterval(() => stream.closed || stream.write(' '), 500)
        stream.once('close', () => clearInterval(timer))
      }
    }
  },
} satisfies Record<string, (plan: FloodPlan, counts: Record<string, number>) => Promise<void>>

export type FloodName = keyof typeof askings | keyof typeof lasting
export const floodNames = [...Object.keys(lasting), ...Object.keys(askings)] as readonly FloodName[]

const count = (counts: Record<string, number>, what: string) => {
  counts[what] = (counts[what] ?? 0) + 1
}

/** In the thread: begins, and counts until the thread is stopped. */
export async function runFlood(plan: FloodPlan, counts: Record<string, number>): Promise<void> {
  if (plan.name in lasting) return lasting[plan.name as keyof typeof lasting](plan, counts)
  const ask: Ask = askings[plan.name as keyof typeof askings]
  const clients = await Promise.all([1, 2, 3, 4].map(() => FloodClient.connect(plan.port, plan.token)))
  let next = 0
  const worker = async (at: number) => {
    const http = clients[at % clients.length]!
    for (;;) {
      const status = await ask(http, next++).catch(() => 0)
      count(counts, status === 0 ? 'cut' : String(status))
      // Whoever is refused does not wait as it is told to.
      if (status === 0) await sleep(10)
    }
  }
  for (let at = 0; at < plan.width; at++) void worker(at)
}

/** A flood in a thread of its own. */
export interface Flood extends AsyncDisposable {
  counts(): Promise<FloodCounts>
  /** Once is enough. */
  stop(): Promise<void>
}

/** Resolves when it has begun. */
export async function startFlood(plan: FloodPlan): Promise<Flood> {
  const worker = new Worker(new URL('./flood-worker.ts', import.meta.url), { workerData: plan })
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  const stop = async () => void (await worker.terminate())
  return {
    counts: () =>
      new Promise((resolve) => {
        worker.once('message', resolve)
        worker.postMessage('counts')
      }),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** One connection of somebody. */
export class FloodClient {
  readonly #session: http2.ClientHttp2Session
  readonly #token: string

  private constructor(session: http2.ClientHttp2Session, token: string) {
    this.#session = session
    this.#token = token
  }

  static connect(port: number, token: string): Promise<FloodClient> {
    return new Promise((resolve, reject) => {
      // Node's clients cut what they send themselves when it is much.
      const options = { rejectUnauthorized: false, maxSessionMemory: 1000 }
      const session = http2.connect(`https://127.0.0.1:${port}`, options)
      session.on('error', reject)
      session.once('connect', () => resolve(new FloodClient(session, token)))
    })
  }

  close(): void {
    this.#session.destroy()
  }

  /** The status of a request whose answer is read to its end, and thrown away. */
  async ask(method: string, path: string, body?: string): Promise<number> {
    return (await this.fetch(method, path, body, () => {})).status
  }

  /** Rejects when the connection is cut before there is an answer; one that comes before all is sent counts. */
  fetch(
    method: string,
    path: string,
    body?: string,
    take?: (chunk: Buffer) => void,
  ): Promise<{ readonly status: number; readonly text: string }> {
    return new Promise((resolve, reject) => {
      const stream = this.#request(method, path, body === undefined ? {} : { length: Buffer.byteLength(body) })
      const chunks: Buffer[] = []
      let status = 0
      stream.on('response', (headers) => {
        status = Number(headers[':status'])
      })
      stream.on('data', take ?? ((chunk: Buffer) => chunks.push(chunk)))
      stream.on('error', () => {})
      stream.on('close', () =>
        status === 0 ? reject(new Error('cut')) : resolve({ status, text: Buffer.concat(chunks).toString() }),
      )
      if (body !== undefined) stream.end(body)
    })
  }

  /** A request that is not waited for: told are its status, `bytes` whenever some come, and `end`. */
  open(
    method: string,
    path: string,
    tell: (what: string) => void,
    options: { readonly length?: number } = {},
  ): http2.ClientHttp2Stream {
    const stream = this.#request(method, path, options)
    stream.on('response', (headers) => tell(String(headers[':status'])))
    stream.on('data', () => tell('bytes'))
    stream.on('error', () => {})
    stream.on('close', () => tell('end'))
    return stream
  }

  #request(method: string, path: string, { length }: { readonly length?: number }): http2.ClientHttp2Stream {
    const headers = { ':method': method, ':path': path, authorization: `Bearer ${this.#token}` }
    const sent = { 'content-type': 'application/json', 'content-length': length }
    return this.#session.request(length === undefined ? headers : { ...headers, ...sent }, {
      endStream: length === undefined,
    })
  }
}

function drip(port: number, counts: Record<string, number>): void {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
  let timer: NodeJS.Timeout | undefined
  socket.once('secureConnect', () => {
    count(counts, 'open')
    socket.write('GET /version HTTP/1.1\r\nx-a: ')
    timer = setInterval(() => socket.write('x'), 500)
  })
  socket.on('data', (answer) => count(counts, String(answer).slice(9, 12)))
  socket.on('error', () => {})
  socket.on('close', () => {
    clearInterval(timer)
    count(counts, 'end')
  })
}

/** Somebody who asks for the same thing again and again, and writes down how long each answer took, in milliseconds. */
export class Observer {
  readonly times: number[] = []
  readonly statuses = new Map<number, number>()
  readonly #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()

  /** Waits so many milliseconds between an answer and the next question. */
  begin(ask: () => Promise<number>, restMs: number): void {
    this.#running = (async () => {
      while (!this.#stop.signal.aborted) {
        const started = performance.now()
        const status = await ask().catch(() => 0)
        this.times.push(performance.now() - started)
        this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
        await sleep(restMs)
      }
    })()
  }

  async end(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** The time within which that part of the answers came. */
  quantile(part: number): number {
    const sorted = this.times.toSorted((left, right) => left - right)
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
  }
}
