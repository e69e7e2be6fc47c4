/** Positions in a source text, and messages that point at them. */
import { CelCompileError, type CelIssue } from './contract.ts'

/** A fault at a place in the text; without a place it concerns the whole. */
export interface Fault {
  readonly offset: number | undefined
  readonly message: string
}

/**
 * What the reference prints: one paragraph per fault, in the order of the text.
 * @param offset of the faults: in units of the text
 */
export function compileError(source: string, faults: readonly Fault[]): CelCompileError {
  const located = faults.map((fault) => ({ fault, issue: locate(source, fault) }))
  located.sort((left, right) => left.issue.line - right.issue.line || left.issue.column - right.issue.column)
  const seen = new Set<string>()
  const paragraphs: string[] = []
  const issues: CelIssue[] = []
  for (const { issue } of located) {
    const paragraph = describe(source, issue)
    if (seen.has(paragraph)) continue
    seen.add(paragraph)
    paragraphs.push(paragraph)
    issues.push(issue)
  }
  return new CelCompileError(paragraphs.join('\n'), issues)
}

function locate(source: string, { offset, message }: Fault): CelIssue {
  if (offset === undefined) return { line: -1, column: 0, message }
  const before = source.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  const line = before.split('\n').length
  return { line, column: Array.from(before.slice(lineStart)).length, message }
}

function describe(source: string, { line, column, message }: CelIssue): string {
  if (line < 0) return `ERROR: <input>:-1:0: ${message}`
  const text = (source.split('\n')[line - 1] ?? '').replaceAll('\t', ' ')
  const characters = Array.from(text)
  const dots = characters
    .slice(0, column)
    .map((character) => (isWide(character) ? '．' : '.'))
    .join('')
  const caret = column < characters.length && isWide(characters[column]!) ? '＾' : '^'
  return `ERROR: <input>:${line}:${column + 1}: ${message}\n | ${text}\n | ${dots}${caret}`
}

/** The reference takes everything beyond ASCII for wide. */
const isWide = (character: string) => character.codePointAt(0)! > 0x7f
