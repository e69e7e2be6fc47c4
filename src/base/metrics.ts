/**
 * Counters, gauges and histograms in the text form that Prometheus reads (exposition format 0.0.4).
 * A series is found once and then counted directly, so that counting costs an addition.
 */
export class Metrics {
  readonly #families = new Map<string, Family>()
  readonly #collectors: (() => void)[] = []

  counter(name: string, help: string, labels: readonly string[] = []): Numbers {
    return this.#family(new Numbers(name, help, 'counter', labels))
  }

  gauge(name: string, help: string, labels: readonly string[] = []): Numbers {
    return this.#family(new Numbers(name, help, 'gauge', labels))
  }

  histogram(name: string, help: string, buckets: readonly number[], labels: readonly string[] = []): Histograms {
    return this.#family(new Histograms(name, help, buckets, labels))
  }

  /** Calls `collect` whenever the metrics are about to be printed: for numbers that are read off only then. */
  beforePrinting(collect: () => void): void {
    this.#collectors.push(collect)
  }

  /** All families, sorted by name. */
  print(): string {
    for (const collect of this.#collectors) collect()
    const families = [...this.#families.values()].sort((left, right) => (left.name < right.name ? -1 : 1))
    return families.map((family) => family.print()).join('')
  }

  #family<F extends Family>(family: F): F {
    const known = this.#families.get(family.name)
    if (known !== undefined) throw new Error(`metric ${family.name} is there already`)
    this.#families.set(family.name, family)
    return family
  }
}

interface Family {
  readonly name: string
  print(): string
}

/** One number of a family: add to it or set it. */
export interface Series {
  value: number
}

/** A series with its labels as they are printed. */
interface Labelled<S> {
  readonly labels: string
  readonly series: S
}

export class Numbers implements Family {
  readonly name: string
  readonly #help: string
  readonly #type: 'counter' | 'gauge'
  readonly #labels: readonly string[]
  readonly #series = new Map<string, Labelled<Series>>()

  constructor(name: string, help: string, type: 'counter' | 'gauge', labels: readonly string[]) {
    this.name = name
    this.#help = help
    this.#type = type
    this.#labels = labels
  }

  /** The series with these label values, made when it is not there. */
  of(...values: readonly string[]): Series {
    const key = values.join('\0')
    let known = this.#series.get(key)
    if (known === undefined) {
      known = { labels: labelText(this.#labels, values), series: { value: 0 } }
      this.#series.set(key, known)
    }
    return known.series
  }

  print(): string {
    const lines = [...this.#series.values()].map(
      ({ labels, series }) => `${this.name}${braces(labels)} ${series.value}\n`,
    )
    return lines.length === 0 ? '' : heading(this.name, this.#help, this.#type) + lines.join('')
  }
}

export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    const bounds = this.#bounds
    let at = 0
    while (at < bounds.length && value > bounds[at]!) at++
    this.#counts[at]!++
    this.#sum += value
  }

  print(name: string, labels: string): string {
    const comma = labels === '' ? '' : ','
    let total = 0
    let text = ''
    for (const [at, count] of this.#counts.entries()) {
      total += count
      text += `${name}_bucket{${labels}${comma}le="${this.#bounds[at] ?? '+Inf'}"} ${total}\n`
    }
    return `${text}${name}_sum${braces(labels)} ${this.#sum}\n${name}_count${braces(labels)} ${total}\n`
  }
}

export class Histograms implements Family {
  readonly name: string
  readonly #help: string
  readonly #bounds: readonly number[]
  readonly #labels: readonly string[]
  readonly #series = new Map<string, Labelled<Histogram>>()

  constructor(name: string, help: string, bounds: readonly number[], labels: readonly string[]) {
    this.name = name
    this.#help = help
    this.#bounds = bounds
    this.#labels = labels
  }

  of(...values: readonly string[]): Histogram {
    const key = values.join('\0')
    let known = this.#series.get(key)
    if (known === undefined) {
      known = { labels: labelText(this.#labels, values), series: new Histogram(this.#bounds) }
      this.#series.set(key, known)
    }
    return known.series
  }

  print(): string {
    const lines = [...this.#series.values()].map(({ labels, series }) => series.print(this.name, labels))
    return lines.length === 0 ? '' : heading(this.name, this.#help, 'histogram') + lines.join('')
  }
}

const heading = (name: string, help: string, type: string) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
const braces = (labels: string) => (labels === '' ? '' : `{${labels}}`)

function labelText(labels: readonly string[], values: readonly string[]): string {
  return labels.map((label, at) => `${label}="${escapeValue(values[at] ?? '')}"`).join(',')
}

const escapeValue = (value: string) => value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')
