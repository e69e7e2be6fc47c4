import { CustomResourceDefinition } from '../kinds/apiextensions/custom-resource-definition.ts'
import type { RuntimeOptions } from './runtime.ts'

/** The server may know of a definition a moment later than who watches it. */
const lookAgainMs = 20

/**
 * Calls `changed` whenever other kinds may be served than before: custom resources come and go with their definitions.
 * Definitions that come in numbers are one change every little while. The returned function ends it.
 */
export function onServedKinds({ caches, world }: RuntimeOptions, changed: () => void): () => void {
  let cancel: (() => void) | undefined
  let isStale = false
  const lookAgain = () => {
    cancel = isStale ? world.clock.timer(lookAgainMs, lookAgain) : undefined
    isStale = false
    changed()
  }
  const end = caches.of(CustomResourceDefinition).onChange(() => {
    if (cancel !== undefined) {
      isStale = true
      return
    }
    cancel = world.clock.timer(lookAgainMs, lookAgain)
    changed()
  })
  return () => {
    end()
    cancel?.()
  }
}
