/**
 * JSON paths as kubectl and printer columns write them: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`,
 * `.spec.list[0]`, `.metadata.labels['a\.b']`, `..name`.
 */
export interface JsonPath {
  /** All values that the path leads to, in order. */
  find(object: unknown): readonly unknown[]
}

type Step = (values: readonly unknown[]) => readonly unknown[]

const nowhere: JsonPath = { find: () => [] }

/** A path that cannot be read leads nowhere. */
export function jsonPath(text: string): JsonPath {
  const steps = new PathReader(text).read()
  if (steps === undefined) return nowhere
  return { find: (object) => steps.reduce((values, step) => step(values), [object] as readonly unknown[]) }
}

class PathReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  read(): readonly Step[] | undefined {
    const steps: Step[] = []
    while (this.#at < this.#text.length) {
      const step = this.#step()
      if (step === undefined) return undefined
      steps.push(step)
    }
    return steps
  }

  #step(): Step | undefined {
    const rest = this.#text.slice(this.#at)
    const take = (length: number) => {
      this.#at += length
    }
    if (rest === '.') {
      take(1)
      return (values) => values
    }
    if (rest.startsWith('..')) {
      take(1)
      return (values) => values.flatMap(withDescendants)
    }
    const wild = /^(?:\.\*|\[\*\])/.exec(rest)
    if (wild !== null) {
      take(wild[0].length)
      return (values) => values.flatMap(childrenOf)
    }
    const field = /^\.?((?:\\.|[^.[\]\\])+)/.exec(rest)
    if (field !== null && rest[0] !== '[') {
      take(field[0].length)
      return member(field[1]!.replace(/\\(.)/g, '$1'))
    }
    if (rest.startsWith('.[')) take(1)
    return this.#bracket()
  }

  #bracket(): Step | undefined {
    const rest = this.#text.slice(this.#at)
    const quoted = /^\[(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)")\]/.exec(rest)
    if (quoted !== null) {
      this.#at += quoted[0].length
      return member((quoted[1] ?? quoted[2]!).replace(/\\(.)/g, '$1'))
    }
    const range = /^\[(-?\d*)(:?)(-?\d*)(?::(-?\d*))?\]/.exec(rest)
    if (range !== null) {
      this.#at += range[0].length
      return slice(range)
    }
    const filter = /^\[\?\((.*?)\)\]/s.exec(rest)
    if (filter === null) return undefined
    this.#at += filter[0].length
    return filterStep(filter[1]!)
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function member(name: string): Step {
  return (values) => values.flatMap((value) => (isObject(value) && Object.hasOwn(value, name) ? [value[name]] : []))
}

function slice([, from = '', colon, to = '', by = '']: RegExpExecArray): Step {
  return (values) =>
    values.flatMap((value) => {
      if (!Array.isArray(value)) return []
      if (colon === '') {
        const index = Number(from)
        const item = value.at(index)
        return item === undefined ? [] : [item]
      }
      const part = value.slice(from === '' ? 0 : Number(from), to === '' ? undefined : Number(to))
      const step = by === '' ? 1 : Math.max(1, Number(by))
      return part.filter((_, index) => index % step === 0)
    })
}

const childrenOf = (value: unknown): readonly unknown[] =>
  typeof value === 'object' && value !== null ? Object.values(value) : []

const withDescendants = (value: unknown): readonly unknown[] => [value, ...childrenOf(value).flatMap(withDescendants)]

type Comparison = (left: unknown, right: unknown) => boolean

const comparisons: Readonly<Record<string, Comparison>> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<=': (left, right) => compare(left, right) <= 0,
  '>=': (left, right) => compare(left, right) >= 0,
  '<': (left, right) => compare(left, right) < 0,
  '>': (left, right) => compare(left, right) > 0,
}

function compare(left: unknown, right: unknown): number {
  if (typeof left !== typeof right || left === undefined) return Number.NaN
  return (left as number) < (right as number) ? -1 : left === right ? 0 : 1
}

/** `@.type=="Ready"`, or `@.type` alone: items of which it holds. */
function filterStep(text: string): Step | undefined {
  const parts = /^(.+?)(==|!=|<=|>=|<|>)(.+)$/s.exec(text)
  const items = (value: unknown) => (Array.isArray(value) ? value : childrenOf(value))
  if (parts === null) {
    const path = operand(text.trim())
    return path && ((values) => values.flatMap(items).filter((item) => path(item).length > 0))
  }
  const left = operand(parts[1]!.trim())
  const right = operand(parts[3]!.trim())
  const holds = comparisons[parts[2]!]!
  if (left === undefined || right === undefined) return undefined
  return (values) =>
    values.flatMap(items).filter((item) => {
      const [[a], [b]] = [left(item), right(item)]
      return a !== undefined && b !== undefined && holds(a, b)
    })
}

function operand(text: string): ((item: unknown) => readonly unknown[]) | undefined {
  if (text.startsWith('@')) {
    const path = jsonPath(text.slice(1))
    return (item) => path.find(item)
  }
  const quoted = /^(?:'(.*)'|"(.*)")$/s.exec(text)
  if (quoted !== null) return () => [quoted[1] ?? quoted[2]!]
  if (text === 'true' || text === 'false') return () => [text === 'true']
  return text !== '' && Number.isFinite(Number(text)) ? () => [Number(text)] : undefined
}
