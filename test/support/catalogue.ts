import { sourceFiles, textOf } from './sources.ts'

export const catalogueFile = 'docs/catalogue.md'

/** The rows that each test file says it shows: `[DEP-03 DEP-04]` in the title of a test. */
export function rowsShown(): Map<string, string[]> {
  const shown = new Map<string, string[]>()
  for (const file of ['src', 'test'].flatMap(sourceFiles).filter((name) => name.endsWith('.test.ts'))) {
    for (const [, rows] of textOf(file).matchAll(/\[((?:[A-Z]{3}-\d+ ?)+)\]/g)) {
      for (const row of rows!.trim().split(' ')) shown.set(row, [...new Set([...(shown.get(row) ?? []), file])])
    }
  }
  return shown
}

const rowPattern = /^\| ([A-Z]{3}-\d+) \| (.*) \| ?(.*?) ?\|$/

/** The rows of the table, in its order. */
export function rowsOfTable(table: string): string[] {
  return table.split('\n').flatMap((line) => rowPattern.exec(line)?.[1] ?? [])
}

/** Why a row has no test: what its last column says in words, until a test names the row. */
const reasonIn = (column: string): string => (column.startsWith('[') ? '' : column)

/** The rows that no test shows and that no reason excuses, in the order of the table. */
export function rowsUnanswered(table: string): string[] {
  return table.split('\n').flatMap((line) => {
    const [, row, , column] = rowPattern.exec(line) ?? []
    return row !== undefined && column === '' ? [row] : []
  })
}

/** The table with its last column as the tests say; a row without a test keeps the reason that it has. */
export function tableWith(table: string, shown: ReadonlyMap<string, readonly string[]>): string {
  return table
    .split('\n')
    .map((line) => {
      const [, row, text, column = ''] = rowPattern.exec(line) ?? []
      if (row === undefined) return line
      const tests = (shown.get(row) ?? []).map((file) => `[${file.split('/').pop()}](../${file})`).join(', ')
      const last = tests || reasonIn(column)
      return `| ${row} | ${text} | ${last === '' ? '' : `${last} `}|`
    })
    .join('\n')
}
