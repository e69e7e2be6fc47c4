import { type JsonSchema, propertyOf, valuesOf } from './json-schema.ts'

const step = /\.([^.[\]]+)|\['((?:[^'\\]|\\.)*)'\]/g

/** The schema of the field that a path such as `.spec.colour` or `.labels['a/b']` names, or what is wrong with the path. */
export function fieldOfSchema(path: string, schema: JsonSchema): JsonSchema | string {
  if (!/^[.[]/.test(path)) return `expected [ or . but got: ${/^[^.[\]]+/.exec(path)?.[0] ?? path}`
  const missing = 'does not refer to a valid field'
  if (path.replace(step, '') !== '') return missing
  let found: JsonSchema | undefined = schema
  for (const name of namesIn(path)) {
    found = propertyOf(found, name) ?? valuesOf(found)
    if (found === undefined) return missing
  }
  return found
}

/** The names of the fields that lead to the one that a path names. */
export function namesIn(path: string): readonly string[] {
  return [...path.matchAll(step)].map(([, plain, quoted]) => plain ?? quoted!)
}
