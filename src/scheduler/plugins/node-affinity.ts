import { own } from '../../base/own.ts'
import type { Node } from '../../kinds/core/node.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type {
  NodeAffinity,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PreferredSchedulingTerm,
} from '../../kinds/core/scheduling.ts'
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
      return isRestricted && !matchesNode(pod, node) ? mismatch : undefined
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

const requiredTerms = ({ affinity }: Pod['spec']) =>
  affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms

/** Whether a pod may go to a node as far as its selector and its required affinity are concerned. */
export function matchesNode({ spec }: Pod, node: Node): boolean {
  for (const key in spec.nodeSelector) if (own(node.metadata.labels, key) !== spec.nodeSelector[key]) return false
  return requiredTerms(spec)?.some((term) => matchesTerm(node, term)) ?? true
}

/** All requirements of a term must hold; a term without any matches nothing. */
export function matchesTerm(node: Node, term: NodeSelectorTerm): boolean {
  const expressions = term.matchExpressions ?? []
  const fields = term.matchFields ?? []
  if (expressions.length === 0 && fields.length === 0) return false
  return (
    expressions.every((requirement) => holds(own(node.metadata.labels, requirement.key), requirement)) &&
    fields.every((requirement) => requirement.key === 'metadata.name' && holds(node.metadata.name, requirement))
  )
}

function holds(value: string | undefined, { operator, values = [] }: NodeSelectorRequirement): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
      return isInteger(value) && isInteger(values[0]) && BigInt(value) > BigInt(values[0])
    case 'Lt':
      return isInteger(value) && isInteger(values[0]) && BigInt(value) < BigInt(values[0])
    default:
      return operator satisfies never
  }
}

const isInteger = (text: string | undefined): text is string => text !== undefined && /^[+-]?\d+$/.test(text)
