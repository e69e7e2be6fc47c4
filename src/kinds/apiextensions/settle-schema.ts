import { cannotBeHandled, DecodeError, decode } from '../../schema/decode.ts'
import type { Mutable } from '../../schema/types.ts'
import { JSONSchemaProps } from './custom-resource-definition.ts'
import type { JsonSchema } from './structural/json-schema.ts'

type Loose = Mutable<JsonSchema>

/**
 * Brings what decoding takes for any JSON into the form of schemas: `items`, which may be one or several, and
 * `additionalProperties`, which may be true or false. Throws BadRequest when one is no schema.
 */
export function settleSchema(schema: Loose | undefined): void {
  if (schema === undefined) return
  const { items, additionalProperties } = schema
  if (Array.isArray(items)) schema.items = items.map(settled)
  else if (items !== undefined) schema.items = settled(items)
  if (typeof additionalProperties === 'object') schema.additionalProperties = settled(additionalProperties)
  else if (additionalProperties !== undefined && typeof additionalProperties !== 'boolean') {
    throw notRead(new DecodeError('boolean or JSON schema expected'))
  }
  for (const part of partsOf(schema)) settleSchema(part)
}

function partsOf({ properties, allOf = [], anyOf = [], oneOf = [], not }: Loose): readonly Loose[] {
  return [...Object.values(properties ?? {}), ...allOf, ...anyOf, ...oneOf, ...(not ? [not] : [])]
}

function settled(value: unknown): Loose {
  try {
    const schema = decode(JSONSchemaProps, value).object as unknown as Loose
    settleSchema(schema)
    return schema
  } catch (error) {
    throw error instanceof DecodeError ? notRead(error) : error
  }
}

function notRead(error: DecodeError): Error {
  const kind = 'CustomResourceDefinition'
  return cannotBeHandled({ kind, version: 'v1' }, kind, error)
}
