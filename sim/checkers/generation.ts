import type { Checker } from '../history.ts'

/** What controllers have seen never runs ahead of what there is, and neither goes back. */
export const generations: Checker = {
  name: 'generation',
  see({ key, object, old }) {
    if (!object) return []
    const faults: string[] = []
    const { generation = 0, uid } = object.metadata
    if (old?.metadata.uid === uid && (old?.metadata.generation ?? 0) > generation) faults.push(`${key} went back`)
    const observed = (object as { readonly status?: { readonly observedGeneration?: number } }).status
      ?.observedGeneration
    if (generation > 0 && (observed ?? 0) > generation) faults.push(`${key} was seen before it was`)
    return faults
  },
}
