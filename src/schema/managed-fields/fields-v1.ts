/**
 * Field sets as they are stored and sent. Objects made alike have the very same sets (all pods of a ReplicaSet), so a
 * set is kept once for all who have it.
 */

import { deepFreeze, sharing } from '../freeze.ts'
import { equalSets, type FieldSet, type FieldSetDraft, isEmptySet } from './field-set.ts'
import { compareElements, isElement } from './path-element.ts'
import type { Renamed } from './recognise.ts'

/** As many different sets are kept at hand; then all are forgotten and it begins again. */
const keptSets = 1024
/** Sets with longer texts are not: hardly two objects have the same that many fields, and each takes megabytes. */
export const keptLength = 32 * 1024
const kept = new Map<string, FieldSet>()
/** The newest set by the elements on top: what has its own address in it still shares all the rest. */
const newest = new Map<string, FieldSet>()
/** Sets that are known to be in order, frozen and well formed. */
const sound = new WeakSet<FieldSet>()

/** The set with its elements in the reference's order, frozen, and shared with everybody who has the same. */
export function toFieldsV1(set: FieldSet): FieldSet {
  if (sound.has(set)) return set
  const top = Object.keys(set).join()
  const last = newest.get(top)
  if (last !== undefined && equalSets(set, last)) return last
  // Objects of one type give their fields in the same order, so that sorting is for the first of its like alone.
  const text = JSON.stringify(set)
  const ordered = kept.get(text) ?? deepFreeze(sharing(sorted(set, last), last))
  sound.add(ordered)
  if (text.length > keptLength) return ordered
  if (newest.size >= keptSets) newest.clear()
  newest.set(top, ordered)
  if (kept.size >= keptSets) kept.clear()
  kept.set(text, ordered)
  return ordered
}

/** A set that `toFieldsV1` gave, with other names for items that are alone in their lists. */
export function withRenamed(set: FieldSet, renamed: readonly Renamed[]): FieldSet {
  // What lies within another one was found after it.
  const result = deepFreeze(
    renamed.reduceRight((above, { path, from, to }) => renamedAt(above, path, 0, from, to), set),
  )
  sound.add(result)
  return result
}

function renamedAt(set: FieldSet, path: readonly string[], depth: number, from: string, to: string): FieldSet {
  const result: FieldSetDraft = {}
  for (const element in set) {
    if (depth === path.length) result[element === from ? to : element] = set[element]!
    else if (element === path[depth]) result[element] = renamedAt(set[element]!, path, depth + 1, from, to)
    else result[element] = set[element]!
  }
  return result
}

/** Reads what somebody says is a field set; undefined when it is not one. */
export function fromFieldsV1(value: unknown): FieldSet | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const set = value as FieldSet
  if (sound.has(set)) return set
  if (!isFieldSet(set)) return undefined
  return set
}

function isFieldSet(value: unknown): value is FieldSet {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(([element, below]) => isElement(element) && isFieldSet(below))
}

/** `like` is in order: a set of the same elements takes theirs, since comparing elements is slow. */
function sorted(set: FieldSet, like: FieldSet | undefined): FieldSet {
  if (set === like || isEmptySet(set)) return set
  const given = Object.keys(set)
  const known = like === undefined ? [] : Object.keys(like)
  const isKnown = known.length === given.length && known.every((element) => set[element] !== undefined)
  const elements = isKnown ? known : given.toSorted(compareElements)
  let isSame = true
  const result: FieldSetDraft = {}
  for (const [at, element] of elements.entries()) {
    const below = set[element]!
    result[element] = sorted(below, like?.[element])
    if (given[at] !== element || result[element] !== below) isSame = false
  }
  return isSame ? set : result
}
