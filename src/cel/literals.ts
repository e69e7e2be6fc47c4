/** Tokens → constants. */
import type { Token } from './lexer.ts'
import { type CelValue, Double, toInt, Uint } from './values.ts'

/** Gives undefined for a number that does not exist; the fault's text is `invalid int literal` and so on. */
export function parseNumber(token: Token, negative: boolean): CelValue | undefined {
  const digits = token.text.replace(/[uU]$/, '')
  if (token.kind === 'double') {
    const value = Number(digits)
    return Number.isFinite(value) ? new Double(negative ? -value : value) : undefined
  }
  const value = negative ? -BigInt(digits) : BigInt(digits)
  if (token.kind === 'uint') return value <= 0xffff_ffff_ffff_ffffn ? new Uint(value) : undefined
  return value >= -(2n ** 63n) && value < 2n ** 63n ? toInt(value) : undefined
}

/** The text inside quotes, escapes resolved; undefined for a character that does not exist. */
export function parseText(token: Token): string | undefined {
  const { raw, body } = unquote(token.text)
  if (raw) return body
  let valid = true
  const text = body.replace(escapes, (whole, ...groups) => {
    const code = escapedCode(whole, groups)
    if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) valid = false
    return valid ? String.fromCodePoint(code) : ''
  })
  return valid ? text : undefined
}

/** The bytes inside quotes: texts as UTF-8, `\xff` and `\377` as single bytes. */
export function parseBytes(token: Token): Uint8Array | undefined {
  const { raw, body } = unquote(token.text)
  if (raw) return new Uint8Array(Buffer.from(body))
  const parts: Buffer[] = []
  let end = 0
  for (const match of body.matchAll(escapes)) {
    parts.push(Buffer.from(body.slice(end, match.index)))
    const code = escapedCode(match[0], match.slice(1))
    if (code > 0x10ffff) return undefined
    parts.push(/^\\[uU]/.test(match[0]) ? Buffer.from(String.fromCodePoint(code)) : Buffer.from([code]))
    end = match.index + match[0].length
  }
  parts.push(Buffer.from(body.slice(end)))
  return new Uint8Array(Buffer.concat(parts))
}

const escapes = /\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([\s\S]))/g

const singles: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 }

function escapedCode(whole: string, [short, four, eight, octal]: readonly (string | undefined)[]): number {
  const hexadecimal = short ?? four ?? eight
  if (hexadecimal !== undefined) return Number.parseInt(hexadecimal, 16)
  if (octal !== undefined) return Number.parseInt(octal, 8)
  return singles[whole[1]!] ?? whole.codePointAt(1)!
}

function unquote(text: string): { raw: boolean; body: string } {
  const prefix = /^[rRbB]*/.exec(text)![0]
  const quoted = text.slice(prefix.length)
  const width = quoted.startsWith('"""') || quoted.startsWith("'''") ? 3 : 1
  return {
    raw: /[rR]/.test(prefix),
    body: quoted.slice(width, -width).replaceAll('\r\n', '\n').replaceAll('\r', '\n'),
  }
}
