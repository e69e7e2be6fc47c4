import { CelList, CelMap, CelObject, type CelValue } from '../../../cel/index.ts'

/**
 * Where the types of made objects do not say where these stand: what `spec` holds must be an `Object.spec`. Lists and
 * maps on the way do not count.
 */
export function mismatchesOf(value: CelValue): readonly string[] {
  return value instanceof CelObject ? mismatchesBelow(value, value.shape.name) : []
}

function mismatchesBelow(value: CelValue, expected: string): readonly string[] {
  if (value instanceof CelList) return value.toArray().flatMap((item) => mismatchesBelow(item, expected))
  if (value instanceof CelMap) return value.keys().flatMap((key) => mismatchesBelow(value.get(key) ?? null, expected))
  if (!(value instanceof CelObject)) return []
  const { name } = value.shape
  const below = value.names().flatMap((field) => mismatchesBelow(value.get(field) ?? null, `${expected}.${field}`))
  if (name === expected) return below
  const words = `unexpected type name ${JSON.stringify(name)}, expected ${JSON.stringify(expected)}`
  return [`${words}, which matches field name path from root Object type`, ...below]
}
