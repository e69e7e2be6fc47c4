import { readFile, writeFile } from 'node:fs/promises'
import { type Benchmark, best, type Figures, isRate, median, type Row } from './benchmark.ts'

export interface Measured {
  readonly benchmark: Benchmark
  /** By program (the first is ours), then by round. */
  readonly rounds: readonly (readonly Figures[])[]
}

/** A table in Markdown. With a second program its medians stand beside ours. */
export function tableOf(measured: readonly Measured[]): string {
  const compares = measured.some(({ rounds }) => rounds.length > 1)
  const head = ['What', 'Aim', 'Median', 'Best', 'Kubernetes', ...(compares ? ['Other: median', 'Other: best'] : [])]
  const lines = measured.flatMap(({ benchmark, rounds }) => benchmark.rows.map((row) => cellsOf(row, rounds)))
  const rule = head.map((_, at) => (at === 0 ? '---' : '---:'))
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

const begin = '<!-- measured: begin -->'
const end = '<!-- measured: end -->'

/** Puts the table between the markers of a document. */
export async function write(file: string, circumstances: string, measured: readonly Measured[]): Promise<void> {
  const text = await readFile(file, 'utf8')
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from) throw new Error(`${file} has no place for the table between ${begin} and ${end}`)
  const table = `${begin}\n${circumstances}.\n\n${tableOf(measured)}\n`
  await writeFile(file, text.slice(0, from) + table + text.slice(to))
}

function cellsOf(row: Row, rounds: readonly (readonly Figures[])[]): string[] {
  const [ours = [], other] = rounds.map((figures) => figures.map((figure) => figure[row.id]!))
  const aim = row.aim === undefined ? '' : `${isRate(row) ? '≥' : '≤'} ${shown(row, row.aim)}`
  const reference = row.reference === undefined ? '' : withUnit(row, row.reference)
  const cells = [row.what, aim, shown(row, median(ours)), shown(row, best(row, ours)), reference]
  return other === undefined ? cells : [...cells, shown(row, median(other)), shown(row, best(row, other))]
}

function shown(row: Row, value: number): string {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0
  return withUnit(row, value.toLocaleString('en', { maximumFractionDigits: digits }))
}

const withUnit = ({ unit }: Row, text: string) => (unit === '/s' ? `${text}/s` : `${text} ${unit}`)
