/**
 * Lets a session of HTTP/2 that has just begun keep its open streams in lists. Node.js keeps them in a `Map` and a `Set`,
 * and what that costs says `base/linked-list.ts`: half of what a small request leaves behind outlives it. False: this
 * Node.js has them somewhere else; then everything stays as it is, and a request costs more.
 */
export function keepStreamsInLists(session: object): boolean {
  for (const name of Object.getOwnPropertySymbols(session)) {
    const state = (session as Readonly<Record<symbol, unknown>>)[name]
    if (!hasStreams(state)) continue
    state.streams = new Streams()
    state.pendingStreams = new PendingStreams()
    return true
  }
  return false
}

interface State {
  streams: Collection
  pendingStreams: Collection
}

interface Collection {
  readonly size: number
  forEach(visit: (stream: unknown) => void): void
}

const hasStreams = (state: unknown): state is State =>
  typeof state === 'object' &&
  state !== null &&
  'streams' in state &&
  'pendingStreams' in state &&
  isEmptyMap(state.streams) &&
  isEmptySet(state.pendingStreams)

/** They are of classes of Node.js's own. */
const isEmptyMap = (value: unknown) =>
  Object.prototype.toString.call(value) === '[object Map]' && (value as Collection).size === 0
const isEmptySet = (value: unknown) =>
  Object.prototype.toString.call(value) === '[object Set]' && (value as Collection).size === 0

/** Open streams by number. A session has but some hundred at once, most of the time a few. */
class Streams implements Collection {
  readonly #numbers: number[] = []
  readonly #streams: unknown[] = []

  get size(): number {
    return this.#numbers.length
  }

  get(number: number): unknown {
    return this.#streams[this.#numbers.lastIndexOf(number)]
  }

  set(number: number, stream: unknown): void {
    const at = this.#numbers.lastIndexOf(number)
    if (at < 0) {
      this.#numbers.push(number)
      this.#streams.push(stream)
    } else this.#streams[at] = stream
  }

  delete(number: number): void {
    const at = this.#numbers.indexOf(number)
    if (at < 0) return
    remove(this.#numbers, at)
    remove(this.#streams, at)
  }

  forEach(visit: (stream: unknown) => void): void {
    for (const stream of [...this.#streams]) visit(stream)
  }
}

/** Streams that have no number yet. */
class PendingStreams implements Collection {
  readonly #streams: unknown[] = []

  get size(): number {
    return this.#streams.length
  }

  add(stream: unknown): void {
    if (!this.#streams.includes(stream)) this.#streams.push(stream)
  }

  delete(stream: unknown): void {
    const at = this.#streams.lastIndexOf(stream)
    if (at >= 0) remove(this.#streams, at)
  }

  forEach(visit: (stream: unknown) => void): void {
    for (const stream of [...this.#streams]) visit(stream)
  }
}

/** In order, and without the array of those removed that `splice` makes. */
function remove(list: unknown[], at: number): void {
  list.copyWithin(at, at + 1)
  list.pop()
}
