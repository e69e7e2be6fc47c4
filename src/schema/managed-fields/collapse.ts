import { type FieldSet, type FieldSetDraft, isEmptySet, isMember, leaf, node } from './field-set.ts'
import type { Owners } from './owners.ts'
import { shapeBelow } from './remove.ts'
import type { Shape } from './shape.ts'

/**
 * The owners in the terms of the schema as it is now: who owned parts of what has become atomic owns the whole. What
 * has ceased to be atomic needs nothing, since it counts as a field like any other.
 */
export function withoutPartsOfAtoms(shape: Shape, apiVersion: string, owners: Owners): Owners {
  let changed: Owners | undefined
  for (const [id, owner] of owners) {
    if (owner.apiVersion !== apiVersion) continue
    const fields = collapsed(shape, owner.fields)
    if (fields === owner.fields) continue
    changed ??= new Map(owners)
    changed.set(id, { ...owner, fields })
  }
  return changed ?? owners
}

/** Sets that were looked at and are right, by the schema. */
const right = new WeakMap<Shape, WeakSet<FieldSet>>()

function collapsed(shape: Shape, set: FieldSet): FieldSet {
  let known = right.get(shape)
  if (known === undefined) {
    known = new WeakSet()
    right.set(shape, known)
  }
  if (known.has(set)) return set
  const result = collapse(shape, set)
  known.add(result)
  return result
}

function collapse(shape: Shape, set: FieldSet): FieldSet {
  let result: FieldSetDraft | undefined
  for (const element in set) {
    if (element === '.') continue
    const [, inner] = shapeBelow(shape, element)
    const below = set[element]!
    const kept = inner === undefined || isEmptySet(below) ? below : collapseNode(inner, below)
    if (kept === below) continue
    result ??= { ...set }
    result[element] = kept
  }
  return result ?? set
}

function collapseNode(shape: Shape, below: FieldSet): FieldSet {
  if (shape.form === 'leaf') return leaf
  const kept = collapse(shape, below)
  if (kept === below) return below
  const { '.': _, ...children } = kept
  return node(isMember(below), children)!
}
