import type { Pod } from '../kinds/core/pod.ts'
import type { PodAffinityTerm } from '../kinds/core/scheduling.ts'
import type { LabelSelector } from '../kinds/meta/label-selector.ts'
import { type Labels, type Matcher, matcherOf, selectsAll } from '../reconciler/selector.ts'

/** Pods that somebody wants to be near, or far from, and what counts as near. */
export interface Term {
  /** Two terms that mean the same have the same key. */
  readonly key: string
  readonly topologyKey: string
  readonly selects: Matcher
  /** A label without which no pod is selected, where there is one: `app=web`. */
  readonly label: string | undefined
  readonly namespaces: ReadonlySet<string>
  /** Selects further namespaces by their labels; all of them when it is `everything`. */
  readonly namespaceSelector: Matcher | 'everything' | undefined
}

export interface WeightedTerm {
  readonly term: Term
  /** Below zero for being far. */
  readonly weight: number
}

export interface PodTerms {
  readonly affinity: readonly Term[]
  readonly antiAffinity: readonly Term[]
  readonly preferred: readonly WeightedTerm[]
}

export const noTerms: PodTerms = { affinity: [], antiAffinity: [], preferred: [] }

/** Labels of a namespace by its name. */
export type NamespaceLabels = (name: string) => Labels | undefined

export function termsOf({ spec, metadata }: Pod): PodTerms {
  const { podAffinity: near, podAntiAffinity: far } = spec.affinity ?? {}
  if (!near && !far) return noTerms
  const own = metadata.namespace ?? ''
  const terms = (list: readonly PodAffinityTerm[] = []) => list.map((term) => termOf(term, own))
  type Preferred = NonNullable<typeof near>['preferredDuringSchedulingIgnoredDuringExecution']
  const weighted = (list: Preferred, sign: 1 | -1): WeightedTerm[] =>
    (list ?? []).map(({ weight, podAffinityTerm }) => ({ term: termOf(podAffinityTerm, own), weight: sign * weight }))
  return {
    affinity: terms(near?.requiredDuringSchedulingIgnoredDuringExecution),
    antiAffinity: terms(far?.requiredDuringSchedulingIgnoredDuringExecution),
    preferred: [
      ...weighted(near?.preferredDuringSchedulingIgnoredDuringExecution, 1),
      ...weighted(far?.preferredDuringSchedulingIgnoredDuringExecution, -1),
    ],
  }
}

/** Pods of a thousand replicas have a thousand copies of one term: it is made once. */
const made = new Map<string, Term>()
const madeAtMost = 4096

function termOf({ labelSelector, namespaces, namespaceSelector, topologyKey }: PodAffinityTerm, own: string): Term {
  // Neither given: the pod's own namespace.
  const named = namespaces?.length || namespaceSelector ? (namespaces ?? []) : [own]
  const key = JSON.stringify([topologyKey, named, labelSelector, namespaceSelector])
  const known = made.get(key)
  if (known) return known
  const term: Term = {
    key,
    topologyKey,
    selects: matcherOf(labelSelector),
    label: labelNeeded(labelSelector),
    namespaces: new Set(named),
    namespaceSelector:
      namespaceSelector && (selectsAll(namespaceSelector) ? 'everything' : matcherOf(namespaceSelector)),
  }
  if (made.size >= madeAtMost) made.delete(made.keys().next().value!)
  made.set(key, term)
  return term
}

/** A label that every selected pod has. */
export function labelNeeded(selector: LabelSelector | undefined): string | undefined {
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {})) return `${key}=${value}`
  for (const { key, operator, values } of selector?.matchExpressions ?? [])
    if (operator === 'In' && values?.length === 1) return `${key}=${values[0]}`
  return undefined
}

/** Whether a term means this pod. */
export function means(term: Term, { metadata }: Pod, labelsOf: NamespaceLabels): boolean {
  const namespace = metadata.namespace ?? ''
  const { namespaceSelector: further } = term
  const isThere =
    term.namespaces.has(namespace) || further === 'everything' || (further?.(labelsOf(namespace) ?? {}) ?? false)
  return isThere && term.selects(metadata.labels)
}
