import { type FieldSet, type FieldSetDraft, isEmptySet, isMember, leaf, recursiveDifference } from './field-set.ts'
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

/** How one object differs from another, as sets of fields. */
export interface Comparison {
  readonly added: FieldSet
  readonly modified: FieldSet
  readonly removed: FieldSet
}

/**
 * Compares two objects of a type (`TypedValue.Compare`). Fields that `skipped` has are not looked at, nor is anything
 * below them. Throws ItemFault.
 */
export function compare(shape: Shape, left: unknown, right: unknown, skipped: FieldSet = leaf): Comparison {
  return comparisonOf(differencesOf(shape, left, right, skipped), skipped)
}

/** What of the differences is not below a skipped field. */
export function comparisonOf(found: Differences | undefined, skipped: FieldSet): Comparison {
  const seen = (set: FieldSet | undefined) => (set === undefined ? leaf : recursiveDifference(set, skipped))
  return { added: seen(found?.added), modified: seen(found?.modified), removed: seen(found?.removed) }
}

/** What differs at a field and below; a set that is absent has nothing. */
export interface Differences {
  added: FieldSet | undefined
  modified: FieldSet | undefined
  removed: FieldSet | undefined
}

const changed: Differences = { added: undefined, modified: leaf, removed: undefined }

/** As `compare` finds them on its way. Throws ItemFault. */
export function differencesOf(
  shape: Shape,
  left: unknown,
  right: unknown,
  skipped: FieldSet | undefined,
): Differences | undefined {
  if (left === right) return undefined
  switch (shape.form) {
    case 'leaf':
      return isSame(left, right) ? undefined : changed
    case 'any':
      return compareUntyped(left, right)
    case 'map':
      return compareMaps(shape, left, right, skipped)
    default:
      return compareLists(shape, left, right)
  }
}

function compareUntyped(left: unknown, right: unknown): Differences | undefined {
  const shape = shapeOfValue(right)
  if (shape.form === shapeOfValue(left).form) return differencesOf(shape, left, right, undefined)
  // What is a map on one side alone counts as a leaf, and what is in it as added or removed.
  return { added: insideOf(right), modified: leaf, removed: insideOf(left) }
}

function insideOf(value: unknown): FieldSet | undefined {
  const { '.': _, ...inside } = everything(shapeOfValue(value), value)
  return isEmptySet(inside) ? undefined : inside
}

function compareMaps(
  shape: MapShape,
  left: unknown,
  right: unknown,
  skipped: FieldSet | undefined,
): Differences | undefined {
  const before = membersOf(left)
  const after = membersOf(right)
  // An empty map and null are told apart as values.
  if (isNothing(before) && isNothing(after)) return isSame(left, right) ? undefined : changed
  const differences = new Collector()
  for (const name in after) {
    const field = shape.fields.get(name)
    const element = field === undefined ? `f:${name}` : field.element
    const skip = skipped?.[element]
    const item = after[name]
    if (item === undefined || (skip !== undefined && isMember(skip))) continue
    const below = field === undefined ? shape.values() : field.shape()
    if (below === undefined) continue
    const old = before === undefined || !Object.hasOwn(before, name) ? undefined : before[name]
    if (old === undefined) differences.add(element, everything(below, item))
    else differences.merge(element, differencesOf(below, old, item, skip))
  }
  for (const name in before) {
    if ((after !== undefined && Object.hasOwn(after, name) && after[name] !== undefined) || before[name] === undefined)
      continue
    const field = shape.fields.get(name)
    const element = field === undefined ? `f:${name}` : field.element
    const skip = skipped?.[element]
    const below = field === undefined ? shape.values() : field.shape()
    if (below === undefined || (skip !== undefined && isMember(skip))) continue
    differences.remove(element, everything(below, before[name]))
  }
  return differences.found
}

function compareLists(shape: SetShape | ListShape, left: unknown, right: unknown): Differences | undefined {
  const before = itemsOf(left) ?? []
  const after = itemsOf(right) ?? []
  if (before.length === 0 && after.length === 0) return isSame(left, right) ? undefined : changed
  const old = indexed(shape, before)
  const differences = new Collector()
  const items = indexed(shape, after)
  for (const [element, found] of items) {
    const was = old.get(element)
    if (was === undefined) differences.add(element, found.length > 1 ? leaf : everything(shape.items(), found[0]))
    else compareItems(shape, element, was, found, differences)
  }
  for (const [element, found] of old) {
    if (!items.has(element)) {
      differences.remove(element, found.length > 1 ? leaf : everything(shape.items(), found[0]))
    }
  }
  return differences.found
}

