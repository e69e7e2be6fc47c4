import type { Field, Fields, Type } from '../schema/types.ts'

/**
 * A value as the reference shows it inside an error message: its internal Go struct as JSON, with the Go names of the
 * fields, and with what is absent spelled out. Only where messages show whole structs do clients see this form.
 */
export function goValue(type: Type, value: unknown): unknown {
  if (value === undefined || value === null) return null
  if (type.type === 'object') return goStruct(type.fields, value as Readonly<Record<string, unknown>>)
  if (type.type === 'list') return (value as readonly unknown[]).map((item) => goValue(type.items, item))
  if (type.type !== 'map') return value
  const entries = Object.entries(value as object).sort(([left], [right]) => (left < right ? -1 : 1))
  return Object.fromEntries(entries.map(([key, item]) => [key, goValue(type.values, item)]))
}

function goStruct(fields: Fields, value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [goName(name), goValueOf(field, value[name])]),
  )
}

function goValueOf(field: Field, value: unknown): unknown {
  if (value !== undefined && value !== null) return goValue(field.type, value)
  return field.presence === 'explicit' ? null : zeroOf(field.type)
}

function zeroOf(type: Type): unknown {
  switch (type.type) {
    case 'object':
      return goStruct(type.fields, {})
    case 'string':
      return ''
    case 'bool':
      return false
    case 'int32':
    case 'int64':
    case 'double':
    case 'intOrString':
      return 0
    case 'quantity':
      return '0'
    default:
      return null
  }
}

/** Words that Go writes in capitals at the beginning of a name. */
const initialisms = /^(api|uid|csi|tls|http|id|ip|cidr|cel)(?=[A-Z]|s?$)/

function goName(name: string): string {
  const capitals = name.replace(initialisms, (word) => word.toUpperCase())
  return capitals.charAt(0).toUpperCase() + capitals.slice(1)
}
