import type { CacheChange } from '../../reconciler/caches.ts'
import { nobody, type Wake, type WatchContext } from '../../reconciler/controller.ts'
import type { Matcher } from '../../reconciler/selector.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { controllerOf, isBeingDeleted } from './owner.ts'

/** For `watch`: an object that nobody controls wakes every owner of its namespace whose selector would adopt it. */
export function orphanWakes<Owner extends ApiObject, T extends ApiObject>(
  ownerKind: Kind<Owner>,
  matcher: (owner: Owner) => Matcher,
) {
  return ({ object, old }: CacheChange<T>, context: WatchContext): readonly Wake[] => {
    if (object === undefined || isBeingDeleted(object) || controllerOf(object) !== undefined) return nobody
    if (old !== undefined && !isNewlyAdoptable(object, old)) return nobody
    const owners = ownersIn(object.metadata.namespace ?? '', context)
    if (owners.length === 0) return nobody
    return owners
      .filter((owner) => matcher(owner)(object.metadata.labels))
      .map(({ metadata }) => ({ namespace: metadata.namespace, name: metadata.name! }))
  }

  function ownersIn(namespace: string, context: WatchContext): readonly Owner[] {
    return context.list(ownerKind, namespace)
  }
}

const isNewlyAdoptable = (object: ApiObject, old: ApiObject) =>
  controllerOf(old) !== undefined || object.metadata.labels !== old.metadata.labels
