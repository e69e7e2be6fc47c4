/**
 * Whether values have the fields, or differ in the fields, that others did: walks along a known answer, which make
 * nothing. They give what `everything` and `differencesOf` would have to be asked for otherwise.
 */

import { type Differences, differencesOf, isNothing } from './compare.ts'
import { equalSets, type FieldSet, isMember, leaf } from './field-set.ts'
import {
  itemElement,
  itemsOf,
  type ListShape,
  type MapShape,
  type Members,
  membersOf,
  type SetShape,
  type Shape,
  shapeOfValue,
} from './shape.ts'

/**
 * Lists of one item whose name is another than in the known answer: all else in this answer holds with the name
 * exchanged. So a pod's own address, which names an item of its status, is no reason to look at everything again.
 */
export interface Renaming {
  /** Where the walk is. */
  readonly path: string[]
  readonly found: Renamed[]
}

export interface Renamed {
  /** Of the list. */
  readonly path: readonly string[]
  readonly from: string
  readonly to: string
}

/** Whether `everything` of this value would be this set. Throws ItemFault. */
export function hasJust(shape: Shape, value: unknown, set: FieldSet, renaming?: Renaming): boolean {
  switch (shape.form) {
    case 'leaf':
      return set === leaf
    case 'any':
      return hasJust(shapeOfValue(value), value, set, renaming)
    case 'map':
      return hasJustMembers(shape, membersOf(value), set, renaming)
    default:
      return hasJustItems(shape, itemsOf(value), set, renaming)
  }
}

function hasJustMembers(shape: MapShape, members: Members | undefined, set: FieldSet, renaming?: Renaming): boolean {
  let count = 0
  for (const name in members) {
    const item = members[name]
    const field = shape.fields.get(name)
    const below = field === undefined ? shape.values() : field.shape()
    if (below === undefined || item === undefined) continue
    const element = field === undefined ? `f:${name}` : field.element
    const inside = set[element]
    if (inside === undefined) return false
    renaming?.path.push(element)
    if (!hasJust(below, item, inside, renaming)) return false
    renaming?.path.pop()
    count++
  }
  return count === 0 ? set === leaf : isWhole(set) && count === sizeOf(set) - 1
}

function hasJustItems(
  shape: SetShape | ListShape,
  items: readonly unknown[] | undefined,
  set: FieldSet,
  renaming?: Renaming,
): boolean {
  if (items === undefined || items.length === 0) return set === leaf
  if (!isWhole(set)) return false
  const [, ...elements] = Object.keys(set)
  return areJust(shape, items, elements, set, renaming)
}

/** Whether the field itself is in the set, beside what is below it. */
const isWhole = (set: FieldSet) => set['.'] !== undefined

/** Items are compared in their order, so that one which occurs twice is seen. */
function areJust(
  shape: SetShape | ListShape,
  items: readonly unknown[],
  elements: readonly string[],
  set: FieldSet,
  renaming: Renaming | undefined,
): boolean {
  if (items.length !== elements.length) return false
  for (const [at, item] of items.entries()) {
    const element = elements[at]!
    const name = itemElement(shape, item)
    if (name !== element) {
      if (renaming === undefined || items.length > 1) return false
      renaming.found.push({ path: [...renaming.path], from: element, to: name })
    }
    renaming?.path.push(element)
    if (!hasJust(shape.items(), item, set[element]!, renaming)) return false
    renaming?.path.pop()
  }
  return true
}

/** Whether two values differ in just what `differencesOf` found of two others. Throws ItemFault. */
export function differJust(
  shape: Shape,
  left: unknown,
  right: unknown,
  skipped: FieldSet | undefined,
  known: Differences | undefined,
  renaming: Renaming,
): boolean {
  return differ(shape, left, right, skipped, known?.added, known?.modified, known?.removed, renaming)
}

function differ(
  shape: Shape,
  left: unknown,
  right: unknown,
  skipped: FieldSet | undefined,
  added: FieldSet | undefined,
  modified: FieldSet | undefined,
  removed: FieldSet | undefined,
  renaming: Renaming,
): boolean {
  switch (shape.form) {
    case 'map': {
      const before = membersOf(left)
      const after = membersOf(right)
      if (isNothing(before) && isNothing(after)) break
      return membersDiffer(shape, before, after, skipped, added, modified, removed, renaming)
    }
    case 'set':
    case 'list':
      return itemsDiffer(shape, left, right, added, modified, removed, renaming)
    default:
  }
  return areSame(differencesOf(shape, left, right, skipped), added, modified, removed)
}

