/**
 * Whether a history of calls could have come from one object that does one thing at a time: each call takes effect at
 * one moment between its beginning and its end. The search is Wing and Gong's with Lowe's memory of what was tried
 * ("Testing for linearizability", 2017): a set of calls that have taken effect with the state they lead to is looked at
 * once. Keys have nothing to do with one another, so each is checked by itself.
 */

/** What somebody did to a key, from `began` until `ended`. */
export type Call = {
  readonly key: string
  readonly began: number
  /** Absent: nobody knows what became of it. It may have taken effect at any time since, or never. */
  readonly ended?: number
} & (
  | { readonly type: 'read'; readonly value: string | undefined }
  | { readonly type: 'write'; readonly value: string | undefined }
  /** `done`: whether the value was `from`, so that it is `to` now. */
  | { readonly type: 'swap'; readonly from: string | undefined; readonly to: string; readonly done: boolean }
)

export type Verdict =
  | { readonly linearizable: true }
  /** `order`: as many of the key's calls as can be put in an order; `stuck`: those of which none can come next. */
  | {
      readonly linearizable: false
      readonly key: string
      readonly order: readonly Call[]
      readonly stuck: readonly Call[]
    }

/** `initial`: what keys hold at the beginning. */
export function checkLinearizability(history: readonly Call[], initial?: string): Verdict {
  for (const [key, calls] of Map.groupBy(history, (call) => call.key)) {
    const fault = checkKey(calls, initial)
    if (fault) return { linearizable: false, key, ...fault }
  }
  return { linearizable: true }
}

type State = string | undefined

/** The state after a call took effect on `state`; nothing when it could not have had the result that it had. */
function effect(call: Call, state: State): { readonly state: State } | undefined {
  switch (call.type) {
    case 'read':
      return call.value === state ? { state } : undefined
    case 'write':
      return { state: call.value }
    case 'swap': {
      const isDone = state === call.from
      // Whoever has no answer does not know which one it would have been.
      if (call.ended !== undefined && isDone !== call.done) return undefined
      return { state: isDone ? call.to : state }
    }
    default:
      return call satisfies never
  }
}

/** One end of a call, in a list from which both ends are taken while the call has its place in the order. */
interface Entry {
  readonly call: Call
  readonly index: number
  readonly isBegin: boolean
  /** Of the beginning: the end. */
  end?: Entry
  before: Entry | undefined
  after: Entry | undefined
}

function checkKey(calls: readonly Call[], initial: State): { order: Call[]; stuck: Call[] } | undefined {
  const known = withoutIdle(calls)
  let unanswered = known.filter(({ ended }) => ended !== undefined).length
  const head = listOf(known)
  const tried = new Set<string>()
  const placed = new Uint32Array(Math.ceil(known.length / 32))
  const chosen: { readonly entry: Entry; readonly before: State }[] = []
  let longest: Call[] = []
  let stuck: Call[] = []
  let state = initial
  let entry = head.after
  // Calls without an answer may be left over: they never took effect.
  while (unanswered > 0) {
    if (entry?.isBegin) {
      const next = effect(entry.call, state)
      if (next && isNew(tried, placed, entry.index, next.state)) {
        chosen.push({ entry, before: state })
        state = next.state
        place(placed, entry.index)
        takeOut(entry)
        if (entry.call.ended !== undefined) unanswered--
        entry = head.after
      } else entry = entry.after
      continue
    }
    // Somebody had an answer before anything that is left could have taken effect.
    if (chosen.length >= longest.length) {
      longest = chosen.map(({ entry: { call } }) => call)
      stuck = untilEnd(head, entry)
    }
    const last = chosen.pop()
    if (!last) return { order: longest, stuck }
    putBack(last.entry)
    if (last.entry.call.ended !== undefined) unanswered++
    place(placed, last.entry.index)
    state = last.before
    entry = last.entry.after
  }
  return undefined
}

/**
 * Leaves out calls without an answer that can have done nothing for the others: reads, and writes of what nobody found
 * there (unless somebody found that something else was there). Each that is left doubles the work.
 */
function withoutIdle(calls: readonly Call[]): Call[] {
  const isMissed = calls.some((call) => call.type === 'swap' && !(call.ended !== undefined && call.done))
  const found = new Set(
    calls.flatMap((call) => (call.type === 'read' ? [call.value] : call.type === 'swap' ? [call.from] : [])),
  )
  return calls.filter((call) => {
    if (call.ended !== undefined || call.type === 'swap') return true
    return call.type === 'write' && (isMissed || found.has(call.value))
  })
}

/** Sorted by time; at the same time what begins comes first, so that both could have been together. */
function listOf(calls: readonly Call[]): Entry {
  const head: Entry = { call: calls[0]!, index: -1, isBegin: false, before: undefined, after: undefined }
  const entries = calls.flatMap((call, index): Entry[] => {
    const end: Entry = { call, index, isBegin: false, before: undefined, after: undefined }
    return [{ call, index, isBegin: true, end, before: undefined, after: undefined }, end]
  })
  const time = ({ call, isBegin }: Entry) => (isBegin ? call.began : (call.ended ?? Number.POSITIVE_INFINITY))
  entries.sort((a, b) => {
    const [x, y] = [time(a), time(b)]
    return x === y ? Number(b.isBegin) - Number(a.isBegin) : x - y
  })
  let last = head
  for (const entry of entries) {
    if (!entry.isBegin && entry.call.ended === undefined) continue
    entry.before = last
    last.after = entry
    last = entry
  }
  return head
}

function untilEnd(head: Entry, end: Entry | undefined): Call[] {
  const calls: Call[] = []
  for (let entry = head.after; entry && entry !== end; entry = entry.after) if (entry.isBegin) calls.push(entry.call)
  return calls
}

function isNew(tried: Set<string>, placed: Uint32Array, index: number, state: State): boolean {
  place(placed, index)
  const key = `${placed.join()} ${JSON.stringify(state ?? null)}`
  place(placed, index)
  if (tried.has(key)) return false
  tried.add(key)
  return true
}

function place(placed: Uint32Array, index: number): void {
  placed[index >> 5]! ^= 1 << (index & 31)
}

const unlink = ({ before, after }: Entry) => {
  before!.after = after
  if (after) after.before = before
}

const link = (entry: Entry) => {
  entry.before!.after = entry
  if (entry.after) entry.after.before = entry
}

function takeOut(entry: Entry): void {
  unlink(entry)
  if (entry.call.ended !== undefined) unlink(entry.end!)
}

/** In the reverse order, so that neighbours are as they were. */
function putBack(entry: Entry): void {
  if (entry.call.ended !== undefined) link(entry.end!)
  link(entry)
}
