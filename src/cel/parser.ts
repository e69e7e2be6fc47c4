/** Tokens → trees: the grammar of the language definition, with the reference's words for what does not fit. */
import { type Token, tokenize } from './lexer.ts'
import { parseBytes, parseNumber, parseText } from './literals.ts'
import { expandMacro, type MacroFeatures } from './macros.ts'
import { compileError, type Fault } from './source.ts'
import type { CallExpression, Expression, ListExpression, MapExpression, MessageExpression } from './syntax.ts'
import type { CelValue } from './values.ts'

export interface Syntax extends MacroFeatures {
  /** `a.?b`, `a[?b]`, `[?a]`, `{?a: b}`. */
  readonly optionals: boolean
  /** ``a.`b-c` `` */
  readonly escapedNames: boolean
}

const primaryStarts = "'.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
const expectedPrimary = `{'[', '{', '(', ${primaryStarts}`
const expectedArgument = `{'[', '{', '(', ')', ${primaryStarts}`
const optionalStarts = primaryStarts.replace("'.', '-', '!'", "'.', ',', '-', '!', '?'")
const expectedElement = `{'[', ']', '{', '(', ${optionalStarts}`
const expectedEntry = `{'[', '{', '}', '(', ${optionalStarts}`
const expectedField = "{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}"

/** How deep expressions may be nested, and how long a chain of operators may be; the reference's limit. */
const depthLimit = 250

/** How long a source may be, in characters. */
const sourceLimit = 100_000

const reserved = new Set(
  'as break const continue else for function if import let loop package namespace return var void while'.split(' '),
)

const relations: Readonly<Record<string, string>> = {
  '<': '_<_',
  '<=': '_<=_',
  '>': '_>_',
  '>=': '_>=_',
  '==': '_==_',
  '!=': '_!=_',
  in: '@in',
}
const sums: Readonly<Record<string, string>> = { '+': '_+_', '-': '_-_' }
const products: Readonly<Record<string, string>> = { '*': '_*_', '/': '_/_', '%': '_%_' }

/** Ends the parsing at a place from which it cannot go on. */
class Stop extends Error {}

/** @throws CelCompileError */
export function parse(source: string, syntax: Syntax): Expression {
  const faults: Fault[] = []
  const size = source.length > sourceLimit ? Array.from(source).length : source.length
  if (size > sourceLimit) {
    faults.push({
      offset: undefined,
      message: `expression code point size exceeds limit: size: ${size}, limit ${sourceLimit}`,
    })
    throw compileError(source, faults)
  }
  const parser = new Parser(tokenize(source, faults), syntax, faults)
  const expression = parser.parse()
  if (faults.length > 0 || !expression) throw compileError(source, faults)
  return expression
}

class Parser {
  readonly #tokens: readonly Token[]
  readonly #syntax: Syntax
  readonly #faults: Fault[]
  #index = 0
  #depth = 0

  constructor(tokens: readonly Token[], syntax: Syntax, faults: Fault[]) {
    this.#tokens = tokens
    this.#syntax = syntax
    this.#faults = faults
  }

