import { setFlagsFromString } from 'node:v8'

/**
 * Regular expressions as Go writes them, for JavaScript. Go's engine takes time that grows with the text alone;
 * V8's may take forever, unless it is told to change to its linear engine once it has gone back too often. That
 * one knows all that Go knows, so nobody can stop the server with a pattern.
 */
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')

/** A pattern that Go would not compile; the message is Go's. */
export class PatternError extends Error {}

const compiled = new Map<string, RegExp>()
const keptPatterns = 10_000

/** @throws PatternError */
export function goPattern(pattern: string): RegExp {
  let expression = compiled.get(pattern)
  if (expression === undefined) {
    expression = compilePattern(pattern)
    if (compiled.size >= keptPatterns) compiled.clear()
    compiled.set(pattern, expression)
  }
  return expression
}

function compilePattern(pattern: string): RegExp {
  const { source, unicode } = new Translation(pattern).translate()
  try {
    return new RegExp(source, unicode ? 'u' : '')
  } catch {
    throw new PatternError(`error parsing regexp: invalid or unsupported syntax: \`${pattern}\``)
  }
}

const classes: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
}

/** Escapes that mean the same in both languages. */
const sameEscapes = 'dDwWbBfnrtv'
const whitespace = '[\\t\\n\\f\\r ]'
const otherThanWhitespace = '[^\\t\\n\\f\\r ]'

/** Goes through a pattern once; what differs is rewritten, what Go refuses is refused in its words. */
class Translation {
  readonly #text: string
  #at = 0
  #open = 0
  #output = ''
  /** Property escapes need the Unicode mode, which the linear engine does not know. */
  #unicode = false
  /** Whether there is something that can be repeated. */
  #atom = false
  #repeated = ''

  constructor(text: string) {
    this.#text = text
  }

