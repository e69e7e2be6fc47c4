/**
 * What is wrong with a JSON text, in the words of Go's `encoding/json`. Used only when `JSON.parse` has refused a
 * text: a second reading, byte by byte, that stops where Go stops.
 */

/** As deep as Go's decoder goes. */
const maxDepth = 10_000

const unexpectedEnd = 'unexpected end of JSON input'

/** The fault of a text that is not JSON; undefined when Go would take it. */
export function syntaxFault(bytes: Uint8Array): string | undefined {
  return new Scanner(bytes).run()
}

/** The fault of a text that is nested too deep; quick for texts that are too short to be. */
export function depthFault(bytes: Uint8Array): string | undefined {
  return bytes.length < 2 * maxDepth || countOpening(bytes) <= maxDepth ? undefined : new Scanner(bytes).run()
}

function countOpening(bytes: Uint8Array): number {
  let count = 0
  for (const byte of bytes) if (byte === 0x5b || byte === 0x7b) count++
  return count
}

/** What may come next, outside strings, numbers and words. */
type Expect = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma'

class Fault extends Error {}

class Scanner {
  readonly #bytes: Uint8Array
  #index = 0
  /** The brackets that are open: `{` or `[`. */
  readonly #open: number[] = []

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  run(): string | undefined {
    try {
      this.#document()
      return undefined
    } catch (error) {
      if (error instanceof Fault) return error.message
      throw error
    }
  }

  #document(): void {
    let expect: Expect | 'end' = 'value'
    for (let byte = this.#nextToken(); byte !== undefined; byte = this.#nextToken()) {
      expect = this.#token(byte, expect)
    }
    if (expect !== 'end') throw new Fault(unexpectedEnd)
  }

  /** Reads what starts with `byte`; says what may come after it. */
  #token(byte: number, expect: Expect | 'end'): Expect | 'end' {
    switch (expect) {
      case 'value or end':
        if (byte === 0x5d) return this.#close()
        return this.#value(byte)
      case 'value':
        return this.#value(byte)
      case 'key or end':
        if (byte === 0x7d) return this.#close()
        return this.#key(byte)
      case 'key':
        return this.#key(byte)
      case 'colon':
        if (byte !== 0x3a) this.#fail('after object key')
        this.#index++
        return 'value'
      case 'comma':
        return this.#afterItem(byte)
      case 'end':
        return this.#fail('after top-level value')
    }
  }

  #value(byte: number): Expect | 'end' {
    if (byte === 0x7b || byte === 0x5b) {
      this.#open.push(byte)
      if (this.#open.length > maxDepth) this.#fail('exceeded max depth')
      this.#index++
      return byte === 0x7b ? 'key or end' : 'value or end'
    }
    if (byte === 0x22) this.#string()
    else if (byte === 0x2d || isDigit(byte)) this.#number()
    else this.#word(byte)
    return this.#afterValue()
  }

  #key(byte: number): Expect {
    if (byte !== 0x22) this.#fail('looking for beginning of object key string')
    this.#string()
    return 'colon'
  }

  #afterItem(byte: number): Expect | 'end' {
    const inObject = this.#open.at(-1) === 0x7b
    if (byte === 0x2c) {
      this.#index++
      return inObject ? 'key' : 'value'
    }
    if (byte !== (inObject ? 0x7d : 0x5d)) this.#fail(inObject ? 'after object key:value pair' : 'after array element')
    return this.#close()
  }

  #close(): Expect | 'end' {
    this.#open.pop()
    this.#index++
    return this.#afterValue()
  }

  #afterValue(): Expect | 'end' {
    return this.#open.length === 0 ? 'end' : 'comma'
  }

  #string(): void {
    this.#index++
    for (let byte = this.#peek(); byte !== 0x22; byte = this.#peek()) {
      if (byte === 0x5c) this.#escape()
      else if (byte < 0x20) this.#fail('in string literal')
      else this.#index++
    }
    this.#index++
  }

  #escape(): void {
    this.#index++
    const byte = this.#peek()
    if (byte !== 0x75) {
      if (!'"\\/bfnrt'.includes(String.fromCharCode(byte))) this.#fail('in string escape code')
      this.#index++
      return
    }
    for (let digit = 0; digit < 4; digit++) {
      this.#index++
      if (!/[0-9a-fA-F]/.test(String.fromCharCode(this.#peek()))) this.#fail('in \\u hexadecimal character escape')
    }
    this.#index++
  }

  #number(): void {
    if (this.#peek() === 0x2d) {
      this.#index++
      if (!isDigit(this.#peek())) this.#fail('in numeric literal')
    }
    if (this.#peek() === 0x30) this.#index++
    else this.#digits()
    if (this.#bytes[this.#index] === 0x2e) {
      this.#index++
      if (!isDigit(this.#peek())) this.#fail('after decimal point in numeric literal')
      this.#digits()
    }
    if ((this.#bytes[this.#index] ?? 0) === 0x65 || this.#bytes[this.#index] === 0x45) {
      this.#index++
      if (this.#peek() === 0x2b || this.#peek() === 0x2d) this.#index++
      if (!isDigit(this.#peek())) this.#fail('in exponent of numeric literal')
      this.#digits()
    }
  }

  #digits(): void {
    while (isDigit(this.#bytes[this.#index] ?? 0)) this.#index++
  }

  #word(first: number): void {
    const word = ['true', 'false', 'null'].find((candidate) => candidate.charCodeAt(0) === first)
    if (word === undefined) return this.#fail('looking for beginning of value')
    for (const letter of word) {
      if (this.#peek() !== letter.charCodeAt(0)) this.#fail(`in literal ${word} (expecting '${letter}')`)
      this.#index++
    }
  }

  #nextToken(): number | undefined {
    let byte = this.#bytes[this.#index]
    while (byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d) byte = this.#bytes[++this.#index]
    return byte
  }

  #peek(): number {
    const byte = this.#bytes[this.#index]
    if (byte === undefined) throw new Fault(unexpectedEnd)
    return byte
  }

  #fail(context: string): never {
    throw new Fault(`invalid character ${quoteByte(this.#bytes[this.#index] ?? 0)} ${context}`)
  }
}

const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39

/** A byte as Go shows it: in single quotes, escaped like in a string. */
function quoteByte(byte: number): string {
  if (byte === 0x27) return "'\\''"
  if (byte === 0x22) return "'\"'"
  if (byte === 0x5c) return "'\\\\'"
  const named: Readonly<Record<number, string>> = {
    7: '\\a',
    8: '\\b',
    9: '\\t',
    10: '\\n',
    11: '\\v',
    12: '\\f',
    13: '\\r',
  }
  const hex = byte.toString(16)
  if (byte < 0x20 || byte === 0x7f) return `'${named[byte] ?? `\\x${hex.padStart(2, '0')}`}'`
  return (byte > 0x7f && byte <= 0xa0) || byte === 0xad
    ? `'\\u${hex.padStart(4, '0')}'`
    : `'${String.fromCharCode(byte)}'`
}
