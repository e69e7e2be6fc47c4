import { parseQuantity, Quantity } from '../../base/quantity.ts'
import type { Client } from '../../client/client.ts'
import type {
  MetricIdentifier,
  MetricSpec,
  MetricStatus,
  MetricTarget,
} from '../../kinds/autoscaling/horizontal-pod-autoscaler.ts'
import type { Kind } from '../../schema/kind.ts'
import { selectorText } from '../shared/selector-text.ts'
import {
  byAverage,
  byUtilization,
  byValue,
  byValuePerReplica,
  MetricError,
  type Proposal,
  type Situation,
} from './calculator.ts'
import { externalValue, objectValue, podSamples, resourceSamples } from './metrics.ts'

export interface Evaluated {
  readonly replicas: number
  /** How messages name the metric. */
  readonly name: string
  readonly status: MetricStatus
}

/** Why a metric says nothing. */
export interface Failure {
  /** For the event and the condition about this metric alone. */
  readonly reason: string
  readonly message: string
  /** What the sum of all failures says of it. */
  readonly summary: string
}

export interface Measuring {
  readonly client: Client
  readonly namespace: string
  /** Of the target's pods, as text. */
  readonly selector: string
  readonly situation: Situation
  readonly kinds: readonly Kind[]
}

/** Asks one metric how many replicas there should be. */
export async function evaluate(metric: MetricSpec, measuring: Measuring): Promise<Evaluated | Failure> {
  const source = sourceOf(metric)
  try {
    return await source.measure(measuring)
  } catch (error) {
    if (!(error instanceof MetricError)) throw error
    return { reason: source.reason, message: error.message, summary: `${source.failed}${error.message}` }
  }
}

interface Source {
  /** The reason of a failure's event and condition. */
  readonly reason: string
  readonly failed: string
  measure(measuring: Measuring): Promise<Evaluated>
}

function sourceOf(metric: MetricSpec): Source {
  const { object, pods, resource, containerResource, external } = metric
  if (metric.type === 'Object' && object !== undefined)
    return {
      reason: 'FailedGetObjectMetric',
      failed: 'failed to get object metric value: ',
      measure: (measuring) => ofObject(object, measuring),
    }
  if (metric.type === 'Pods' && pods !== undefined)
    return {
      reason: 'FailedGetPodsMetric',
      failed: 'failed to get pods metric value: ',
      measure: (measuring) => ofPods(pods, measuring),
    }
  if (metric.type === 'Resource' && resource !== undefined)
    return {
      reason: 'FailedGetResourceMetric',
      failed: `failed to get ${resource.name} resource metric value: `,
      measure: (measuring) => ofResource({ ...resource, container: '' }, measuring),
    }
  if (metric.type === 'ContainerResource' && containerResource !== undefined)
    return {
      reason: 'FailedGetContainerResourceMetric',
      failed: `failed to get ${containerResource.container} container metric value: `,
      measure: (measuring) => ofResource(containerResource, measuring),
    }
  if (metric.type === 'External' && external !== undefined)
    return {
      reason: 'FailedGetExternalMetric',
      failed: `failed to get ${external.metric.name} external metric value: `,
      measure: (measuring) => ofExternal(external, measuring),
    }
  return {
    reason: 'InvalidMetricSourceType',
    failed: '',
    measure: () => Promise.reject(new MetricError(`unknown metric source type ${JSON.stringify(metric.type)}`)),
  }
}

async function ofResource(
  source: NonNullable<MetricSpec['containerResource']>,
  { client, namespace, selector, situation }: Measuring,
): Promise<Evaluated> {
  const { name: resource, container, target } = source
  const measure = async (): Promise<Proposal> => {
    const asked = resourceSamples(client, namespace, selector, { resource, container })
    const samples = await within(`unable to get metrics for resource ${resource}`, asked)
    if (target.averageValue !== undefined) return byAverage(situation, samples, resource, milliOf(target.averageValue))
    return byUtilization(situation, samples, { resource, container, utilization: target.averageUtilization ?? 0 })
  }
  if (target.averageValue === undefined && target.averageUtilization === undefined) {
    const faults = 'neither an average utilization target nor an average value (usage) target was set'
    throw new MetricError(`invalid resource metric source: ${faults}`)
  }
  const kind = target.averageValue === undefined ? 'utilization' : 'usage'
  const proposal = await within(`failed to get ${resource} ${kind}`, measure())
  const { utilization } = proposal
  const current = {
    averageValue: amountText(proposal.milli, resource),
    ...(utilization !== undefined && { averageUtilization: utilization }),
  }
  const of = container === '' ? 'resource' : 'container resource'
  return {
    replicas: proposal.replicas,
    name: utilization === undefined ? `${resource} resource` : `${resource} ${of} utilization (percentage of request)`,
    status:
      container === ''
        ? { type: 'Resource', resource: { name: resource, current } }
        : { type: 'ContainerResource', containerResource: { name: resource, container, current } },
  }
}

