/** What is wrong with an applied configuration as an object of its type, in the words of structured-merge-diff. */

import { sortedKeys } from '../../base/sorted-keys.ts'
import type { Scalar, Type } from '../types.ts'
import { elementText, fieldElement } from './path-element.ts'
import { ItemFault, itemElement, type ListShape, type SetShape, shapeOf } from './shape.ts'

/** Gives undefined when nothing is wrong. */
export function validateApplied(type: Type, value: unknown): string | undefined {
  const faults: string[] = []
  check(type, value, undefined, faults)
  if (faults.length <= 1) return faults[0]
  return ['errors:', ...faults.map((fault) => `  ${fault}`)].join('\n')
}

/** Where a value stands; undefined: at the top. Put into words only when something is wrong there. */
interface Place {
  readonly above: Place | undefined
  readonly element: string
}

function textOf(place: Place | undefined): string {
  return place === undefined ? '' : textOf(place.above) + elementText(place.element)
}

function check(type: Type, value: unknown, at: Place | undefined, faults: string[]): void {
  if (value === null || value === undefined) return
  if (type.type === 'object' && type.options.structure !== undefined) {
    return check(type.options.structure(), value, at, faults)
  }
  const fault = (message: string, place = at) =>
    void faults.push(place === undefined ? message : `${textOf(place)}: ${message}`)
  switch (type.type) {
    case 'object':
    case 'map': {
      if (typeof value !== 'object' || Array.isArray(value)) return fault(`expected map, got ${goStruct(value)}`)
      for (const name of sortedKeys(value)) {
        const inner = type.type === 'map' ? type.values : fieldType(type.fields, name)
        if (inner === undefined && type.type === 'object' && type.options.open === true) continue
        const place = { above: at, element: fieldElement(name) }
        if (inner === undefined) return fault('field not declared in schema', place)
        check(inner, (value as Record<string, unknown>)[name], place, faults)
      }
      return
    }
    case 'list': {
      if (!Array.isArray(value)) return fault(`expected list, got ${goStruct(value)}`)
      const shape = shapeOf(type)
      if (shape.form === 'set' || shape.form === 'list') return checkItems(shape, type.items, value, at, faults)
      for (const [index, item] of value.entries()) check(type.items, item, { above: at, element: `i:${index}` }, faults)
      return
    }
    default: {
      const wrong = scalarFault(type, value)
      if (wrong !== undefined) fault(wrong)
    }
  }
}

function fieldType(fields: Readonly<Record<string, { readonly type: Type }>>, name: string): Type | undefined {
  return Object.hasOwn(fields, name) ? fields[name]!.type : undefined
}

function checkItems(
  shape: SetShape | ListShape,
  items: Type,
  value: readonly unknown[],
  at: Place | undefined,
  faults: string[],
): void {
  const seen = new Set<string>()
  for (const [index, item] of value.entries()) {
    let element: string
    try {
      element = itemElement(shape, item)
    } catch (error) {
      if (!(error instanceof ItemFault)) throw error
      faults.push(`${textOf(at)}: element ${index}: ${error.message}`)
      return
    }
    if (seen.has(element)) faults.push(`${textOf(at)}: duplicate entries for key ${elementText(element)}`)
    seen.add(element)
    check(items, item, { above: at, element }, faults)
  }
}

function scalarFault({ type }: Scalar, value: unknown): string | undefined {
  switch (type) {
    case 'json':
    case 'rawObject':
      return undefined
    case 'int32':
    case 'int64':
    case 'double':
      return typeof value === 'number' ? undefined : `expected numeric (int or float), got ${goType(value)}`
    case 'bool':
      return typeof value === 'boolean' ? undefined : `expected boolean, got ${goStruct(value)}`
    case 'string':
    case 'bytes':
      return typeof value === 'string'
        ? undefined
        : `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`
    default:
      return typeof value === 'object' ? `expected any scalar, got ${goStruct(value)}` : undefined
  }
}

/** `%T` of an untyped value. */
function goType(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'bool'
    case 'number':
      return Number.isInteger(value) ? 'int64' : 'float64'
    default:
      return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}'
  }
}

/** `%#v` of an untyped value. */
function goSyntax(value: unknown): string {
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`
  if (typeof value !== 'object') return JSON.stringify(value)
  if (value === null) return 'interface {}(nil)'
  const members = Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}:${goSyntax(item)}`)
  return `map[string]interface {}{${members.join(', ')}}`
}

/** `%v` of the struct that holds an untyped value. */
const goStruct = (value: unknown): string => `&{${goPlain(value)}}`

function goPlain(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goPlain).join(' ')}]`
  if (typeof value !== 'object') return String(value)
  if (value === null) return '<nil>'
  return `map[${Object.entries(value)
    .map(([name, item]) => `${name}:${goPlain(item)}`)
    .join(' ')}]`
}
