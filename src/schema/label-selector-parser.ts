import { goQuote } from './field-errors.ts'
import { labelValueFaults, qualifiedNameFaults } from './names.ts'
import type { Operator, Requirement } from './selectors.ts'
import { badRequest } from './status.ts'

/**
 * The text form of label selectors: `a=b,c!=d,e in (x,y),!f,g notin (z),h>5`. What it accepts and how it complains is
 * the reference's (`labels.Parse`), down to `found '…', expected: …`.
 */

/** Gives the requirements in the order of the text. Throws an ApiError (400). */
export function parseRequirements(text: string): Requirement[] {
  return new RequirementParser(toTokens(text)).parse()
}

/** Throws an ApiError (400) when the values do not suit the operator, or are no label values. */
export function checkRequirement({ key, operator, values }: Requirement): void {
  const faults = [...keyFaults(key, 'key'), ...valueFaults(operator, values)]
  for (const [index, value] of values.entries()) {
    const why = labelValueFaults(value)
    if (why.length > 0) faults.push(`values[${index}][${key}]: Invalid value: ${goQuote(value)}: ${why.join('; ')}`)
  }
  if (faults.length > 0) throw badRequest(faults.length === 1 ? faults[0]! : `[${[...new Set(faults)].join(', ')}]`)
}

function keyFaults(key: string, path: string): string[] {
  const why = qualifiedNameFaults(key)
  return why.length > 0 ? [`${path}: Invalid value: ${goQuote(key)}: ${why.join('; ')}`] : []
}

function valueFaults(operator: Operator, values: readonly string[]): string[] {
  const invalid = (why: string) => [`values: Invalid value: ${JSON.stringify(values)}: ${why}`]
  switch (operator) {
    case 'in':
    case 'notin':
      return values.length > 0 ? [] : invalid("for 'in', 'notin' operators, values set can't be empty")
    case 'exists':
    case '!':
      return values.length === 0 ? [] : invalid('values set must be empty for exists and does not exist')
    case 'gt':
    case 'lt':
      return values
        .filter((value) => !isInteger(value))
        .map(
          (value) =>
            `values[0]: Invalid value: ${goQuote(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
        )
    default:
      return []
  }
}

/** Whether a text is a decimal number of 64 bits. */
export function isInteger(text: string): boolean {
  return /^[+-]?\d+$/.test(text) && BigInt.asIntN(64, toBigInt(text)) === toBigInt(text)
}

/** `BigInt` itself does not take a plus sign. */
export const toBigInt = (text: string): bigint => BigInt(text.replace(/^\+/, ''))

type Sign = '=' | '==' | '!=' | '!' | '(' | ')' | ',' | '>' | '<'

interface Token {
  readonly kind: Sign | 'in' | 'notin' | 'identifier' | 'end'
  readonly text: string
}

function toTokens(text: string): Token[] {
  const tokens: Token[] = []
  for (const [word] of text.matchAll(/==|!=|[=!(),<>]|[^=!(),<> \t\r\n]+/g))
    tokens.push({ kind: kindOf(word), text: word })
  return [...tokens, { kind: 'end', text: '' }]
}

function kindOf(word: string): Token['kind'] {
  if (word === 'in' || word === 'notin') return word
  return /^[=!(),<>]/.test(word) ? (word as Sign) : 'identifier'
}

const operators: Partial<Record<Token['kind'], Operator>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
}

const expected = (found: Token, what: string) => badRequest(`found '${found.text}', expected: ${what}`)

class RequirementParser {
  readonly #tokens: readonly Token[]
  #next = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = []
    while (this.#peek().kind !== 'end') {
      if (!this.#startsRequirement()) throw expected(this.#peek(), "!, identifier, or 'end of string'")
      requirements.push(this.#requirement())
      const separator = this.#take()
      if (separator.kind === 'end') break
      if (separator.kind !== ',') throw expected(separator, "',' or 'end of string'")
      if (!this.#startsRequirement()) throw expected(this.#peek(), "identifier after ','")
    }
    return requirements
  }

  #startsRequirement(): boolean {
    const token = this.#peek()
    return isWord(token) || token.kind === '!'
  }

  #requirement(): Requirement {
    try {
      const requirement = this.#requirementAtHand()
      checkRequirement(requirement)
      return requirement
    } catch (error) {
      throw badRequest(`unable to parse requirement: ${(error as Error).message}`)
    }
  }

  #requirementAtHand(): Requirement {
    const isAbsence = this.#peek().kind === '!'
    if (isAbsence) this.#take()
    const word = this.#take()
    if (!isWord(word)) throw expected(word, 'identifier')
    const key = word.text
    // The reference has no path at hand here, and says so.
    const [fault] = keyFaults(key, '<nil>')
    if (fault !== undefined) throw badRequest(fault)
    if (isAbsence) return { key, operator: '!', values: [] }
    const { kind } = this.#peek()
    if (kind === 'end' || kind === ',') return { key, operator: 'exists', values: [] }
    const operator = this.#operator()
    const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#exactValue()]
    return { key, operator, values: [...new Set(values)].sort() }
  }

  #operator(): Operator {
    const token = this.#take()
    const operator = operators[token.kind]
    if (operator === undefined) throw expected(token, 'in, notin, =, ==, !=, gt, lt')
    return operator
  }

  #exactValue(): string {
    const { kind } = this.#peek()
    if (kind === 'end' || kind === ',') return ''
    const token = this.#take()
    if (!isWord(token)) throw expected(token, 'identifier')
    return token.text
  }

  #values(): string[] {
    const open = this.#take()
    if (open.kind !== '(') throw badRequest(`found '${open.text}' expected: '('`)
    const values: string[] = []
    const first = this.#peek()
    if (first.kind === ')') values.push('')
    else if (isWord(first) || first.kind === ',') this.#valueList(values)
    else throw expected(first, "',', ')' or identifier")
    this.#take()
    return values
  }

  /** Up to the closing parenthesis. Nothing before, between or after commas is an empty value. */
  #valueList(values: string[]): void {
    while (this.#peek().kind !== ')') {
      const token = this.#take()
      if (isWord(token)) {
        values.push(token.text)
        const { kind } = this.#peek()
        if (kind !== ',' && kind !== ')') throw expected(this.#peek(), "',' or ')'")
      } else if (token.kind === ',') this.#afterComma(values)
      else throw expected(token, "',', or identifier")
    }
  }

  #afterComma(values: string[]): void {
    if (values.length === 0) values.push('')
    const { kind } = this.#peek()
    if (kind === ')') values.push('')
    if (kind !== ',') return
    this.#take()
    values.push('')
  }

  #peek(): Token {
    return this.#tokens[this.#next]!
  }

  #take(): Token {
    const token = this.#peek()
    if (token.kind !== 'end') this.#next++
    return token
  }
}

/** `in` and `notin` are words like others where no operator can stand. */
const isWord = ({ kind }: Token) => kind === 'identifier' || kind === 'in' || kind === 'notin'
