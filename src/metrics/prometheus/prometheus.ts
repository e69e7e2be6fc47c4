import { ApiError } from '../../schema/status.ts'
import { type Network, NetworkError } from '../../world/world.ts'

export type Labels = Readonly<Record<string, string>>

/** One value of an answer to an instant query. */
export interface Sample {
  readonly labels: Labels
  readonly value: number
  readonly atMs: number
}

const patienceMs = 10_000
const longestAnswer = 32 * 1024 * 1024

/** A Prometheus server, by its HTTP API. What goes wrong is an ApiError for whoever asked for a metric. */
export class Prometheus {
  readonly #base: string
  readonly #network: Network

  /** `url`: `http://prometheus.monitoring:9090`, maybe with a path. */
  constructor(url: string, network: Network) {
    this.#base = url.replace(/\/+$/, '')
    this.#network = network
  }

  /** What a query says at a moment. */
  async query(query: string, atMs: number): Promise<readonly Sample[]> {
    const answer = (await this.#get('query', { query, time: String(atMs / 1000) })) as VectorAnswer
    if (!Array.isArray(answer?.result)) throw notUnderstood('nothing')
    if (answer.resultType === 'scalar') return [toSample({ value: answer.result })]
    if (answer.resultType === 'vector') return answer.result.map(toSample)
    throw notUnderstood('what is neither a scalar nor a vector')
  }

  /** The series that a selector selects and that had values since a moment. */
  async series(selector: string, sinceMs: number): Promise<readonly Labels[]> {
    const found = await this.#get('series', { 'match[]': selector, start: String(sinceMs / 1000) })
    if (!Array.isArray(found)) throw notUnderstood('no list of series')
    return found as readonly Labels[]
  }

  async #get(what: string, parameters: Readonly<Record<string, string>>): Promise<unknown> {
    const text = await this.#ask(`${this.#base}/api/v1/${what}?${new URLSearchParams(parameters)}`)
    let answer: Answer
    try {
      answer = JSON.parse(text) as Answer
    } catch {
      throw notUnderstood('no JSON')
    }
    if (answer.status !== 'success') throw notUnderstood(`${answer.errorType}: ${answer.error}`)
    return answer.data
  }

  async #ask(url: string): Promise<string> {
    try {
      const answer = await this.#network.request({
        url,
        headers: { accept: 'application/json' },
        timeoutMs: patienceMs,
      })
      return await answer.text(longestAnswer)
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      throw new ApiError('ServiceUnavailable', `unable to fetch metrics: ${error.message}`, { cause: error })
    }
  }
}

interface Answer {
  readonly status: string
  readonly data?: unknown
  readonly errorType?: string
  readonly error?: string
}

/** Seconds since 1970, and the value as text: `NaN` and `+Inf` are none in JSON. */
type Value = readonly [number, string]

type VectorAnswer =
  | { readonly resultType: 'scalar'; readonly result: Value }
  | { readonly resultType: 'vector'; readonly result: readonly { readonly metric?: Labels; readonly value: Value }[] }

function toSample({
  metric = {},
  value: [seconds, text],
}: {
  readonly metric?: Labels
  readonly value: Value
}): Sample {
  return { labels: metric, value: Number(text.replace('Inf', 'Infinity')), atMs: seconds * 1000 }
}

const notUnderstood = (what: string) =>
  new ApiError('InternalError', `unable to fetch metrics: Prometheus answers with ${what}`)
