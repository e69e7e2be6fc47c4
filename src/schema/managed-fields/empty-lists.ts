/**
 * Required lists that were given empty. Once read they are as good as absent, and are written as `null`; but whoever
 * gave one owns it.
 */

import type { ObjectType, Type } from '../types.ts'
import { emptySet, type FieldSet, singleton, union } from './field-set.ts'
import { fieldElement } from './path-element.ts'
import { membersOf, valueAt } from './shape.ts'

type Path = readonly string[]

const knownPaths = new WeakMap<ObjectType, readonly Path[]>()

/** Where an object of this type has required lists that are no part of another list. */
function listPaths(type: ObjectType): readonly Path[] {
  let paths = knownPaths.get(type)
  if (paths === undefined) {
    paths = findPaths(type, [])
    knownPaths.set(type, paths)
  }
  return paths
}

function findPaths(type: ObjectType, above: readonly ObjectType[]): readonly Path[] {
  if (above.includes(type)) return []
  return Object.entries(type.fields).flatMap(([name, { type: inner, presence }]): readonly Path[] => {
    if (inner.type === 'object') return findPaths(inner, [...above, type]).map((path) => [name, ...path])
    return isAlwaysWritten(inner, presence) ? [[name]] : []
  })
}

const isAlwaysWritten = (type: Type, presence: string) =>
  type.type === 'list' && (presence === 'required' || presence === 'embedded')

/** Gives a decoded object back the empty lists of what it was decoded from. */
export function keepEmptyLists(type: ObjectType, object: object, sent: unknown): void {
  for (const path of listPaths(type)) {
    const holder = path.slice(0, -1)
    const name = path.at(-1)!
    const target = membersAt(object, holder) as Record<string, unknown> | undefined
    if (target !== undefined && isEmptyList(membersAt(sent, holder)?.[name])) target[name] = []
  }
}

/** The fields of an object that are empty lists. */
export function emptyListsOf(type: ObjectType, object: object): FieldSet {
  let set = emptySet
  for (const path of listPaths(type)) {
    if (isEmptyList(membersAt(object, path.slice(0, -1))?.[path.at(-1)!])) {
      set = union(set, singleton(path.map(fieldElement)))
    }
  }
  return set
}

const isEmptyList = (value: unknown) => Array.isArray(value) && value.length === 0

const membersAt = (value: unknown, path: Path) => membersOf(valueAt(value, path))
