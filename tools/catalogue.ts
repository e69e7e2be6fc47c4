/** Brings the last column of docs/catalogue.md up to date with the rows that tests name in their titles. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { catalogueFile, rowsOfTable, rowsShown, tableWith } from '../test/support/catalogue.ts'
import { root, textOf } from '../test/support/sources.ts'

const table = textOf(catalogueFile)
const shown = rowsShown()
writeFileSync(join(root, catalogueFile), tableWith(table, shown))
console.log(`${shown.size} of ${rowsOfTable(table).length} rows are shown by a test`)
