/** RE2's syntax → a small tree. */
import { Failure } from './failure.ts'

export type RegexNode =
  | SetNode
  | { readonly kind: 'sequence'; readonly nodes: readonly RegexNode[] }
  | { readonly kind: 'choice'; readonly nodes: readonly RegexNode[] }
  | {
      readonly kind: 'repeat'
      readonly node: RegexNode
      readonly min: number
      /** Undefined: without end. */
      readonly max: number | undefined
      readonly greedy: boolean
    }
  | { readonly kind: 'assertion'; readonly at: Assertion }

export type Assertion = 'start' | 'end' | 'lineStart' | 'lineEnd' | 'wordBoundary' | 'notWordBoundary'

type Range = readonly [number, number]

/** One character of a set; `properties` are Unicode classes in JavaScript's notation. */
export interface SetNode {
  readonly kind: 'set'
  readonly negated: boolean
  readonly ranges: readonly Range[]
  readonly properties: readonly string[]
}

interface Flags {
  readonly ignoreCase: boolean
  readonly multiline: boolean
  readonly dotAll: boolean
  readonly ungreedy: boolean
}

const top = 0x10ffff
/** RE2 refuses more. */
const repeatLimit = 1000
/** Groups in groups; RE2 has the same border. */
const depthLimit = 1000
/** How many characters and groups all repetitions may come to when they are written out; RE2 refuses more as well. */
const sizeLimit = 33_000

const classes: Readonly<Record<string, readonly Range[]>> = {
  d: [[48, 57]],
  w: [
    [48, 57],
    [65, 90],
    [95, 95],
    [97, 122],
  ],
  s: [
    [9, 10],
    [12, 13],
    [32, 32],
  ],
}

const posix: Readonly<Record<string, readonly Range[]>> = {
  alnum: [
    [48, 57],
    [65, 90],
    [97, 122],
  ],
  alpha: [
    [65, 90],
    [97, 122],
  ],
  ascii: [[0, 127]],
  blank: [
    [9, 9],
    [32, 32],
  ],
  cntrl: [
    [0, 31],
    [127, 127],
  ],
  digit: [[48, 57]],
  graph: [[33, 126]],
  lower: [[97, 122]],
  print: [[32, 126]],
  punct: [
    [33, 47],
    [58, 64],
    [91, 96],
    [123, 126],
  ],
  space: [
    [9, 13],
    [32, 32],
  ],
  upper: [[65, 90]],
  word: classes['w']!,
  xdigit: [
    [48, 57],
    [65, 70],
    [97, 102],
  ],
}

const singleEscapes: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 }

/** @throws Failure in Go's words */
export function parsePattern(pattern: string): RegexNode {
  const parser = new PatternParser(pattern)
  const root = parser.parse()
  if (sizeOf(root) > sizeLimit) throw fault('expression too large', '')
  return root
}

