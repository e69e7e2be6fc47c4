import type { NodeState } from './cluster-state.ts'
import type { Fruitless } from './fruitless.ts'
import type { PodState } from './pod-state.ts'
import type { Veto } from './refusals.ts'

const shapesAtMost = 32
const noVersion = -1

/** What was found out about nodes for pods of one shape; it holds for a node as long as nothing changes there. */
export class Known<T> {
  #versions = new Int32Array(0)
  readonly #found: (T | undefined)[] = []

  /** Of the node with this index, which has this version now. */
  at(index: number, version: number): T | undefined {
    return this.#versions[index] === version ? this.#found[index] : undefined
  }

  set({ index, version }: NodeState, found: T): void {
    if (index >= this.#versions.length)
      this.#versions = grown(this.#versions, new Int32Array(2 * (index + 1)).fill(noVersion))
    while (this.#found.length < index) this.#found.push(undefined)
    this.#versions[index] = version
    this.#found[index] = found
  }
}

/**
 * What stands against nodes, and how good they are, for pods of one shape, as far as only the node matters. It lies in
 * columns by the index of the node: who looks at thousands of nodes looks at these and at nothing else.
 */
export class Verdicts {
  /** For which version of the node the others hold. */
  versions = new Int32Array(0)
  vetoes: (Veto | undefined)[] = []
  /** The sums of all scores that only the node decides; not a number until somebody wants to know. */
  scores = new Float64Array(0)
  /** The last search among all nodes, if none would have such a pod. */
  fruitless: Fruitless | undefined

  set({ index, version }: NodeState, veto: Veto | undefined): void {
    this.versions[index] = version
    this.vetoes[index] = veto
    this.scores[index] = Number.NaN
  }

  /** Makes room for nodes with an index below this. */
  reserve(count: number): void {
    const before = this.versions.length
    if (count <= before) return
    this.versions = grown(this.versions, new Int32Array(2 * count).fill(noVersion))
    this.scores = grown(this.scores, new Float64Array(2 * count))
    for (let at = before; at < 2 * count; at++) this.vetoes.push(undefined)
  }
}

function grown<T extends Int32Array | Float64Array>(before: T, after: T): T {
  after.set(before)
  return after
}

/**
 * Remembers what was found out for pods of the shapes that came last: a thousand equal pods are one question. Only
 * answers of plugins that look at nothing but the node and what the pod asks for may be kept here.
 */
export class Memory<T> {
  readonly #make: () => T
  readonly #shapes = new Map<string, T>()

  /** `make`: the memory of one shape. */
  constructor(make: () => T) {
    this.#make = make
  }

  of({ shape }: PodState): T {
    let known = this.#shapes.get(shape)
    if (known !== undefined) this.#shapes.delete(shape)
    else known = this.#make()
    this.#shapes.set(shape, known)
    if (this.#shapes.size > shapesAtMost) this.#shapes.delete(this.#shapes.keys().next().value!)
    return known
  }
}
