import { goQuote } from './field-errors.ts'
import { ApiError } from './status.ts'

/** The error of a patch whose result is no object of the type. `shown` is what the reference prints of it. */
export function patchInvalid(shown: string, why: string): ApiError {
  const message = `Invalid value: ${goQuote(shown)}: ${why}`
  return new ApiError('Invalid', ` "" is invalid: patch: ${message}`, {
    details: { causes: [{ reason: 'FieldValueInvalid', message, field: 'patch' }] },
  })
}

/**
 * The same for JSON patches and merge patches, of which the reference prints the result. It has looked into objects
 * only as far as it had to: those come out with their members sorted, all others as they were. `untouched` are the
 * trees that parts of the result may have been taken from as they are: the object before the patch, and for a JSON
 * patch the patch itself.
 */
export function patchResultInvalid(result: unknown, why: string, ...untouched: readonly unknown[]): ApiError {
  const asGiven = new Set<unknown>()
  for (const tree of untouched) collectContainers(tree, asGiven)
  return patchInvalid(escapeHtml(JSON.stringify(sorted(result, asGiven))), why)
}

function collectContainers(value: unknown, containers: Set<unknown>): void {
  if (typeof value !== 'object' || value === null) return
  containers.add(value)
  for (const item of Object.values(value)) collectContainers(item, containers)
}

function sorted(value: unknown, asGiven: ReadonlySet<unknown>): unknown {
  if (typeof value !== 'object' || value === null || asGiven.has(value)) return value
  if (Array.isArray(value)) return value.map((item) => sorted(item, asGiven))
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item, asGiven)]))
}

/** Go writes these as escapes, so that JSON may stand in a page. */
const escapeHtml = (json: string) =>
  json.replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
