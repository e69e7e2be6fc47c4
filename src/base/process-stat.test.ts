import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseProcessNote, parseProcessStat } from './process-stat.ts'

test('what the kernel says of a process is read, whatever its name', () => {
  const rest = 'S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 2646016 100 18446744073709551615'
  for (const name of ['(sh)', '(a b) c)', '()', '(\n)'])
    assert.deepEqual(
      parseProcessStat(`7 ${name} ${rest}`),
      { pid: 7, state: 'S', began: '4711', memory: 2_646_016 },
      name,
    )
})

test('of this process it is right', { skip: process.platform !== 'linux' && 'there is no /proc here' }, () => {
  const stat = parseProcessStat(readFileSync('/proc/self/stat', 'utf8'))
  assert.equal(stat?.pid, process.pid)
  assert.equal(stat.state, 'R')
  assert.ok(stat.memory > 0)
})

test('what is cut short, or something else, is nothing', () => {
  for (const text of [undefined, '', '7', '7 (sh)', '7 (sh) S 1 7 7 0 -1 4194560', 'sh (7) S', '-1 (x) S'])
    assert.equal(parseProcessStat(text), undefined)
})

test('a note is a line of the kernel, or a number', () => {
  assert.deepEqual(parseProcessNote('7 (sh) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 2646016 100\n'), {
    pid: 7,
    began: '4711',
  })
  assert.deepEqual(parseProcessNote('7\n'), { pid: 7 })
  for (const text of [undefined, '', '\n', '0', 'sh']) assert.equal(parseProcessNote(text), undefined)
})
