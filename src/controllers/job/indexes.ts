/** A set of indexes as runs without gaps, in order: what a job writes as `1,3-5`. */
export class Indexes {
  static readonly none: Indexes = new Indexes([])
  readonly #runs: readonly Run[]

  private constructor(runs: readonly Run[]) {
    this.#runs = runs
  }

  /** Reads what a status says, as far as it lies below `end`. What is no number is left out. */
  static parse(text: string | undefined, end: number): Indexes {
    const runs: Run[] = []
    for (const part of text ? text.split(',') : []) {
      const [first = Number.NaN, last = first] = part.split('-').map(toIndex)
      if (Number.isNaN(first) || Number.isNaN(last)) continue
      if (first >= end) break
      runs.push({ first, last: Math.min(last, end - 1) })
    }
    return new Indexes(merged(runs))
  }

  static of(indexes: Iterable<number>): Indexes {
    return new Indexes(merged([...indexes].map((index) => ({ first: index, last: index }))))
  }

  get count(): number {
    return this.#runs.reduce((sum, { first, last }) => sum + last - first + 1, 0)
  }

  has(index: number): boolean {
    return this.#runs.some(({ first, last }) => first <= index && index <= last)
  }

  and(others: Indexes): Indexes {
    return new Indexes(merged([...this.#runs, ...others.#runs]))
  }

  /** How many indexes are in both. */
  shared(others: Indexes): number {
    let count = 0
    for (const a of this.#runs)
      for (const b of others.#runs) count += Math.max(0, Math.min(a.last, b.last) - Math.max(a.first, b.first) + 1)
    return count
  }

  /** The first `count` indexes below `end` that are not in here. */
  missing(count: number, end: number): number[] {
    const found: number[] = []
    let candidate = 0
    for (const { first, last } of [...this.#runs, { first: end, last: end }]) {
      for (; candidate < Math.min(first, end) && found.length < count; candidate++) found.push(candidate)
      candidate = Math.max(candidate, last + 1)
    }
    return found
  }

  /** Two neighbours are written with a comma, three and more with a hyphen. */
  toString(): string {
    return this.#runs
      .map(({ first, last }) => (first === last ? `${first}` : `${first}${last === first + 1 ? ',' : '-'}${last}`))
      .join()
  }
}

interface Run {
  readonly first: number
  readonly last: number
}

function merged(runs: readonly Run[]): readonly Run[] {
  const result: { first: number; last: number }[] = []
  for (const { first, last } of runs.toSorted((a, b) => a.first - b.first)) {
    const before = result.at(-1)
    if (before === undefined || first > before.last + 1) result.push({ first, last })
    else before.last = Math.max(before.last, last)
  }
  return result
}

const toIndex = (text: string): number => (/^[0-9]+$/.test(text) ? Number(text) : Number.NaN)