function membersDiffer(
  shape: MapShape,
  before: Members | undefined,
  after: Members | undefined,
  skipped: FieldSet | undefined,
  added: FieldSet | undefined,
  modified: FieldSet | undefined,
  removed: FieldSet | undefined,
  renaming: Renaming,
): boolean {
  let [adds, modifies, removes] = [0, 0, 0]
  for (const name in after) {
    const item = after[name]
    const old = before === undefined || !Object.hasOwn(before, name) ? undefined : before[name]
    if (item === old || item === undefined) continue
    const field = shape.fields.get(name)
    const below = field === undefined ? shape.values() : field.shape()
    const element = field === undefined ? `f:${name}` : field.element
    const skip = skipped?.[element]
    if (below === undefined || (skip !== undefined && isMember(skip))) continue
    const add = added?.[element]
    const modify = modified?.[element]
    const remove = removed?.[element]
    renaming.path.push(element)
    if (old === undefined) {
      if (add === undefined || modify !== undefined || remove !== undefined) return false
      if (!hasJust(below, item, add, renaming)) return false
    } else if (!differ(below, old, item, skip, add, modify, remove, renaming)) return false
    renaming.path.pop()
    if (add !== undefined) adds++
    if (modify !== undefined) modifies++
    if (remove !== undefined) removes++
  }
  for (const name in before) {
    const old = before[name]
    if (old === undefined || (after !== undefined && Object.hasOwn(after, name) && after[name] !== undefined)) continue
    const field = shape.fields.get(name)
    const below = field === undefined ? shape.values() : field.shape()
    const element = field === undefined ? `f:${name}` : field.element
    const skip = skipped?.[element]
    if (below === undefined || (skip !== undefined && isMember(skip))) continue
    const remove = removed?.[element]
    if (remove === undefined || added?.[element] !== undefined || modified?.[element] !== undefined) return false
    if (!hasJust(below, old, remove)) return false
    removes++
  }
  return areAll(adds, added) && areAll(modifies, modified) && areAll(removes, removed)
}

function itemsDiffer(
  shape: SetShape | ListShape,
  left: unknown,
  right: unknown,
  added: FieldSet | undefined,
  modified: FieldSet | undefined,
  removed: FieldSet | undefined,
  renaming: Renaming,
): boolean {
  const before = itemsOf(left) ?? []
  const after = itemsOf(right) ?? []
  if (before.length === 0 && after.length > 0) {
    if (added === undefined || modified !== undefined || removed !== undefined) return false
    return areJust(shape, after, Object.keys(added), added, renaming)
  }
  const names = before.length === after.length ? commonNames(shape, before, after) : undefined
  // Items that come, go or change places are rarer than such as become others.
  if (names === undefined || names.length === 0)
    return areSame(differencesOf(shape, left, right, undefined), added, modified, removed)
  let [adds, modifies, removes] = [0, 0, 0]
  for (const [at, element] of names.entries()) {
    if (before[at] === after[at]) continue
    const add = added?.[element]
    const modify = modified?.[element]
    const remove = removed?.[element]
    renaming.path.push(element)
    if (!differ(shape.items(), before[at], after[at], undefined, add, modify, remove, renaming)) return false
    renaming.path.pop()
    if (add !== undefined) adds++
    if (modify !== undefined) modifies++
    if (remove !== undefined) removes++
  }
  return areAll(adds, added) && areAll(modifies, modified) && areAll(removes, removed)
}

/** The names of the items if they are the same, in the same order, and none occurs twice. */
function commonNames(
  shape: SetShape | ListShape,
  before: readonly unknown[],
  after: readonly unknown[],
): readonly string[] | undefined {
  const names: string[] = []
  for (const [at, item] of after.entries()) {
    const name = itemElement(shape, item)
    if (names.includes(name) || (item !== before[at] && itemElement(shape, before[at]) !== name)) return undefined
    names.push(name)
  }
  return names
}

/** Whether so many elements are all that a set has. A leaf has none and yet is something: that the field itself differs. */
const areAll = (count: number, set: FieldSet | undefined): boolean =>
  set === undefined ? count === 0 : count > 0 && count === sizeOf(set)

const areSame = (
  found: Differences | undefined,
  added: FieldSet | undefined,
  modified: FieldSet | undefined,
  removed: FieldSet | undefined,
): boolean => isEqual(found?.added, added) && isEqual(found?.modified, modified) && isEqual(found?.removed, removed)

const isEqual = (left: FieldSet | undefined, right: FieldSet | undefined): boolean =>
  left === right || (left !== undefined && right !== undefined && equalSets(left, right))

function sizeOf(set: FieldSet): number {
  let size = 0
  for (const _ in set) size++
  return size
}