  translate(): { readonly source: string; readonly unicode: boolean } {
    while (this.#at < this.#text.length) this.#next()
    if (this.#open > 0) throw this.#fault('missing closing )', this.#text)
    return { source: this.#output, unicode: this.#unicode }
  }

  #next(): void {
    const char = this.#text[this.#at]!
    switch (char) {
      case '(':
        return this.#group()
      case ')':
        if (this.#open-- === 0) throw this.#fault('unexpected )', this.#text)
        return this.#emit(')', 1)
      case '[':
        return this.#class()
      case '\\':
        return this.#escape()
      case '*':
      case '+':
      case '?':
        return this.#repeat(char)
      case '{':
        return this.#count()
      case '|':
      case '^':
        this.#emit(char, 1)
        this.#atom = char === '^'
        return
      case '}':
      case ']':
      case '/':
        return this.#emit(`\\${char}`, 1)
      case '.':
        return this.#emit('[^\\n]', 1)
      case '$':
        return this.#emit('$', 1)
      default:
        this.#emit(char, 1)
    }
  }

  #emit(output: string, length: number): void {
    this.#output += output
    this.#at += length
    this.#atom = true
    this.#repeated = ''
  }

  #group(): void {
    this.#open++
    const rest = this.#text.slice(this.#at)
    const named = /^\(\?P?<([A-Za-z_]\w*)>/.exec(rest)
    const flags = /^\(\?([imsU]*)(?:-([imsU]+))?([:)])/.exec(rest)
    if (named !== null) this.#emit('(', named[0].length)
    else if (flags !== null) this.#flags(flags)
    else if (rest.startsWith('(?')) {
      throw this.#fault('invalid or unsupported Perl syntax', /^\(\?[^A-Za-z]*./s.exec(rest)?.[0] ?? rest)
    } else this.#emit('(', 1)
    this.#atom = false
  }

  /** `(?i:…)` is JavaScript, too; `(?i)` holds until the end of the group, which becomes one of its own. */
  #flags([all, on = '', off = '', end]: RegExpExecArray): void {
    const known = (letters: string) => letters.replace('U', '')
    const modifiers = `(?${known(on)}${known(off) === '' ? '' : `-${known(off)}`}:`
    if (end === ':') return this.#emit(modifiers === '(?:' ? '(?:' : modifiers, all.length)
    this.#open--
    const rest = this.#text.slice(this.#at + all.length)
    const close = closingOf(rest)
    const inner = new Translation(rest.slice(0, close))
    const { source, unicode } = inner.translate()
    this.#unicode ||= unicode
    this.#emit(`${modifiers}${source})`, all.length + close)
  }

  #repeat(char: string): void {
    const operator = this.#text[this.#at + 1] === '?' ? `${char}?` : char
    if (!this.#atom) throw this.#fault('missing argument to repetition operator', operator)
    if (this.#repeated !== '') throw this.#fault('invalid nested repetition operator', this.#repeated + operator)
    this.#emit(operator, operator.length)
    this.#repeated = operator
  }

  #count(): void {
    const match = /^\{(\d+)(,(\d*))?\}\??/.exec(this.#text.slice(this.#at))
    if (match === null) return this.#emit('\\{', 1)
    const [all, least = '', , most] = match
    if (!this.#atom) throw this.#fault('missing argument to repetition operator', all)
    if (this.#repeated !== '') throw this.#fault('invalid nested repetition operator', this.#repeated + all)
    const isWrong = Number(least) > 1000 || Number(most || 0) > 1000 || (most && Number(most) < Number(least))
    if (isWrong) throw this.#fault('invalid repeat count', all)
    this.#emit(all, all.length)
    this.#repeated = all
  }

  #escape(): void {
    const char = this.#text[this.#at + 1]
    if (char === undefined) throw new PatternError('error parsing regexp: trailing backslash at end of expression: ``')
    const longer = this.#longEscape()
    if (longer !== undefined) return this.#emit(longer.output, longer.length)
    if (char === 'A') return this.#emit('^', 2)
    if (char === 'z') return this.#emit('$', 2)
    if (char === 's') return this.#emit(whitespace, 2)
    if (char === 'S') return this.#emit(otherThanWhitespace, 2)
    if (sameEscapes.includes(char)) return this.#emit(`\\${char}`, 2)
    if (char === 'a') return this.#emit('\\x07', 2)
    if (char === 'Q') return this.#quoted()
    if (/\w/.test(char)) throw this.#fault('invalid escape sequence', `\\${char}`)
    this.#emit(char === '-' ? '-' : literal(char), 2)
  }

  /** Escapes of more than one character: code points, octal numbers and Unicode classes. */
  #longEscape(): { readonly output: string; readonly length: number } | undefined {
    const rest = this.#text.slice(this.#at)
    const hex = /^\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})/.exec(rest)
    if (hex !== null) {
      const code = Number.parseInt(hex[1] ?? hex[2]!, 16)
      return { output: literal(String.fromCodePoint(Math.min(code, 0x10ffff))), length: hex[0].length }
    }
    const octal = /^\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest)
    if (octal !== null) {
      return { output: literal(String.fromCharCode(Number.parseInt(octal[1]!, 8))), length: octal[0].length }
    }
    const property = /^\\([pP])(?:([A-Z])|\{(\^?)(\w+)\})/.exec(rest)
    if (property === null) return undefined
    this.#unicode = true
    const [all, letter = 'p', short, not, long] = property
    const name = short ?? long!
    const isNegative = (letter === 'P') !== (not === '^')
    const words = name.length <= 2 ? name : `Script=${name}`
    return { output: `\\${isNegative ? 'P' : 'p'}{${words}}`, length: all.length }
  }

  /** `\Q…\E`: everything in between as it is. */
  #quoted(): void {
    const end = this.#text.indexOf('\\E', this.#at + 2)
    const text = this.#text.slice(this.#at + 2, end < 0 ? undefined : end)
    this.#emit([...text].map(literal).join(''), text.length + (end < 0 ? 2 : 4))
  }

  #class(): void {
    const start = this.#at
    let output = '['
    let at = start + 1
    if (this.#text[at] === '^') {
      output += '^'
      at++
    }
    for (let isFirst = true; ; isFirst = false) {
      const char = this.#text[at]
      if (char === undefined) throw this.#fault('missing closing ]', this.#text.slice(start))
      if (char === ']' && !isFirst) break
      const posix = /^\[:(\^?)(\w+):\]/.exec(this.#text.slice(at))
      if (posix !== null) {
        const members = classes[posix[2]!]
        if (members === undefined || posix[1] === '^') throw this.#fault('invalid character class range', posix[0])
        output += members
        at += posix[0].length
        continue
      }
      const item = this.#classItem(at)
      output += item.output
      at += item.length
      if (this.#text[at] !== '-' || this.#text[at + 1] === ']' || this.#text[at + 1] === undefined) continue
      const to = this.#classItem(at + 1)
      const from = this.#text.slice(at - item.length, at)
      if (item.code > to.code) {
        throw this.#fault('invalid character class range', `${from}-${this.#text.slice(at + 1, at + 1 + to.length)}`)
      }
      output += `-${to.output}`
      at += 1 + to.length
    }
    this.#emit(`${output}]`, at + 1 - start)
  }

  #classItem(at: number): { readonly output: string; readonly length: number; readonly code: number } {
    const char = String.fromCodePoint(this.#text.codePointAt(at)!)
    if (char !== '\\') return { output: literal(char), length: char.length, code: char.codePointAt(0)! }
    const saved = this.#at
    this.#at = at
    const longer = this.#longEscape()
    this.#at = saved
    if (longer !== undefined) return { ...longer, code: longer.output.replace(/^\\/, '').codePointAt(0)! }
    const escaped = this.#text[at + 1]
    if (escaped === undefined) throw this.#fault('missing closing ]', this.#text)
    if (escaped === 's') return { output: '\\t\\n\\f\\r ', length: 2, code: 0 }
    if (escaped === 'a') return { output: '\\x07', length: 2, code: 7 }
    if ('dDwWfnrtv'.includes(escaped)) return { output: `\\${escaped}`, length: 2, code: 0 }
    if (/\w/.test(escaped)) throw this.#fault('invalid escape sequence', `\\${escaped}`)
    return { output: literal(escaped), length: 2, code: escaped.codePointAt(0)! }
  }

  #fault(what: string, where: string): PatternError {
    return new PatternError(`error parsing regexp: ${what}: \`${where}\``)
  }
}

/** A character that stands for itself. */
function literal(char: string): string {
  return /[\\^$.*+?()[\]{}|/-]/.test(char) ? `\\${char}` : char
}

/** Where the group ends that the text stands in: at a closing parenthesis that nothing in it opened. */
function closingOf(text: string): number {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '(') depth++
    else if (text[at] === ')' && depth-- === 0) return at
  }
  return text.length
}
