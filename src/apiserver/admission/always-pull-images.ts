import type { Pod } from '../../kinds/core/pod.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import { ApiError } from '../../schema/status.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.ts'
import { isFor, isWrite } from './is.ts'
import { containersOf } from './pod-containers.ts'
import { refuse } from './refuse.ts'

/**
 * Every image is asked for anew (`AlwaysPullImages`), so that nobody runs what was pulled with somebody else's password.
 * A pod that keeps its images is left as it is.
 */
export const alwaysPullImages: AdmissionPlugin = {
  name: 'AlwaysPullImages',
  handles: (attributes) => isFor(attributes, 'pods') && isWrite(attributes) && hasNewImage(attributes),
  admit({ object }) {
    const { spec } = object as Mutable<Pod>
    for (const { container } of containersOf(spec)) container.imagePullPolicy = 'Always'
    for (const { image } of spec.volumes ?? []) if (image) image.pullPolicy = 'Always'
  },
  validate(attributes) {
    const { spec } = attributes.object as Mutable<Pod>
    const faults: string[] = []
    const check = (path: string, policy: string | undefined) => {
      if (policy === 'Always') return
      const errors = new FieldErrors()
      errors.notSupported(path, policy ?? '', ['Always'])
      const [{ field, message } = { field: '', message: '' }] = errors.causes
      faults.push(refuse(attributes, `${field}: ${message}`).message)
    }
    for (const { container, path } of containersOf(spec)) check(`${path}.imagePullPolicy`, container.imagePullPolicy)
    spec.volumes?.forEach(({ image }, index) => {
      if (image) check(`spec.volumes[${index}].image.pullPolicy`, image.pullPolicy)
    })
    if (faults.length > 0) throw new ApiError('', faults.length === 1 ? faults[0]! : `[${faults.join(', ')}]`)
  },
}

function hasNewImage({ operation, object, oldObject }: AdmissionAttributes): boolean {
  if (operation === 'CREATE' || !oldObject) return true
  const before = new Set(imagesOf(oldObject as Mutable<Pod>))
  return imagesOf(object as Mutable<Pod>).some((image) => !before.has(image))
}

const imagesOf = ({ spec }: Mutable<Pod>): (string | undefined)[] => [
  ...[...containersOf(spec)].map(({ container }) => container.image),
  ...(spec.volumes ?? []).flatMap(({ image }) => (image ? [image.reference] : [])),
]
