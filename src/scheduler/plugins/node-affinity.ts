import { matchesNode, matchesTerm, requiredTerms } from '../../kinds/core/node-fit.ts'
import type { NodeAffinity, PreferredSchedulingTerm } from '../../kinds/core/scheduling.ts'
import { definePlugin, never, nodeChanged, nothingToSay, type Plugin } from '../plugin.ts'

const mismatch = never("node(s) didn't match Pod's node affinity/selector")
const enforced = never("node(s) didn't match scheduler-enforced node affinity")

interface Wishes {
  readonly isRestricted: boolean
  readonly preferred: readonly PreferredSchedulingTerm[]
}

/**
 * `nodeSelector` and node affinity: where a pod must go, and where it would rather go. `added` is an affinity that a
 * profile gives all its pods.
 */
export function makeNodeAffinity(added?: NodeAffinity): Plugin {
  const addedTerms = added?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const addedWishes = added?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  return definePlugin<Wishes>({
    name: 'NodeAffinity',
    isLocal: true,
    listens: ['node'],
    wakes: (event) => nodeChanged(event, 'labels'),

    prepare({ spec }) {
      const isRestricted = spec.nodeSelector !== undefined || requiredTerms(spec) !== undefined
      const own = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
      const preferred = [...own, ...addedWishes]
      return isRestricted || preferred.length > 0 || addedTerms ? { isRestricted, preferred } : nothingToSay
    },

    // A DaemonSet's pods each name their node.
    narrow({ spec }) {
      const terms = requiredTerms(spec)
      if (!terms) return undefined
      const names = new Set<string>()
      for (const { matchFields } of terms) {
        const named = matchFields?.find(({ key, operator }) => key === 'metadata.name' && operator === 'In')
        if (!named) return undefined
        for (const name of named.values ?? []) names.add(name)
      }
      return names
    },

    filter({ pod }, { node }, { isRestricted }) {
      if (!node) return mismatch
      if (addedTerms && !addedTerms.some((term) => matchesTerm(node, term))) return enforced
      return isRestricted && !matchesNode(pod.spec, node) ? mismatch : undefined
    },

    scorer(_pod, _nodes, { preferred }) {
      if (preferred.length === 0) return undefined
      return ({ node }) => {
        let sum = 0
        for (const { weight, preference } of preferred) if (node && matchesTerm(node, preference)) sum += weight
        return sum
      }
    },
    best: 'highest',
    weight: 2,
  })
}
