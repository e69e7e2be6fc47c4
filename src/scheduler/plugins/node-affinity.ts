import { own } from '../../base/own.ts'
import type { Node } from '../../kinds/core/node.ts'
import type { NodeSelectorRequirement, NodeSelectorTerm, PreferredSchedulingTerm } from '../../kinds/core/scheduling.ts'
import { definePlugin, never, nodeChanged } from '../plugin.ts'

const refusal = never("node(s) didn't match Pod's node affinity/selector")

/** `nodeSelector` and node affinity: where a pod must go, and where it would rather go. */
export const nodeAffinity = definePlugin<readonly PreferredSchedulingTerm[]>({
  name: 'NodeAffinity',
  wakes: (event) => nodeChanged(event, 'labels'),
  prepare: (pod) => pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [],

  // A DaemonSet's pods each name their node.
  narrow({ spec }) {
    const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
    if (!terms) return undefined
    const names = new Set<string>()
    for (const { matchFields } of terms) {
      const named = matchFields?.find(({ key, operator }) => key === 'metadata.name' && operator === 'In')
      if (!named) return undefined
      for (const name of named.values ?? []) names.add(name)
    }
    return names
  },

  filter({ spec }, { node }) {
    if (!node) return refusal
    for (const [key, value] of Object.entries(spec.nodeSelector ?? {}))
      if (node.metadata.labels?.[key] !== value) return refusal
    const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
    return terms && !terms.some((term) => matchesTerm(node, term)) ? refusal : undefined
  },

  score(_pod, { node }, preferred) {
    let sum = 0
    for (const { weight, preference } of preferred) if (node && matchesTerm(node, preference)) sum += weight
    return sum
  },
  best: 'highest',
  weight: 2,
})

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
