import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../src/world/virtual.ts'
import type { Random } from '../src/world/world.ts'
import { type Call, checkLinearizability } from './support/linearizability.ts'

/**
 * A history as a drawing, a line for each who calls: `w1` writes 1, `r1` reads it (`r-` finds nothing), `s12` swaps 1
 * for 2 and does, `f12` does not. It lasts from its first letter to the end of the line of dots; one with a `?` behind
 * has no end.
 */
function drawn(...lines: readonly string[]): Call[] {
  return lines.flatMap((line) =>
    [...line.matchAll(/([wrsf])([-\d])(\d?)(\.*)(\??)/g)].map(({ 0: all, index, ...parts }): Call => {
      const [, type, first, second, , open] = [all, ...Object.values(parts)] as string[]
      const value = first === '-' ? undefined : first
      const time = { key: 'k', began: index, ...(open === '' && { ended: index + all.length - 0.5 }) }
      if (type === 'w') return { ...time, type: 'write', value }
      if (type === 'r') return { ...time, type: 'read', value }
      return { ...time, type: 'swap', from: value, to: second!, done: type === 's' }
    }),
  )
}

const good: Readonly<Record<string, readonly string[]>> = {
  'nothing happens': [],
  'one after the other': ['r- w1 r1 w2 r2'],
  'who reads during a write sees the old': ['w1 w2......', '       r1'],
  'or the new': ['w1 w2......', '       r2'],
  'two that read during a write see old and new in this order': ['w1 w2..........', '      r1 r2'],
  'two writes at a time come in either order': ['w1....', ' w2...', '       r1'],
  'a swap is done, and another finds that it was': ['w1 s12 f13 r2'],
  'of two swaps at a time one is done': ['w1 s12...', '   f13... r2'],
  'a write without an answer was never made': ['w1 w2?', '      r1 r1 r1'],
  'a write without an answer is seen later': ['w1 w2?', '      r1 r2 r2'],
  'a swap without an answer is seen later': ['w1 s12?', '       r1 r2'],
  'a swap without an answer was not done': ['w1 w3 s12?', '          r3 r3'],
  'a write without an answer overwrites a later one': ['w1?', '   w2 r2 r1'],
  'a read without an answer says nothing': ['w1 r9?', '      r1'],
}

const bad: Readonly<Record<string, readonly string[]>> = {
  'a write is lost': ['w1 w2 r1'],
  'what is read was never written': ['w1 r3'],
  'somebody reads what another one has seen replaced': ['w1 w2............', '      r2. r1.'],
  'a stale read at another server': ['w1 w2', '      r2', '         r1'],
  'two swaps of the same value are both done': ['w1 s12...', '   s13...'],
  'a swap is not done although it could': ['w1 f12'],
  'a swap is done although it could not': ['w1 s23'],
  'a write without an answer is seen, and then no more': ['w1 w2?', '      r2 r1'],
  'a write is seen before it begins': ['   w1', 'r1'],
  'what was there is gone': ['w1 r-'],
  'three see two writes in different orders': ['w1....', 'w2....', '       r1 r2'],
}

describe('The checker of linearizability', () => {
  for (const [title, lines] of Object.entries(good))
    it(`accepts: ${title}`, () => assert.deepEqual(checkLinearizability(drawn(...lines)), { linearizable: true }))

  for (const [title, lines] of Object.entries(bad))
    it(`finds: ${title}`, () => assert.equal(checkLinearizability(drawn(...lines)).linearizable, false))

  it('says where it got stuck', () => {
    const history = drawn('w1 w2 r1')
    const verdict = checkLinearizability(history)
    assert.deepEqual(verdict, {
      linearizable: false,
      key: 'k',
      order: history.slice(0, 2),
      stuck: history.slice(2),
    })
  })

  it('checks each key by itself', () => {
    const other = drawn('w1 r1').map((call) => ({ ...call, key: 'other' }))
    assert.equal(checkLinearizability([...drawn('w2 r2'), ...other]).linearizable, true)
    const verdict = checkLinearizability([
      ...drawn('w2 r2'),
      ...drawn('w1 r2').map((call) => ({ ...call, key: 'other' })),
    ])
    assert.equal(verdict.linearizable === false && verdict.key, 'other')
  })

  it('agrees with trying all orders, on small histories of all sorts', () => {
    const random = seededRandom(7)
    const counts = { good: 0, bad: 0 }
    for (let n = 0; n < 3_000; n++) {
      const history = anyHistory(random)
      const expected = tryAll(history)
      assert.equal(checkLinearizability(history).linearizable, expected, JSON.stringify(history))
      counts[expected ? 'good' : 'bad']++
    }
    assert.ok(Math.min(counts.good, counts.bad) > 300, JSON.stringify(counts))
  })

  it('accepts what a register does, and finds one read that is out of date in a thousand calls', () => {
    const random = seededRandom(11)
    const history = ofRegister(random, 1_000, 8)
    assert.equal(checkLinearizability(history).linearizable, true)
    const writes = history.filter((call) => call.type === 'write' && call.ended !== undefined)
    let found = 0
    for (const read of history.filter((call) => call.type === 'read').slice(100, 120)) {
      const old = writes.filter(({ ended }) => ended! < read.began).at(-20)
      if (old?.type !== 'write') continue
      const stale = history.map((call) => (call === read ? { ...read, value: old.value } : call)) as Call[]
      assert.equal(checkLinearizability(stale).linearizable, false)
      found++
    }
    assert.ok(found > 5)
  })
})

/** Four to six calls with any values at any time. */
function anyHistory(random: Random): Call[] {
  const value = () => String(random.int(3))
  return Array.from({ length: 4 + random.int(3) }, (): Call => {
    const began = random.int(12)
    const time = { key: 'k', began, ...(random.int(5) > 0 && { ended: began + 0.5 + random.int(6) }) }
    const kind = random.int(5)
    if (kind < 2) return { ...time, type: 'read', value: value() }
    if (kind < 4) return { ...time, type: 'write', value: value() }
    return { ...time, type: 'swap', from: value(), to: value(), done: random.int(2) === 0 }
  })
}

/** The definition, word for word: is there an order in which each does what it did? */
function tryAll(left: readonly Call[], state?: string): boolean {
  if (left.every(({ ended }) => ended === undefined)) return true
  const earliestEnd = Math.min(...left.map(({ ended }) => ended ?? Number.POSITIVE_INFINITY))
  return left.some((call) => {
    if (call.began > earliestEnd) return false
    const others = left.filter((one) => one !== call)
    switch (call.type) {
      case 'read':
        return (call.ended === undefined || call.value === state) && tryAll(others, state)
      case 'write':
        return tryAll(others, call.value)
      default:
        if (call.ended !== undefined && call.done !== (state === call.from)) return false
        return tryAll(others, state === call.from ? call.to : state)
    }
  })
}

/** Calls of several at a time on a register that does one thing after the other; some never hear of theirs. */
function ofRegister(random: Random, count: number, callers: number): Call[] {
  let state: string | undefined
  let moment = 0
  const free = Array.from({ length: callers }, () => 0)
  return Array.from({ length: count }, (_, n): Call => {
    moment += 1
    const caller = free.indexOf(Math.min(...free))
    const began = Math.max(free[caller]!, moment - random.next() * 6)
    const at = Math.max(moment, began)
    moment = at
    const ended = at + random.next() * 6
    free[caller] = ended
    const time = { key: 'k', began, ...(random.int(20) > 0 && { ended }) }
    if (random.int(2) === 0) return { ...time, type: 'read', value: state }
    state = String(n)
    return { ...time, type: 'write', value: state }
  })
}
