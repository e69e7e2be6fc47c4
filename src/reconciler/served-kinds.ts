import { CustomResourceDefinition } from '../kinds/apiextensions/custom-resource-definition.ts'
import type { RuntimeOptions } from './runtime.ts'

/** The server may know of a definition a moment later than who watches it. */
const lookAgainMs = 20

/**
 * Calls `changed` whenever other kinds may be served than before: custom resources come and go with their definitions.
 * The returned function ends it.
 */
export function onServedKinds({ caches, world }: RuntimeOptions, changed: () => void): () => void {
  let cancel: (() => void) | undefined
  const end = caches.of(CustomResourceDefinition).onChange(() => {
    changed()
    cancel ??= world.clock.timer(lookAgainMs, () => {
      cancel = undefined
      changed()
    })
  })
  return () => {
    end()
    cancel?.()
  }
}
