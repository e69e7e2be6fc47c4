/**
 * Sets of fields, as managers own them (structured-merge-diff's `fieldpath.Set`), in the very form in which
 * `managedFields` shows them (FieldsV1): a tree of path elements in which `{}` or `.` says that the field itself is in
 * the set. Sets are values: nothing here changes one, and what an operation leaves as it was is shared.
 */

import { compareElements } from './path-element.ts'

/** A set of fields. The empty tree is the empty set; below the root an empty tree is a field without further ones. */
export interface FieldSet {
  readonly [element: string]: FieldSet
}

/** A tree under construction. */
export type FieldSetDraft = Record<string, FieldSet>

export const emptySet: FieldSet = Object.freeze({})
/** A field by itself, as it hangs in its parent. */
export const leaf: FieldSet = emptySet

export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false
  return true
}

/** Sets of more elements are not kept at hand: hardly two objects have the same that many, and each takes megabytes. */
const mostKept = 2_000

export const isLarge = (set: FieldSet): boolean => sizeUpTo(set, mostKept + 1) > mostKept

/** How many elements a set has, those below others included; not counted further than `most`. */
function sizeUpTo(set: FieldSet, most: number): number {
  let size = 0
  for (const element in set) {
    size += 1 + sizeUpTo(set[element]!, most - size - 1)
    if (size >= most) break
  }
  return size
}

/** Whether a node below the root stands for a field that is in the set itself. */
export function isMember(node: FieldSet): boolean {
  return node['.'] !== undefined || isEmptySet(node)
}

/** A node below the root: undefined when neither it nor anything below it is in the set. */
export function node(member: boolean, children: FieldSetDraft): FieldSet | undefined {
  if (isEmptySet(children)) return member ? leaf : undefined
  return member ? { '.': leaf, ...children } : children
}

export function union(left: FieldSet, right: FieldSet): FieldSet {
  if (left === right || isEmptySet(right)) return left
  if (isEmptySet(left)) return right
  return children(left, right, uniteNodes)
}

function uniteNodes(left: FieldSet, right: FieldSet): FieldSet {
  if (left === right) return left
  return node(isMember(left) || isMember(right), children(left, right, uniteNodes))!
}

function children(left: FieldSet, right: FieldSet, unite: (left: FieldSet, right: FieldSet) => FieldSet) {
  const result: FieldSetDraft = {}
  for (const element in left) {
    if (element === '.') continue
    const other = right[element]
    result[element] = other === undefined ? left[element]! : unite(left[element]!, other)
  }
  for (const element in right) if (element !== '.' && left[element] === undefined) result[element] = right[element]!
  return result
}

export function intersection(left: FieldSet, right: FieldSet): FieldSet {
  return left === right ? left : common(left, right)
}

function common(left: FieldSet, right: FieldSet): FieldSetDraft {
  const result: FieldSetDraft = {}
  for (const element in left) {
    const other = right[element]
    if (element === '.' || other === undefined) continue
    const mine = left[element]!
    const both = node(isMember(mine) && isMember(other), common(mine, other))
    if (both !== undefined) result[element] = both
  }
  return result
}

/** What is in `left` and not in `right`. Fields below one that is taken away stay. */
export function difference(left: FieldSet, right: FieldSet): FieldSet {
  return subtract(left, right, (mine, other) => {
    const rest = difference(mine, other)
    const member = isMember(mine) && !isMember(other)
    return rest === mine && member === isMember(mine) ? mine : node(member, withoutSelf(rest))
  })
}

/** The same, and what is below a field of `right` goes with it. */
export function recursiveDifference(left: FieldSet, right: FieldSet): FieldSet {
  return subtract(left, right, (mine, other) => {
    if (isMember(other)) return undefined
    const rest = recursiveDifference(mine, other)
    return rest === mine ? mine : node(isMember(mine), withoutSelf(rest))
  })
}

function subtract(
  left: FieldSet,
  right: FieldSet,
  remaining: (mine: FieldSet, other: FieldSet) => FieldSet | undefined,
): FieldSet {
  let changed: Map<string, FieldSet | undefined> | undefined
  for (const element in right) {
    const mine = left[element]
    if (element === '.' || mine === undefined) continue
    const rest = remaining(mine, right[element]!)
    if (rest === mine) continue
    changed ??= new Map()
    changed.set(element, rest)
  }
  return changed === undefined ? left : replaced(left, changed)
}

/** Built anew: an object from which something was deleted is slow to walk ever after. */
function replaced(set: FieldSet, changed: ReadonlyMap<string, FieldSet | undefined>): FieldSet {
  const result: FieldSetDraft = {}
  for (const element in set) {
    const now = changed.has(element) ? changed.get(element) : set[element]
    if (now !== undefined) result[element] = now
  }
  return result
}

function withoutSelf(node: FieldSet): FieldSetDraft {
  const { '.': _, ...rest } = node
  return rest
}

export function equalSets(left: FieldSet, right: FieldSet): boolean {
  if (left === right) return true
  let count = 0
  for (const element in left) {
    const other = right[element]
    if (other === undefined || !equalSets(left[element]!, other)) return false
    count++
  }
  for (const _ in right) count--
  return count === 0
}

/** Whether the field itself is in the set. */
export function has(set: FieldSet, path: readonly string[]): boolean {
  let at: FieldSet | undefined = set
  for (const element of path) {
    at = at[element]
    if (at === undefined) return false
  }
  return path.length > 0 && isMember(at)
}

/** The set of one field. */
export function singleton(path: readonly string[]): FieldSet {
  return path.reduceRight<FieldSet>((below, element) => ({ [element]: below }), leaf)
}

/** Only those fields that have none below them. */
export function leaves(set: FieldSet): FieldSet {
  const result: FieldSetDraft = {}
  for (const element in set) {
    if (element === '.') continue
    const below = leaves(set[element]!)
    result[element] = isEmptySet(below) ? leaf : below
  }
  return result
}

/** Every field in the reference's order: the members of a level before what lies below them. */
export function* pathsOf(set: FieldSet, prefix: readonly string[] = []): Generator<readonly string[]> {
  const elements = Object.keys(set)
    .filter((element) => element !== '.')
    .sort(compareElements)
  for (const element of elements) if (isMember(set[element]!)) yield [...prefix, element]
  for (const element of elements) yield* pathsOf(set[element]!, [...prefix, element])
}
