import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { entryOf } from './entry.ts'
import { type JsonList, listPieces, Pieces, sizeUpTo } from './list-pieces.ts'
import type { Entry } from './resource.ts'
import { Boat } from './testing.ts'

const stored = (n: number): Entry =>
  entryOf(Boat, {
    key: `/registry/boats/a/b-${n}`,
    value: Buffer.from(
      `{"kind":"Boat","apiVersion":"sea.example/v1","metadata":{"name":"bé-${n}","uid":"u-${n}"},"spec":{"n":${n}}}`,
    ),
    createRevision: 1,
    modRevision: 10 ** (n % 9),
    version: 1,
    lease: 0n,
  })

/** An entry that somebody makes of other things. */
const made: Entry = {
  object: {} as never,
  peek: () => ({}) as never,
  json: () => Buffer.from('{"kind":"Boat","made":true}'),
  itemJson: () => Buffer.from('{"made":true}'),
  eventJson: () => Buffer.from(''),
}

const start = Buffer.from('{"items":[')
const list = (count: number, whole = false): JsonList => ({
  start,
  entries: [...Array.from({ length: count }, (_, n) => stored(n)), ...(count > 3 ? [made] : [])],
  whole,
})

const expected = ({ entries, whole }: JsonList) =>
  `{"items":[${entries.map((entry) => (whole ? entry.json() : entry.itemJson()).toString()).join(',')}]}\n`

test('the pieces of a list are the list, whatever their size, also where their memory is used again at once', () => {
  for (const whole of [false, true]) {
    for (const count of [0, 1, 2, 40]) {
      for (const size of [1, 12, 100, 137, 1000, 100_000]) {
        const pieces = new Pieces(size)
        let text = ''
        for (const piece of listPieces(list(count, whole), pieces)) {
          text += piece.toString('latin1')
          pieces.giveBack(piece)
        }
        assert.equal(Buffer.from(text, 'latin1').toString(), expected(list(count, whole)), `${count} in ${size}`)
      }
    }
  }
})

test('memory that did not come back is left alone', () => {
  const pieces = [...listPieces(list(40), new Pieces(200))]
  assert.ok(pieces.length > 5)
  assert.equal(Buffer.concat(pieces).toString(), expected(list(40)))
})

test('the size of a list is known before it is put together; beyond a limit nobody counts', () => {
  for (const count of [0, 1, 40]) {
    const size = Buffer.byteLength(expected(list(count)))
    assert.equal(sizeUpTo(size, list(count)), size)
    assert.equal(sizeUpTo(size - 1, list(count)), undefined)
    assert.equal([...listPieces(list(count), new Pieces(size))].length, 1)
  }
})
