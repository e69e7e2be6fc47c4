import { setOwn } from '../freeze.ts'
import { type FieldSet, type FieldSetDraft, isMember, node } from './field-set.ts'
import { itemElement, itemsOf, type Members, membersOf, type Shape, shapeOfValue } from './shape.ts'

/** The object without these fields, and without what is below them (`TypedValue.RemoveItems`). */
export function removeFields(shape: Shape, value: unknown, fields: FieldSet): unknown {
  switch (shape.form) {
    case 'leaf':
      // A field below a value that is owned as a whole takes it along; scalars have none.
      return typeof value === 'object' ? null : value
    case 'any':
      return removeFields(shapeOfValue(value), value, fields)
    case 'map': {
      const members = membersOf(value)
      return members === undefined
        ? null
        : rest(members, (name, item) => {
            const field = shape.fields.get(name)
            return remaining(field?.shape() ?? shape.values(), item, fields[field?.element ?? `f:${name}`])
          })
    }
    default: {
      const kept = (itemsOf(value) ?? [])
        .map((item) => remaining(shape.items(), item, fields[itemElement(shape, item)]))
        .filter((item) => item !== undefined)
      return kept.length === 0 ? null : kept
    }
  }
}

function rest(members: Members, keep: (name: string, item: unknown) => unknown): unknown {
  const result: Record<string, unknown> = {}
  let count = 0
  for (const name in members) {
    const item = keep(name, members[name])
    if (item === undefined) continue
    setOwn(result, name, item)
    count++
  }
  return count === 0 ? null : result
}

function remaining(shape: Shape | undefined, item: unknown, fields: FieldSet | undefined): unknown {
  if (fields === undefined || shape === undefined) return item
  return isMember(fields) ? undefined : removeFields(shape, item, fields)
}

/**
 * The set with every declared field that has owned ones below it (`EnsureNamedFieldsAreMembers`), so that a struct
 * counts as given when any of its fields is. Keys of maps and items of lists stay as they are.
 */
export function withNamedFields(shape: Shape, set: FieldSet): FieldSet {
  const result: FieldSetDraft = {}
  for (const element in set) {
    if (element === '.') continue
    const below = set[element]!
    const [isNamed, inner] = shapeBelow(shape, element)
    const child = inner === undefined ? below : withNamedFields(inner, below)
    const { '.': _, ...children } = child
    result[element] = node(isNamed || isMember(below), children)!
  }
  return result
}

/** Whether an element is a declared field, and the shape of what it leads to. */
export function shapeBelow(shape: Shape, element: string): [boolean, Shape | undefined] {
  if (shape.form === 'map' && element.startsWith('f:')) {
    const field = shape.fields.get(element.slice(2))
    return [field !== undefined, field?.shape() ?? shape.values()]
  }
  if (shape.form === 'any' && element.startsWith('f:')) return [false, shape]
  return [false, shape.form === 'list' && element.startsWith('k:') ? shape.items() : undefined]
}
