import { type FieldSet, type FieldSetDraft, leaf, node } from './field-set.ts'
import { isMembers, itemElement, itemsOf, type MapShape, membersOf, type Shape, shapeOfValue } from './shape.ts'

/** The fields that an applied configuration names (`TypedValue.ToFieldSet`). */
export function fieldsOf(shape: Shape, value: unknown): FieldSet {
  return extract(shape, value, false) ?? leaf
}

/** `member`: whether the field itself is in the set whatever lies below it. */
function extract(shape: Shape, value: unknown, member: boolean): FieldSet | undefined {
  switch (shape.form) {
    case 'leaf':
      return leaf
    case 'any':
      return extract(shapeOfValue(value), value, member)
    case 'map':
      return node(member, membersIn(shape, value))
    case 'set':
    case 'list': {
      const items = itemsOf(value)
      const children: FieldSetDraft = {}
      for (const item of items ?? []) children[itemElement(shape, item)] = extract(shape.items(), item, true)!
      return node(member, children)
    }
  }
}

function membersIn(shape: MapShape, value: unknown): FieldSetDraft {
  const members = membersOf(value)
  const children: FieldSetDraft = {}
  for (const name in members) {
    const field = shape.fields.get(name)
    const below = field?.shape() ?? shape.values()
    if (below === undefined) continue
    const item = members[name]
    const child = extract(below, item, field === undefined || isNothing(item))
    if (child !== undefined) children[field?.element ?? `f:${name}`] = child
  }
  return children
}

/** `null` and the empty map are values that somebody gave, so they are owned. */
function isNothing(value: unknown): boolean {
  if (value === null) return true
  if (!isMembers(value)) return false
  for (const _ in value) return false
  return true
}
