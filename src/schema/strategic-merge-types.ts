import { goKind } from './go-format.ts'
import type { Scalar, ScalarName, Type } from './types.ts'

/**
 * The reference turns the result of a strategic merge into its Go type without writing JSON in between, and that
 * conversion has its own words for values of the wrong kind. Everything subtler (formats, unknown fields) shows when
 * the result is decoded.
 */

/**
 * Takes the merged value and what it was before, which is sound and not looked at again where it is still the same.
 * Gives the first fault in the order of the type's fields.
 */
export function findTypeFault(value: unknown, before: unknown, type: Type): string | undefined {
  if (value === before || value === null || value === undefined) return undefined
  switch (type.type) {
    case 'object':
      return objectFault(value, before, type.fields)
    case 'map':
      return mapFault(value, before, type.values)
    case 'list':
      return listFault(value, before, type.items)
    default:
      return scalarFault(value, type)
  }
}

function objectFault(value: unknown, before: unknown, fields: Readonly<Record<string, { readonly type: Type }>>) {
  if (!isObject(value)) return `cannot restore struct from: ${goKind(value)}`
  const old = isObject(before) ? before : {}
  const faultAt = (name: string) => findTypeFault(value[name], old[name], fields[name]!.type)
  // Of the many fields of a type few are there, and hardly ever is one of them wrong.
  for (const name in value) {
    if (Object.hasOwn(fields, name) && faultAt(name) !== undefined) return firstFault(Object.keys(fields), faultAt)
  }
  return undefined
}

function mapFault(value: unknown, before: unknown, type: Type) {
  if (!isObject(value)) return `cannot restore map from ${goKind(value)}`
  const old = isObject(before) ? before : {}
  return firstFault(Object.keys(value), (key) => findTypeFault(value[key], old[key], type))
}

function listFault(value: unknown, before: unknown, type: Type) {
  if (!Array.isArray(value)) return `cannot restore slice from ${goKind(value)}`
  const old = Array.isArray(before) ? before : []
  for (const [index, item] of value.entries()) {
    const fault = findTypeFault(item, old[index], type)
    if (fault !== undefined) return fault
  }
  return undefined
}

function firstFault(keys: readonly string[], faultAt: (key: string) => string | undefined): string | undefined {
  for (const key of keys) {
    const fault = faultAt(key)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** The Go kinds that JSON values are put into directly. The other scalars parse themselves. */
const goKinds: Partial<Record<ScalarName, string>> = {
  string: 'string',
  bool: 'bool',
  int32: 'int32',
  int64: 'int64',
  double: 'float64',
}

function scalarFault(value: unknown, type: Scalar): string | undefined {
  if (type.type === 'bytes') return typeof value === 'string' ? undefined : `cannot restore slice from ${goKind(value)}`
  const wanted = goKinds[type.type]
  if (wanted === undefined) return undefined
  const given = goKind(value)
  if (isNumeric(given) && (wanted === 'float64' || (isNumeric(wanted) && given === 'int64'))) return undefined
  if (given === wanted) return undefined
  // Go could convert these two (a fraction to an integer, a number to the character of that code), JSON does not.
  const isConvertible = isNumeric(given) && (isNumeric(wanted) || (wanted === 'string' && given === 'int64'))
  return isConvertible ? `cannot convert ${given} to ${type.goType ?? wanted}` : `unrecognized type: ${wanted}`
}

const isNumeric = (kind: string) => kind === 'int32' || kind === 'int64' || kind === 'float64'

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
