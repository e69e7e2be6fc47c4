/**
 * Between the versions of the autoscaler. Version 1 knows only the use of CPU; what else version 2 says travels in
 * annotations, as JSON in the form that metrics had before version 2.
 */

import type { Mutable } from '../../schema/types.ts'
import { goValue } from '../go-value.ts'
import {
  HorizontalPodAutoscalerBehavior,
  type HorizontalPodAutoscaler as V2,
  type HorizontalPodAutoscalerSpec as V2Spec,
  type HorizontalPodAutoscalerStatus as V2Status,
} from './horizontal-pod-autoscaler.ts'
import type { HorizontalPodAutoscaler as V1 } from './horizontal-pod-autoscaler-v1.ts'
import { fromOldMetric, fromOldStatus, type OldMetric, toOldMetric, toOldStatus } from './old-metrics.ts'
import { defaultUtilization } from './validation.ts'

const prefix = 'autoscaling.alpha.kubernetes.io'
const metricsKey = `${prefix}/metrics`
const currentMetricsKey = `${prefix}/current-metrics`
const conditionsKey = `${prefix}/conditions`
const behaviorKey = `${prefix}/behavior`
/** Annotations that carry what version 1 has no fields for. */
export const carriers: readonly string[] = [metricsKey, currentMetricsKey, conditionsKey, behaviorKey]

export function toV2({ metadata, spec, status }: V1): V2 {
  const annotations = metadata.annotations ?? {}
  const { targetCPUUtilizationPercentage: percentage, ...sameSpec } = spec
  const { currentCPUUtilizationPercentage: currentPercentage, ...sameStatus } = status
  const others = readList<OldMetric>(annotations[metricsKey]).map(fromOldMetric)
  const isDefault = percentage === undefined && others.length === 0
  const ownTarget = isDefault ? defaultUtilization : percentage
  const own = ownTarget === undefined ? [] : [cpuMetric(ownTarget)]
  const current = readList<OldMetric>(annotations[currentMetricsKey]).map(fromOldStatus)
  const ownCurrent = currentPercentage === undefined || current.length > 0 ? [] : [cpuStatus(currentPercentage)]
  const behavior = readBehavior(annotations[behaviorKey])
  const conditions = readList<NonNullable<V2Status['conditions']>[number]>(annotations[conditionsKey])
  const rest = Object.entries(annotations).filter(([key]) => !carriers.includes(key))
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { ...metadata, annotations: rest.length > 0 ? Object.fromEntries(rest) : undefined },
    spec: { ...sameSpec, metrics: [...others, ...own], ...(behavior && { behavior }) },
    status: {
      ...sameStatus,
      currentMetrics: [...current, ...ownCurrent],
      ...(conditions.length > 0 && { conditions }),
    },
  }
}

export function fromV2({ metadata, spec, status }: V2): V1 {
  const { metrics = [], behavior, ...sameSpec } = spec
  const { currentMetrics, conditions = [], currentReplicas = 0, ...sameStatus } = status
  const own = metrics.find(isCpuUtilization)
  const others = metrics.filter((metric) => !isCpuUtilization(metric))
  const current = currentMetrics ?? []
  const currentPercentage = current.find(({ resource }) => resource?.name === 'cpu')?.resource?.current
    .averageUtilization
  const percentage = own?.resource?.target.averageUtilization
  const annotations: Mutable<Record<string, string>> = { ...metadata.annotations }
  if (others.length > 0) annotations[metricsKey] = JSON.stringify(others.map(toOldMetric))
  if (current.length > 0) annotations[currentMetricsKey] = JSON.stringify(current.map(toOldStatus))
  if (conditions.length > 0) annotations[conditionsKey] = JSON.stringify(conditions)
  if (behavior) annotations[behaviorKey] = JSON.stringify(goValue(HorizontalPodAutoscalerBehavior, behavior))
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: { ...metadata, annotations: Object.keys(annotations).length > 0 ? annotations : undefined },
    spec: { ...sameSpec, ...(percentage !== undefined && { targetCPUUtilizationPercentage: percentage }) },
    status: {
      ...sameStatus,
      currentReplicas,
      ...(currentPercentage !== undefined && { currentCPUUtilizationPercentage: currentPercentage }),
    },
  }
}

type Metric = NonNullable<V2Spec['metrics']>[number]

function isCpuUtilization({ type, resource }: Metric): boolean {
  return type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined
}

function cpuMetric(averageUtilization: number): Metric {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } }
}

function cpuStatus(averageUtilization: number): NonNullable<V2Status['currentMetrics']>[number] {
  return { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization } } }
}

/** An annotation that is not a JSON list is nobody's: it says nothing. */
function readList<T>(text: string | undefined): T[] {
  const value = readJson(text)
  return Array.isArray(value) ? (value as T[]) : []
}

function readBehavior(text: string | undefined): V2Spec['behavior'] {
  const value = readJson(text)
  return typeof value === 'object' && value !== null ? (withSmallNames(value) as V2Spec['behavior']) : undefined
}

function readJson(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The annotation has the names of Go's fields. */
function withSmallNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSmallNames)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, item]) => item !== null)
  return Object.fromEntries(
    entries.map(([name, item]) => [name.charAt(0).toLowerCase() + name.slice(1), withSmallNames(item)]),
  )
}
