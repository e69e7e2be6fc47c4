/**
 * The query part of a URL as Go's `url.ParseQuery` reads it: `+` is a space, a parameter may come several times,
 * a pair that cannot be unescaped is left out. Most requests have no query at all and share one empty value.
 */
export class Query {
  static readonly empty = new Query(new Map())
  readonly #values: ReadonlyMap<string, readonly string[]>

  private constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values
  }

  /** Takes what stands behind the `?`. */
  static parse(text: string): Query {
    if (text === '') return Query.empty
    const values = new Map<string, string[]>()
    for (const pair of text.split('&')) {
      if (pair === '' || pair.includes(';')) continue
      const equals = pair.indexOf('=')
      const name = unescapeText(equals < 0 ? pair : pair.slice(0, equals))
      const value = equals < 0 ? '' : unescapeText(pair.slice(equals + 1))
      if (name === undefined || value === undefined) continue
      const known = values.get(name)
      if (known === undefined) values.set(name, [value])
      else known.push(value)
    }
    return new Query(values)
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** The first value. */
  get(name: string): string | undefined {
    return this.#values.get(name)?.[0]
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? []
  }

  get isEmpty(): boolean {
    return this.#values.size === 0
  }

  /** The same query with one parameter set to a single value. */
  with(name: string, value: string): Query {
    return new Query(new Map(this.#values).set(name, [value]))
  }
}

function unescapeText(text: string): string | undefined {
  if (!text.includes('%') && !text.includes('+')) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
