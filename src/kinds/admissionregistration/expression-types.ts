import { type CelField, type CelType, celTypes, escapeFieldName } from '../../cel/index.ts'
import type { ObjectType, Type } from '../../schema/types.ts'

const { bool, bytes, double, dyn, int, listOf, mapOf, string, timestamp } = celTypes

const known = new WeakMap<Type, CelType>()

/** An API type as expressions see it. What can be of several types, or has a form that no type tells, is `dyn`. */
export function expressionTypeOf(type: Type): CelType {
  let result = known.get(type)
  if (result === undefined) {
    result = make(type)
    known.set(type, result)
  }
  return result
}

function make(type: Type): CelType {
  switch (type.type) {
    case 'object':
      return type.options.structure === undefined ? objectOf(type) : expressionTypeOf(type.options.structure())
    case 'list':
      return listOf(expressionTypeOf(type.items))
    case 'map':
      return mapOf(string, expressionTypeOf(type.values))
    case 'string':
    case 'duration':
      return string
    case 'bool':
      return bool
    case 'int32':
    case 'int64':
      return int
    case 'double':
      return double
    case 'bytes':
      return bytes
    case 'time':
    case 'microTime':
      return timestamp
    default:
      return dyn
  }
}

/** Types may hold themselves, so the fields are looked at when somebody asks for them. */
function objectOf({ name, fields, options }: ObjectType): CelType {
  let shown: Readonly<Record<string, CelField>> | undefined
  return {
    kind: 'object',
    name,
    get fields() {
      shown ??= Object.fromEntries(
        Object.entries(fields).flatMap(([json, { type }]) => {
          const escaped = escapeFieldName(json)
          return escaped === undefined ? [] : [[escaped, { type: expressionTypeOf(type), json }]]
        }),
      )
      return shown
    },
    ...(options.open === true && { others: dyn }),
  }
}
