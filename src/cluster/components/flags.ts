/**
 * Command lines of the reference's components: `--name=value`, `--name value`, `--name` for what is true, names with
 * `_` for `-`, lists with commas or by repetition. As in the reference, a name that nobody knows is an error: a
 * setting that silently counts for nothing is worse than one that is refused.
 */
import { DurationError, parseDuration } from '../../base/duration.ts'

export interface ComponentFlag {
  readonly help: string
  /** `boolean`: a name without a value is true. Default: it needs a value. */
  readonly type?: 'boolean'
  /** What holds when it is not given, as the reference has it. */
  readonly usual?: string
  /** Normal to give, and of no effect here; says why. */
  readonly without?: string
}

export type ComponentFlags = Readonly<Record<string, ComponentFlag>>

/** A command line that cannot be used. */
export class ComponentFlagError extends Error {}

/** What came of a command line, by names without dashes. */
export class GivenFlags {
  readonly #given: ReadonlyMap<string, readonly string[]>
  readonly #declared: ComponentFlags

  constructor(given: ReadonlyMap<string, readonly string[]>, declared: ComponentFlags) {
    this.#given = given
    this.#declared = declared
  }

  has(name: string): boolean {
    return this.#given.has(name)
  }

  /** The last one given, or what is usual; nothing when that is nothing. */
  text(name: string): string | undefined {
    return this.#given.get(name)?.at(-1) ?? this.#declared[name]?.usual
  }

  /** The same of a flag without which nothing can begin. */
  required(name: string): string {
    const value = this.text(name)
    if (value) return value
    throw new ComponentFlagError(`--${name} is required`)
  }

  /** Each time it was given. */
  all(name: string): readonly string[] {
    return this.#given.get(name) ?? []
  }

  /** All that was given, taken apart at commas. */
  list(name: string): readonly string[] {
    const values = this.#given.get(name) ?? [this.#declared[name]?.usual ?? '']
    return values.flatMap((value) => value.split(',').map((each) => each.trim())).filter((each) => each !== '')
  }

  isTrue(name: string): boolean {
    const value = this.text(name) ?? 'false'
    if (truths.has(value)) return true
    if (falsehoods.has(value)) return false
    throw invalid(name, value, `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`)
  }

  whole(name: string): number {
    const value = this.text(name) ?? '0'
    if (/^-?\d+$/.test(value)) return Number(value)
    throw invalid(name, value, `strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`)
  }

  milliseconds(name: string): number {
    const value = this.text(name) ?? '0s'
    try {
      return parseDuration(value)
    } catch (error) {
      if (error instanceof DurationError) throw invalid(name, value, error.message)
      throw error
    }
  }

  /** Those of `names` that were given, as one text each. */
  pick<Name extends string>(names: readonly Name[]): Partial<Record<Name, string>> {
    const given = names.flatMap((name) => {
      const values = this.#given.get(name)
      return values === undefined ? [] : [[name, values.length > 1 ? values.join(',') : values[0]!] as const]
    })
    return Object.fromEntries(given) as Partial<Record<Name, string>>
  }
}

/** As Go's `strconv.ParseBool` has them. */
const truths = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const falsehoods = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

const invalid = (name: string, value: string, why: string) =>
  new ComponentFlagError(`invalid argument ${JSON.stringify(value)} for "--${name}" flag: ${why}`)

/** Reads a command line. Throws `ComponentFlagError` in the reference's words. */
export function readComponentFlags(argv: readonly string[], declared: ComponentFlags): GivenFlags {
  const given = new Map<string, string[]>()
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!
    if (!word.startsWith('-') || word === '-' || word === '--')
      throw new ComponentFlagError(`unknown command ${JSON.stringify(word)}`)
    const [, written = '', , attached] = /^--?([^=]*)(=([\s\S]*))?$/.exec(word)!
    const name = written.replaceAll('_', '-')
    const flag = declared[name]
    if (!flag || !(word.startsWith('--') || written.length === 1))
      throw new ComponentFlagError(`unknown flag: --${name}`)
    let value = attached
    if (value === undefined && flag.type === 'boolean') value = 'true'
    if (value === undefined) {
      value = argv[++at]
      if (value === undefined) throw new ComponentFlagError(`flag needs an argument: --${name}`)
    }
    const values = given.get(name)
    if (values) values.push(value)
    else given.set(name, [value])
  }
  return new GivenFlags(given, declared)
}

const noProfiles = 'there are no profiles of Go to serve'

/** What all components take. */
export const commonFlags: ComponentFlags = {
  v: { help: 'how much is logged: 0 warnings, 1 to 3 what happens, from 4 on everything', usual: '0' },
  vmodule: { help: 'levels of single files', without: 'files of the reference are named' },
  'logging-format': { help: 'format of the log', without: 'the log has one format' },
  'log-flush-frequency': { help: 'how often the log is written', without: 'it is written at once' },
  'feature-gates': { help: 'feature gates: Name=true,Other=false' },
  profiling: { help: 'whether profiles are served', type: 'boolean', without: noProfiles },
  'contention-profiling': { help: 'whether locks are profiled', type: 'boolean', without: noProfiles },
}
