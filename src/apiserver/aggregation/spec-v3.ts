import { type Json, mergeSpecs } from './merge-openapi.ts'

const methods = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch'])

/**
 * What a server says of one version of a group in an OpenAPI document of version 2, in version 3: for servers that know
 * nothing newer (KEP-2896). Undefined when it says nothing of it.
 */
export function specV3(document: unknown, group: string, version: string): Json | undefined {
  const { info } = objectOf(document)
  const { paths, definitions } = mergeSpecs({ paths: {}, definitions: {} }, [{ group, version, document }])
  if (Object.keys(objectOf(paths)).length === 0) return undefined
  const own = { info: { title: '', version: '', ...objectOf(info) }, paths: mapValues(objectOf(paths), pathItem) }
  return renamed({ openapi: '3.0.0', ...own, components: { schemas: definitions } }) as Json
}

const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}

const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.map(objectOf) : [])

const mapValues = (entries: Json, change: (value: Json) => unknown): Json =>
  Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, change(objectOf(value))]))

function pathItem(item: Json): Json {
  return Object.fromEntries(
    Object.entries(item).map(([key, value]) => {
      if (methods.has(key)) return [key, operation(objectOf(value))]
      return [key, key === 'parameters' ? listOf(value).map(parameter) : value]
    }),
  )
}

function operation(old: Json): Json {
  const { consumes, produces, parameters, responses, schemes: _, ...rest } = old
  const all = listOf(parameters)
  const body = all.find((each) => each['in'] === 'body')
  const others = all.filter((each) => each !== body)
  return {
    ...rest,
    ...(others.length > 0 && { parameters: others.map(parameter) }),
    ...(body && { requestBody: { content: content(body['schema'], consumes) } }),
    responses: mapValues(objectOf(responses), ({ schema, ...response }) => ({
      ...response,
      ...(schema !== undefined && { content: content(schema, produces) }),
    })),
  }
}

function content(schema: unknown, types: unknown): Json {
  const all = Array.isArray(types) && types.length > 0 ? types : ['application/json']
  return Object.fromEntries(all.map((type) => [String(type), { schema }]))
}

/** What stands beside the name of a parameter in version 2 stands in its schema in version 3. */
function parameter({ name, in: place, description, required, type, format, uniqueItems, ...rest }: Json): Json {
  if (name === undefined) return rest
  return {
    name,
    in: place,
    ...(description !== undefined && { description }),
    ...(required !== undefined && { required }),
    schema: {
      ...(type !== undefined && { type }),
      ...(format !== undefined && { format }),
      ...(uniqueItems !== undefined && { uniqueItems }),
    },
  }
}

/** References to where schemas are in version 3. */
function renamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renamed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const isReference = key === '$ref' && typeof member === 'string'
      return [key, isReference ? member.replace(/^#\/definitions\//, '#/components/schemas/') : renamed(member)]
    }),
  )
}
