/**
 * What server-side apply sees of a type: how deep ownership goes, and what names an item of a list. Values without a
 * type (embedded JSON) take the shape of what they are: objects are owned field by field, lists as a whole.
 */

import type { Field, ListType, ObjectType, Scalar, Type } from '../types.ts'

export type Shape = LeafShape | MapShape | SetShape | ListShape | AnyShape

/** Owned as a whole: a scalar, an atomic list or map. */
export interface LeafShape {
  readonly form: 'leaf'
  readonly type: Type
}

export interface MapShape {
  readonly form: 'map'
  readonly type: ObjectType | undefined
  /** The declared fields; a map has none. */
  readonly fields: ReadonlyMap<string, FieldShape>
  /** The shape of what is not declared; undefined: there may be nothing else. */
  values(): Shape | undefined
}

export interface FieldShape {
  /** `f:` and its name. */
  readonly element: string
  shape(): Shape
}

export interface SetShape {
  readonly form: 'set'
  items(): Shape
}

/** Items are known by keys. */
export interface ListShape {
  readonly form: 'list'
  /** In the order in which the type lists them, which errors quote. */
  readonly keys: readonly string[]
  /** Sorted, as elements have them. A key without a default may be left out of an item. */
  readonly sortedKeys: readonly { readonly name: string; readonly default: unknown }[]
  items(): Shape
}

export interface AnyShape {
  readonly form: 'any'
}

const any: AnyShape = { form: 'any' }

const shapes = new WeakMap<Type, Shape>()

export function shapeOf(type: Type): Shape {
  let shape = shapes.get(type)
  if (shape === undefined) {
    shape = makeShape(type)
    shapes.set(type, shape)
  }
  return shape
}

function makeShape(type: Type): Shape {
  switch (type.type) {
    case 'object':
      if (type.options.structure !== undefined) return shapeOf(type.options.structure())
      return type.options.atomic === true ? { form: 'leaf', type } : objectShape(type)
    case 'map': {
      if (type.atomic === true) return { form: 'leaf', type }
      const { values } = type
      return { form: 'map', type: undefined, fields: new Map(), values: () => shapeOf(values) }
    }
    case 'list':
      return listShape(type)
    case 'json':
      return any
    default:
      return { form: 'leaf', type }
  }
}

function objectShape(type: ObjectType): MapShape {
  const fields = new Map<string, FieldShape>()
  for (const [name, field] of Object.entries(type.fields)) {
    let known: Shape | undefined
    const isGranular = field.options.granular === true && field.type.type === 'object'
    const shape = () => (known ??= isGranular ? objectShape(field.type as ObjectType) : shapeOf(field.type))
    fields.set(name, { element: `f:${name}`, shape })
  }
  const values = type.options.open === true ? any : undefined
  return { form: 'map', type, fields, values: () => values }
}

function listShape(type: ListType): Shape {
  const { items, options } = type
  const { list = 'atomic' } = options
  if (list === 'atomic') return { form: 'leaf', type }
  if (list === 'set') return { form: 'set', items: () => shapeOf(items) }
  const sorted = [...list].sort()
  let known: Shape | undefined
  return {
    form: 'list',
    keys: list,
    get sortedKeys() {
      const fields: Readonly<Record<string, Field>> = items.type === 'object' ? items.fields : {}
      const value = sorted.map((name) => ({ name, default: keyDefault(fields[name]) }))
      Object.defineProperty(this, 'sortedKeys', { value })
      return value
    },
    items: () => (known ??= shapeOf(items)),
  }
}

/** The default that the published schema states: for a field that is always written it is its zero. */
function keyDefault(field: Field | undefined): unknown {
  if (field === undefined) return undefined
  const { options, presence, type } = field
  if (options.default !== undefined) return options.default
  return presence === 'required' || presence === 'embedded' ? zeros[(type as Scalar).type] : undefined
}

const zeros: Readonly<Partial<Record<Type['type'], unknown>>> = { string: '', bool: false, int32: 0, int64: 0 }

/** An untyped value as what it is. */
export function shapeOfValue(value: unknown): Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? anyMap : anyLeaf
}

const anyMap: MapShape = { form: 'map', type: undefined, fields: new Map(), values: () => any }
const anyLeaf: LeafShape = { form: 'leaf', type: { type: 'json' } }

export type Members = Readonly<Record<string, unknown>>

export const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The members of a value that should be a map; undefined for `null` and for anything else. */
export const membersOf = (value: unknown): Members | undefined => (isMembers(value) ? value : undefined)
export const itemsOf = (value: unknown): readonly unknown[] | undefined => (Array.isArray(value) ? value : undefined)

/** What lies in members of members; undefined where the way there ends. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value
  for (const name of path) at = isMembers(at) ? at[name] : undefined
  return at
}

/** An item of a list that cannot be named. The message is the reference's. */
export class ItemFault extends Error {}

/** How FieldsV1 names an item of a list. Throws ItemFault. */
export function itemElement(shape: SetShape | ListShape, item: unknown): string {
  if (shape.form === 'set') return `v:${setValue(item)}`
  if (item === null) throw new ItemFault('associative list with keys may not have a null element')
  if (!isMembers(item)) throw new ItemFault('associative list with keys may not have non-map elements')
  let text = ''
  for (const { name, default: zero } of shape.sortedKeys) {
    const value = item[name] ?? zero
    if (value === undefined) continue
    text += `${text === '' ? '' : ','}"${name}":${typeof value === 'number' ? value : JSON.stringify(value)}`
  }
  if (text === '') throw new ItemFault(omitsKeys(shape.keys))
  return `k:{${text}}`
}

const omitsKeys = (keys: readonly string[]) =>
  `associative list with keys has an element that omits all key fields [${keys.map((key) => JSON.stringify(key)).join(' ')}] ` +
  "(and doesn't have default values for any key fields)"

function setValue(item: unknown): string {
  const without = 'associative list without keys has an element that'
  if (item === null) throw new ItemFault(`${without}'s an explicit null`)
  if (Array.isArray(item)) throw new ItemFault('not supported: set with lists as elements')
  if (typeof item === 'object') throw new ItemFault(`${without}'s a map type`)
  return JSON.stringify(item)
}
