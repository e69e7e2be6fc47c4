import { compileRegex, type Regex } from '../../../cel/regex.ts'
import type { JsonSchema } from './json-schema.ts'

const compiled = new WeakMap<JsonSchema, Regex>()

/** Whether a text matches the schema's pattern, which is one in Go's syntax, in a time that no pattern makes long. */
export function matchesPattern(schema: JsonSchema, text: string): boolean {
  let regex = compiled.get(schema)
  if (regex === undefined) {
    regex = compileRegex(schema.pattern ?? '')
    compiled.set(schema, regex)
  }
  return regex.test(text)
}

/** Why a text is no pattern, in Go's words; undefined when it is one. */
export function patternFault(pattern: string): string | undefined {
  try {
    compileRegex(pattern)
    return undefined
  } catch (error) {
    return (error as { readonly message: string }).message
  }
}
