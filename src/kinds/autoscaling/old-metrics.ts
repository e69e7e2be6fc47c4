/** Metrics in the form in which annotations of autoscaling/v1 carry them, and in that of version 2. */

import type {
  CrossVersionObjectReference,
  MetricSpec,
  MetricStatus,
  MetricTarget,
} from './horizontal-pod-autoscaler.ts'

type Selector = NonNullable<NonNullable<MetricSpec['pods']>['metric']['selector']>

interface OldSource {
  readonly name?: string
  readonly container?: string
  readonly metricName?: string
  readonly target?: CrossVersionObjectReference
  readonly selector?: Selector
  readonly metricSelector?: Selector
  readonly targetValue?: string
  readonly averageValue?: string
  readonly targetAverageValue?: string
  readonly targetAverageUtilization?: number
  readonly currentValue?: string
  readonly currentAverageValue?: string
  readonly currentAverageUtilization?: number
}

export interface OldMetric {
  readonly type: string
  readonly object?: OldSource
  readonly pods?: OldSource
  readonly resource?: OldSource
  readonly containerResource?: OldSource
  readonly external?: OldSource
}

const given = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T

export function toOldMetric({ type, object, pods, resource, containerResource, external }: MetricSpec): OldMetric {
  return given({
    type,
    object:
      object &&
      given({
        target: object.describedObject,
        metricName: object.metric.name,
        targetValue: object.target.value ?? '0',
        selector: object.metric.selector,
        averageValue: object.target.averageValue,
      }),
    pods:
      pods &&
      given({
        metricName: pods.metric.name,
        targetAverageValue: pods.target.averageValue ?? '0',
        selector: pods.metric.selector,
      }),
    resource: resource && given({ name: resource.name, ...oldTarget(resource.target) }),
    containerResource:
      containerResource &&
      given({
        name: containerResource.name,
        ...oldTarget(containerResource.target),
        container: containerResource.container,
      }),
    external:
      external &&
      given({
        metricName: external.metric.name,
        metricSelector: external.metric.selector,
        targetValue: external.target.value,
        targetAverageValue: external.target.averageValue,
      }),
  })
}

function oldTarget({ averageUtilization, averageValue }: MetricTarget): OldSource {
  return { targetAverageUtilization: averageUtilization, targetAverageValue: averageValue }
}

export function fromOldMetric({ type, object, pods, resource, containerResource, external }: OldMetric): MetricSpec {
  return given({
    type,
    object: object && {
      describedObject: object.target ?? { kind: '', name: '' },
      target: target(object.targetValue, object.averageValue, undefined),
      metric: given({ name: object.metricName ?? '', selector: object.selector }),
    },
    pods: pods && {
      metric: given({ name: pods.metricName ?? '', selector: pods.selector }),
      target: target(undefined, pods.targetAverageValue, undefined),
    },
    resource: resource && { name: resource.name ?? '', target: resourceTarget(resource) },
    containerResource: containerResource && {
      name: containerResource.name ?? '',
      target: resourceTarget(containerResource),
      container: containerResource.container ?? '',
    },
    external: external && {
      metric: given({ name: external.metricName ?? '', selector: external.metricSelector }),
      target: target(external.targetValue, external.targetAverageValue, undefined),
    },
  })
}

const resourceTarget = ({ targetAverageValue, targetAverageUtilization }: OldSource): MetricTarget =>
  target(undefined, targetAverageValue, targetAverageUtilization)

function target(
  value: string | undefined,
  averageValue: string | undefined,
  averageUtilization: number | undefined,
): MetricTarget {
  const type = averageUtilization !== undefined ? 'Utilization' : averageValue !== undefined ? 'AverageValue' : 'Value'
  return given({ type, value, averageValue, averageUtilization })
}

export function toOldStatus({ type, object, pods, resource, containerResource, external }: MetricStatus): OldMetric {
  return given({
    type,
    object:
      object &&
      given({
        target: object.describedObject,
        metricName: object.metric.name,
        currentValue: object.current.value ?? '0',
        selector: object.metric.selector,
        averageValue: object.current.averageValue,
      }),
    pods:
      pods &&
      given({
        metricName: pods.metric.name,
        currentAverageValue: pods.current.averageValue ?? '0',
        selector: pods.metric.selector,
      }),
    resource: resource && oldCurrent(resource),
    containerResource:
      containerResource && given({ ...oldCurrent(containerResource), container: containerResource.container }),
    external:
      external &&
      given({
        metricName: external.metric.name,
        metricSelector: external.metric.selector,
        currentValue: external.current.value ?? '0',
        currentAverageValue: external.current.averageValue,
      }),
  })
}

type ResourceStatus = Pick<NonNullable<MetricStatus['resource']>, 'name' | 'current'>

function oldCurrent({ name, current }: ResourceStatus): OldSource {
  return given({
    name,
    currentAverageUtilization: current.averageUtilization,
    currentAverageValue: current.averageValue ?? '0',
  })
}

export function fromOldStatus({ type, object, pods, resource, containerResource, external }: OldMetric): MetricStatus {
  return given({
    type,
    object: object && {
      metric: given({ name: object.metricName ?? '', selector: object.selector }),
      current: given({ value: object.currentValue, averageValue: object.averageValue }),
      describedObject: object.target ?? { kind: '', name: '' },
    },
    pods: pods && {
      metric: given({ name: pods.metricName ?? '', selector: pods.selector }),
      current: given({ averageValue: pods.currentAverageValue }),
    },
    resource: resource && { name: resource.name ?? '', current: resourceCurrent(resource) },
    containerResource: containerResource && {
      name: containerResource.name ?? '',
      current: resourceCurrent(containerResource),
      container: containerResource.container ?? '',
    },
    external: external && {
      metric: given({ name: external.metricName ?? '', selector: external.metricSelector }),
      current: given({ value: external.currentValue, averageValue: external.currentAverageValue }),
    },
  })
}

const resourceCurrent = ({ currentAverageValue, currentAverageUtilization }: OldSource) =>
  given({ averageValue: currentAverageValue, averageUtilization: currentAverageUtilization })
