import type { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import { dnsLabelFaults } from '../../schema/names.ts'
import { checkOneOf } from '../core/field-checks.ts'
import { validatePodTemplate } from '../core/pod-template-validation.ts'
import { goValue } from '../go-value.ts'
import { invalidAll, validateNotNegative } from '../rules.ts'
import {
  RollingUpdateStatefulSetStrategy,
  type StatefulSet,
  type StatefulSetSpec,
  StatefulSetUpdateStrategy,
} from './stateful-set.ts'
import {
  isSome,
  validateAtMostAll,
  validateCounts,
  validateLasting,
  validateParts,
  validatePositive,
  validateSelector,
  validateSelects,
} from './workload-validation.ts'

export function validateStatefulSet({ spec }: StatefulSet, errors: FieldErrors): void {
  validatePodManagement(spec, errors)
  validateStrategy(spec.updateStrategy, errors)
  validateRetention(spec, errors)
  validateNotNegative('spec.replicas', spec.replicas, errors)
  validateNotNegative('spec.minReadySeconds', spec.minReadySeconds, errors)
  validateNotNegative('spec.ordinals.start', spec.ordinals?.start, errors)
  const { selector, template, serviceName } = spec
  if (!validateSelector(selector, 'statefulset', errors)) errors.invalid('spec.selector', selector, '')
  else {
    validateSelects(selector, template, 'spec.template', errors)
    validatePodTemplate(template, 'spec.template', errors)
  }
  validateLasting(template, 'spec.template', 'StatefulSet', errors)
  if (serviceName) invalidAll('spec.serviceName', serviceName, dnsLabelFaults(serviceName), errors)
}

function validatePodManagement(spec: StatefulSetSpec, errors: FieldErrors): void {
  const policy: string = spec.podManagementPolicy ?? ''
  if (policy === '') errors.required('spec.podManagementPolicy')
  else if (policy !== 'OrderedReady' && policy !== 'Parallel') {
    errors.invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'")
  }
}

function validateStrategy(strategy: StatefulSetSpec['updateStrategy'], errors: FieldErrors): void {
  const { type, rollingUpdate } = strategy
  const path = 'spec.updateStrategy'
  if (!type) errors.required(path)
  else if (type === 'OnDelete') {
    if (!rollingUpdate) return
    const shown = goValue(RollingUpdateStatefulSetStrategy, rollingUpdate)
    errors.invalid(`${path}.rollingUpdate`, shown, "only allowed for updateStrategy 'RollingUpdate'")
  } else if (type !== 'RollingUpdate') {
    errors.invalid(path, goValue(StatefulSetUpdateStrategy, strategy), "must be 'RollingUpdate' or 'OnDelete'")
  } else if (rollingUpdate) {
    validateNotNegative(`${path}.rollingUpdate.partition`, rollingUpdate.partition, errors)
    validateMaxUnavailable(rollingUpdate.maxUnavailable, `${path}.rollingUpdate.maxUnavailable`, errors)
  }
}

function validateMaxUnavailable(value: number | string | undefined, path: string, errors: FieldErrors): void {
  if (value === undefined) return
  validatePositive(path, value, errors)
  if (!isSome(value)) errors.invalid(path, value, 'cannot be 0')
  validateAtMostAll(path, value, errors)
}

function validateRetention(
  { persistentVolumeClaimRetentionPolicy: policy }: StatefulSetSpec,
  errors: FieldErrors,
): void {
  if (!policy) return
  const path = 'spec.persistentVolumeClaimRetentionPolicy'
  checkOneOf(errors, `${path}.whenDeleted`, policy.whenDeleted ?? '', ['Retain', 'Delete'])
  checkOneOf(errors, `${path}.whenScaled`, policy.whenScaled ?? '', ['Retain', 'Delete'])
}

const changeable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const

export function validateStatefulSetUpdate(set: StatefulSet, old: StatefulSet, errors: FieldErrors): void {
  validateStatefulSet(set, errors)
  const rest = (spec: StatefulSetSpec) =>
    Object.fromEntries(Object.entries(spec).filter(([name]) => !(changeable as readonly string[]).includes(name)))
  if (equalJson(rest(set.spec), rest(old.spec))) return
  const detail =
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', " +
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
  errors.forbidden('spec', detail)
}

export function validateStatefulSetStatus({ status }: StatefulSet, _old: StatefulSet, errors: FieldErrors): void {
  validateCounts(
    status,
    [
      'replicas',
      'readyReplicas',
      'currentReplicas',
      'updatedReplicas',
      'availableReplicas',
      'observedGeneration',
      'collisionCount',
    ],
    errors,
  )
  const parts = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const
  validateParts(status, parts, 'replicas', 'status.replicas', errors)
  validateParts(status, ['availableReplicas'], 'readyReplicas', 'status.readyReplicas', errors)
}
