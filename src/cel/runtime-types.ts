/** Whether a value is of a declared type, by its outermost layer: what decides between overloads at run time. */
import type { CelType } from './types.ts'
import {
  CelList,
  CelMap,
  CelObject,
  type CelValue,
  Double,
  Duration,
  Opaque,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
} from './values.ts'

export type Accept = (value: CelValue) => boolean

export function acceptorOf(type: CelType): Accept {
  switch (type.kind) {
    case 'object':
    case 'opaque': {
      const { name } = type
      return (value) =>
        (value instanceof Opaque && value.typeName === name) ||
        (value instanceof CelObject && value.shape.name === name)
    }
    case 'nullable': {
      const inner = acceptorOf(type.value)
      return (value) => value === null || inner(value)
    }
    default:
      return acceptors[type.kind]
  }
}

const acceptors: Readonly<Record<Exclude<CelType['kind'], 'object' | 'opaque' | 'nullable'>, Accept>> = {
  string: (value) => typeof value === 'string',
  bool: (value) => typeof value === 'boolean',
  int: (value) => typeof value === 'number' || typeof value === 'bigint',
  uint: (value) => value instanceof Uint,
  double: (value) => value instanceof Double,
  bytes: (value) => value instanceof Uint8Array,
  duration: (value) => value instanceof Duration,
  timestamp: (value) => value instanceof Timestamp,
  null: (value) => value === null,
  list: (value) => value instanceof CelList,
  map: (value) => value instanceof CelMap,
  optional: (value) => value instanceof Optional,
  type: (value) => value instanceof TypeValue,
  dyn: () => true,
  parameter: () => true,
  error: () => true,
}
