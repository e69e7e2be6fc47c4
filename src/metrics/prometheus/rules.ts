import { parse, YAMLParseError } from 'yaml'

/** A rules file that cannot be followed; the message says where and why. */
export class RulesError extends Error {}

/** What the rules file of an adapter says, in the form of prometheus-adapter's. */
export interface Rules {
  /** For metrics of objects (`custom.metrics.k8s.io`). */
  readonly rules: readonly Rule[]
  /** For metrics of what is outside the cluster (`external.metrics.k8s.io`). */
  readonly externalRules: readonly Rule[]
}

export interface Rule {
  /** Which series there are to look for. */
  readonly seriesQuery: string
  /** Whether a series of that name is meant. */
  readonly accepts: (series: string) => boolean
  /** What the metric of a series is called. */
  readonly nameOf: (series: string) => string | undefined
  readonly resources: ResourceLabels
  /** What is asked of Prometheus, with `<<.Series>>` and its like in it. */
  readonly metricsQuery: string
}

/** Which label of a series names which object. */
export interface ResourceLabels {
  /** Label → resource, by its plural or singular name. */
  readonly overrides: ReadonlyMap<string, { readonly group: string; readonly resource: string }>
  /** For all other resources: `kube_<<.Group>>_<<.Resource>>`. */
  readonly template: string | undefined
  /** Whether external metrics are looked for in the namespace of who asks. */
  readonly namespaced: boolean
}

/** Reads a rules file. */
export function parseRules(text: string): Rules {
  const file = record(parseText(text) ?? {}, 'the file')
  return {
    rules: list(file['rules'], 'rules').map((rule, at) => parseRule(rule, `rules[${at}]`)),
    externalRules: list(file['externalRules'], 'externalRules').map((rule, at) =>
      parseRule(rule, `externalRules[${at}]`),
    ),
  }
}

function parseText(text: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    if (error instanceof YAMLParseError) throw new RulesError(error.message)
    throw error
  }
}

function parseRule(value: unknown, where: string): Rule {
  const rule = record(value, where)
  const seriesQuery = string(rule['seriesQuery'], `${where}.seriesQuery`)
  const metricsQuery = string(rule['metricsQuery'], `${where}.metricsQuery`)
  if (seriesQuery === '') throw new RulesError(`${where}.seriesQuery: must be set`)
  if (metricsQuery === '') throw new RulesError(`${where}.metricsQuery: must be set`)
  return {
    seriesQuery,
    metricsQuery,
    accepts: parseFilters(rule['seriesFilters'], `${where}.seriesFilters`),
    nameOf: parseName(rule['name'], `${where}.name`),
    resources: parseResources(rule['resources'], `${where}.resources`),
  }
}

function parseFilters(value: unknown, where: string): Rule['accepts'] {
  const tests = list(value, where).map((item, at) => {
    const filter = record(item, `${where}[${at}]`)
    const is = pattern(filter['is'], `${where}[${at}].is`)
    const isNot = pattern(filter['isNot'], `${where}[${at}].isNot`)
    return (series: string) => (is === undefined || is.test(series)) && (isNot === undefined || !isNot.test(series))
  })
  return (series) => tests.every((test) => test(series))
}

/** Without a rule of its own a metric is called as its series is. */
function parseName(value: unknown, where: string): Rule['nameOf'] {
  const name = record(value ?? {}, where)
  const matches = pattern(name['matches'], `${where}.matches`) ?? /.*/
  const groups = new RegExp(`${matches.source}|`).exec('')!.length - 1
  const given = string(name['as'], `${where}.as`)
  if (given === '' && groups > 1) throw new RulesError(`${where}.as: must be set where matches has several groups`)
  const as = given || (groups === 1 ? '$1' : '$0')
  return (series) => {
    const found = matches.exec(series)
    if (found === null) return undefined
    return as.replaceAll(/\$\{?(\w+)\}?/g, (_, group: string) => found[Number(group)] ?? found.groups?.[group] ?? '')
  }
}

function parseResources(value: unknown, where: string): ResourceLabels {
  const resources = record(value ?? {}, where)
  const overrides = Object.entries(record(resources['overrides'] ?? {}, `${where}.overrides`)).map(
    ([label, target]) => {
      const { group, resource } = record(target, `${where}.overrides.${label}`)
      const names = { group: string(group, `${where}.group`), resource: string(resource, `${where}.resource`) }
      if (names.resource === '') throw new RulesError(`${where}.overrides.${label}.resource: must be set`)
      return [label, names] as const
    },
  )
  return {
    overrides: new Map(overrides),
    template: string(resources['template'], `${where}.template`) || undefined,
    namespaced: resources['namespaced'] !== false,
  }
}

function record(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new RulesError(`${where}: must be a map`)
}

function list(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value
  throw new RulesError(`${where}: must be a list`)
}

function string(value: unknown, where: string): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  throw new RulesError(`${where}: must be a string`)
}

function pattern(value: unknown, where: string): RegExp | undefined {
  const text = string(value, where)
  if (text === '') return undefined
  try {
    return new RegExp(text)
  } catch {
    throw new RulesError(`${where}: ${JSON.stringify(text)} is no regular expression`)
  }
}
