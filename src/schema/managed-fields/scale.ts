import { difference, type FieldSet, has, isEmptySet, leaf, singleton } from './field-set.ts'
import { identityOf, type Owner, type Owners } from './owners.ts'

/** Where an object keeps the number that its scale shows. */
export interface ScalePath {
  readonly path: readonly string[]
  /** The version in which the object is written. */
  readonly apiVersion: string
  /** Whether a version of the object has the number there, too. */
  knows(apiVersion: string): boolean
}

export const scaleVersion = 'autoscaling/v1'
const replicas: FieldSet = { 'f:spec': { 'f:replicas': leaf } }

/** Whoever owns the number of replicas owns it in the scale. */
export function scaleOwners(owners: Owners, place: ScalePath): Owners {
  const result: Owners = new Map()
  for (const owner of owners.values()) {
    if (!place.knows(owner.apiVersion) || !has(owner.fields, place.path)) continue
    add(result, { ...owner, apiVersion: scaleVersion, fields: replicas })
  }
  return result
}

/**
 * The owners of an object after a write to its scale. Whoever owned the number and no longer does in the scale loses
 * it. As in the reference, who comes to own it through the scale has no time, and who owned it before by an update
 * is written down anew.
 */
export function ownersAfterScale(owners: Owners, scale: Owners, place: ScalePath): Owners {
  const result: Owners = new Map()
  const left = new Map(scale)
  for (const [id, owner] of owners) {
    if (!place.knows(owner.apiVersion)) continue
    if (!has(owner.fields, place.path)) result.set(id, owner)
    else if (left.delete(id)) result.set(id, owner)
    else {
      const fields = difference(owner.fields, singleton(place.path))
      if (!isEmptySet(fields)) result.set(id, { ...owner, fields })
    }
  }
  for (const [id, owner] of left) {
    const { apiVersion, path } = place
    const time = owners.get(id)?.time
    result.set(id, { ...owner, apiVersion, time, fields: singleton(path) })
  }
  return result
}

function add(owners: Owners, owner: Owner): void {
  owners.set(identityOf(owner), owner)
}
