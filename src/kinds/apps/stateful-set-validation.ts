import { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import { dnsLabelFaults } from '../../schema/names.ts'
import { validateClaimSpec } from '../core/claim-validation.ts'
import { checkOneOf } from '../core/field-checks.ts'
import { validatePodTemplate } from '../core/pod-template-validation.ts'
import type { Volume } from '../core/volumes.ts'
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
  validateSpec(spec, undefined, errors)
}

/** Of what cannot be changed nothing is said once it is stored, nor of a template that was never sound. */
function validateSpec(spec: StatefulSetSpec, old: StatefulSetSpec | undefined, errors: FieldErrors): void {
  validatePodManagement(spec, errors)
  validateStrategy(spec.updateStrategy, errors)
  validateRetention(spec, errors)
  if (old === undefined) {
    for (const [at, claim] of (spec.volumeClaimTemplates ?? []).entries()) {
      validateClaimSpec(`spec.volumeClaimTemplates[${at}].spec`, claim.spec, errors)
    }
  }
  validateNotNegative('spec.replicas', spec.replicas, errors)
  validateNotNegative('spec.minReadySeconds', spec.minReadySeconds, errors)
  validateNotNegative('spec.ordinals.start', spec.ordinals?.start, errors)
  const { selector, template, serviceName } = spec
  if (!validateSelector(selector, 'statefulset', errors)) errors.invalid('spec.selector', selector, '')
  else {
    validateSelects(selector, template, 'spec.template', errors)
    const faults = faultsOfTemplate(spec)
    if (old === undefined || faults.length === 0 || faultsOfTemplate(old).length === 0) errors.causes.push(...faults)
  }
  validateLasting(template, 'spec.template', 'StatefulSet', errors)
  if (serviceName && old === undefined) invalidAll('spec.serviceName', serviceName, dnsLabelFaults(serviceName), errors)
}

/** To the template a claim is a volume, in place of one of the same name, as it will be to the pods. */
function faultsOfTemplate({ template, volumeClaimTemplates = [] }: StatefulSetSpec) {
  const claims = new Map(volumeClaimTemplates.map(({ metadata: { name = '' } }) => [name, volumeOf(name)]))
  const others = (template.spec.volumes ?? []).filter(({ name }) => !claims.has(name))
  const volumes = [...claims.values(), ...others]
  const own = new FieldErrors()
  validatePodTemplate({ ...template, spec: { ...template.spec, volumes } }, 'spec.template', own)
  return own.causes
}

const volumeOf = (name: string): Volume => ({ name, persistentVolumeClaim: { claimName: name, readOnly: false } })

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
  validateSpec(set.spec, old.spec, errors)
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