const fault = (what: string, where: string) =>
  new Failure(`error parsing regexp: ${what}${where === '' ? '' : `: \`${where}\``}`)

function sizeOf(node: RegexNode): number {
  switch (node.kind) {
    case 'sequence':
    case 'choice':
      return node.nodes.reduce((sum, part) => sum + sizeOf(part), 1)
    case 'repeat':
      return sizeOf(node.node) * Math.max(node.max ?? node.min + 1, 1)
    default:
      return 1
  }
}

class PatternParser {
  readonly #pattern: string
  readonly #characters: readonly string[]
  #index = 0
  #depth = 0
  #flags: Flags = { ignoreCase: false, multiline: false, dotAll: false, ungreedy: false }

  constructor(pattern: string) {
    this.#pattern = pattern
    this.#characters = Array.from(pattern)
  }

  parse(): RegexNode {
    const root = this.#choice()
    if (this.#index < this.#characters.length) throw fault('unexpected )', this.#pattern)
    return root
  }

  get #next(): string | undefined {
    return this.#characters[this.#index]
  }

  #startsWith(text: string): boolean {
    for (let index = 0; index < text.length; index++)
      if (this.#characters[this.#index + index] !== text[index]) return false
    return true
  }

  #skip(text: string): boolean {
    if (!this.#startsWith(text)) return false
    this.#index += text.length
    return true
  }

  #choice(): RegexNode {
    if (++this.#depth > depthLimit) throw fault('expression nests too deeply', this.#pattern)
    const flags = this.#flags
    const nodes = [this.#sequence()]
    while (this.#skip('|')) nodes.push(this.#sequence())
    this.#flags = flags
    this.#depth--
    return nodes.length === 1 ? nodes[0]! : { kind: 'choice', nodes }
  }

  #sequence(): RegexNode {
    const nodes: RegexNode[] = []
    while (this.#next !== undefined && this.#next !== '|' && this.#next !== ')') {
      const start = this.#index
      const atom = this.#atom()
      nodes.push(...(atom ? [this.#repeated(atom, start)] : []))
    }
    return nodes.length === 1 ? nodes[0]! : { kind: 'sequence', nodes }
  }

  #repeated(atom: RegexNode, start: number): RegexNode {
    const mark = this.#index
    const count = this.#count()
    if (!count) return atom
    const lazy = this.#skip('?')
    const [min, max] = count
    const node: RegexNode = { kind: 'repeat', node: atom, min, max, greedy: lazy === this.#flags.ungreedy }
    const again = this.#index
    if (this.#count()) throw fault('invalid nested repetition operator', this.#text(mark, this.#index))
    this.#index = again
    if (sizeOf(node) > sizeLimit || tooOften(node)) throw fault('invalid repeat count', this.#text(start, this.#index))
    return node
  }

  #count(): readonly [number, number | undefined] | undefined {
    if (this.#skip('*')) return [0, undefined]
    if (this.#skip('+')) return [1, undefined]
    if (this.#skip('?')) return [0, 1]
    if (this.#next !== '{') return undefined
    const braces = /^\{(\d+)(,(\d*))?\}/.exec(this.#characters.slice(this.#index, this.#index + 20).join(''))
    if (!braces) return undefined
    this.#index += braces[0].length
    const min = Number(braces[1])
    const max = braces[2] === undefined ? min : braces[3] === '' ? undefined : Number(braces[3])
    if (min > repeatLimit || (max !== undefined && (max > repeatLimit || max < min)))
      throw fault('invalid repeat count', braces[0])
    return [min, max]
  }

  #text(from: number, to: number): string {
    return this.#characters.slice(from, to).join('')
  }

  /** Undefined for what matches nothing of its own, such as flags. */
  #atom(): RegexNode | undefined {
    const character = this.#characters[this.#index++]!
    switch (character) {
      case '(':
        return this.#group()
      case '[':
        return this.#set()
      case '.':
        return set(this.#flags.dotAll ? [[0, top]] : [[10, 10]], !this.#flags.dotAll)
      case '^':
        return { kind: 'assertion', at: this.#flags.multiline ? 'lineStart' : 'start' }
      case '$':
        return { kind: 'assertion', at: this.#flags.multiline ? 'lineEnd' : 'end' }
      case '\\':
        return this.#escape()
      case '*':
      case '+':
      case '?':
        throw fault('missing argument to repetition operator', character)
      default:
        return this.#literal(character.codePointAt(0)!)
    }
  }

  #literal(code: number): RegexNode {
    return set(this.#flags.ignoreCase ? withCases([[code, code]]) : [[code, code]])
  }

  #group(): RegexNode | undefined {
    const flags = this.#flags
    if (this.#skip('?')) {
      const rest = this.#characters.slice(this.#index, this.#index + 80).join('')
      const named = /^P?<([A-Za-z_]\w*)>/.exec(rest)
      const switches = /^([imsU]*)(?:-([imsU]+))?([:)])/.exec(rest)
      if (named) this.#index += named[0].length
      else if (switches) {
        this.#index += switches[0].length
        this.#flags = withFlags(flags, switches[1]!, switches[2] ?? '')
        if (switches[3] === ')') return undefined
      } else throw fault('invalid or unsupported Perl syntax', `(?${rest.slice(0, 1)}`)
    }
    const node = this.#choice()
    if (!this.#skip(')')) throw fault('missing closing )', this.#pattern)
    this.#flags = flags
    return node
  }

  #escape(): RegexNode {
    const character = this.#next
    if (character === undefined) throw fault('trailing backslash at end of expression', '')
    const at = assertionOf(character)
    if (at) {
      this.#index++
      return { kind: 'assertion', at }
    }
    if (this.#skip('Q')) return this.#quoted()
    const known = this.#class()
    if (known) return known
    return this.#literal(this.#escapedCode())
  }

  #quoted(): RegexNode {
    const nodes: RegexNode[] = []
    while (this.#next !== undefined && !this.#skip('\\E'))
      nodes.push(this.#literal(this.#characters[this.#index++]!.codePointAt(0)!))
    return { kind: 'sequence', nodes }
  }

  /** `\d`, `\pL`, `\P{Greek}`, after the backslash. */
  #class(): SetNode | undefined {
    const character = this.#next!
    const ranges = classes[character.toLowerCase()]
    if (ranges && /[dwsDWS]/.test(character)) {
      this.#index++
      return set(ranges, character !== character.toLowerCase())
    }
    if (character !== 'p' && character !== 'P') return undefined
    const text = this.#characters.slice(this.#index, this.#index + 60).join('')
    const property = /^[pP](?:\{(\^?)(\w+)\}|([A-Z]))/.exec(text)
    if (!property) throw fault('invalid character class range', `\\${text.slice(0, 2)}`)
    this.#index += property[0].length
    const negated = (character === 'P') !== (property[1] === '^')
    return {
      kind: 'set',
      negated: false,
      ranges: [],
      properties: [unicodeProperty(property[2] ?? property[3]!, negated)],
    }
  }

  #escapedCode(): number {
    const text = this.#characters.slice(this.#index, this.#index + 12).join('')
    const hexadecimal = /^x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,8})\})/.exec(text)
    const octal = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(text)
    const found = hexadecimal ?? octal
    if (found) {
      this.#index += found[0].length
      const code = hexadecimal ? Number.parseInt(found[1] ?? found[2]!, 16) : Number.parseInt(found[0], 8)
      if (code <= top) return code
    }
    const character = this.#characters[this.#index++]!
    if (Object.hasOwn(singleEscapes, character)) return singleEscapes[character]!
    if (/^[A-Za-z0-9]$/.test(character) || character > '\u007f')
      throw fault('invalid escape sequence', `\\${character}`)
    return character.codePointAt(0)!
  }

  #set(): RegexNode {
    const start = this.#index - 1
    const negated = this.#skip('^')
    const ranges: Range[] = []
    const properties: string[] = []
    for (let first = true; first || this.#next !== ']'; first = false) {
      if (this.#next === undefined) throw fault('missing closing ]', this.#text(start, this.#characters.length))
      const member = this.#setMember()
      if (typeof member !== 'number') {
        properties.push(...member.properties)
        ranges.push(...(member.negated ? complement(member.ranges) : member.ranges))
        continue
      }
      ranges.push(this.#range(member))
    }
    this.#index++
    const cased = this.#flags.ignoreCase ? withCases(ranges) : ranges
    return { kind: 'set', negated, ranges: cased, properties }
  }

  #setMember(): number | SetNode {
    const named = /^\[:(\^?)(\w+):\]/.exec(this.#characters.slice(this.#index, this.#index + 16).join(''))
    if (named) {
      const ranges = Object.hasOwn(posix, named[2]!) ? posix[named[2]!] : undefined
      if (!ranges) throw fault('invalid character class range', named[0])
      this.#index += named[0].length
      return set(ranges, named[1] === '^')
    }
    if (!this.#skip('\\')) return this.#characters[this.#index++]!.codePointAt(0)!
    if (this.#next === undefined) throw fault('trailing backslash at end of expression', '')
    return this.#class() ?? this.#escapedCode()
  }

  #range(low: number): Range {
    if (
      this.#next !== '-' ||
      this.#characters[this.#index + 1] === ']' ||
      this.#characters[this.#index + 1] === undefined
    )
      return [low, low]
    const start = this.#index
    this.#index++
    const high = this.#setMember()
    if (typeof high !== 'number' || high < low)
      throw fault('invalid character class range', String.fromCodePoint(low) + this.#text(start, this.#index))
    return [low, high]
  }
}

const set = (ranges: readonly Range[], negated = false): SetNode => ({ kind: 'set', negated, ranges, properties: [] })

/** RE2 counts repetitions of repetitions as one. */
function tooOften(node: RegexNode): boolean {
  const times = (part: RegexNode): number => {
    if (part.kind === 'repeat') return Math.max(part.max ?? part.min, 1) * times(part.node)
    if (part.kind === 'sequence' || part.kind === 'choice') return Math.max(1, ...part.nodes.map(times))
    return 1
  }
  return times(node) > repeatLimit
}

function assertionOf(character: string): Assertion | undefined {
  switch (character) {
    case 'A':
      return 'start'
    case 'z':
      return 'end'
    case 'b':
      return 'wordBoundary'
    case 'B':
      return 'notWordBoundary'
    default:
      return undefined
  }
}

function withFlags(flags: Flags, on: string, off: string): Flags {
  const flag = (letter: string, before: boolean) => (off.includes(letter) ? false : on.includes(letter) || before)
  return {
    ignoreCase: flag('i', flags.ignoreCase),
    multiline: flag('m', flags.multiline),
    dotAll: flag('s', flags.dotAll),
    ungreedy: flag('U', flags.ungreedy),
  }
}

function unicodeProperty(name: string, negated: boolean): string {
  const letter = negated ? 'P' : 'p'
  for (const candidate of [`\\${letter}{${name}}`, `\\${letter}{Script=${name}}`]) {
    try {
      new RegExp(`[${candidate}]`, 'u')
      if (name.length <= 2 || candidate.includes('Script')) return candidate
    } catch {
      // The next notation may know it.
    }
  }
  throw fault('invalid character class range', `\\${letter}{${name}}`)
}

function complement(ranges: readonly Range[]): Range[] {
  const sorted = [...ranges].sort(([left], [right]) => left - right)
  const result: Range[] = []
  let next = 0
  for (const [low, high] of sorted) {
    if (low > next) result.push([next, low - 1])
    next = Math.max(next, high + 1)
  }
  if (next <= top) result.push([next, top])
  return result
}

/** Adds the other case of letters, ASCII and beyond. */
function withCases(ranges: readonly Range[]): Range[] {
  const result: Range[] = [...ranges]
  for (const [low, high] of ranges) {
    result.push(...shifted(low, high, 65, 90, 32), ...shifted(low, high, 97, 122, -32))
    if (high > 127 && high - low < 500) result.push(...otherCases(Math.max(low, 128), high))
  }
  return result
}

function shifted(low: number, high: number, from: number, to: number, by: number): Range[] {
  const start = Math.max(low, from)
  const end = Math.min(high, to)
  return start <= end ? [[start + by, end + by]] : []
}

function otherCases(low: number, high: number): Range[] {
  const result: Range[] = []
  for (let code = low; code <= high; code++) {
    const character = String.fromCodePoint(code)
    for (const other of [character.toLowerCase(), character.toUpperCase()]) {
      const otherCode = other.codePointAt(0)!
      if (Array.from(other).length === 1 && otherCode !== code) result.push([otherCode, otherCode])
    }
  }
  return result
}
