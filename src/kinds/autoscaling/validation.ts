import { own } from '../../base/own.ts'
import { parseQuantity } from '../../base/quantity.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import { pathSegmentFaults } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import { invalidAll, validateNotNegative, validateWord } from '../rules.ts'
import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  HPAScalingRules,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
} from './horizontal-pod-autoscaler.ts'

export const defaultUtilization = 80

/** An autoscaler without metrics looks at the use of CPU; rules for scaling are completed one by one. */
export function fillAutoscaler({ spec }: Mutable<HorizontalPodAutoscaler>): void {
  spec.minReplicas ??= 1
  if (!spec.metrics?.length) {
    const target = { type: 'Utilization', averageUtilization: defaultUtilization }
    spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }]
  }
  if (spec.behavior === undefined) return
  spec.behavior = {
    scaleUp: {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max',
      policies: [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ],
      ...spec.behavior.scaleUp,
    },
    scaleDown: {
      selectPolicy: 'Max',
      policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
      ...spec.behavior.scaleDown,
    },
  }
}

export function validateAutoscaler({ spec }: HorizontalPodAutoscaler, errors: FieldErrors): void {
  const { minReplicas, maxReplicas, scaleTargetRef, metrics = [], behavior } = spec
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1')
  }
  if (maxReplicas < 1) errors.required('spec.maxReplicas', 'must be set and greater than 0')
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`')
  }
  validateReference('spec.scaleTargetRef', scaleTargetRef, errors)
  const { apiVersion = '', kind } = scaleTargetRef
  const isCoreController = apiVersion === 'v1' && kind === 'ReplicationController'
  if (!apiVersion.includes('/') && !isCoreController) {
    errors.invalid('spec.scaleTargetRef.apiVersion', apiVersion, 'apiVersion must specify API group')
  }
  for (const [index, metric] of metrics.entries()) validateMetric(`spec.metrics[${index}]`, metric, errors)
  if (minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')) {
    const detail = 'must specify at least one Object or External metric to support scaling to zero replicas'
    errors.forbidden('spec.metrics', detail)
  }
  if (behavior?.scaleUp) validateRules('spec.behavior.scaleUp', behavior.scaleUp, errors)
  if (behavior?.scaleDown) validateRules('spec.behavior.scaleDown', behavior.scaleDown, errors)
}

export function validateAutoscalerStatus({ status }: HorizontalPodAutoscaler, errors: FieldErrors): void {
  validateNotNegative('status.currentReplicas', status.currentReplicas, errors)
  validateNotNegative('status.desiredReplicas', status.desiredReplicas, errors)
}

function validateReference(path: string, { kind, name }: CrossVersionObjectReference, errors: FieldErrors): void {
  if (!kind) errors.required(`${path}.kind`)
  else invalidAll(`${path}.kind`, kind, pathSegmentFaults(kind), errors)
  if (!name) errors.required(`${path}.name`)
  else invalidAll(`${path}.name`, name, pathSegmentFaults(name), errors)
}

const fieldOfType: Readonly<Record<string, 'object' | 'external' | 'pods' | 'resource' | 'containerResource'>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
}
const types = Object.keys(fieldOfType)

function validateMetric(path: string, metric: MetricSpec, errors: FieldErrors): void {
  const expected = own(fieldOfType, metric.type)
  if (!metric.type) errors.required(`${path}.type`, 'must specify a metric source type')
  if (expected === undefined) errors.notSupported(`${path}.type`, metric.type, types)
  const fields = ['object', 'external', 'pods', 'resource', 'containerResource'] as const
  const present = fields.filter((field) => metric[field] !== undefined)
  if (present[0] !== undefined) validateSource(`${path}.${present[0]}`, present[0], metric, errors)
  if (expected === undefined) errors.notSupported(`${path}.type`, metric.type, types)
  else if (metric[expected] === undefined) {
    errors.required(`${path}.${expected}`, 'must populate information for the given metric source')
  }
  if (present.length < 2) return
  for (const field of present) {
    if (field !== expected) errors.forbidden(`${path}.${field}`, 'must populate the given metric source only')
  }
}

function validateSource(path: string, field: string, metric: MetricSpec, errors: FieldErrors): void {
  const { object, external, pods, resource, containerResource } = metric
  const target = `${path}.target`
  if (field === 'object' && object !== undefined) {
    validateReference(`${path}.describedObject`, object.describedObject, errors)
    validateIdentifier(`${path}.metric`, object.metric, errors)
    validateTarget(target, object.target, errors)
    if (object.target.value === undefined && object.target.averageValue === undefined) {
      errors.required(`${target}.averageValue`, 'must set either a target value or averageValue')
    }
  } else if (field === 'external' && external !== undefined) {
    const { value, averageValue } = external.target
    validateIdentifier(`${path}.metric`, external.metric, errors)
    validateTarget(target, external.target, errors)
    if (value === undefined && averageValue === undefined) {
      errors.required(`${target}.averageValue`, 'must set either a target value for metric or a per-pod target')
    } else if (value !== undefined && averageValue !== undefined) {
      errors.forbidden(`${target}.value`, 'may not set both a target value for metric and a per-pod target')
    }
  } else if (field === 'pods' && pods !== undefined) {
    validateIdentifier(`${path}.metric`, pods.metric, errors)
    validateTarget(target, pods.target, errors)
    if (pods.target.averageValue === undefined || parseQuantity(pods.target.averageValue).sign !== 1) {
      errors.required(`${target}.averageValue`, 'must specify a positive target averageValue')
    }
  } else {
    const source = containerResource ?? resource
    if (source === undefined) return
    if (!source.name) errors.required(`${path}.name`, 'must specify a resource name')
    if (containerResource?.container === '') errors.required(`${path}.container`, 'must specify a container')
    validateTarget(target, source.target, errors)
    validateResourceTarget(target, source.target, errors)
  }
}

function validateResourceTarget(path: string, target: MetricTarget, errors: FieldErrors): void {
  const { averageUtilization, averageValue } = target
  if (averageUtilization === undefined && averageValue === undefined) {
    errors.required(`${path}.averageUtilization`, 'must set either a target raw value or a target utilization')
  } else if (averageUtilization !== undefined && averageValue !== undefined) {
    errors.forbidden(`${path}.averageValue`, 'may not set both a target raw value and a target utilization')
  }
}

function validateIdentifier(path: string, { name }: MetricIdentifier, errors: FieldErrors): void {
  if (!name) errors.required(`${path}.name`)
  else invalidAll(`${path}.name`, name, pathSegmentFaults(name), errors)
}

function validateTarget(
  path: string,
  { type, value, averageValue, averageUtilization }: MetricTarget,
  errors: FieldErrors,
): void {
  if (!type) errors.required(`${path}.type`, 'must specify a metric target type')
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) {
    errors.invalid(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue')
  }
  const positive = 'must be positive'
  if (value !== undefined && parseQuantity(value).sign !== 1) errors.invalid(`${path}.value`, value, positive)
  if (averageValue !== undefined && parseQuantity(averageValue).sign !== 1) {
    errors.invalid(`${path}.averageValue`, averageValue, positive)
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.invalid(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0')
  }
}

const maxWindowSeconds = 3600
const maxPeriodSeconds = 1800

function validateRules(path: string, rules: HPAScalingRules, errors: FieldErrors): void {
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [] } = rules
  const windowPath = `${path}.stabilizationWindowSeconds`
  if (window !== undefined && window < 0) errors.invalid(windowPath, window, 'must be greater than or equal to zero')
  if (window !== undefined && window > maxWindowSeconds) {
    errors.invalid(windowPath, window, `must be less than or equal to ${maxWindowSeconds}`)
  }
  if (selectPolicy !== undefined) {
    validateWord(`${path}.selectPolicy`, selectPolicy, ['Disabled', 'Max', 'Min'], errors)
  }
  if (policies.length === 0) errors.required(`${path}.policies`, 'must specify at least one Policy')
  for (const [index, { type, value, periodSeconds }] of policies.entries()) {
    const where = `${path}.policies[${index}]`
    validateWord(`${where}.type`, type, ['Percent', 'Pods'], errors)
    if (value <= 0) errors.invalid(`${where}.value`, value, 'must be greater than zero')
    if (periodSeconds <= 0) errors.invalid(`${where}.periodSeconds`, periodSeconds, 'must be greater than zero')
    if (periodSeconds > maxPeriodSeconds) {
      errors.invalid(`${where}.periodSeconds`, periodSeconds, `must be less than or equal to ${maxPeriodSeconds}`)
    }
  }
}
