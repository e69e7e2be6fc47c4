import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Correlator, type Saying } from './correlator.ts'

const minuteMs = 60_000

/** Says things and tells what became of each: `text ×count`, or nothing. */
function teller() {
  const correlator = new Correlator()
  let names = 0
  return (message: string, now = 0, rest: Partial<Saying> = {}): string => {
    const saying = { about: 'pod/web', part: '', type: 'Normal', reason: 'Seen', message, ...rest }
    const told = correlator.correlate(saying, now, () => `event-${++names}`)
    return told === undefined ? 'nothing' : `${told.name}: ${told.message} ×${told.count}`
  }
}

const combined = '(combined from similar events): '

test('what repeats is the same event', () => {
  const tell = teller()
  assert.equal(tell('a'), 'event-1: a ×1')
  assert.equal(tell('b'), 'event-2: b ×1')
  assert.equal(tell('a', 10 * minuteMs), 'event-1: a ×2')
  assert.equal(tell('a', 0, { part: 'spec.containers{main}' }), 'event-3: a ×1')
  assert.equal(tell('a', 0, { reason: 'Heard' }), 'event-4: a ×1')
  assert.equal(tell('a', 0, { type: 'Warning' }), 'event-5: a ×1')
  assert.equal(tell('a', 0, { about: 'pod/other' }), 'event-6: a ×1')
})

test('from the tenth similar one in ten minutes on, they are combined', () => {
  const tell = teller()
  for (let n = 1; n <= 9; n++) assert.equal(tell(`message ${n}`), `event-${n}: message ${n} ×1`)
  assert.equal(tell('message 10'), `event-10: ${combined}message 10 ×1`)
  assert.equal(tell('message 11'), `event-10: ${combined}message 11 ×2`)
  // Others are not among them, and a pause of more than ten minutes ends it.
  assert.equal(tell('message 12', 0, { reason: 'Heard' }), 'event-11: message 12 ×1')
  assert.equal(tell('message 12', 10 * minuteMs), `event-10: ${combined}message 12 ×3`)
  assert.equal(tell('message 13', 20 * minuteMs + 1), 'event-12: message 13 ×1')
})

test('parts of an object are similar too, where their messages differ', () => {
  const tell = teller()
  const told = Array.from({ length: 10 }, (_, n) => tell(`message ${n}`, 0, { part: `spec.containers{c${n}}` }))
  assert.equal(told.at(-1), `event-10: ${combined}message 9 ×1`)
})

test('25 of one object at once, then one each five minutes, which tells how many there were', () => {
  const tell = teller()
  for (let n = 1; n <= 25; n++) assert.equal(tell('a'), `event-1: a ×${n}`)
  for (let n = 26; n <= 40; n++) assert.equal(tell('a'), 'nothing')
  assert.equal(tell('b', 0, { reason: 'Heard' }), 'nothing')
  assert.equal(tell('a', 0, { about: 'pod/other' }), 'event-3: a ×1')
  assert.equal(tell('a', 5 * minuteMs - 1), 'nothing')
  assert.equal(tell('a', 5 * minuteMs), 'event-1: a ×42')
  assert.equal(tell('a', 5 * minuteMs), 'nothing')
  assert.equal(tell('a', 3 * 60 * minuteMs), 'event-1: a ×44')
})
