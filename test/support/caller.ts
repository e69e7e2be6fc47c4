/** Requests to a served cluster over HTTP/1.1 and TLS, as any program would send them. */
import { request as httpsRequest } from 'node:https'
import { createInterface } from 'node:readline'
import type { ServedCluster } from '../../src/cluster/serve.ts'
import { jsonPath } from '../../src/kinds/apiextensions/json-path.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  /** The values at a path of the JSON that was answered, and the first of them. */
  all(path: string): readonly unknown[]
  one(path: string): unknown
}

export interface WatchEvent {
  readonly type: string
  readonly object: Readonly<Record<string, unknown>>
}

export interface Watch {
  /** Fails when the watch ends before there is one. */
  next(): Promise<WatchEvent>
  close(): void
}

type Headers = Readonly<Record<string, string>>

export interface Caller {
  /** Rejects when the connection is cut before the whole answer is there. */
  (method: string, path: string, body?: object, headers?: Headers, signal?: AbortSignal): Promise<Answer>
  watch(path: string): Promise<Watch>
}

/** Asks as the administrator. */
export function callerOf(served: ServedCluster): Caller {
  const { admin, port, certificateAuthority } = served
  const open = (method: string, path: string, headers: Headers, body: string | undefined, signal?: AbortSignal) =>
    httpsRequest({
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
      ca: certificateAuthority,
      cert: admin.clientCertificate,
      key: admin.clientKey,
      agent: false,
      ...(signal && { signal }),
    })
  const call = (method: string, path: string, body?: object, headers: Headers = {}, signal?: AbortSignal) =>
    new Promise<Answer>((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body)
      const type: Headers = text === undefined ? {} : { 'content-type': 'application/json' }
      const kept = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''))
      const sending = open(method, path, { ...type, ...kept }, text, signal)
      sending.on('error', reject)
      sending.on('response', async (response) => {
        try {
          const chunks: Buffer[] = []
          for await (const chunk of response) chunks.push(chunk as Buffer)
          resolve(answerOf(response.statusCode!, response.headers, Buffer.concat(chunks).toString()))
        } catch (error) {
          reject(error)
        }
      })
      sending.end(text)
    })
  const watch = (path: string) =>
    new Promise<Watch>((resolve, reject) => {
      const sending = open('GET', path, {}, undefined)
      sending.on('error', reject)
      sending.on('response', (response) => {
        response.on('error', () => {})
        const lines = createInterface({ input: response })[Symbol.asyncIterator]()
        resolve({
          async next() {
            const { value, done } = await lines.next()
            if (done === true) throw new Error('the watch has ended')
            return JSON.parse(value as string) as WatchEvent
          },
          close: () => void sending.destroy(),
        })
      })
      sending.end()
    })
  return Object.assign(call, { watch })
}

function answerOf(status: number, headers: Answer['headers'], text: string): Answer {
  const json: unknown = text.startsWith('{') && status !== 0 ? parse(text) : {}
  const all = (path: string) => jsonPath(`.${path}`).find(json)
  return { status, headers, text, all, one: (path) => all(path)[0] }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

const patienceMs = 20_000

/** Asks again until there is an answer. Fails when that takes too long. */
export async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  const giveUpAt = Date.now() + patienceMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > giveUpAt) throw new Error('it did not come to that')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
