import type { Kind } from '../../schema/kind.ts'
import type { Labels } from './prometheus.ts'
import type { ResourceLabels, Rule } from './rules.ts'

/** A metric of the objects of one kind, and where it comes from. */
export interface CustomMetric {
  readonly kind: Kind
  readonly metric: string
  /** The objects are looked for in a namespace. */
  readonly namespaced: boolean
  readonly series: string
  readonly rule: Rule
}

export interface ExternalMetric {
  readonly metric: string
  readonly series: string
  readonly rule: Rule
}

/** The label in which the series of a rule name objects of a kind; undefined where they do not. */
export function labelOf(
  { overrides, template }: ResourceLabels,
  { group, plural, singular }: Kind,
): string | undefined {
  for (const [label, { group: itsGroup, resource }] of overrides)
    if (itsGroup === group && (resource === plural || resource === singular)) return label
  return template
    ?.replaceAll(/<<\s*\.Group\s*>>/g, group.replaceAll('.', '_'))
    .replaceAll(/<<\s*\.Resource\s*>>/g, singular)
}

/** All metrics of objects that a rule makes of the series that there are. */
export function customMetricsOf(rule: Rule, series: readonly Labels[], kinds: readonly Kind[]): CustomMetric[] {
  const namespaceLabel = labelOf(rule.resources, namespaceKind(kinds))
  const labelled = kinds.flatMap((kind) => {
    const label = labelOf(rule.resources, kind)
    return label === undefined ? [] : [{ kind, label }]
  })
  const found = new Map<string, CustomMetric>()
  for (const { labels, name, metric } of named(rule, series)) {
    const hasNamespace = namespaceLabel !== undefined && labels[namespaceLabel] !== undefined
    for (const { kind, label } of labelled) {
      if (labels[label] === undefined || (kind.namespaced && !hasNamespace)) continue
      const key = `${kind.plural}.${kind.group}/${metric}`
      if (!found.has(key)) found.set(key, { kind, metric, namespaced: kind.namespaced, series: name, rule })
    }
  }
  return [...found.values()]
}

export function externalMetricsOf(rule: Rule, series: readonly Labels[]): ExternalMetric[] {
  const found = new Map<string, ExternalMetric>()
  for (const { name, metric } of named(rule, series))
    if (!found.has(metric)) found.set(metric, { metric, series: name, rule })
  return [...found.values()]
}

function named({ accepts, nameOf }: Rule, series: readonly Labels[]) {
  return series.flatMap((labels) => {
    const name = labels['__name__'] ?? ''
    const metric = accepts(name) ? nameOf(name) : undefined
    return metric === undefined || metric === '' ? [] : [{ labels, name, metric }]
  })
}

export const namespaceKind = (kinds: readonly Kind[]): Kind =>
  kinds.find(({ group, plural }) => group === '' && plural === 'namespaces')!
