import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Automaton } from './regex-automaton.ts'
import { simulate, toInstructions } from './regex-machine.ts'
import { parsePattern } from './regex-syntax.ts'

const patterns = [
  '',
  'a',
  '^a',
  'a$',
  '^$',
  '^a*$',
  '^(a+)+$',
  '(a|b)*c',
  'a{2,3}b',
  '^a{2}$',
  'b?$',
  '(^a|b$)',
  '[^a]c',
  '.b.',
  '(a|ab)(c|bcd)',
  'é+$',
  '^(a|$)',
  '(b|$)a',
  '💥',
  '^.$',
  'x*',
  '(a*)*b',
  '[a-c]+[0-9]*c$',
]

/** All texts of up to `length` of these characters. */
function textsOf(characters: readonly string[], length: number): string[] {
  if (length === 0) return ['']
  const shorter = textsOf(characters, length - 1)
  const longest = shorter.filter((text) => [...text].length === length - 1)
  return [...shorter, ...longest.flatMap((text) => characters.map((character) => text + character))]
}

test('it says what the simulation says', () => {
  const texts = textsOf(['a', 'b', 'c', 'é', '💥'], 5)
  for (const pattern of patterns) {
    const program = toInstructions(parsePattern(pattern))
    const automaton = Automaton.of(program)!
    for (const text of texts) {
      assert.equal(automaton.test(text), simulate(program, text, 0) !== undefined, `${pattern} in ${text}`)
    }
  }
})

test('patterns that look at neighbours are left to the simulation', () => {
  for (const pattern of ['\\ba', 'a\\B', '(?m)^a', '(?m)a$'])
    assert.equal(Automaton.of(toInstructions(parsePattern(pattern))), undefined, pattern)
})

test('texts that lead to ever new states are read all the same', () => {
  // What was read 12 characters ago decides: 4096 states.
  const program = toInstructions(parsePattern('a.{12}$'))
  const automaton = Automaton.of(program)!
  let seed = 1
  for (let round = 0; round < 50; round++) {
    const text = Array.from({ length: 300 }, () => {
      seed = (seed * 48271) % 0x7fffffff
      return seed % 2 === 0 ? 'a' : 'b'
    }).join('')
    assert.equal(automaton.test(text), text[text.length - 13] === 'a')
  }
})
