import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalogueFile, rowsOfTable, rowsShown, rowsUnanswered, tableWith } from './support/catalogue.ts'
import { textOf } from './support/sources.ts'

const table = textOf(catalogueFile)

test('the catalogue has every row once', () => {
  const rows = rowsOfTable(table)
  assert.equal(rows.length, 623)
  assert.equal(new Set(rows).size, rows.length)
})

test('every row that a test names is in the catalogue', () => {
  const rows = new Set(rowsOfTable(table))
  assert.deepEqual(
    [...rowsShown().keys()].filter((row) => !rows.has(row)),
    [],
  )
})

test('the catalogue says which tests show which rows (if not: node tools/catalogue.ts)', () => {
  assert.equal(table, tableWith(table, rowsShown()))
})

test('areas that are done have no row without a test or a reason', () => {
  const done =
    'ADM CFG CRT DEP DMS DST ETB ETI ETM ETQ ETS ETX FLR HST INI JOI LBL MET MOD NOD PHS PRB STO TOP WRC'.split(' ')
  assert.deepEqual(
    rowsUnanswered(table).filter((row) => done.includes(row.split('-')[0]!)),
    [],
  )
})
