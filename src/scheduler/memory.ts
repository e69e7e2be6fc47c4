import type { NodeState } from './cluster-state.ts'
import type { Prepared } from './cycle.ts'
import type { PodState } from './pod-state.ts'

const shapesAtMost = 32

/** What was found out about nodes for pods of one shape; it holds for a node as long as nothing changes there. */
export interface Known<T> {
  at(node: NodeState): T | undefined
  set(node: NodeState, found: T): void
}

/** Remembers what was found out for pods of the shapes that came last: a thousand equal pods are one question. */
export class Memory<T> {
  readonly #shapes = new Map<string, Known<T>>()

  /** Nothing when somebody who is asked looks at more than the node, so that nothing can be remembered. */
  of(pod: PodState, asked: Prepared): Known<T> | undefined {
    for (const { plugin } of asked) if (plugin.filter && !plugin.isLocal) return undefined
    let known = this.#shapes.get(pod.shape)
    if (known) this.#shapes.delete(pod.shape)
    else known = newKnown()
    this.#shapes.set(pod.shape, known)
    if (this.#shapes.size > shapesAtMost) this.#shapes.delete(this.#shapes.keys().next().value!)
    return known
  }
}

function newKnown<T>(): Known<T> {
  const versions: number[] = []
  const found: (T | undefined)[] = []
  return {
    at: ({ index, version }) => (versions[index] === version ? found[index] : undefined),
    set({ index, version }, value) {
      while (versions.length <= index) {
        versions.push(-1)
        found.push(undefined)
      }
      versions[index] = version
      found[index] = value
    },
  }
}
