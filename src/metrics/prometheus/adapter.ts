import { formatTime } from '../../base/go-time.ts'
import { Quantity } from '../../base/quantity.ts'
import type { Client } from '../../client/client.ts'
import { apiVersionOf, type Kind } from '../../schema/kind.ts'
import { parseLabelSelector } from '../../schema/selectors.ts'
import { ApiError } from '../../schema/status.ts'
import type { Clock } from '../../world/world.ts'
import {
  type CustomMetric,
  customMetricsOf,
  type ExternalMetric,
  externalMetricsOf,
  labelOf,
  namespaceKind,
} from './catalogue.ts'
import type { Prometheus, Sample } from './prometheus.ts'
import { fillQuery, type Matcher, matchersOf, oneOf } from './query.ts'
import type { Rules } from './rules.ts'

export interface AdapterOptions {
  readonly client: Client
  readonly prometheus: Prometheus
  readonly rules: Rules
  readonly clock: Clock
  /** All kinds that are served: whose objects series may name. */
  readonly kinds: () => readonly Kind[]
}

/** What is asked for, as the path and the query say. */
export interface MetricRequest {
  readonly version: string
  readonly namespace: string
  /** `pods`, `ingresses.networking.k8s.io`, `metrics` (of the namespace itself); for external ones the metric. */
  readonly resource: string
  /** `*`: of all objects that are selected. */
  readonly name: string
  readonly metric: string
  readonly labelSelector: string
  readonly metricLabelSelector: string
}

/** An entry of a list of resources. */
export interface MetricResource {
  readonly name: string
  readonly singularName: string
  readonly namespaced: boolean
  readonly kind: string
  readonly verbs: readonly string[]
}

/** Which series there are is asked anew when what is known is older than this. */
const relistMs = 60_000

/**
 * What prometheus-adapter does: answers the custom and the external metrics API with what a Prometheus says, as a rules
 * file tells. Asks Prometheus only when it is asked itself.
 */
export class PrometheusAdapter {
  readonly #options: AdapterOptions
  #custom: ReadonlyMap<string, CustomMetric> = new Map()
  #external: ReadonlyMap<string, ExternalMetric> = new Map()
  #listedAt = Number.NEGATIVE_INFINITY
  #listing: Promise<void> | undefined

  constructor(options: AdapterOptions) {
    this.#options = options
  }

  async customResources(): Promise<readonly MetricResource[]> {
    await this.#relist()
    return [...this.#custom.values()]
      .map(({ kind, metric, namespaced }) => ({
        name: `${resourceName(kind)}/${metric}`,
        singularName: '',
        namespaced,
        kind: 'MetricValueList',
        verbs: ['get'],
      }))
      .sort(byName)
  }

  async externalResources(): Promise<readonly MetricResource[]> {
    await this.#relist()
    return [...this.#external.keys()]
      .map((name) => ({ name, singularName: '', namespaced: true, kind: 'ExternalMetricValueList', verbs: ['get'] }))
      .sort(byName)
  }

  /** A `MetricValueList`. Throws NotFound when there is no such metric, or no value of it. */
  async custom(request: MetricRequest): Promise<object> {
    await this.#relist()
    const { kind, namespace, names } = await this.#objectsOf(request)
    const found = this.#custom.get(`${resourceName(kind)}/${request.metric}`)
    if (found === undefined) throw noMetric(request.metric, resourceName(kind))
    if (names.length === 0) return valueList(request.version, [])
    const label = labelOf(found.rule.resources, kind)!
    const samples = await this.#ask(
      found,
      [
        ...matchersOf(parseLabelSelector(request.metricLabelSelector).requirements),
        ...this.#inNamespace(found, namespace),
        oneOf(label, names),
      ],
      [label],
    )
    const byObject = new Map(samples.map((sample) => [sample.labels[label] ?? '', sample]))
    const items = names.flatMap((name) => {
      const sample = byObject.get(name)
      return sample === undefined ? [] : [customValue(request, kind, { namespace, name }, sample)]
    })
    if (items.length === 0 && request.name !== '*')
      throw noMetric(request.metric, `${resourceName(kind)} ${request.name}`)
    return valueList(request.version, items)
  }

  /** An `ExternalMetricValueList`. Throws NotFound when there is no such metric. */
  async external({ namespace, resource: metric, labelSelector }: MetricRequest): Promise<object> {
    await this.#relist()
    const found = this.#external.get(metric)
    if (found === undefined) throw noMetric(metric, 'external metrics')
    const matchers = matchersOf(parseLabelSelector(labelSelector).requirements)
    const inNamespace = found.rule.resources.namespaced ? this.#inNamespace(found, namespace) : []
    const samples = await this.#ask(found, [...matchers, ...inNamespace], [])
    const items = samples.map(({ labels, value, atMs }) => {
      const { __name__: _, ...metricLabels } = labels
      return { metricName: metric, metricLabels, timestamp: formatTime(atMs), value: amountText(value) }
    })
    return {
      kind: 'ExternalMetricValueList',
      apiVersion: 'external.metrics.k8s.io/v1beta1',
      metadata: {},
      items,
    }
  }

  #ask(
    { rule, series }: CustomMetric | ExternalMetric,
    matchers: readonly Matcher[],
    groupBy: readonly string[],
  ): Promise<readonly Sample[]> {
    const query = fillQuery(rule.metricsQuery, { series, matchers, groupBy })
    return this.#options.prometheus.query(query, this.#options.clock.now())
  }

