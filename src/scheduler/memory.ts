import type { NodeState } from './cluster-state.ts'
import type { PodState } from './pod-state.ts'

const shapesAtMost = 32

/** What was found out about nodes for pods of one shape; it holds for a node as long as nothing changes there. */
export class Known<T> {
  readonly #versions: number[] = []
  readonly #found: (T | undefined)[] = []

  at({ index, version }: NodeState): T | undefined {
    return this.#versions[index] === version ? this.#found[index] : undefined
  }

  set({ index, version }: NodeState, found: T): void {
    while (this.#versions.length <= index) {
      this.#versions.push(-1)
      this.#found.push(undefined)
    }
    this.#versions[index] = version
    this.#found[index] = found
  }
}

/**
 * Remembers what was found out for pods of the shapes that came last: a thousand equal pods are one question. Only
 * answers of plugins that look at nothing but the node and what the pod asks for may be kept here.
 */
export class Memory<T> {
  readonly #shapes = new Map<string, Known<T>>()

  of({ shape }: PodState): Known<T> {
    let known = this.#shapes.get(shape)
    if (known) this.#shapes.delete(shape)
    else known = new Known()
    this.#shapes.set(shape, known)
    if (this.#shapes.size > shapesAtMost) this.#shapes.delete(this.#shapes.keys().next().value!)
    return known
  }
}
