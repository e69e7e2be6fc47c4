/**
 * Whether a pattern matches somewhere, without where: an automaton that is made as texts are read. A character costs a
 * look into a table once its transition is known.
 */
import type { Instruction } from './regex-machine.ts'

/** All places in the program at which a match may be, after some text. */
class State {
  /** Instructions that wait for a character. */
  readonly threads: readonly number[]
  readonly matches: boolean
  /** Whether it matches when nothing follows. */
  readonly matchesAtEnd: boolean
  readonly #ascii: (State | undefined)[] = []
  readonly #others = new Map<number, State>()

  constructor(threads: readonly number[], matches: boolean, matchesAtEnd: boolean) {
    this.threads = threads
    this.matches = matches
    this.matchesAtEnd = matchesAtEnd
  }

  get(code: number): State | undefined {
    return code < 128 ? this.#ascii[code] : this.#others.get(code)
  }

  set(code: number, next: State): void {
    if (code < 128) this.#ascii[code] = next
    else this.#others.set(code, next)
  }
}

/** Texts that lead to ever new states do not fill the memory: then it begins anew. */
const statesMax = 1000
const transitionsMax = 20_000

export class Automaton {
  readonly #program: readonly Instruction[]
  readonly #states = new Map<string, State>()
  #start: State | undefined
  #transitions = 0

  /** Undefined for patterns that look at neighbours (`\b`, lines). */
  static of(program: readonly Instruction[]): Automaton | undefined {
    const looksAround = program.some(
      (instruction) => instruction.kind === 'assertion' && instruction.at !== 'start' && instruction.at !== 'end',
    )
    return looksAround ? undefined : new Automaton(program)
  }

  private constructor(program: readonly Instruction[]) {
    this.#program = program
  }

  test(text: string): boolean {
    this.#start ??= this.#stateOf([0], true)
    let state = this.#start
    for (let position = 0; position < text.length; position++) {
      if (state.matches) return true
      let code = text.charCodeAt(position)
      if (code >= 0xd800) {
        code = text.codePointAt(position)!
        if (code > 0xffff) position++
      }
      state = state.get(code) ?? this.#step(state, code)
    }
    return state.matches || state.matchesAtEnd
  }

  #step(state: State, code: number): State {
    if (this.#states.size > statesMax || ++this.#transitions > transitionsMax) this.#beginAnew()
    const seeds: number[] = []
    for (const at of state.threads) {
      const instruction = this.#program[at]!
      if (instruction.kind === 'character' && instruction.accepts(code)) seeds.push(at + 1)
    }
    // A match may begin anywhere.
    const next = this.#stateOf([...seeds, 0], false)
    state.set(code, next)
    return next
  }

  #beginAnew(): void {
    this.#states.clear()
    this.#start = undefined
    this.#transitions = 0
  }

  #stateOf(seeds: readonly number[], isStart: boolean): State {
    const { threads, matches, ends } = this.#reach(seeds, isStart)
    const key = `${threads.join()} ${matches} ${ends.join()}`
    let state = this.#states.get(key)
    if (state === undefined) {
      const matchesAtEnd = this.#reach(
        ends.map((at) => at + 1),
        isStart,
        true,
      ).matches
      state = new State(threads, matches, matchesAtEnd)
      this.#states.set(key, state)
    }
    return state
  }

  /** What can be reached without a character: instructions that wait for one, for the end, or for nothing any more. */
  #reach(seeds: readonly number[], isStart: boolean, isEnd = false) {
    const seen = new Set<number>()
    const waiting = [...seeds]
    const threads: number[] = []
    const ends: number[] = []
    let matches = false
    while (waiting.length > 0) {
      const at = waiting.pop()!
      if (seen.has(at)) continue
      seen.add(at)
      const instruction = this.#program[at]!
      if (instruction.kind === 'jump') waiting.push(instruction.to)
      else if (instruction.kind === 'split') waiting.push(instruction.first, instruction.second)
      else if (instruction.kind === 'character') threads.push(at)
      else if (instruction.kind === 'match') matches = true
      else if (instruction.at === 'start' ? isStart : isEnd) waiting.push(at + 1)
      else if (instruction.at === 'end') ends.push(at)
    }
    return { threads: threads.sort(byNumber), matches, ends: ends.sort(byNumber) }
  }
}

const byNumber = (left: number, right: number) => left - right
