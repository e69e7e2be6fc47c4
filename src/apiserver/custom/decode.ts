import { coerce, unknownPaths } from '../../kinds/apiextensions/structural/coerce.ts'
import { coerceEmbedded, coerceMetadata } from '../../kinds/apiextensions/structural/embedded.ts'
import type { JsonSchema, Members } from '../../kinds/apiextensions/structural/json-schema.ts'
import { isMembers } from '../../kinds/apiextensions/structural/json-schema.ts'
import { type Decoded, DecodeError, type DecodeOptions } from '../../schema/decode.ts'
import { strictDecodingError } from '../../schema/decode-faults.ts'

/** Makes what reads custom objects by their schema: the counterpart of `decode` for types that are built in. */
export function customDecoder(schema: JsonSchema) {
  return (value: unknown, options: DecodeOptions): Decoded<Record<string, unknown>> =>
    decodeCustom(schema, value, options)
}

/** @throws DecodeError when metadata is not what it must be, or in Strict mode something is unknown */
function decodeCustom(schema: JsonSchema, value: unknown, options: DecodeOptions): Decoded<Record<string, unknown>> {
  const { mode = 'Ignore', textProblems = [] } = options
  if (!isMembers(value)) throw new DecodeError('an object is expected')
  const unknown: string[] = []
  const metadata = coerceMetadata(value['metadata'] ?? {}, 'metadata', unknown)
  const coerced = coerce(schema, withoutMeta(value), true)
  coerceEmbeddedMembers(schema, coerced.value as Members, unknown)
  const { apiVersion, kind } = value
  const object = {
    ...(kind !== undefined && { kind }),
    ...(apiVersion !== undefined && { apiVersion }),
    metadata,
    ...(coerced.value as Members),
  }
  if (mode === 'Ignore') return { object, problems: [] }
  if (coerced.hasUnknown) unknown.push(...unknownPaths(schema, withoutMeta(value), true))
  const problems = [...textProblems, ...unknown.map((path) => `unknown field "${path}"`)]
  if (mode === 'Strict' && problems.length > 0) throw strictDecodingError(problems)
  return { object, problems }
}

/** What every object has is not read by the schema. */
function withoutMeta({ apiVersion: _version, kind: _kind, metadata: _metadata, ...rest }: Members): Members {
  return rest
}

function coerceEmbeddedMembers(schema: JsonSchema, object: Members, unknown: string[]): void {
  // At the root there is an object whose metadata has been read already.
  const { 'x-kubernetes-embedded-resource': _, ...members } = schema
  coerceEmbedded(schema['x-kubernetes-embedded-resource'] === true ? members : schema, object, '', unknown)
}
