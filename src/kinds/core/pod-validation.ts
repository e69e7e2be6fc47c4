/** What can be wrong with a new pod. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import type { Container } from './containers.ts'
import type { Pod } from './pod.ts'
import type { PodSpec } from './pod-spec.ts'
import { validatePodSpec } from './pod-spec-validation.ts'

export const mirrorAnnotation = 'kubernetes.io/config.mirror'

export function validatePod(pod: Pod, errors: FieldErrors): void {
  validatePodAndSpec(pod, errors)
  const { spec } = pod
  if (spec.ephemeralContainers?.length) errors.forbidden('spec.ephemeralContainers', 'cannot be set on create')
  if (spec.nodeName && spec.schedulingGates?.length) {
    errors.forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared')
  }
}

/** What holds of every pod, new or changed. */
export function validatePodAndSpec(pod: Pod, errors: FieldErrors): void {
  const { metadata, spec } = pod
  const mirror = metadata.annotations?.[mirrorAnnotation]
  if (mirror !== undefined && !spec.nodeName) {
    const path = `metadata.annotations[${mirrorAnnotation}]`
    errors.invalid(path, mirror, 'must set spec.nodeName if mirror pod annotation is set')
  }
  validatePodSpec(spec, 'spec', { podName: metadata.name ?? '', isPod: true }, errors)
  if (!spec.serviceAccountName) forbidTokens(spec, errors)
  validateImages(spec.containers, 'spec.containers', errors)
  validateImages(spec.initContainers, 'spec.initContainers', errors)
}

/** There is no token without an account. */
function forbidTokens(spec: PodSpec, errors: FieldErrors): void {
  spec.volumes?.forEach(({ projected }, index) => {
    projected?.sources?.forEach((source, number) => {
      if (!source.serviceAccountToken) return
      const path = `spec.volumes[${index}].projected.sources[${number}].serviceAccountToken`
      errors.forbidden(path, 'must not be specified when serviceAccountName is not set')
    })
  })
}

function validateImages(containers: readonly Container[] | undefined, path: string, errors: FieldErrors): void {
  containers?.forEach(({ image = '' }, index) => {
    if (image.trim().length !== image.length) {
      errors.invalid(`${path}[${index}].image`, image, 'must not have leading or trailing whitespace')
    }
  })
}
