/**
 * Field sets as they are stored and sent. Objects made alike have the very same sets (all pods of a ReplicaSet), so a
 * set is kept once for all who have it.
 */

import { deepFreeze } from '../freeze.ts'
import { emptySet, type FieldSet, type FieldSetDraft, isEmptySet } from './field-set.ts'
import { compareElements, isElement } from './path-element.ts'

/** As many different sets are kept at hand; then all are forgotten and it begins again. */
const keptSets = 1024
/** The newest set by its elements on top: what has its own address in it still shares all the rest. */
const newest = new Map<string, FieldSet>()
/** Sets that are known to be in order, frozen and well formed. */
const sound = new WeakSet<FieldSet>()

/** The set with its elements in the reference's order, frozen, and shared with everybody who has the same. */
export function toFieldsV1(set: FieldSet): FieldSet {
  if (sound.has(set)) return set
  const top = topOf(set)
  const last = newest.get(top)
  const ordered = sorted(set, last ?? emptySet)
  if (ordered === last) return last
  sound.add(ordered)
  if (newest.size >= keptSets) newest.clear()
  newest.set(top, ordered)
  return ordered
}

/** The elements of the first two levels: objects of one type that somebody writes in one way give the same, in the same order. */
function topOf(set: FieldSet): string {
  let text = ''
  for (const element in set) {
    text += element
    for (const below in set[element]) text += `,${below}`
  }
  return text
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

/**
 * The set in order and frozen, as `like` is: what both have alike is that of `like`, and where both have the same elements
 * theirs is the order, since comparing elements is slow.
 */
function sorted(set: FieldSet, like: FieldSet): FieldSet {
  if (set === like) return like
  if (isEmptySet(set)) return emptySet
  const isAlike = hasSameElements(set, like)
  const elements = isAlike ? Object.keys(like) : Object.keys(set).toSorted(compareElements)
  let isSame = isAlike
  const result: FieldSetDraft = {}
  for (const element of elements) {
    const known = like[element]
    const below = sorted(set[element]!, known ?? emptySet)
    result[element] = below
    if (below !== known) isSame = false
  }
  return isSame ? like : deepFreeze(result)
}

function hasSameElements(set: FieldSet, like: FieldSet): boolean {
  let count = 0
  for (const element in like) {
    if (set[element] === undefined) return false
    count++
  }
  for (const _ in set) count--
  return count === 0
}
