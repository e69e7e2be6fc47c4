/**
 * Field sets as they are stored and sent. Objects made alike have the very same sets (all pods of a ReplicaSet), so a
 * set is kept once for all who have it.
 */

import { deepFreeze } from '../freeze.ts'
import { equalSets, type FieldSet, type FieldSetDraft, isEmptySet, leaf } from './field-set.ts'
import { compareElements, isElement } from './path-element.ts'

/** As many different sets are kept at hand; then all are forgotten and it begins again. */
const keptSets = 1024
const kept = new Map<string, FieldSet>()
const texts = new Map<FieldSet, string>()
/** The newest set by the elements on top: what has its own address in it still shares all the rest. */
const newest = new Map<string, FieldSet>()
/** Sets that are known to be in order, frozen and well formed. */
const sound = new WeakSet<FieldSet>()

/** The set with its elements in the reference's order, frozen, and shared with everybody who has the same. */
export function toFieldsV1(set: FieldSet): FieldSet {
  if (sound.has(set)) return set
  const top = topOf(set)
  const last = newest.get(top)
  const ordered = inOrder(set, last)
  if (ordered === last) return last
  const found = keep(ordered)
  sound.add(found)
  if (newest.size >= keptSets) newest.clear()
  newest.set(top, found)
  return found
}

/** The text of a set, which is made once for all who have it. */
export function textOfSet(set: FieldSet): string {
  let text = texts.get(set)
  if (text === undefined) {
    text = JSON.stringify(set)
    if (texts.size >= keptSets) texts.clear()
    texts.set(set, text)
  }
  return text
}

function keep(set: FieldSet): FieldSet {
  const text = textOfSet(set)
  const known = kept.get(text)
  if (known !== undefined) return known
  if (kept.size >= keptSets) kept.clear()
  kept.set(text, deepFreeze(set))
  return set
}

/** The elements on top, or below the only one there: nearly all statuses have nothing but `f:status` on top. */
function topOf(set: FieldSet): string {
  const elements = Object.keys(set)
  return elements.length === 1 ? `${elements[0]}/${Object.keys(set[elements[0]!]!).join()}` : elements.join()
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
 * `like` is in order, and so are its parts, which are taken wherever they are the same. A set of the same elements takes
 * their order as well, since comparing elements is slow.
 */
function inOrder(set: FieldSet, like: FieldSet | undefined): FieldSet {
  if (isEmptySet(set)) return leaf
  if (like !== undefined && equalSets(set, like)) return like
  const given = Object.keys(set)
  const known = like === undefined ? [] : Object.keys(like)
  const isKnown = known.length === given.length && known.every((element) => set[element] !== undefined)
  // What is below one item of a list is mostly what is below the others.
  const other = like?.[known.at(-1)!]
  const result: FieldSetDraft = {}
  for (const element of isKnown ? known : given.toSorted(compareElements))
    result[element] = inOrder(set[element]!, like?.[element] ?? other)
  return result
}
