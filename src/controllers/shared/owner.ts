import type { OwnerReference } from '../../kinds/meta/object-meta.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../../schema/kind.ts'

/** The reference from an object to the one that controls it. */
export function controllerReference<T extends ApiObject>(kind: Kind<T>, owner: T): OwnerReference {
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    name: owner.metadata.name!,
    uid: owner.metadata.uid!,
    controller: true,
    blockOwnerDeletion: true,
  }
}

export function controllerOf({ metadata }: ApiObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find((reference) => reference.controller === true)
}

export const isControlledBy = (object: ApiObject, owner: ApiObject): boolean =>
  controllerOf(object)?.uid === owner.metadata.uid

export const isBeingDeleted = ({ metadata }: ApiObject): boolean => metadata.deletionTimestamp !== undefined

/** Milliseconds since 1970 of an API time; 0 for an absent one. */
export const timeOf = (time: string | undefined): number => (time ? Date.parse(time) : 0)

/** By creation, then by name. */
export function olderFirst(a: ApiObject, b: ApiObject): number {
  const byTime = timeOf(a.metadata.creationTimestamp) - timeOf(b.metadata.creationTimestamp)
  return byTime || (a.metadata.name! < b.metadata.name! ? -1 : 1)
}
