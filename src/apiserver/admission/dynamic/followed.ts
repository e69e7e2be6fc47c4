import type { ApiObject } from '../../../schema/kind.ts'
import type { Log } from '../../../world/world.ts'
import { follow } from '../../follow.ts'
import type { Resource } from '../../resource.ts'

/**
 * Keeps the objects of a resource, by name, and tells of every change. Resolves when what is there is known.
 */
export async function followAll<T extends ApiObject>(
  resource: Resource<T>,
  signal: AbortSignal,
  log: Log,
  changed: (objects: readonly T[]) => void,
): Promise<void> {
  const objects = new Map<string, T>()
  let isComplete = false
  const tell = () => {
    const nameOf = ({ metadata }: T) => metadata.name ?? ''
    changed([...objects.values()].sort((left, right) => (nameOf(left) < nameOf(right) ? -1 : 1)))
  }
  await follow(resource, signal, log, (object, isThere) => {
    const name = object.metadata.name ?? ''
    if (isThere) objects.set(name, object)
    else objects.delete(name)
    if (isComplete) tell()
  })
  isComplete = true
  if (objects.size > 0) tell()
}
