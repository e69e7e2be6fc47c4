/** What the autoscaler measures with: the three metrics APIs, asked as any client asks them. */

import { parseDuration } from '../../base/duration.ts'
import { parseQuantity } from '../../base/quantity.ts'
import type { Client } from '../../client/client.ts'
import type {
  CrossVersionObjectReference,
  MetricIdentifier,
} from '../../kinds/autoscaling/horizontal-pod-autoscaler.ts'
import type { Kind } from '../../schema/kind.ts'
import { toLabelSelector } from '../../schema/selectors.ts'
import { ApiError, isNotFound } from '../../schema/status.ts'
import { timeOf } from '../shared/owner.ts'
import { MetricError, type Sample, type Samples } from './calculator.ts'
import { kindsNamed } from './target.ts'

/** For samples that do not say over which time they were taken. */
const usualWindowMs = 60_000

interface PodMetrics {
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly timestamp: string
  readonly window: string
  readonly containers?: readonly ContainerMetrics[] | null
}

interface ContainerMetrics {
  readonly name: string
  readonly usage: Readonly<Record<string, string>>
}

/** An item of both versions of the custom metrics API, and of the external one but for the object. */
interface MetricValue {
  readonly describedObject?: { readonly name?: string }
  readonly timestamp?: string
  readonly windowSeconds?: number | null
  readonly value: string
}

/** Asks for a path; `what` is how the reference's client names what it did not get. */
async function read<T>(client: Client, path: string, what: string): Promise<T> {
  try {
    return (await client.read(path)) as T
  } catch (error) {
    throw new MetricError(messageOf(error, what))
  }
}

/** What the reference's client makes of refusals that say nothing of the resource. */
const generic = {
  NotFound: 'the server could not find the requested resource',
  ServiceUnavailable: 'the server is currently unable to handle the request',
}

function messageOf(error: unknown, what: string): string {
  if (!(error instanceof ApiError)) throw error
  const words = isNotFound(error) ? generic.NotFound : generic.ServiceUnavailable
  const saysNothing = error.message === words || error.message.startsWith('the server answered')
  return saysNothing ? `${words} (get ${what})` : error.message
}

async function wrapped<T>(before: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof MetricError) throw new MetricError(`${before}: ${error.message}`)
    throw error
  }
}

