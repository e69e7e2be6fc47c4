/** Source text → tokens. */
import type { Fault } from './source.ts'

export type TokenKind =
  | 'identifier'
  | 'escaped'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  /** Punctuation and the words `in`, `true`, `false`, `null`: the text says which. */
  | 'symbol'
  | 'end'

export interface Token {
  readonly kind: TokenKind
  /** As it was written. */
  readonly text: string
  readonly offset: number
}

const words = new Set(['in', 'true', 'false', 'null'])
const symbols = ['==', '!=', '<=', '>=', '&&', '||', ...'<>[]{}().,-!?:+*/%']

const space = /[\t\n\f\r ]+|\/\/[^\n]*/y
const name = /[A-Za-z_][A-Za-z0-9_]*/y
const escapedName = /`[A-Za-z0-9_.\-/ ]+`/y
const number = /0x[0-9a-fA-F]+[uU]?|(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)|\d+[uU]?/y
const escapeSequence = '\\\\(?:[abfnrtv"\'`?\\\\]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2})'
const text = new RegExp(
  [
    `(?:[rR][bB]?|[bB][rR])(?:"""[^]*?"""|'''[^]*?'''|"[^"\\n\\r]*"|'[^'\\n\\r]*')`,
    `[bB]?(?:"""(?:${escapeSequence}|[^\\\\])*?"""|'''(?:${escapeSequence}|[^\\\\])*?''')`,
    `[bB]?(?:"(?:${escapeSequence}|[^"\\\\\\n\\r])*"|'(?:${escapeSequence}|[^'\\\\\\n\\r])*')`,
  ].join('|'),
  'y',
)

/** Splits a text. What is no token is a fault and is passed over, as the reference does. */
export function tokenize(source: string, faults: Fault[]): Token[] {
  const tokens: Token[] = []
  let offset = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = offset
    return pattern.exec(source)?.[0]
  }
  while (offset < source.length) {
    const blank = take(space)
    if (blank !== undefined) {
      offset += blank.length
      continue
    }
    const token = nextToken(take, source, offset)
    if (token) {
      tokens.push(token)
      offset += token.text.length
    } else {
      const bad = unrecognized(source, offset)
      faults.push({ offset, message: `Syntax error: token recognition error at: '${bad}'` })
      offset += bad.length
    }
  }
  tokens.push({ kind: 'end', text: '<EOF>', offset: source.length })
  return tokens
}

function nextToken(take: (pattern: RegExp) => string | undefined, source: string, offset: number): Token | undefined {
  const quoted = take(text)
  if (quoted !== undefined) {
    const kind = /^[rR]?[bB]/.test(quoted) ? 'bytes' : 'string'
    return { kind, text: quoted, offset }
  }
  const word = take(name)
  if (word !== undefined) return { kind: words.has(word) ? 'symbol' : 'identifier', text: word, offset }
  const digits = take(number)
  if (digits !== undefined) return { kind: numberKind(digits), text: digits, offset }
  const escaped = take(escapedName)
  if (escaped !== undefined) return { kind: 'escaped', text: escaped, offset }
  const symbol = symbols.find((candidate) => source.startsWith(candidate, offset))
  return symbol === undefined ? undefined : { kind: 'symbol', text: symbol, offset }
}

function numberKind(digits: string): TokenKind {
  if (/[uU]$/.test(digits)) return 'uint'
  if (digits.startsWith('0x')) return 'int'
  return /[.eE]/.test(digits) ? 'double' : 'int'
}

/** How much the reference's automaton reads before it gives up. */
function unrecognized(source: string, offset: number): string {
  const rest = source.slice(offset)
  const quoted = /^(["'])(?:\\[\s\S]|(?!\1)[^\\\n\r])*/.exec(rest)
  if (quoted) return source.slice(offset, endOfBrokenText(source, offset, quoted[0].length))
  if (/^[&|=]/.test(rest)) return Array.from(rest).slice(0, 2).join('')
  return Array.from(rest)[0]!
}

/** A text ends to be one at its first escape that does not exist. */
function endOfBrokenText(source: string, offset: number, length: number): number {
  const escaped = new RegExp(escapeSequence, 'y')
  let index = offset + 1
  while (index < offset + length) {
    if (source[index] !== '\\') {
      index++
      continue
    }
    escaped.lastIndex = index
    const found = escaped.exec(source)
    if (!found) return Math.min(brokenEscapeEnd(source, index), offset + length)
    index += found[0].length
  }
  return offset + length
}

function brokenEscapeEnd(source: string, index: number): number {
  const partial = /\\(?:[xX][0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7}|[0-3][0-7]?)?/y
  partial.lastIndex = index
  return index + partial.exec(source)![0].length + 1
}
