/**
 * YAML as the reference's servers print it (`sigs.k8s.io/yaml`): sorted keys, lists at the level of their key, lines
 * folded at 80 characters, and quotes only around text that a YAML 1.1 reader would take for something else.
 */
export function goYaml(value: unknown): string {
  const lines: string[] = []
  if (isCollection(value)) writeCollection(value, 0, lines)
  else lines.push(scalar(value, 0, 0))
  return `${lines.join('\n')}\n`
}

type Members = Readonly<Record<string, unknown>>

const isCollection = (value: unknown): value is Members | readonly unknown[] =>
  typeof value === 'object' && value !== null && (Array.isArray(value) ? value : Object.keys(value)).length > 0

function writeCollection(value: Members | readonly unknown[], indent: number, lines: string[]): void {
  const pad = ' '.repeat(indent)
  if (Array.isArray(value)) {
    for (const item of value) {
      if (!isCollection(item)) {
        lines.push(`${pad}- ${scalar(item, indent + 2, indent + 2)}`)
        continue
      }
      const first = lines.length
      writeCollection(item, indent + 2, lines)
      lines[first] = `${pad}- ${lines[first]!.slice(indent + 2)}`
    }
    return
  }
  for (const key of Object.keys(value).sort(compareKeys)) {
    const item = (value as Members)[key]
    if (item === undefined) continue
    const name = key.length > 128 ? `? ${quoteKey(key)}\n${pad}` : quoteKey(key)
    if (isCollection(item)) {
      lines.push(`${pad}${name}:`)
      writeCollection(item, Array.isArray(item) ? indent : indent + 2, lines)
    } else {
      lines.push(`${pad}${name}: ${scalar(item, indent + 2, indent + name.length + 2)}`)
    }
  }
}

/** The order of yaml.v2: runs of digits by value, letters after other characters. */
export function compareKeys(left: string, right: string): number {
  const a = [...left]
  const b = [...right]
  for (let at = 0; at < a.length && at < b.length; at++) {
    const x = a[at]!
    const y = b[at]!
    if (x === y) continue
    if (isDigit(x) && isDigit(y)) return compareNumbers(a, b, at)
    const letters = [isLetter(x), isLetter(y)]
    if (letters[0] !== letters[1]) return letters[0] ? 1 : -1
    return x < y ? -1 : 1
  }
  return a.length - b.length
}

function compareNumbers(a: readonly string[], b: readonly string[], at: number): number {
  const x = /^\d+/.exec(a.slice(at).join(''))![0]
  const y = /^\d+/.exec(b.slice(at).join(''))![0]
  return Number(x) - Number(y) || x.length - y.length || (x < y ? -1 : 1)
}

const isDigit = (char: string) => /\p{Nd}/u.test(char)
const isLetter = (char: string) => /\p{L}/u.test(char)

const quoteKey = (key: string) => scalar(key, 0, -Infinity)

/** `indent` is that of folded lines, `column` where the text begins. */
function scalar(value: unknown, indent: number, column: number): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return text(value, indent, column)
  if (Array.isArray(value)) return '[]'
  if (typeof value === 'object') return '{}'
  if (typeof value !== 'number' || Number.isInteger(value)) return largeNumber(value)
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2')
}

/** The reference reads whole numbers as floats on their way from JSON when they do not fit into 64 bits. */
const largeNumber = (value: unknown) => String(value).replace(/e([+-])(\d)$/, 'e$10$2')

function text(value: string, indent: number, column: number): string {
  if (value === '') return '""'
  if (looksLikeOther(value)) return `"${value}"`
  if (!isPrintable(value)) return doubleQuoted(value, indent, column)
  if (value.includes('\n')) return column === -Infinity ? doubleQuoted(value, indent, column) : literal(value, indent)
  if (isPlain(value)) return fold(value, indent, column, false)
  return `'${fold(value.replaceAll("'", "''"), indent, column + 1, true)}'`
}

/** Would be read as a number, a boolean, null or a date. */
function looksLikeOther(value: string): boolean {
  return (
    /^(~|null|Null|NULL|y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF|<<)$/.test(
      value,
    ) ||
    /^[-+]?(0|[1-9][0-9_]*|0[0-7_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+|[0-9][0-9_]*)$/.test(value) ||
    /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(value) ||
    /^[-+]?(\.inf|\.Inf|\.INF)$|^\.(nan|NaN|NAN)$/.test(value) ||
    /^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$/.test(value) ||
    /^\d{4}-\d{2}-\d{2}$/.test(value) ||
    /^\d{4}-\d{1,2}-\d{1,2}([Tt]|[ \t]+)\d{1,2}:\d{1,2}:\d{1,2}(\.\d*)?([ \t]*(Z|[-+]\d{1,2}(:?\d{2})?))?$/.test(value)
  )
}

const isPrintable = (value: string) => !/[^\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/.test(value)

function isPlain(value: string): boolean {
  if (/^[-?:](?=\s|$)/.test(value) || /^[,[\]{}#&*!|>'"%@`]/.test(value) || /^(---|\.\.\.)/.test(value)) return false
  if (/^\s|\s$/.test(value)) return false
  return !/:(\s|$)|\s#/.test(value)
}

/** A block of lines; the mark says what becomes of line ends at the end. */
function literal(value: string, indent: number): string {
  const pad = ' '.repeat(indent)
  const lead = /^[ \n]/.test(value) ? '2' : ''
  const keep = value.endsWith('\n') ? (value === '\n' || value.endsWith('\n\n') ? '+' : '') : '-'
  const body = keep === '-' ? value : value.slice(0, -1)
  const lines = body.split('\n').map((line) => (line === '' ? '' : pad + line))
  return `|${lead}${keep}\n${lines.join('\n')}`
}

/** Breaks at single spaces once the line has gone beyond 80 columns. */
function fold(value: string, indent: number, column: number, quoted: boolean): string {
  if (column + value.length <= 80 || !value.includes(' ')) return value
  const pad = ' '.repeat(indent)
  let result = ''
  let at = column
  for (let i = 0; i < value.length; i++) {
    const char = value[i]!
    const single = char === ' ' && value[i - 1] !== ' ' && value[i + 1] !== ' '
    if (single && at > 80 && i > 0 && i < value.length - 1 && (quoted || value[i + 1] !== ' ')) {
      result += `\n${pad}`
      at = indent
    } else {
      result += char
      at++
    }
  }
  return result
}

const escapes: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\x85': '\\N',
  '\xa0': '\\_',
  '\u2028': '\\L',
  '\u2029': '\\P',
}

function doubleQuoted(value: string, indent: number, column: number): string {
  const pad = ' '.repeat(indent)
  let result = ''
  let at = column + 1
  const chars = [...value]
  for (const [i, char] of chars.entries()) {
    if (char === ' ' && at > 80 && i > 0 && i < chars.length - 1 && chars[i - 1] !== ' ') {
      result += `\n${pad}${chars[i + 1] === ' ' ? '\\' : ''}`
      at = indent
      continue
    }
    const shown =
      escapes[char] ?? (/[\x20-\x7e\xa1-\ud7ff\ue000-\ufefe\uff00-\ufffd]/u.test(char) ? char : escaped(char))
    result += shown
    at += shown.length
  }
  return `"${result}"`
}

function escaped(char: string): string {
  const code = char.codePointAt(0)!.toString(16).toUpperCase()
  if (code.length <= 2) return `\\x${code.padStart(2, '0')}`
  return code.length <= 4 ? `\\u${code.padStart(4, '0')}` : `\\U${code.padStart(8, '0')}`
}