/** Use of a resource by the pods that a selector selects; `container` empty: by all containers of each. */
export async function resourceSamples(
  client: Client,
  namespace: string,
  selector: string,
  { resource, container }: { readonly resource: string; readonly container: string },
): Promise<Samples> {
  const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods${query({ labelSelector: selector })}`
  const asked = read<{ readonly items?: readonly PodMetrics[] }>(client, path, 'pods.metrics.k8s.io')
  const { items = [] } = await wrapped('unable to fetch metrics from resource metrics API', asked)
  if (items.length === 0) throw new MetricError('no metrics returned from resource metrics API')
  const samples = new Map<string, Sample>()
  for (const pod of items) {
    const milli = usedBy(pod, resource, container)
    if (milli === undefined) continue
    samples.set(pod.metadata.name, { milli, atMs: timeOf(pod.timestamp), windowMs: parseDuration(pod.window) })
  }
  return samples
}

/** Undefined where a container has no such number: the pod as a whole then has none. */
function usedBy({ metadata, containers }: PodMetrics, resource: string, container: string): number | undefined {
  const counted = (containers ?? []).filter(({ name }) => container === '' || name === container)
  if (counted.length === 0) {
    if (container === '') return undefined
    const pod = `${metadata.namespace}/${metadata.name}`
    throw new MetricError(
      `failed to get container metrics: container ${container} not present in metrics for pod ${pod}`,
    )
  }
  let sum = 0
  for (const { usage } of counted) {
    const used = usage[resource]
    if (used === undefined) return undefined
    sum += parseQuantity(used).milliValue()
  }
  return sum
}

/** A custom metric of each of the pods that a selector selects. */
export async function podSamples(
  client: Client,
  namespace: string,
  selector: string,
  metric: MetricIdentifier,
): Promise<Samples> {
  const path = `/namespaces/${namespace}/pods/*/${metric.name}`
  const items = await customValues(client, path, { labelSelector: selector }, metric)
  return new Map(items.map((item) => [item.describedObject?.name ?? '', sampleOf(item)]))
}

function sampleOf({ value, timestamp, windowSeconds }: MetricValue): Sample {
  return {
    milli: parseQuantity(value).milliValue(),
    atMs: timeOf(timestamp),
    windowMs: typeof windowSeconds === 'number' ? windowSeconds * 1000 : usualWindowMs,
  }
}

/** A custom metric of one object, in thousandths. The namespace of the autoscaler is the only one that it can name. */
export async function objectValue(
  client: Client,
  namespace: string,
  object: CrossVersionObjectReference,
  metric: MetricIdentifier,
  kinds: readonly Kind[],
): Promise<number> {
  const [item] = await customValues(client, pathOfObject(namespace, object, metric.name, kinds), {}, metric)
  return parseQuantity(item!.value).milliValue()
}

function pathOfObject(
  namespace: string,
  object: CrossVersionObjectReference,
  metric: string,
  kinds: readonly Kind[],
): string {
  const { apiVersion = '', kind, name } = object
  if (kind === 'Namespace' && !apiVersion.includes('/')) return `/namespaces/${namespace}/metrics/${metric}`
  const [found] = kindsNamed(object, kinds)
  if (found === undefined) {
    const message = `no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`
    throw new MetricError(`unable to fetch metrics from custom metrics API: ${message}`)
  }
  const resource = found.group === '' ? found.plural : `${found.plural}.${found.group}`
  return `/namespaces/${namespace}/${resource}/${name}/${metric}`
}

async function customValues(
  client: Client,
  path: string,
  selectors: Readonly<Record<string, string>>,
  metric: MetricIdentifier,
): Promise<readonly MetricValue[]> {
  const values = async () => {
    const version = await customVersion(client)
    const asked = query({ ...selectors, metricLabelSelector: selectorText(metric) })
    const list = `/apis/custom.metrics.k8s.io/${version}${path}${asked}`
    return read<{ readonly items?: readonly MetricValue[] }>(client, list, `${metric.name}.custom.metrics.k8s.io`)
  }
  const { items = [] } = await wrapped('unable to fetch metrics from custom metrics API', values())
  if (items.length === 0) throw new MetricError('no metrics returned from custom metrics API')
  return items
}

const customVersions = ['v1beta2', 'v1beta1']

async function customVersion(client: Client): Promise<string> {
  const served = await customGroup(client)
  const version = customVersions.find((each) => served.some((offered) => offered.version === each))
  if (version === undefined) throw new MetricError('no known available metric versions found')
  return version
}

async function customGroup(client: Client): Promise<readonly { readonly version: string }[]> {
  try {
    const group = (await client.read('/apis/custom.metrics.k8s.io')) as {
      readonly versions: readonly { readonly version: string }[]
    }
    return group.versions
  } catch (error) {
    if (!isNotFound(error)) throw new MetricError(messageOf(error, ''))
    throw new MetricError('no custom metrics API (custom.metrics.k8s.io) registered')
  }
}

/** The sum of all values of an external metric, in thousandths. */
export async function externalValue(client: Client, namespace: string, metric: MetricIdentifier): Promise<number> {
  const asked = query({ labelSelector: selectorText(metric) })
  const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${metric.name}${asked}`
  const answer = read<{ readonly items?: readonly MetricValue[] }>(
    client,
    path,
    `${metric.name}.external.metrics.k8s.io`,
  )
  const { items = [] } = await wrapped('unable to fetch metrics from external metrics API', answer)
  if (items.length === 0) throw new MetricError('no metrics returned from external metrics API')
  return items.reduce((sum, { value }) => sum + parseQuantity(value).milliValue(), 0)
}

/** Absent selects by the name alone. */
const selectorText = ({ selector }: MetricIdentifier) =>
  selector === undefined ? '' : toLabelSelector(selector).toString()

function query(parameters: Readonly<Record<string, string>>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== '')
  if (given.length === 0) return ''
  return `?${given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`
}
