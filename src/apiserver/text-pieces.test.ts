import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goYaml } from '../base/go-yaml.ts'
import { seededRandom } from '../world/virtual.ts'
import type { Random } from '../world/world.ts'
import { type MadeList, type TextFormat, textPieces } from './text-pieces.ts'

const whole: Readonly<Record<TextFormat, (list: object) => string>> = {
  json: (list) => `${JSON.stringify(list)}\n`,
  pretty: (list) => JSON.stringify(list, undefined, 2),
  yaml: goYaml,
}

const words = ['', 'yes', '1e3', '12', 'a: b', '- a', '# no', 'é', "it's", '"', '\\', ' x', 'a\nb\n', '\n\n', '\t', '~']
const names = ['a', 'b10', 'b9', 'Z', 'items', 'rows', 'kind', 'ä', 'x'.repeat(140), 'a b', '1', 'true', '-']
const pick = <T>(random: Random, from: readonly T[]): T => from[random.int(from.length)]!

/** Anything that JSON can say, with texts that have to be folded, quoted or written as blocks. */
function anything(random: Random, depth: number): unknown {
  const kind = random.int(depth > 0 ? 9 : 6)
  if (kind < 2) return pick(random, words)
  if (kind === 2) return Array.from({ length: random.int(60) }, () => pick(random, words)).join(' ')
  if (kind === 3) return pick(random, [0, -1, 1.5, 1e21, 2 ** 53, 1e-7])
  if (kind < 6) return pick(random, [null, true, false, [], {}])
  if (kind === 6) return Array.from({ length: random.int(5) }, () => anything(random, depth - 1))
  return anyObject(random, depth - 1)
}

const anyObject = (random: Random, depth: number) =>
  Object.fromEntries(Array.from({ length: random.int(6) }, () => [pick(random, names), anything(random, depth)]))

test('the pieces of 10,000 lists are, put together, what each list written as a whole is', () => {
  const random = seededRandom(1)
  for (let n = 0; n < 10_000; n++) {
    const member = pick(random, ['items', 'rows'] as const)
    const metadata = { resourceVersion: '7', ...(n % 3 === 0 && { continue: 'x', remainingItemCount: 3 }) }
    const columns = member === 'rows' ? { columnDefinitions: n % 2 === 0 ? null : [anyObject(random, 2)] } : {}
    const head: MadeList['head'] = { kind: 'BoatList', apiVersion: 'sea.example/v1', metadata, ...columns }
    const items = Array.from({ length: 1 + random.int(4) }, () => anything(random, 4))
    for (const format of ['json', 'pretty', 'yaml'] as const) {
      const pieces = [...textPieces({ head, member, items }, format)]
      assert.equal(pieces.join(''), whole[format]({ ...head, [member]: items }), `${format} ${n}`)
    }
  }
})

test('items are made when their turn comes', () => {
  for (const format of ['json', 'pretty', 'yaml'] as const) {
    let made = 0
    const items = Array.from({ length: 1000 }).values()
    const counted = items.map(() => {
      made++
      return { text: 'x'.repeat(1000) }
    })
    let pieces = 0
    for (const piece of textPieces({ head: { kind: 'BoatList' }, member: 'items', items: counted }, format)) {
      assert.ok(piece.length < 150_000)
      pieces++
      assert.ok(made <= pieces * 132, `${made} items for ${pieces} pieces`)
    }
    assert.ok(pieces > 7)
  }
})