async function ofPods(
  { metric, target }: NonNullable<MetricSpec['pods']>,
  { client, namespace, selector, situation }: Measuring,
): Promise<Evaluated> {
  const samples = await within(`unable to get metric ${metric.name}`, podSamples(client, namespace, selector, metric))
  const { replicas, milli } = byAverage(situation, samples, '', milliOf(target.averageValue))
  const current = { averageValue: amountText(milli) }
  return { replicas, name: `pods metric ${metric.name}`, status: { type: 'Pods', pods: { metric, current } } }
}

async function ofObject(
  { metric, target, describedObject }: NonNullable<MetricSpec['object']>,
  { client, namespace, situation, kinds }: Measuring,
): Promise<Evaluated> {
  const byTarget = targetKind(target)
  if (byTarget === undefined) {
    const faults = 'neither a value target nor an average value target was set'
    throw new MetricError(`invalid object metric source: ${faults}`)
  }
  const { kind, name } = describedObject
  const measured = await within(
    `unable to get metric ${metric.name}`,
    objectValue(client, namespace, describedObject, metric, kinds),
    ` on ${kind} ${namespace}/${name}`,
  )
  const shown = byTarget === 'value' ? `${kind} metric ${metric.name}` : externalName(metric)
  const { replicas, current } = against(byTarget, situation, measured, target)
  return { replicas, name: shown, status: { type: 'Object', object: { metric, current, describedObject } } }
}

async function ofExternal(
  { metric, target }: NonNullable<MetricSpec['external']>,
  { client, namespace, situation }: Measuring,
): Promise<Evaluated> {
  if (target.averageValue === undefined && target.value === undefined) {
    const faults = 'neither a value target nor an average value target was set'
    throw new MetricError(`invalid external metric source: ${faults}`)
  }
  const byTarget = target.averageValue === undefined ? 'value' : 'averageValue'
  const failed =
    byTarget === 'value'
      ? `failed to get external metric ${metric.name}`
      : `failed to get ${metric.name} external metric`
  const measure = async () => {
    const asked = externalValue(client, namespace, metric)
    const path = `${namespace}/${metric.name}/${selectorText(metric.selector)}`
    return against(byTarget, situation, await within(`unable to get external metric ${path}`, asked), target)
  }
  const { replicas, current } = await within(failed, measure())
  return { replicas, name: externalName(metric), status: { type: 'External', external: { metric, current } } }
}

function targetKind({ type, value, averageValue }: MetricTarget): 'value' | 'averageValue' | undefined {
  if (type === 'Value' && value !== undefined) return 'value'
  return type === 'AverageValue' && averageValue !== undefined ? 'averageValue' : undefined
}

function against(
  by: 'value' | 'averageValue',
  situation: Situation,
  milli: number,
  target: MetricTarget,
): { readonly replicas: number; readonly current: MetricStatusValue } {
  const proposal = (by === 'value' ? byValue : byValuePerReplica)(situation, milli, milliOf(target[by]))
  return { replicas: proposal.replicas, current: { [by]: amountText(proposal.milli) } }
}

type MetricStatusValue = NonNullable<MetricStatus['external']>['current']

const milliOf = (amount: string | undefined) => (amount === undefined ? 0 : parseQuantity(amount).milliValue())

/** Memory is written in powers of two, as the metrics API writes it. */
function amountText(milli: number, resource = ''): string {
  return new Quantity(BigInt(milli), -3, resource === 'memory' ? 'BinarySI' : 'DecimalSI').toString()
}

const externalName = ({ name, selector }: MetricIdentifier) => `external metric ${name}(${selectorText(selector)})`

/** Says before, and maybe behind, a failure what was being done. */
async function within<T>(before: string, work: Promise<T>, behind = ''): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof MetricError) throw new MetricError(`${before}: ${error.message}${behind}`)
    throw error
  }
}
