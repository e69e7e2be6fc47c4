/** The fields that a configuration may have: true where anything may stand, a list for each item of one. */
export type Shape = true | readonly [Shape] | { readonly [field: string]: Shape }

/**
 * What a configuration says in fields that there are not, as the reference tells of it; undefined when there is nothing. A
 * rule whose name is misspelt would otherwise not hold, and nobody would know.
 */
export function strictFault(value: unknown, shape: Shape): string | undefined {
  const unknown = [...unknownFields(value, shape, '')].map((path) => `unknown field ${JSON.stringify(path)}`)
  return unknown.length === 0 ? undefined : `strict decoding error: ${unknown.join(', ')}`
}

function* unknownFields(value: unknown, shape: Shape, path: string): Generator<string> {
  if (shape === true || typeof value !== 'object' || value === null) return
  if (isList(shape)) {
    if (Array.isArray(value))
      for (const [at, item] of value.entries()) yield* unknownFields(item, shape[0], `${path}[${at}]`)
    return
  }
  for (const [field, inner] of Object.entries(value)) {
    const at = path === '' ? field : `${path}.${field}`
    if (Object.hasOwn(shape, field)) yield* unknownFields(inner, shape[field]!, at)
    else yield at
  }
}

const isList = (shape: Exclude<Shape, true>): shape is readonly [Shape] => Array.isArray(shape)

/** A shape in which anything may stand in each field. */
export const fields = (names: string): { readonly [field: string]: true } =>
  Object.fromEntries(names.split(' ').map((name) => [name, true]))
