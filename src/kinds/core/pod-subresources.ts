/** Writes through a pod's sub-resources `resize` and `ephemeralcontainers`: each may change its own part only. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import type { Mutable } from '../../schema/types.ts'
import { type Container, EphemeralContainer, type ResourceRequirements } from './containers.ts'
import { changes } from './object-changes.ts'
import type { Pod } from './pod.ts'
import { raiseGeneration } from './pod-lifecycle.ts'
import { computeQos, qosOf } from './pod-qos.ts'
import { mirrorAnnotation, validatePodAndSpec } from './pod-validation.ts'

/** Keeps of a write through `resize` what it may change: the resources of containers and how they are resized. */
export function prepareResize(pod: Mutable<Pod>, old: Pod): void {
  const wished = pod.spec
  const restored = structuredClone(old) as Mutable<Pod>
  keepOld(pod, restored)
  for (const list of ['containers', 'initContainers'] as const) {
    wished[list]?.forEach((container, index) => {
      const target = pod.spec[list]?.[index]
      if (target?.name !== container.name) return
      target.resources = container.resources
      if (container.resizePolicy) target.resizePolicy = container.resizePolicy
      else delete target.resizePolicy
    })
  }
  if (wished.resources) pod.spec.resources = wished.resources
  raiseGeneration(pod, old)
}

/** The pod as it was, but for the version that the writer has seen. */
function keepOld(pod: Mutable<Pod>, old: Mutable<Pod>): void {
  const { resourceVersion, managedFields } = pod.metadata
  pod.metadata = { ...old.metadata }
  if (resourceVersion !== undefined) pod.metadata.resourceVersion = resourceVersion
  if (managedFields !== undefined) pod.metadata.managedFields = managedFields
  pod.spec = old.spec
  pod.status = old.status
}

export function validateResize(pod: Pod, old: Pod, errors: FieldErrors): void {
  validatePodAndSpec(pod, errors)
  if (old.metadata.annotations?.[mirrorAnnotation] !== undefined) {
    return errors.forbidden('', 'static pods cannot be resized')
  }
  if (old.spec.os?.name === 'windows') return errors.forbidden('', 'windows pods cannot be resized')
  if (qosOf(old) !== computeQos(pod.spec)) {
    errors.invalid('spec', pod.status.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing')
  }
  for (const list of ['containers', 'initContainers'] as const) {
    pod.spec[list]?.forEach((container, index) => {
      const before = old.spec[list]?.[index]
      if (before) validateKept(container.resources, before.resources, `spec.${list}[${index}].resources`, errors)
    })
  }
  if (!equalJson(withoutComputeResources(pod), withoutComputeResources(old))) {
    errors.forbidden('spec', 'only cpu and memory resources are mutable')
  }
}

function validateKept(
  now: ResourceRequirements,
  before: ResourceRequirements,
  path: string,
  errors: FieldErrors,
): void {
  for (const which of ['requests', 'limits'] as const) {
    const removed = ['cpu', 'memory'].some(
      (name) => before[which]?.[name] !== undefined && now[which]?.[name] === undefined,
    )
    if (removed) errors.forbidden(`${path}.${which}`, `resource ${which} cannot be removed`)
  }
}

function withoutComputeResources({ spec }: Pod): unknown {
  const strip = (resources: ResourceRequirements | undefined) => ({
    claims: resources?.claims,
    limits: withoutCompute(resources?.limits),
    requests: withoutCompute(resources?.requests),
  })
  const all = (containers: readonly Container[] | undefined) =>
    containers?.map((container) => ({ ...container, resources: strip(container.resources) }))
  return {
    ...spec,
    containers: all(spec.containers),
    initContainers: all(spec.initContainers),
    resources: strip(spec.resources),
  }
}

function withoutCompute(amounts: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { cpu: _cpu, memory: _memory, ...rest } = amounts
  return rest
}

/** Keeps of a write through `ephemeralcontainers` only those. */
export function prepareEphemeralContainers(pod: Mutable<Pod>, old: Pod): void {
  const wished = pod.spec.ephemeralContainers
  keepOld(pod, structuredClone(old) as Mutable<Pod>)
  if (wished) pod.spec.ephemeralContainers = wished
  else delete pod.spec.ephemeralContainers
  raiseGeneration(pod, old)
}

export function validateEphemeralContainersUpdate(pod: Pod, old: Pod, errors: FieldErrors): void {
  validatePodAndSpec(pod, errors)
  if (old.metadata.annotations?.[mirrorAnnotation] !== undefined) {
    return errors.forbidden('', 'static pods do not support ephemeral containers')
  }
  const path = 'spec.ephemeralContainers'
  for (const before of old.spec.ephemeralContainers ?? []) {
    const now = pod.spec.ephemeralContainers?.find(({ name }) => name === before.name)
    const named = `existing ephemeral containers ${JSON.stringify(before.name)}`
    if (!now) errors.forbidden(path, `${named} may not be removed\n`)
    else if (!equalJson(before, now)) {
      errors.forbidden(path, `${named} may not be changed\n${changes(EphemeralContainer, before, now)}`)
    }
  }
}
