import { own } from '../../base/own.ts'
import type { Node } from '../../kinds/core/node.ts'
import type { PodSpec } from '../../kinds/core/pod-spec.ts'
import type { NodeSelectorRequirement, NodeSelectorTerm, Taint, Toleration } from '../../kinds/core/scheduling.ts'

/** Whether a node is one that the pod may run on by its node selector and its required node affinity. */
export function matchesNode({ nodeSelector, affinity }: PodSpec, node: Node): boolean {
  const labels = node.metadata.labels ?? {}
  if (!Object.entries(nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node))
}

/** An empty term selects nothing. */
function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false
  const labels = node.metadata.labels ?? {}
  return (
    matchExpressions.every((requirement) => fulfils(own(labels, requirement.key), requirement)) &&
    matchFields.every((requirement) => fulfils(fieldOf(node, requirement.key), requirement))
  )
}

const fieldOf = (node: Node, key: string) => (key === 'metadata.name' ? node.metadata.name : undefined)

function fulfils(value: string | undefined, { operator, values = [] }: NodeSelectorRequirement): boolean {
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
    case 'Lt':
      return compares(value, operator, values[0])
    default:
      return false
  }
}

function compares(value: string | undefined, operator: string, limit: string | undefined): boolean {
  if (!isWhole(value) || !isWhole(limit)) return false
  return operator === 'Gt' ? BigInt(value) > BigInt(limit) : BigInt(value) < BigInt(limit)
}

const isWhole = (text: string | undefined): text is string => text !== undefined && /^-?[0-9]+$/.test(text)

/** The first taint with one of these effects that none of the tolerations allows. */
export function untolerated(
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
  effects: readonly string[],
): Taint | undefined {
  return taints?.find(
    (taint) => effects.includes(taint.effect) && !tolerations?.some((toleration) => tolerates(toleration, taint)),
  )
}

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  const value = toleration.value ?? ''
  switch (toleration.operator) {
    case 'Exists':
      return true
    case 'Gt':
    case 'Lt':
      return compares(taint.value, toleration.operator, value)
    default:
      return !!toleration.key && value === (taint.value ?? '')
  }
}
