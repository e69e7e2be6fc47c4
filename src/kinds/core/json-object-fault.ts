import { syntaxFault } from '../../schema/json-syntax.ts'

/** Why bytes are not a JSON object, in the words of Go's decoder; undefined when they are one (or `null`). */
export function jsonObjectFault(bytes: Buffer): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString())
  } catch {
    return syntaxFault(bytes) ?? 'unexpected end of JSON input'
  }
  if (typeof value === 'object' && !Array.isArray(value)) return undefined
  const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  return `json: cannot unmarshal ${found} into Go value of type map[string]interface {}`
}
