import { DecodeError, decode } from '../../../schema/decode.ts'
import type { FieldErrors } from '../../../schema/field-errors.ts'
import { setOwn } from '../../../schema/freeze.ts'
import type { ObjectMetaLike } from '../../../schema/kind.ts'
import { validateObjectMeta } from '../../../schema/meta-validation.ts'
import { dns1035LabelFaults, pathSegmentNameRule } from '../../../schema/names.ts'
import { ObjectMeta } from '../../meta/object-meta.ts'
import { childPath, isEmbedded, isMembers, itemsOf, type JsonSchema, type Members, memberOf } from './json-schema.ts'

/** Whole objects inside of others (`x-kubernetes-embedded-resource`): their metadata is that of every object. */

type Visit = (object: Members, path: string) => void

/** Calls `visit` for every embedded object, outer ones first. Below the root only what the schema knows is looked at. */
function visitEmbedded(schema: JsonSchema, value: unknown, path: string, visit: Visit): void {
  if (Array.isArray(value)) {
    const items = itemsOf(schema)
    if (items === undefined || !reachesEmbedded(items)) return
    for (const [index, item] of value.entries()) visitEmbedded(items, item, `${path}[${index}]`, visit)
  } else if (isMembers(value)) {
    if (isEmbedded(schema)) visit(value, path)
    for (const name in value) {
      const known = memberOf(schema, name)
      if (known !== undefined && reachesEmbedded(known)) visitEmbedded(known, value[name], childPath(path, name), visit)
    }
  }
}

const reaching = new WeakMap<JsonSchema, boolean>()

/** Whether there can be embedded objects: most schemas have none, and then values need not be walked. */
export function reachesEmbedded(schema: JsonSchema): boolean {
  let reaches = reaching.get(schema)
  if (reaches === undefined) {
    const parts = [itemsOf(schema), memberOf(schema, ''), ...Object.values(schema.properties ?? {})]
    reaches = isEmbedded(schema) || parts.some((part) => part !== undefined && reachesEmbedded(part))
    reaching.set(schema, reaches)
  }
  return reaches
}

/**
 * Brings the metadata of embedded objects, which are fresh, into the form that metadata has. Unknown fields go into
 * `unknown`.
 * @throws DecodeError when one cannot be metadata
 */
export function coerceEmbedded(schema: JsonSchema, value: unknown, path: string, unknown: string[]): void {
  if (!reachesEmbedded(schema)) return
  visitEmbedded(schema, value, path, (object, at) => {
    if (!Object.hasOwn(object, 'metadata')) return
    const where = childPath(at, 'metadata')
    setOwn(object as Record<string, unknown>, 'metadata', coerceMetadata(object['metadata'], where, unknown))
  })
}

/** @throws DecodeError */
export function coerceMetadata(value: unknown, path: string, unknown: string[]): ObjectMeta {
  try {
    const { object, problems } = decode(ObjectMeta, value, { mode: 'Warn' })
    for (const problem of problems) unknown.push(problem.replace(/^unknown field "(.*)"$/s, `${path}.$1`))
    return object
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw new DecodeError(`${path}: Invalid value: ${JSON.stringify(value)}: ${error.message}`)
  }
}

/** What is wrong with embedded objects that are decoded. */
export function validateEmbedded(schema: JsonSchema, value: unknown, path: string, errors: FieldErrors): void {
  if (!reachesEmbedded(schema)) return
  visitEmbedded(schema, value, path, (object, at) => {
    validateApiVersion(object['apiVersion'], childPath(at, 'apiVersion'), errors)
    validateKind(object['kind'], childPath(at, 'kind'), errors)
    if (!isMembers(object['metadata'])) return
    const metadata = object['metadata'] as ObjectMetaLike
    const namespaced = (metadata.namespace ?? '') !== ''
    const named = { ...metadata, name: metadata.name || 'fakename' }
    const rules = { namespaced, nameRule: pathSegmentNameRule }
    validateObjectMeta(named, rules, childPath(at, 'metadata'), errors)
  })
}

function validateApiVersion(apiVersion: unknown, path: string, errors: FieldErrors): void {
  if (apiVersion === undefined) errors.required(path)
  else if (typeof apiVersion !== 'string') errors.invalid(path, apiVersion, 'must be a string')
  else if (apiVersion === '') errors.invalid(path, apiVersion, 'must not be empty')
  else if (apiVersion.split('/').length > 2) {
    errors.invalid(path, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)
  }
}

function validateKind(kind: unknown, path: string, errors: FieldErrors): void {
  if (kind === undefined) return errors.required(path)
  if (typeof kind !== 'string') return errors.invalid(path, kind, 'must be a string')
  if (kind === '') return errors.invalid(path, kind, 'must not be empty')
  const faults = dns1035LabelFaults(kind.toLowerCase())
  if (faults.length > 0) {
    errors.invalid(path, kind, `may have mixed case, but should otherwise match: ${faults.join(',')}`)
  }
}
