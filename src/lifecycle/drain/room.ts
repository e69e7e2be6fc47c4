import type { Pod } from '../../kinds/core/pod.ts'

/**
 * A cluster on paper, in which pods can be given nodes to see where there is room. What decides is the scheduler's to
 * know: whoever composes both hands one in. Starts as the cluster is.
 */
export interface Room {
  /** From now on nobody comes to the node. */
  close(node: string): void
  open(node: string): void
  /** Takes the pod from where it is, and puts it where it fits best. Where it fits nowhere it is gone. */
  move(pod: Pod): Place
}

export type Place =
  | { readonly node: string }
  /** `remedy`: what would help, for the node that is nearest to taking it. */
  | { readonly node: undefined; readonly because: string; readonly remedy: string }