  #inNamespace({ rule }: CustomMetric | ExternalMetric, namespace: string): readonly Matcher[] {
    const label = labelOf(rule.resources, namespaceKind(this.#options.kinds()))
    return label === undefined || namespace === '' ? [] : [oneOf(label, [namespace])]
  }

  /** Whose metric is asked for. The objects are looked for in the cluster: Prometheus may know of some that are gone. */
  async #objectsOf({ namespace, resource, name, metric, labelSelector }: MetricRequest): Promise<Objects> {
    const kinds = this.#options.kinds()
    if (resource === 'metrics') return { kind: namespaceKind(kinds), namespace: '', names: [namespace] }
    const kind = kinds.find((each) => resourceName(each) === resource)
    if (kind === undefined) throw noMetric(metric, resource)
    if (name !== '*') return { kind, namespace, names: [name] }
    const { items } = await this.#options.client.list(kind, { namespace, labelSelector })
    return { kind, namespace, names: items.map(({ metadata }) => metadata.name ?? '') }
  }

  /** Those who come together wait for the same answer. */
  #relist(): Promise<void> {
    if (this.#options.clock.monotonic() - this.#listedAt < relistMs) return Promise.resolve()
    this.#listing ??= this.#list().finally(() => {
      this.#listing = undefined
    })
    return this.#listing
  }

  async #list(): Promise<void> {
    const { prometheus, rules, clock, kinds } = this.#options
    const since = clock.now() - relistMs
    const all = kinds()
    const custom = await Promise.all(
      rules.rules.map(async (rule) => customMetricsOf(rule, await prometheus.series(rule.seriesQuery, since), all)),
    )
    const external = await Promise.all(
      rules.externalRules.map(async (rule) =>
        externalMetricsOf(rule, await prometheus.series(rule.seriesQuery, since)),
      ),
    )
    // The first rule that makes a metric counts.
    this.#custom = new Map(
      custom
        .flat()
        .reverse()
        .map((each) => [`${resourceName(each.kind)}/${each.metric}`, each]),
    )
    this.#external = new Map(
      external
        .flat()
        .reverse()
        .map((each) => [each.metric, each]),
    )
    this.#listedAt = clock.monotonic()
  }
}

interface Objects {
  readonly kind: Kind
  readonly namespace: string
  readonly names: readonly string[]
}

const resourceName = ({ plural, group }: Kind) => (group === '' ? plural : `${plural}.${group}`)

const byName = (left: MetricResource, right: MetricResource) => (left.name < right.name ? -1 : 1)

const noMetric = (metric: string, of: string) =>
  new ApiError('NotFound', `the server could not find the metric ${metric} for ${of}`, { details: {} })

function valueList(version: string, items: readonly object[]): object {
  return { kind: 'MetricValueList', apiVersion: `custom.metrics.k8s.io/${version}`, metadata: {}, items }
}

function customValue(
  { version, metric, metricLabelSelector }: MetricRequest,
  kind: Kind,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  { value, atMs }: Sample,
): object {
  const describedObject = {
    kind: kind.kind,
    ...(namespace !== '' && { namespace }),
    name,
    // The reference's library joins the empty group and the version with a slash.
    apiVersion: kind.group === '' ? `/${kind.version}` : apiVersionOf(kind),
  }
  const selector = metricLabelSelector === '' ? null : selectorObject(metricLabelSelector)
  const measured = { timestamp: formatTime(atMs), value: amountText(value) }
  return version === 'v1beta1'
    ? { describedObject, metricName: metric, ...measured, selector }
    : { describedObject, metric: { name: metric, selector }, ...measured }
}

function selectorObject(text: string): object {
  const expressions = { in: 'In', notin: 'NotIn', '!=': 'NotIn', exists: 'Exists', '!': 'DoesNotExist' } as const
  const { requirements } = parseLabelSelector(text)
  const equal = requirements.filter(({ operator }) => operator === '=' || operator === '==')
  const others = requirements.filter((each) => !equal.includes(each))
  return {
    ...(equal.length > 0 && { matchLabels: Object.fromEntries(equal.map(({ key, values }) => [key, values[0]])) }),
    ...(others.length > 0 && {
      matchExpressions: others.map(({ key, operator, values }) => ({
        key,
        operator: expressions[operator as keyof typeof expressions],
        ...(values.length > 0 && { values }),
      })),
    }),
  }
}

/** Thousandths are as exact as the API is; what is no number counts as none. */
function amountText(value: number): string {
  const milli = Number.isFinite(value) ? Math.trunc(value * 1000) : 0
  return new Quantity(BigInt(milli), -3, 'DecimalSI').toString()
}
