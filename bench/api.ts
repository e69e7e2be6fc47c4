import { Wire } from './wire.ts'

export interface Answer {
  readonly status: number
  readonly text: string
  readonly bytes: number
  readonly firstByteMs: number
  readonly totalMs: number
}

export interface RequestOptions {
  readonly body?: object
  readonly contentType?: string
  /** Default: JSON. */
  readonly accept?: string
  /** Leaves the answer's body unread but for its length: what a client makes of it is its own affair. */
  readonly discard?: boolean
}

/** A client that does as little as possible beside asking. */
export class Api {
  readonly url: string
  /** Of every request. */
  readonly headers: Readonly<Record<string, string>>
  readonly #wires: readonly Wire[]
  readonly #watching: Wire[] = []
  #turn = 0

  private constructor(url: string, token: string, wires: readonly Wire[]) {
    this.url = url
    this.#wires = wires
    this.headers = { authorization: `Bearer ${token}`, accept: 'application/json', 'user-agent': 'bench/1' }
  }

  /** Rejects when nobody listens. */
  static async connect(url: string, token: string, count = connections): Promise<Api> {
    const first = await Wire.connect(url)
    const others = await Promise.all(Array.from({ length: count - 1 }, () => Wire.connect(url)))
    return new Api(url, token, [first, ...others])
  }

  request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const wire = this.#wires[this.#turn++ % this.#wires.length]!
    return ask(wire, method, path, this.#headersOf(options), options)
  }

  /** As `request`, and throws when the answer is an error. */
  async must(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const answer = await this.request(method, path, options)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
    return answer
  }

  async get<T>(path: string): Promise<T> {
    return JSON.parse((await this.must('GET', path)).text) as T
  }

  /**
   * A watch on a connection of its own. Resolves when it stands; `onData` gets what comes. That it ends later is an error
   * that nobody catches: who measures would wait for ever.
   */
  async watch(path: string, onData: (data: Buffer) => void, options: RequestOptions = {}): Promise<void> {
    const wire = await Wire.connect(this.url)
    this.#watching.push(wire)
    const headers = this.#headersOf(options)
    await new Promise<void>((resolve, reject) => {
      wire.request('GET', path, headers, undefined, {
        status: (status) => (status === 200 ? resolve() : reject(new Error(`watch of ${path}: ${status}`))),
        data: onData,
        end: () => {
          throw new Error(`the watch of ${path} has ended`)
        },
        error: (error) => {
          throw error
        },
      })
    })
  }

  stopWatching(): void {
    for (const wire of this.#watching.splice(0)) wire.close()
  }

  close(): void {
    this.stopWatching()
    for (const wire of this.#wires) wire.close()
  }

  #headersOf({ accept, body, contentType = 'application/json' }: RequestOptions): Readonly<Record<string, string>> {
    return {
      ...this.headers,
      ...(accept !== undefined && { accept }),
      ...(body !== undefined && { 'content-type': contentType }),
    }
  }
}

/** So many connections share the load, as the clients of a cluster do. */
export const connections = 4

/** As many requests of one client are under way. */
export const width = 32

/** Runs `task` for each number below `count`, so many at a time. */
export async function inFlight(width: number, count: number, task: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await task(next++)
  }
  await Promise.all(Array.from({ length: width }, worker))
}

function ask(
  wire: Wire,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  { body, discard = false }: RequestOptions,
): Promise<Answer> {
  const text = body && JSON.stringify(body)
  // Go's clients say how long a body is, too.
  const all = text === undefined ? headers : { ...headers, 'content-length': String(Buffer.byteLength(text)) }
  return new Promise((resolve, reject) => {
    const startedMs = performance.now()
    const chunks: Buffer[] = []
    let status = 0
    let bytes = 0
    let firstByteMs = 0
    wire.request(method, path, all, text, {
      status: (received) => {
        status = received
      },
      data: (chunk) => {
        if (bytes === 0) firstByteMs = performance.now() - startedMs
        bytes += chunk.length
        if (!discard || status >= 300) chunks.push(chunk)
      },
      end: () => {
        const totalMs = performance.now() - startedMs
        resolve({ status, text: Buffer.concat(chunks).toString(), bytes, firstByteMs, totalMs })
      },
      error: reject,
    })
  })
}