  parse(): Expression | undefined {
    try {
      const expression = this.#expression()
      if (this.#peek.kind !== 'end') {
        const last = this.#tokens[this.#index + 1]?.kind === 'end'
        this.#fault(
          this.#peek.offset,
          `Syntax error: ${last ? 'extraneous' : 'mismatched'} input '${this.#peek.text}' expecting <EOF>`,
        )
      }
      return expression
    } catch (error) {
      if (error instanceof Stop) return undefined
      throw error
    }
  }

  get #peek(): Token {
    return this.#tokens[this.#index]!
  }

  #isNext(text: string): boolean {
    const token = this.#peek
    return token.kind === 'symbol' && token.text === text
  }

  #take(): Token {
    const token = this.#peek
    if (token.kind !== 'end') this.#index++
    return token
  }

  /** Takes a symbol when it comes next. */
  #accept(text: string): Token | undefined {
    return this.#isNext(text) ? this.#take() : undefined
  }

  #expect(text: string): Token {
    const token = this.#accept(text)
    if (token) return token
    const { kind, text: found, offset } = this.#peek
    const message =
      kind === 'end' && text !== ':'
        ? `Syntax error: missing '${text}' at '<EOF>'`
        : `Syntax error: mismatched input '${found}' expecting '${text}'`
    return this.#stop(offset, message)
  }

  #fault(offset: number | undefined, message: string): void {
    this.#faults.push({ offset, message })
  }

  #stop(offset: number | undefined, message: string): never {
    this.#fault(offset, message)
    throw new Stop()
  }

  /** A part one level deeper. */
  #nested<Part>(read: () => Part): Part {
    if (++this.#depth > depthLimit) this.#stop(undefined, `expression recursion limit exceeded: ${depthLimit}`)
    const part = read()
    this.#depth--
    return part
  }

  #expression(): Expression {
    return this.#nested(() => {
      const condition = this.#or()
      const mark = this.#accept('?')
      if (!mark) return condition
      const whenTrue = this.#or()
      this.#expect(':')
      const whenFalse = this.#expression()
      return call('_?_:_', mark.offset, [condition, whenTrue, whenFalse])
    })
  }

  #or(): Expression {
    return this.#logical('||', '_||_', () => this.#logical('&&', '_&&_', () => this.#relation()))
  }

  /** Long rows of `&&` and `||` become trees of little depth. */
  #logical(symbol: string, name: string, read: () => Expression): Expression {
    const terms = [read()]
    const marks: number[] = []
    for (let mark = this.#accept(symbol); mark; mark = this.#accept(symbol)) {
      marks.push(mark.offset)
      terms.push(read())
    }
    const balance = (low: number, high: number): Expression => {
      if (low === high) return terms[low]!
      const middle = Math.floor((low + high - 1) / 2)
      return call(name, marks[middle]!, [balance(low, middle), balance(middle + 1, high)])
    }
    return balance(0, terms.length - 1)
  }

  #relation(): Expression {
    return this.#chain(relations, () => this.#chain(sums, () => this.#chain(products, () => this.#unary())))
  }

  #chain(operators: Readonly<Record<string, string>>, read: () => Expression): Expression {
    let left = read()
    for (let length = 1; this.#peek.kind === 'symbol' && Object.hasOwn(operators, this.#peek.text); length++) {
      this.#limitChain(length)
      const operator = this.#take()
      left = call(operators[operator.text]!, operator.offset, [left, read()])
    }
    return left
  }

  #limitChain(length: number): void {
    if (length > depthLimit) this.#stop(undefined, 'max recursion depth exceeded')
  }

  #unary(): Expression {
    const { text, offset } = this.#peek
    if (this.#isNext('!')) return this.#repeated('!', '!_')
    if (!this.#isNext('-')) return this.#member(this.#primary())
    const next = this.#tokens[this.#index + 1]!
    if (next.kind === 'int' || next.kind === 'double') {
      this.#take()
      return this.#member(this.#number(this.#take(), true, offset))
    }
    return this.#repeated(text, '-_')
  }

  /** `!!a` is `a`. */
  #repeated(symbol: string, name: string): Expression {
    const { offset } = this.#peek
    let count = 0
    while (this.#accept(symbol)) count++
    const operand = this.#member(this.#primary())
    return count % 2 === 0 ? operand : call(name, offset, [operand])
  }

  #member(start: Expression): Expression {
    let expression = start
    for (let length = 1; ; length++) {
      this.#limitChain(length)
      if (this.#isNext('.')) expression = this.#select(expression)
      else if (this.#isNext('[')) expression = this.#index_(expression)
      else if (this.#isNext('{') && messageName(expression) !== undefined) expression = this.#message(expression)
      else return expression
    }
  }

  #select(operand: Expression): Expression {
    const { offset } = this.#take()
    const optional = this.#accept('?')
    if (optional && !this.#syntax.optionals) this.#fault(offset, "unsupported syntax '.?'")
    const field = this.#fieldName(offset)
    if (optional) return { kind: 'select', offset, operand, field: field.name, mode: 'optional' }
    if (this.#isNext('(') && !field.escaped) return this.#call(field.name, operand)
    return { kind: 'select', offset, operand, field: field.name, mode: 'read' }
  }

  #fieldName(dot: number): { readonly name: string; readonly escaped: boolean } {
    const token = this.#peek
    if (token.kind === 'identifier') return { name: this.#take().text, escaped: false }
    if (token.kind === 'escaped') {
      if (!this.#syntax.escapedNames) this.#fault(token.offset, "unsupported syntax: '`'")
      return { name: this.#take().text.slice(1, -1), escaped: true }
    }
    if (token.kind === 'symbol' && /^[a-z]/.test(token.text))
      return this.#stop(token.offset, `Syntax error: mismatched input '${token.text}' expecting IDENTIFIER`)
    const found = token.kind === 'end' ? '' : token.text
    const since = this.#tokens.findLast((candidate) => candidate.offset === dot)!.text
    return this.#stop(token.offset, `Syntax error: no viable alternative at input '${since}${found}'`)
  }

  #index_(operand: Expression): Expression {
    const { offset } = this.#take()
    const optional = this.#accept('?')
    if (optional && !this.#syntax.optionals) this.#fault(offset, "unsupported syntax '[?'")
    const index = this.#expression()
    this.#expect(']')
    return call(optional ? '_[?_]' : '_[_]', offset, [operand, index])
  }

  #call(name: string, target: Expression | undefined): Expression {
    const { offset } = this.#expect('(')
    const args: Expression[] = []
    if (!this.#isNext(')')) {
      if (!this.#startsExpression()) this.#skipUnexpected(expectedArgument)
      do args.push(this.#expression())
      while (this.#accept(','))
    }
    this.#expect(')')
    const plain: CallExpression = { kind: 'call', name, offset, target, args }
    return expandMacro(plain, this.#syntax, (faultOffset, message) => this.#fault(faultOffset, message)) ?? plain
  }

  #primary(): Expression {
    const token = this.#peek
    switch (token.kind) {
      case 'identifier':
        return this.#identifier('')
      case 'int':
      case 'uint':
      case 'double':
        return this.#number(this.#take(), false, token.offset)
      case 'string':
        return this.#constant(this.#take(), parseText(token), 'invalid unicode code point')
      case 'bytes':
        return this.#constant(this.#take(), parseBytes(token), 'invalid unicode code point')
      default:
        return this.#symbolPrimary(token)
    }
  }

  #symbolPrimary(token: Token): Expression {
    if (token.kind !== 'symbol') return this.#primaryAfterSkipping()
    switch (token.text) {
      case 'true':
      case 'false':
        return this.#constant(this.#take(), token.text === 'true')
      case 'null':
        return this.#constant(this.#take(), null)
      case '(': {
        this.#take()
        const inner = this.#expression()
        this.#expect(')')
        return inner
      }
      case '[':
        return this.#list()
      case '{':
        return this.#map()
      case '.':
        this.#take()
        if (this.#peek.kind !== 'identifier') return this.#unexpectedAfterDot()
        return this.#identifier('.')
      default:
        return this.#primaryAfterSkipping()
    }
  }

  #primaryAfterSkipping(): Expression {
    this.#skipUnexpected(expectedPrimary)
    return this.#primary()
  }

  #unexpectedAfterDot(): never {
    const { text, kind, offset } = this.#peek
    return this.#stop(offset, `Syntax error: no viable alternative at input '.${kind === 'end' ? '' : text}'`)
  }

  #identifier(dot: '' | '.'): Expression {
    const { text, offset } = this.#take()
    if (reserved.has(text)) {
      this.#fault(offset, `reserved identifier: ${text}`)
      return { kind: 'constant', value: null, offset }
    }
    if (this.#isNext('(')) return this.#call(dot + text, undefined)
    return { kind: 'identifier', name: dot + text, offset }
  }

  #number(token: Token, negative: boolean, offset: number): Expression {
    const value = parseNumber(token, negative)
    if (value === undefined) this.#fault(offset, `invalid ${token.kind} literal`)
    return { kind: 'constant', value: value ?? 0, offset }
  }

  #constant({ offset }: Token, value: CelValue | undefined, fault = ''): Expression {
    if (value === undefined) this.#fault(offset, fault)
    return { kind: 'constant', value: value ?? null, offset }
  }

  #list(): Expression {
    const { offset } = this.#take()
    const elements: ListExpression['elements'][number][] = []
    while (!this.#isNext(']')) {
      const optional = this.#optionalMark()
      if (!this.#startsExpression())
        this.#skipUnexpected(elements.length === 0 && !optional ? expectedElement : expectedPrimary)
      elements.push({ value: this.#expression(), optional })
      if (!this.#accept(',')) break
    }
    this.#expect(']')
    return { kind: 'list', offset, elements }
  }

  #map(): Expression {
    const { offset } = this.#take()
    const entries: MapExpression['entries'][number][] = []
    while (!this.#isNext('}')) {
      const optional = this.#optionalMark()
      if (!this.#startsExpression())
        this.#skipUnexpected(entries.length === 0 && !optional ? expectedEntry : expectedPrimary)
      const key = this.#expression()
      const colon = this.#expect(':')
      entries.push({ key, value: this.#expression(), optional, offset: colon.offset })
      if (!this.#accept(',')) break
    }
    this.#expect('}')
    return { kind: 'map', offset, entries }
  }

  #message(type: Expression): Expression {
    const { offset } = this.#take()
    const fields: MessageExpression['fields'][number][] = []
    while (!this.#isNext('}')) {
      const optional = this.#optionalMark()
      const isName = (index: number) => ['identifier', 'escaped'].includes(this.#tokens[index]!.kind)
      if (!isName(this.#index)) this.#skipUnexpected(expectedField, isName)
      const field = this.#fieldName(offset)
      const colon = this.#expect(':')
      fields.push({ name: field.name, value: this.#expression(), optional, offset: colon.offset })
      if (!this.#accept(',')) break
    }
    this.#expect('}')
    return { kind: 'message', name: messageName(type)!, offset, fields }
  }

  #optionalMark(): boolean {
    const mark = this.#accept('?')
    if (mark && !this.#syntax.optionals) this.#fault(mark.offset, "unsupported syntax '?'")
    return mark !== undefined
  }

  #startsExpression(index = this.#index): boolean {
    const { kind, text } = this.#tokens[index]!
    if (kind === 'symbol') return ['[', '{', '(', '.', '-', '!', 'true', 'false', 'null'].includes(text)
    return kind !== 'end' && kind !== 'escaped'
  }

  /** Passes over one token that stands where an expression may begin, when one begins after it; otherwise stops. */
  #skipUnexpected(expected: string, fits = (index: number) => this.#startsExpression(index)): void {
    const { text, kind, offset } = this.#peek
    const extraneous = kind !== 'end' && fits(this.#index + 1)
    const message = `Syntax error: ${extraneous ? 'extraneous' : 'mismatched'} input '${text}' expecting ${expected}`
    if (!extraneous) this.#stop(offset, message)
    this.#fault(offset, message)
    this.#take()
  }
}

const call = (name: string, offset: number, args: readonly Expression[]): Expression => ({
  kind: 'call',
  name,
  offset,
  target: undefined,
  args,
})

/** `a.b.c`, when an expression is nothing but that. */
export function messageName(expression: Expression): string | undefined {
  if (expression.kind === 'identifier') return expression.name
  if (expression.kind !== 'select' || expression.mode !== 'read') return undefined
  const operand = messageName(expression.operand)
  return operand === undefined ? undefined : `${operand}.${expression.field}`
}