/** Items that occur twice are compared as one value. */
function compareItems(
  shape: SetShape | ListShape,
  element: string,
  before: readonly unknown[],
  after: readonly unknown[],
  differences: Collector,
): void {
  if (before.length === 1 && after.length === 1) {
    differences.merge(element, differencesOf(shape.items(), before[0], after[0], undefined))
  } else if (before.length > 1 && after.length > 1) {
    if (!isSame(before, after)) differences.merge(element, changed)
  } else if (before.length > 1) {
    differences.add(element, everything(shape.items(), after[0]))
    differences.remove(element, leaf)
  } else {
    differences.remove(element, everything(shape.items(), before[0]))
    differences.add(element, leaf)
  }
}

function indexed(shape: SetShape | ListShape, items: readonly unknown[]): Map<string, unknown[]> {
  const index = new Map<string, unknown[]>()
  for (const item of items) {
    const element = itemElement(shape, item)
    const known = index.get(element)
    if (known === undefined) index.set(element, [item])
    else known.push(item)
  }
  return index
}

/** The field itself and every field below it: what appears or goes with the value. */
export function everything(shape: Shape, value: unknown): FieldSet {
  switch (shape.form) {
    case 'leaf':
      return leaf
    case 'any':
      return everything(shapeOfValue(value), value)
    case 'map':
      return allMembers(shape, membersOf(value))
    default:
      return allItems(shape, itemsOf(value))
  }
}

function allMembers(shape: MapShape, members: Members | undefined): FieldSet {
  let set: FieldSetDraft | undefined
  for (const name in members) {
    const item = members[name]
    const field = shape.fields.get(name)
    const below = field === undefined ? shape.values() : field.shape()
    if (below === undefined || item === undefined) continue
    set ??= { '.': leaf }
    set[field === undefined ? `f:${name}` : field.element] = everything(below, item)
  }
  return set ?? leaf
}

function allItems(shape: SetShape | ListShape, items: readonly unknown[] | undefined): FieldSet {
  if (items === undefined || items.length === 0) return leaf
  const set: FieldSetDraft = { '.': leaf }
  for (const item of items) {
    const element = itemElement(shape, item)
    set[element] = set[element] === undefined ? everything(shape.items(), item) : leaf
  }
  return set
}

/** Gathers what differs below one field. */
class Collector {
  found: Differences | undefined

  add(element: string, set: FieldSet): void {
    const found = this.#begun()
    found.added = withElement(found.added, element, set)
  }

  remove(element: string, set: FieldSet): void {
    const found = this.#begun()
    found.removed = withElement(found.removed, element, set)
  }

  merge(element: string, differences: Differences | undefined): void {
    if (differences === undefined) return
    const { added, modified, removed } = differences
    const found = this.#begun()
    if (added !== undefined) found.added = withElement(found.added, element, added)
    if (removed !== undefined) found.removed = withElement(found.removed, element, removed)
    if (modified !== undefined) found.modified = withElement(found.modified, element, modified)
  }

  #begun(): Differences {
    this.found ??= { added: undefined, modified: undefined, removed: undefined }
    return this.found
  }
}

/** The sets gathered here are this walk's own until it ends. */
function withElement(set: FieldSet | undefined, element: string, below: FieldSet): FieldSet {
  if (set === undefined) return { [element]: below }
  ;(set as FieldSetDraft)[element] = below
  return set
}

export function isNothing(members: Members | undefined): boolean {
  return members === undefined || isEmptySet(members as FieldSet)
}

/** Whether two values are the same; unlike for the API at large, `null` and what is empty differ. */
export function isSame(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false
    return left.every((item, index) => isSame(item, right[index]))
  }
  return sameMembers(left as Members, right as Members)
}

function sameMembers(left: Members, right: Members): boolean {
  for (const name in left) {
    const other = Object.hasOwn(right, name) ? right[name] : undefined
    if (left[name] !== other && !isSame(left[name], other)) return false
  }
  for (const name in right) if (right[name] !== undefined && !Object.hasOwn(left, name)) return false
  return true
}
