import {
  isEmbedded,
  isIntOrString,
  itemsOf,
  type JsonSchema,
  keepsUnknown,
  valuesOf,
} from '../../kinds/apiextensions/structural/json-schema.ts'
import { ObjectMeta } from '../../kinds/meta/object-meta.ts'
import {
  bool,
  double,
  explicit,
  type Field,
  int64,
  intOrString,
  json,
  list,
  map,
  type ObjectType,
  object,
  string,
  type Type,
} from '../../schema/types.ts'

/** A structural schema in our own schema language: what server-side apply has to know of it. */
export function structureOf(schema: JsonSchema): ObjectType {
  return objectOf({ ...schema, 'x-kubernetes-embedded-resource': true })
}

function typeOf(schema: JsonSchema): Type {
  if (isIntOrString(schema)) return intOrString
  switch (schema.type) {
    case 'object':
      return mapOrObject(schema)
    case 'array':
      return listOf(schema)
    case 'string':
      return string
    case 'boolean':
      return bool
    case 'integer':
      return int64
    case 'number':
      return double
    default:
      return json
  }
}

function mapOrObject(schema: JsonSchema): Type {
  const values = valuesOf(schema)
  const atomic = schema['x-kubernetes-map-type'] === 'atomic'
  if (values !== undefined) return map(typeOf(values), { atomic })
  return schema.additionalProperties === true ? map(json, { atomic }) : objectOf(schema)
}

function objectOf(schema: JsonSchema): ObjectType {
  const fields: [string, Field][] = Object.entries(schema.properties ?? {}).map(([name, property]) => [
    name,
    explicit(0, typeOf(property), '', property.default === undefined ? {} : { default: property.default }),
  ])
  const common = isEmbedded(schema) ? metaFields : {}
  return object(
    '',
    '',
    { ...Object.fromEntries(fields), ...common },
    { atomic: schema['x-kubernetes-map-type'] === 'atomic', open: keepsUnknown(schema) },
  )
}

const metaFields = {
  apiVersion: explicit(0, string, ''),
  kind: explicit(0, string, ''),
  metadata: explicit(0, ObjectMeta, ''),
}

function listOf(schema: JsonSchema): Type {
  const items = itemsOf(schema)
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const how = listType === 'map' ? keys : listType === 'set' ? 'set' : 'atomic'
  return list(items === undefined ? json : typeOf(items), { list: how })
}
