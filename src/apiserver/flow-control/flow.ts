import type { FlowSchema } from '../../kinds/flowcontrol/flow-schema.ts'
import type { UserInfo } from '../context.ts'
import type { ApiResponse } from '../request.ts'
import type { RequestInfo } from '../request-info.ts'
import { compile, type Matches } from './classify.ts'
import { deal, hashOfFlow } from './dealer.ts'
import type { FlowSeries } from './flow-metrics.ts'
import type { Level } from './level.ts'

type Headers = ApiResponse['headers']

/** Anybody can be a new distinguisher, and a long one: more hands than these are not kept, nor those of longer names. */
const mostHands = 4096
const longestName = 256

/** A flow schema, ready to be asked. Made anew whenever a schema or a level changes. */
export class Flow {
  readonly name: string
  readonly level: Level
  readonly series: FlowSeries
  readonly matches: Matches
  readonly #by: string | undefined
  readonly #hands = new Map<string, readonly number[]>()
  readonly #uids: Headers
  /** Answers share their headers, and the socket side keeps what it makes of them by identity. */
  readonly #headers = new WeakMap<object, Headers>()

  constructor({ metadata, spec }: FlowSchema, level: Level, series: FlowSeries) {
    this.name = metadata.name!
    this.level = level
    this.series = series
    this.matches = compile(spec)
    this.#by = spec.distinguisherMethod?.type
    this.#uids = {
      'x-kubernetes-pf-flowschema-uid': metadata.uid ?? '',
      'x-kubernetes-pf-prioritylevel-uid': level.uid,
    }
  }

  distinguish({ namespace }: RequestInfo, { name }: UserInfo): string {
    if (this.#by === 'ByUser') return name
    return this.#by === 'ByNamespace' ? namespace : ''
  }

  /** The queues among which the requests of one flow may choose. */
  hand(distinguisher: string): readonly number[] {
    const known = this.#hands.get(distinguisher)
    if (known !== undefined) return known
    const hand = deal(hashOfFlow(this.name, distinguisher), this.level.queues, this.level.handSize)
    if (distinguisher.length > longestName) return hand
    if (this.#hands.size >= mostHands) this.#hands.clear()
    this.#hands.set(distinguisher, hand)
    return hand
  }

  /** The answer, with headers that say what it was sorted as. */
  marked(response: ApiResponse): ApiResponse {
    const { headers } = response
    let marked = this.#headers.get(headers)
    if (marked === undefined) {
      marked = { ...headers, ...this.#uids }
      if (Object.isFrozen(headers)) this.#headers.set(headers, marked)
    }
    return { ...response, headers: marked }
  }
}
