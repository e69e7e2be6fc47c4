import type { ApiObject, Column } from '../../schema/kind.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus, MetricTarget } from './horizontal-pod-autoscaler.ts'

/** The columns of both versions. */
export function autoscalerColumns<T extends ApiObject>(
  toV2: (object: T) => HorizontalPodAutoscaler,
): readonly Column<T>[] {
  return [
    nameColumn,
    textColumn('Reference', 'What is scaled.', (object: T) => {
      const { kind, name } = toV2(object).spec.scaleTargetRef
      return `${kind}/${name}`
    }),
    textColumn('Targets', 'What is measured, and what is aimed at.', (object: T) => targetsText(toV2(object))),
    textColumn('MinPods', 'The fewest replicas.', (object: T) => {
      const { minReplicas } = toV2(object).spec
      return minReplicas === undefined ? '<unset>' : String(minReplicas)
    }),
    textColumn('MaxPods', 'The most replicas.', (object: T) => toV2(object).spec.maxReplicas),
    textColumn('Replicas', 'The replicas that there are.', (object: T) => toV2(object).status.currentReplicas ?? 0),
    ageColumn,
  ]
}

function targetsText({ spec: { metrics = [] }, status }: HorizontalPodAutoscaler): string {
  if (metrics.length === 0) return '<none>'
  const shown = metrics.slice(0, 2).map((metric, index) => metricText(metric, status.currentMetrics?.[index]))
  const text = shown.join(', ')
  return metrics.length > 2 ? `${text} + ${metrics.length - 2} more...` : text
}

function metricText(metric: MetricSpec, now: MetricStatus | undefined): string {
  switch (metric.type) {
    case 'External':
      return amountText(metric.external?.target, now?.external?.current)
    case 'Pods':
      return `${now?.pods?.current.averageValue ?? '<unknown>'}/${metric.pods?.target.averageValue ?? ''}`
    case 'Object':
      return amountText(metric.object?.target, now?.object?.current)
    case 'Resource':
      return resourceText(metric.resource?.name, metric.resource?.target, now?.resource?.current)
    case 'ContainerResource':
      return resourceText(
        metric.containerResource?.name,
        metric.containerResource?.target,
        now?.containerResource?.current,
      )
    default:
      return '<unknown type>'
  }
}

type Current = NonNullable<MetricStatus['resource']>['current'] | undefined

function amountText(target: MetricTarget | undefined, current: Current): string {
  if (target?.averageValue !== undefined) {
    return `${current?.averageValue ?? '<unknown>'}/${target.averageValue} (avg)`
  }
  return `${current?.value ?? '<unknown>'}/${target?.value ?? '<auto>'}`
}

function resourceText(name = '', target: MetricTarget | undefined, current: Current): string {
  if (target?.averageValue !== undefined) {
    return `${name}: ${current?.averageValue ?? '<unknown>'}/${target.averageValue}`
  }
  const now = current?.averageUtilization === undefined ? '<unknown>' : `${current.averageUtilization}%`
  return `${name}: ${now}/${target?.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`}`
}
