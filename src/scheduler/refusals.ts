import type { NodeState } from './cluster-state.ts'
import type { Plugin, Refusal } from './plugin.ts'

/** Who refuses a node, and why. All nodes that are refused alike share one. */
export interface Veto {
  readonly plugin: Plugin
  readonly refusal: Refusal
}

/** Nodes that would not have a pod, in the order in which they were asked, each with what stands against it first. */
export class Refusals {
  readonly #nodes: readonly NodeState[]
  readonly #vetoes: readonly Veto[]
  #counts: ReadonlyMap<Veto, number> | undefined

  /** `vetoes`: of each of the nodes. `counts`: how often each is among them, if that is known. */
  constructor(nodes: readonly NodeState[], vetoes: readonly Veto[], counts?: ReadonlyMap<Veto, number>) {
    this.#nodes = nodes
    this.#vetoes = vetoes
    this.#counts = counts
  }

  /** These, and then others. */
  plus({ nodes, vetoes }: Refusals): Refusals {
    return nodes.length === 0 ? this : new Refusals([...this.#nodes, ...nodes], [...this.#vetoes, ...vetoes])
  }

  get nodes(): readonly NodeState[] {
    return this.#nodes
  }

  /** Of each of `nodes`. */
  get vetoes(): readonly Veto[] {
    return this.#vetoes
  }

  /** How many nodes are refused alike. */
  get counts(): ReadonlyMap<Veto, number> {
    this.#counts ??= countRuns(this.#vetoes)
    return this.#counts
  }

  /** Who refused: any of them may change its mind. */
  get plugins(): ReadonlySet<Plugin> {
    const plugins = new Set<Plugin>()
    for (const { plugin } of this.counts.keys()) plugins.add(plugin)
    return plugins
  }

  /** The nodes on which other pods stand in the way. */
  get preemptible(): readonly NodeState[] {
    let areAll = true
    for (const { refusal } of this.counts.keys()) if (!refusal.preemptible) areAll = false
    return areAll ? this.#nodes : this.#nodes.filter((_, at) => this.#vetoes[at]!.refusal.preemptible)
  }

  /** What stands against a node; nothing when it is not among these. */
  of(node: NodeState): Veto | undefined {
    return this.#vetoes[this.#nodes.indexOf(node)]
  }
}

export const noRefusals = new Refusals([], [])

/** Neighbours mostly are refused alike. */
function countRuns(vetoes: readonly Veto[]): ReadonlyMap<Veto, number> {
  const counts = new Map<Veto, number>()
  for (let from = 0, at = 1; at <= vetoes.length; at++) {
    if (vetoes[at] === vetoes[from]) continue
    counts.set(vetoes[from]!, (counts.get(vetoes[from]!) ?? 0) + at - from)
    from = at
  }
  return counts
}

/** Finds the one veto that stands for each refusal, so that those of thousands of nodes are not as many objects. */
export class Vetoes {
  readonly #known = new WeakMap<Refusal, Veto>()
  #last: Veto | undefined

  of(plugin: Plugin, refusal: Refusal): Veto {
    const last = this.#last
    if (last?.refusal === refusal && last.plugin === plugin) return last
    let veto = this.#known.get(refusal)
    if (veto?.plugin !== plugin) {
      veto = { plugin, refusal }
      this.#known.set(refusal, veto)
    }
    this.#last = veto
    return veto
  }
}
