/**
 * Regular expressions of RE2's syntax. What JavaScript's engine surely matches quickly it matches; everything else
 * runs on a simulation that visits each character once, so that no pattern and no text can hold up a server.
 */
import { Failure } from './failure.ts'
import { Automaton } from './regex-automaton.ts'
import { type Instruction, simulate, toInstructions } from './regex-machine.ts'
import { parsePattern, type RegexNode } from './regex-syntax.ts'

export interface Regex {
  test(text: string): boolean
  /** Where the first match from `start` on begins and ends. */
  find(text: string, start: number): readonly [number, number] | undefined
}

/** Patterns of rules are few; those that are put together at run time do not fill the memory. */
const cacheLimit = 1000
const cache = new Map<string, Regex>()

/** @throws Failure in Go's words when it is no pattern */
export function compileRegex(pattern: string): Regex {
  const known = cache.get(pattern)
  if (known) return known
  const regex = make(pattern)
  if (cache.size >= cacheLimit) cache.clear()
  cache.set(pattern, regex)
  return regex
}

/** How many steps JavaScript's backtracking may take at the very worst. */
const backtrackLimit = 1_000_000

function make(pattern: string): Regex {
  const root = parsePattern(pattern)
  const { choices, nested } = choicesOf(root, false)
  const native = nested || choices > 3 ? undefined : toNative(root)
  let instructions: readonly Instruction[] | undefined
  let automaton: Automaton | undefined
  const isQuick = (text: string) => (text.length + 1) ** (choices + 1) <= backtrackLimit
  const find = (text: string, start: number) => {
    if (native && isQuick(text)) {
      native.lastIndex = start
      const found = native.exec(text)
      return found ? ([found.index, found.index + found[0].length] as const) : undefined
    }
    instructions ??= toInstructions(root)
    return simulate(instructions, text, start)
  }
  const test = (text: string) => {
    if (!native || !isQuick(text)) {
      instructions ??= toInstructions(root)
      automaton ??= Automaton.of(instructions)
      if (automaton) return automaton.test(text)
    }
    return find(text, 0) !== undefined
  }
  return { find, test }
}

/**
 * How many places there are at which backtracking has a choice, and whether one of them is repeated: then the ways
 * multiply with each round.
 */
function choicesOf(node: RegexNode, repeated: boolean): { choices: number; nested: boolean } {
  switch (node.kind) {
    case 'repeat': {
      const open = node.max !== node.min
      const inner = choicesOf(node.node, repeated || node.max === undefined || node.max > 1)
      return { choices: inner.choices + (open ? 1 : 0), nested: inner.nested || (open && repeated) }
    }
    case 'sequence':
    case 'choice': {
      const parts = node.nodes.map((part) => choicesOf(part, repeated))
      const own = node.kind === 'choice'
      return {
        choices: parts.reduce((sum, part) => sum + part.choices, own ? 1 : 0),
        nested: (own && repeated) || parts.some((part) => part.nested),
      }
    }
    default:
      return { choices: 0, nested: false }
  }
}

function toNative(root: RegexNode): RegExp | undefined {
  try {
    return new RegExp(nativeSource(root), 'gu')
  } catch {
    return undefined
  }
}

function nativeSource(node: RegexNode): string {
  switch (node.kind) {
    case 'set':
      return `[${node.negated ? '^' : ''}${node.ranges.map(([low, high]) => `\\u{${low.toString(16)}}-\\u{${high.toString(16)}}`).join('')}${node.properties.join('')}]`
    case 'sequence':
      return node.nodes.map(nativeSource).join('')
    case 'choice':
      return `(?:${node.nodes.map(nativeSource).join('|')})`
    case 'repeat': {
      const count =
        node.max === undefined
          ? `{${node.min},}`
          : node.max === node.min
            ? `{${node.min}}`
            : `{${node.min},${node.max}}`
      return `(?:${nativeSource(node.node)})${count}${node.greedy ? '' : '?'}`
    }
    case 'assertion':
      return nativeAssertions[node.at]
  }
}

const nativeAssertions = {
  start: '(?<![^])',
  end: '(?![^])',
  lineStart: '(?<![^\\n])',
  lineEnd: '(?![^\\n])',
  wordBoundary: '\\b',
  notWordBoundary: '\\B',
} as const

/** All matches from left to right that do not overlap, at most `limit`. */
export function* findAll(regex: Regex, text: string, limit: number): Generator<string> {
  let start = 0
  let lastEnd = -1
  for (let count = 0; count < limit && start <= text.length; ) {
    const found = regex.find(text, start)
    if (!found) return
    const [begin, end] = found
    // An empty match right after a match is none.
    if (end > begin || begin !== lastEnd) {
      yield text.slice(begin, end)
      count++
    }
    lastEnd = end
    start = end > begin ? end : end + (text.codePointAt(end)! > 0xffff ? 2 : 1)
  }
}

/** The message of a pattern that is none; undefined when it is one. */
export function regexFault(pattern: string): string | undefined {
  try {
    compileRegex(pattern)
    return undefined
  } catch (error) {
    if (error instanceof Failure) return error.message
    throw error
  }
}
