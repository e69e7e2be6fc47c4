/** When two values are the same. Numbers of all kinds compare by their value; different kinds of things are different. */
import {
  CelList,
  CelMap,
  CelObject,
  type CelValue,
  Double,
  Duration,
  type ListSemantics,
  Opaque,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
} from './values.ts'

export function equals(left: CelValue, right: CelValue): boolean {
  if (left === right) return true
  if (left === null || right === null) return false
  if (typeof left !== 'object' || typeof right !== 'object') return equalsPlain(left, right)
  if (left instanceof CelList) return right instanceof CelList && equalLists(left, right)
  if (left instanceof CelObject) return equalsObject(left, right)
  if (left instanceof CelMap)
    return right instanceof CelMap ? equalMaps(left, right) : right instanceof CelObject && equalsObject(right, left)
  if (left instanceof Double) return right instanceof Double ? left.value === right.value : equalsNumber(left, right)
  if (left instanceof Uint) return right instanceof Uint ? left.value === right.value : equalsNumber(left, right)
  if (left instanceof Uint8Array) return right instanceof Uint8Array && equalBytes(left, right)
  return equalsBox(left, right)
}

/** At least one of them is a text, a bool or an int. */
function equalsPlain(left: CelValue, right: CelValue): boolean {
  if (typeof left === 'object' && (typeof right === 'number' || typeof right === 'bigint'))
    return equalsNumber(left, right)
  if (typeof right === 'object' && (typeof left === 'number' || typeof left === 'bigint'))
    return equalsNumber(right, left)
  return false
}

/** Kinds of numbers that are not the same kind. */
function equalsNumber(left: CelValue, right: CelValue): boolean {
  const [first, second] = [numberOf(left), numberOf(right)]
  // biome-ignore lint/suspicious/noDoubleEquals: between number and bigint it compares the exact values.
  return first !== undefined && second !== undefined && first == second
}

/** A number's exact value; undefined for what is none. */
export function numberOf(value: CelValue): number | bigint | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  if (value instanceof Double || value instanceof Uint) return value.value
  return undefined
}

function equalsBox(left: CelValue, right: CelValue): boolean {
  if (left instanceof Duration) return right instanceof Duration && left.nanoseconds === right.nanoseconds
  if (left instanceof Timestamp) return right instanceof Timestamp && left.nanoseconds === right.nanoseconds
  if (left instanceof TypeValue) return right instanceof TypeValue && left.name === right.name
  if (left instanceof Optional) return right instanceof Optional && equalOptionals(left, right)
  return left instanceof Opaque && right instanceof Opaque && left.typeName === right.typeName && left.equals(right)
}

function equalOptionals(left: Optional, right: Optional): boolean {
  if (left.value === undefined || right.value === undefined) return left.value === right.value
  return equals(left.value, right.value)
}

function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}

function equalLists(left: CelList, right: CelList): boolean {
  if (left.items === right.items && left.convert === right.convert && !left.semantics) return true
  if (left.size !== right.size) return false
  if (left.semantics) return equalByKeys(left, right, left.semantics)
  for (let index = 0; index < left.size; index++) if (!equals(left.at(index), right.at(index))) return false
  return true
}

/** `x-kubernetes-list-type` set and map: the order does not matter. */
function equalByKeys(left: CelList, right: CelList, semantics: ListSemantics): boolean {
  const found = new Map<string, CelValue[]>()
  for (const item of right.toArray()) {
    const key = keyOf(item, semantics)
    const others = found.get(key)
    if (others) others.push(item)
    else found.set(key, [item])
  }
  return left.toArray().every((item) => found.get(keyOf(item, semantics))?.some((other) => equals(item, other)))
}

/** A text that is the same for items of the same key. */
export function keyOf(item: CelValue, { kind, keys }: ListSemantics): string {
  if (kind === 'map' && item instanceof CelObject) return JSON.stringify(keys.map((key) => item.json[key]))
  if (kind === 'map' && item instanceof CelMap) return JSON.stringify(keys.map((key) => scalarText(item.get(key))))
  return scalarText(item)
}

const scalarText = (value: CelValue | undefined): string => {
  const number = value === undefined ? undefined : numberOf(value)
  if (number !== undefined) return `number ${number}`
  return typeof value === 'string' || typeof value === 'boolean' ? JSON.stringify(value) : ''
}

function equalMaps(left: CelMap, right: CelMap): boolean {
  if (left.size !== right.size) return false
  return left.keys().every((key) => {
    const other = right.get(key)
    return other !== undefined && equals(left.get(key)!, other)
  })
}

function equalsObject(left: CelObject, right: CelValue): boolean {
  if (right instanceof CelObject) {
    if (left.json === right.json) return true
    const names = left.names()
    return names.length === right.names().length && names.every((name) => equalFields(left.get(name)!, right.get(name)))
  }
  if (!(right instanceof CelMap)) return false
  const names = left.names()
  return names.length === right.size && names.every((name) => equalFields(left.get(name)!, right.get(name)))
}

const equalFields = (left: CelValue, right: CelValue | undefined): boolean => right !== undefined && equals(left, right)
