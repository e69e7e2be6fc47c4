/** Matching without backtracking: all ways through a pattern at once, the preferred one first (Thompson, Pike). */
import type { Assertion, RegexNode, SetNode } from './regex-syntax.ts'

export type Instruction =
  | { readonly kind: 'character'; readonly accepts: (code: number) => boolean }
  | { readonly kind: 'split'; first: number; second: number }
  | { readonly kind: 'jump'; to: number }
  | { readonly kind: 'assertion'; readonly at: Assertion }
  | { readonly kind: 'match' }

export function toInstructions(root: RegexNode): readonly Instruction[] {
  const program: Instruction[] = []
  emit(program, root)
  program.push({ kind: 'match' })
  return program
}

function emit(program: Instruction[], node: RegexNode): void {
  switch (node.kind) {
    case 'set':
      program.push({ kind: 'character', accepts: predicate(node) })
      return
    case 'assertion':
      program.push(node)
      return
    case 'sequence':
      for (const part of node.nodes) emit(program, part)
      return
    case 'choice':
      emitChoice(program, node.nodes)
      return
    case 'repeat':
      for (let count = 0; count < node.min; count++) emit(program, node.node)
      if (node.max === undefined) emitLoop(program, node.node, node.greedy)
      else emitOptions(program, node.node, node.max - node.min, node.greedy)
  }
}

function emitChoice(program: Instruction[], nodes: readonly RegexNode[]): void {
  const exits: { to: number }[] = []
  for (const node of nodes.slice(0, -1)) {
    const split = { kind: 'split' as const, first: program.length + 1, second: 0 }
    program.push(split)
    emit(program, node)
    const exit = { kind: 'jump' as const, to: 0 }
    program.push(exit)
    exits.push(exit)
    split.second = program.length
  }
  emit(program, nodes.at(-1)!)
  for (const exit of exits) exit.to = program.length
}

function emitLoop(program: Instruction[], node: RegexNode, greedy: boolean): void {
  const start = program.length
  const split = { kind: 'split' as const, first: 0, second: 0 }
  program.push(split)
  emit(program, node)
  program.push({ kind: 'jump', to: start })
  if (greedy) [split.first, split.second] = [start + 1, program.length]
  else [split.first, split.second] = [program.length, start + 1]
}

function emitOptions(program: Instruction[], node: RegexNode, count: number, greedy: boolean): void {
  const splits: { at: number; split: { first: number; second: number } }[] = []
  for (let index = 0; index < count; index++) {
    const split = { kind: 'split' as const, first: 0, second: 0 }
    splits.push({ at: program.length, split })
    program.push(split)
    emit(program, node)
  }
  for (const { at, split } of splits) {
    if (greedy) [split.first, split.second] = [at + 1, program.length]
    else [split.first, split.second] = [program.length, at + 1]
  }
}

function predicate({ ranges, properties, negated }: SetNode): (code: number) => boolean {
  const classes = properties.length > 0 ? new RegExp(`[${properties.join('')}]`, 'u') : undefined
  return (code) => {
    let found = false
    for (const [low, high] of ranges)
      if (code >= low && code <= high) {
        found = true
        break
      }
    if (!found && classes) found = classes.test(String.fromCodePoint(code))
    return found !== negated
  }
}

interface Thread {
  readonly at: number
  readonly start: number
}

/** Gives the leftmost match from `from` on, the one that backtracking would find. */
export function simulate(
  program: readonly Instruction[],
  text: string,
  from: number,
): readonly [number, number] | undefined {
  let threads: Thread[] = []
  let best: readonly [number, number] | undefined
  const seen = new Int32Array(program.length).fill(-1)
  for (let position = from; ; ) {
    if (!best) addThread(program, threads, seen, { at: 0, start: position }, text, position)
    if (threads.length === 0 && best) return best
    const code = text.codePointAt(position)
    const next = position + (code !== undefined && code > 0xffff ? 2 : 1)
    const following: Thread[] = []
    for (const { at, start } of threads) {
      const instruction = program[at]!
      if (instruction.kind === 'match') {
        best = [start, position]
        break
      }
      if (instruction.kind === 'character' && code !== undefined && instruction.accepts(code))
        addThread(program, following, seen, { at: at + 1, start }, text, next)
    }
    if (code === undefined) return best
    threads = following
    position = next
  }
}

/** Follows what takes no character; `seen` holds the position at which an instruction was last reached. */
function addThread(
  program: readonly Instruction[],
  threads: Thread[],
  seen: Int32Array,
  { at: first, start }: Thread,
  text: string,
  position: number,
): void {
  const waiting = [first]
  while (waiting.length > 0) {
    const at = waiting.pop()!
    if (seen[at] === position) continue
    seen[at] = position
    const instruction = program[at]!
    switch (instruction.kind) {
      case 'jump':
        waiting.push(instruction.to)
        break
      case 'split':
        waiting.push(instruction.second, instruction.first)
        break
      case 'assertion':
        if (holds(instruction.at, text, position)) waiting.push(at + 1)
        break
      default:
        threads.push({ at, start })
    }
  }
}

function holds(assertion: Assertion, text: string, position: number): boolean {
  switch (assertion) {
    case 'start':
      return position === 0
    case 'end':
      return position === text.length
    case 'lineStart':
      return position === 0 || text[position - 1] === '\n'
    case 'lineEnd':
      return position === text.length || text[position] === '\n'
    case 'wordBoundary':
      return isWord(text[position - 1]) !== isWord(text[position])
    case 'notWordBoundary':
      return isWord(text[position - 1]) === isWord(text[position])
  }
}

const isWord = (character: string | undefined): boolean => character !== undefined && /^\w$/.test(character)
