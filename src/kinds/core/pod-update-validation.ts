/** What may change in a pod that exists: little. Its node was chosen for what it asked for. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import type { Container } from './containers.ts'
import { changes } from './object-changes.ts'
import type { Pod } from './pod.ts'
import { type PodSchedulingGate, PodSpec } from './pod-spec.ts'
import { validatePodAndSpec } from './pod-validation.ts'
import type { NodeSelector, Toleration } from './scheduling.ts'
import { validateTolerations } from './scheduling-validation.ts'

const changeable = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',')

export function validatePodUpdate(pod: Pod, old: Pod, errors: FieldErrors): void {
  validatePodAndSpec(pod, errors)
  const { spec } = pod
  if (!validateImageUpdates(spec.containers, old.spec.containers, 'spec.containers', errors)) return
  if (!validateImageUpdates(spec.initContainers, old.spec.initContainers, 'spec.initContainers', errors)) return
  if (!validateDeadlineUpdate(spec, old.spec, errors)) return
  validateAddedTolerations(spec.tolerations ?? [], old.spec.tolerations ?? [], errors)
  validateRemovedGates(spec.schedulingGates ?? [], old.spec.schedulingGates ?? [], errors)
  if (equalJson(spec, old.spec)) return
  const rest = withoutChangeable(pod, old, errors)
  if (equalJson(rest, old.spec)) return
  const detail = `pod updates may not change fields other than ${changeable}\n${changes(PodSpec, old.spec, rest)}`
  errors.forbidden('spec', detail)
}

/** False when nothing more can be compared. */
function validateImageUpdates(
  containers: readonly Container[] = [],
  old: readonly Container[] = [],
  path: string,
  errors: FieldErrors,
): boolean {
  if (containers?.length !== old?.length) {
    errors.forbidden(path, 'pod updates may not add or remove containers')
    return false
  }
  containers?.forEach(({ image = '' }, index) => {
    if (image === '') errors.required(`${path}[${index}].image`)
    if (image.trim() !== image) {
      errors.invalid(`${path}[${index}].image`, image, 'must not have leading or trailing whitespace')
    }
  })
  return true
}

function validateDeadlineUpdate(spec: PodSpec, old: PodSpec, errors: FieldErrors): boolean {
  const path = 'spec.activeDeadlineSeconds'
  const { activeDeadlineSeconds: seconds } = spec
  if (seconds === undefined) {
    if (old.activeDeadlineSeconds !== undefined) {
      errors.invalid(path, null, 'must not update from a positive integer to nil value')
    }
    return true
  }
  if (seconds < 0 || seconds > 2_147_483_647) {
    errors.invalid(path, seconds, 'must be between 0 and 2147483647, inclusive')
    return false
  }
  if (old.activeDeadlineSeconds !== undefined && old.activeDeadlineSeconds < seconds) {
    errors.invalid(path, seconds, 'must be less than or equal to previous value')
    return false
  }
  return true
}

function validateAddedTolerations(
  tolerations: readonly Toleration[],
  old: readonly Toleration[],
  errors: FieldErrors,
): void {
  const timeless = ({ tolerationSeconds: _, ...toleration }: Toleration) => toleration
  for (const before of old) {
    if (tolerations.some((toleration) => equalJson(timeless(toleration), timeless(before)))) continue
    errors.forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')
    return
  }
  validateTolerations(tolerations, 'spec.tolerations', errors)
}

function validateRemovedGates(
  gates: readonly PodSchedulingGate[],
  old: readonly PodSchedulingGate[],
  errors: FieldErrors,
): void {
  gates.forEach(({ name }, index) => {
    if (old.some((gate) => gate.name === name)) return
    const detail = `only deletion is allowed, but found new scheduling gate '${name}'`
    errors.forbidden(`spec.schedulingGates[${index}].name`, detail)
  })
}

/** The new spec with everything that may change set back to what it was. */
function withoutChangeable({ spec }: Pod, { spec: old }: Pod, errors: FieldErrors): PodSpec {
  const images = (containers: readonly Container[] | undefined, before: readonly Container[] | undefined) =>
    containers?.map((container, index) => ({ ...container, image: before?.[index]?.image ?? '' }))
  const graceRepaired = (old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1
  const rest: Record<string, unknown> = {
    ...spec,
    containers: images(spec.containers, old.containers),
    initContainers: images(spec.initContainers, old.initContainers),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    tolerations: old.tolerations,
    schedulingGates: old.schedulingGates,
    ...(graceRepaired && { terminationGracePeriodSeconds: old.terminationGracePeriodSeconds }),
  }
  if (old.schedulingGates?.length) takeBackNarrowing(rest, spec, old, errors)
  for (const name of Object.keys(rest)) if (rest[name] === undefined) delete rest[name]
  return rest as unknown as PodSpec
}

/** While a pod waits behind its gates, the nodes that it can run on may become fewer. */
function takeBackNarrowing(rest: Record<string, unknown>, spec: PodSpec, old: PodSpec, errors: FieldErrors): void {
  for (const [key, value] of Object.entries(old.nodeSelector ?? {})) {
    if (spec.nodeSelector?.[key] === value) continue
    const detail = 'only additions are allowed (no mutations or deletions)'
    errors.invalid(`spec.nodeSelector[${key}]`, spec.nodeSelector?.[key] ?? '', detail)
  }
  rest.nodeSelector = old.nodeSelector
  const before = old.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  const after = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (before && after) validateNarrowing(before, after, errors)
  if (before && !after) return
  const podParts = (affinity: PodSpec['affinity']) => {
    const { nodeAffinity: _, ...parts } = affinity ?? {}
    return parts
  }
  if (equalJson(podParts(spec.affinity), podParts(old.affinity))) rest.affinity = old.affinity
}

function validateNarrowing(before: NodeSelector, after: NodeSelector, errors: FieldErrors): void {
  const path = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms'
  if (before.nodeSelectorTerms.length > 0 && before.nodeSelectorTerms.length !== after.nodeSelectorTerms.length) {
    return errors.invalid(
      path,
      after.nodeSelectorTerms,
      'no additions/deletions to non-empty NodeSelectorTerms list are allowed',
    )
  }
  before.nodeSelectorTerms.forEach((term, index) => {
    const now = after.nodeSelectorTerms[index]
    const kept = (['matchExpressions', 'matchFields'] as const).every((name) =>
      (term[name] ?? []).every((requirement, number) => equalJson(requirement, now?.[name]?.[number])),
    )
    if (!kept) errors.invalid(`${path}[${index}]`, now, 'only additions are allowed (no mutations or deletions)')
  })
}
