import * as http2 from 'node:http2'

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

/** So many connections share the load, as the clients of a cluster do. */
export const connections = 4

/** A client over HTTP/2 that does as little as possible beside asking. */
export class Api {
  readonly url: string
  /** Of every request. */
  readonly headers: Readonly<Record<string, string>>
  readonly #sessions: readonly http2.ClientHttp2Session[]
  readonly #watching: http2.ClientHttp2Session[] = []
  #turn = 0

  private constructor(url: string, token: string, sessions: readonly http2.ClientHttp2Session[]) {
    this.url = url
    this.#sessions = sessions
    this.headers = { authorization: `Bearer ${token}`, accept: 'application/json', 'user-agent': 'bench/1' }
  }

  /** Rejects when nobody listens. */
  static async connect(url: string, token: string): Promise<Api> {
    const first = await connect(url)
    const others = await Promise.all(Array.from({ length: connections - 1 }, () => connect(url)))
    return new Api(url, token, [first, ...others])
  }

  request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const session = this.#sessions[this.#turn++ % this.#sessions.length]!
    const body = options.body && JSON.stringify(options.body)
    return ask(session, this.#headersOf(method, path, options, body), body, options.discard === true)
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

  /** A watch on a connection of its own. Resolves when it stands; `onChunk` gets what comes. */
  async watch(path: string, onChunk: (chunk: Buffer) => void, options: RequestOptions = {}): Promise<void> {
    const session = await connect(this.url)
    this.#watching.push(session)
    const stream = session.request(this.#headersOf('GET', path, options))
    stream.on('data', onChunk)
    stream.on('error', () => {})
    const headers = await new Promise<http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader>((resolve) =>
      stream.once('response', resolve),
    )
    if (headers[':status'] !== 200) throw new Error(`watch of ${path}: ${headers[':status']}`)
  }

  stopWatching(): void {
    for (const session of this.#watching.splice(0)) session.destroy()
  }

  close(): void {
    this.stopWatching()
    for (const session of this.#sessions) session.destroy()
  }

  #headersOf(method: string, path: string, options: RequestOptions, body?: string): http2.OutgoingHttpHeaders {
    const accept = options.accept === undefined ? {} : { accept: options.accept }
    return {
      ...this.headers,
      ...accept,
      ':method': method,
      ':path': path,
      ...(body !== undefined && bodyHeaders(body, options)),
    }
  }
}

/** Go's clients say how long a body is, too. */
const bodyHeaders = (body: string, { contentType = 'application/json' }: RequestOptions) => ({
  'content-type': contentType,
  'content-length': Buffer.byteLength(body),
})

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

function connect(url: string): Promise<http2.ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const settings = { initialWindowSize: 16 * 1024 * 1024 }
    // The server's certificate is checked elsewhere; here only what requests cost counts.
    const session = http2.connect(url, { rejectUnauthorized: false, settings })
    // Whatever goes wrong later, its requests say.
    session.on('error', reject)
    session.once('connect', () => {
      session.setLocalWindowSize(64 * 1024 * 1024)
      resolve(session)
    })
  })
}

function ask(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body: string | undefined,
  discard: boolean,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now()
    const stream = session.request(headers, { endStream: body === undefined })
    const chunks: Buffer[] = []
    let status = 0
    let bytes = 0
    let firstByteMs = 0
    stream.on('response', (received) => {
      status = received[':status'] ?? 0
    })
    stream.on('data', (chunk: Buffer) => {
      if (bytes === 0) firstByteMs = performance.now() - startedMs
      bytes += chunk.length
      if (!discard || status >= 300) chunks.push(chunk)
    })
    stream.on('end', () => {
      const totalMs = performance.now() - startedMs
      resolve({ status, text: Buffer.concat(chunks).toString(), bytes, firstByteMs, totalMs })
    })
    stream.on('error', reject)
    if (body !== undefined) stream.end(body)
  })
}
