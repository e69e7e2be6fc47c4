/** What a row of the table says. */
export interface Row {
  readonly id: string
  readonly what: string
  readonly unit: '' | 'ms' | 'MiB' | '%' | '/s' | 'µs'
  /** What we want: at most this for durations and sizes, at least this for rates. */
  readonly aim?: number
  /** The same with the API server, etcd and controllers of Kubernetes itself, on such a machine. */
  readonly reference?: string
}

/** What one round found, by the id of the row. */
export type Figures = Readonly<Record<string, number>>

/** Something that is measured in rounds, each from the beginning. */
export interface Benchmark {
  readonly name: string
  readonly rounds: number
  readonly rows: readonly Row[]
  /** `bundle`: the program to be measured. */
  run(bundle: string): Promise<Figures>
}

export const isRate = (row: Row): boolean => row.unit === '/s'

export function best(row: Row, values: readonly number[]): number {
  return isRate(row) ? Math.max(...values) : Math.min(...values)
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
