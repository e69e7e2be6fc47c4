/** Shows people how two values differ: the lines that were, marked `-`, and the lines that are, marked `+`. */
import type { Type } from '../../schema/types.ts'
import { goValue } from '../go-value.ts'

/** A unified diff of both values as the reference prints its own form of them. */
export function changes(type: Type, before: unknown, after: unknown): string {
  return unifiedDiff(linesOf(type, before), linesOf(type, after))
}

const linesOf = (type: Type, value: unknown): string[] =>
  JSON.stringify(goValue(type, value), null, 1).replace(/[<>&]/g, goEscape).split('\n')

/** Go writes JSON that is safe inside HTML. */
const goEscape = (character: string): string => `\\u00${character.charCodeAt(0).toString(16)}`

/** Lines that stay are shown around a change, this many on each side. */
const contextLines = 3

interface Edit {
  readonly sign: ' ' | '+' | '-'
  readonly line: string
}

function unifiedDiff(before: readonly string[], after: readonly string[]): string {
  const edits = editsBetween(before, after)
  const changed = edits.flatMap(({ sign }, index) => (sign === ' ' ? [] : [index]))
  let text = ''
  for (let index = 0; index < changed.length; ) {
    const first = changed[index] as number
    let last = first
    while (++index < changed.length && (changed[index] as number) - last <= 2 * contextLines)
      last = changed[index] as number
    text += hunk(edits, Math.max(0, first - contextLines), Math.min(edits.length, last + contextLines + 1))
  }
  return text
}

function hunk(edits: readonly Edit[], start: number, end: number): string {
  const count = (part: readonly Edit[], sign: '+' | '-') => part.filter((edit) => edit.sign !== sign).length
  const before = edits.slice(0, start)
  const shown = edits.slice(start, end)
  const range = (sign: '+' | '-') => `${count(before, sign) + 1},${count(shown, sign)}`
  const lines = shown.map(({ sign, line }) => `${sign}${line}\n`).join('')
  return `@@ -${range('+')} +${range('-')} @@\n${lines}`
}

/** The shortest way from one to the other, by the longest common subsequence of what differs. */
function editsBetween(before: readonly string[], after: readonly string[]): Edit[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start++
  let left = before.length
  let right = after.length
  while (left > start && right > start && before[left - 1] === after[right - 1]) {
    left--
    right--
  }
  const same = (line: string): Edit => ({ sign: ' ', line })
  return [
    ...before.slice(0, start).map(same),
    ...middleEdits(before.slice(start, left), after.slice(start, right)),
    ...before.slice(left).map(same),
  ]
}

function middleEdits(before: readonly string[], after: readonly string[]): Edit[] {
  const width = after.length + 1
  const lengths = new Uint32Array((before.length + 1) * width)
  const at = (row: number, column: number): number => lengths[row * width + column] as number
  for (let row = before.length - 1; row >= 0; row--) {
    for (let column = after.length - 1; column >= 0; column--) {
      const longer = Math.max(at(row + 1, column), at(row, column + 1))
      lengths[row * width + column] = before[row] === after[column] ? at(row + 1, column + 1) + 1 : longer
    }
  }
  const edits: Edit[] = []
  let [row, column] = [0, 0]
  while (row < before.length || column < after.length) {
    const [was, is] = [before[row], after[column]]
    if (was !== undefined && was === is) {
      edits.push({ sign: ' ', line: was })
      row++
      column++
    } else if (was !== undefined && (is === undefined || at(row + 1, column) >= at(row, column + 1))) {
      edits.push({ sign: '-', line: was })
      row++
    } else {
      edits.push({ sign: '+', line: is as string })
      column++
    }
  }
  return edits
}
