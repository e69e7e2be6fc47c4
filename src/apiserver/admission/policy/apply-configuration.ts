/** Mutations in the form of an apply configuration (KEP-3962). */

import { type CelValue, toJson } from '../../../cel/index.ts'
import type { ApiObject } from '../../../schema/kind.ts'
import { merge } from '../../../schema/managed-fields/merge.ts'
import { ItemFault, shapeOf } from '../../../schema/managed-fields/shape.ts'
import { validateApplied } from '../../../schema/managed-fields/validate-applied.ts'
import type { ObjectType, Type } from '../../../schema/types.ts'
import { mismatchesOf } from './mismatches.ts'
import { MutationError } from './mutation-error.ts'

/**
 * Lays what an expression has made (`Object{…}`) over an object of a type, as server-side apply would, but that nobody
 * comes to own the fields. Lists, maps and objects that are only replaced as a whole may not be in it: what the
 * expression does not know of would go.
 * @throws MutationError
 */
export function applyConfiguration(type: ObjectType, live: ApiObject, made: CelValue): object {
  const mismatches = mismatchesOf(made)
  if (mismatches.length > 0) throw new MutationError(`type mismatch: ${mismatches.join('\n')}`)
  const { apiVersion, kind } = live
  const patch = { apiVersion, kind, ...(toJson(made) as object) }
  const failed = (why: string) => new MutationError(`error applying patch: ${why}`)
  const fault = validateApplied(type, patch)
  if (fault !== undefined) throw failed(`failed to convert patch object to typed object: ${fault}`)
  const atomics = atomicsIn(type, patch, '')
  if (atomics.length > 0) {
    const which = `may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`
    throw failed(`invalid ApplyConfiguration: ${which}`)
  }
  try {
    return merge(shapeOf(type), live, patch) as object
  } catch (error) {
    if (!(error instanceof ItemFault)) throw error
    throw failed(`failed to merge patch: ${error.message}`)
  }
}

/** Where a value has something that can only be replaced as a whole. */
function atomicsIn(type: Type, value: unknown, path: string, isGranular = false): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  if (type.type === 'list') {
    const own = (type.options.list ?? 'atomic') === 'atomic' ? [path] : []
    const items = (value as readonly unknown[]).flatMap((item, index) =>
      atomicsIn(type.items, item, `${path}[${index}]`),
    )
    return [...own, ...items]
  }
  if (type.type === 'map') return type.atomic === true ? [path] : []
  if (type.type !== 'object') return []
  if (type.options.structure !== undefined) return atomicsIn(type.options.structure(), value, path)
  const own = type.options.atomic === true && !isGranular ? [path] : []
  const fields = Object.entries(value).flatMap(([name, member]) => {
    const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined
    return field === undefined ? [] : atomicsIn(field.type, member, `${path}.${name}`, field.options.granular === true)
  })
  return [...own, ...fields]
}
