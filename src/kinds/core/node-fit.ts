import { own } from '../../base/own.ts'
import type { Node } from './node.ts'
import type { PodSpec } from './pod-spec.ts'
import type { NodeSelectorRequirement, NodeSelectorTerm, Taint, Toleration } from './scheduling.ts'

/** Whether a pod may be on a node as far as its selector and its required affinity are concerned. */
export function matchesNode(spec: PodSpec, node: Node): boolean {
  for (const key in spec.nodeSelector) if (own(node.metadata.labels, key) !== spec.nodeSelector[key]) return false
  return requiredTerms(spec)?.some((term) => matchesTerm(node, term)) ?? true
}

/** Nodes that a pod's affinity insists on: those that match any of these; undefined: it insists on none. */
export const requiredTerms = ({ affinity }: PodSpec): readonly NodeSelectorTerm[] | undefined =>
  affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms

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

type TaintLike = Pick<Taint, 'key' | 'value' | 'effect'>

/** Effects of taints that keep new pods off a node. */
export const hardEffects: readonly Taint['effect'][] = ['NoSchedule', 'NoExecute']

/** The first taint with one of these effects that a pod does not put up with. */
export const untolerated = <T extends TaintLike>(
  taints: readonly T[] | undefined,
  tolerations: readonly Toleration[] | undefined,
  effects: readonly Taint['effect'][],
): T | undefined =>
  taints?.find(
    (taint) => effects.includes(taint.effect) && !tolerations?.some((toleration) => tolerates(toleration, taint)),
  )

/** Whether a toleration is one for this taint, be it for a time only. */
export function tolerates(toleration: Toleration, taint: TaintLike): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  // No key means every key, and is allowed with Exists alone.
  if (toleration.operator === 'Exists') return true
  return (toleration.value ?? '') === (taint.value ?? '') && !!toleration.key
}
