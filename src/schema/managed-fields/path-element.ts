/**
 * One step of a path into an object, as FieldsV1 spells it: `f:` a field, `k:` the item of a list with these keys, `v:`
 * this value of a set, `i:` an index. The field itself is `.`, which is no step.
 */

import { compareBytes } from '../../base/sorted-keys.ts'

export const fieldElement = (name: string): string => `f:${name}`

/** How messages show a path: `.spec.containers[name="a"].image`. */
export function pathText(path: readonly string[]): string {
  return path.map(elementText).join('')
}

/** `[name="a"]`, `[="z"]`, `.image`. */
export function elementText(element: string): string {
  const rest = element.slice(2)
  switch (element[0]) {
    case 'f':
      return `.${rest}`
    case 'k':
      return `[${Object.entries(JSON.parse(rest) as object)
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        .join(',')}]`
    case 'v':
      return `[=${rest}]`
    default:
      return `[${rest}]`
  }
}

/** Whether a key of a FieldsV1 object is one; what comes from clients may be anything. */
export function isElement(element: string): boolean {
  if (element === '.') return true
  const rest = element.slice(2)
  switch (element.slice(0, 2)) {
    case 'f:':
      return true
    case 'k:':
      return isKeys(parsed(rest))
    case 'v:':
      return parsed(rest) !== undefined
    case 'i:':
      return /^-?\d+$/.test(rest)
    default:
      return false
  }
}

const isKeys = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const ranks: Readonly<Record<string, number>> = { '.': 0, f: 1, k: 2, v: 3, i: 4 }

/** The order in which the reference writes elements: fields by name, then keys, values and indices by what they are. */
export function compareElements(left: string, right: string): number {
  const kind = left[0]!
  if (kind !== right[0]) return ranks[kind]! - ranks[right[0]!]!
  if (kind === 'f' || kind === '.') return compareBytes(left, right)
  const [a, b] = [JSON.parse(left.slice(2)), JSON.parse(right.slice(2))] as [unknown, unknown]
  return kind === 'k' ? compareKeys(Object.entries(a as object), Object.entries(b as object)) : compareValues(a, b)
}

function compareKeys(left: readonly [string, unknown][], right: readonly [string, unknown][]): number {
  for (const [index, [name, value]] of left.entries()) {
    const other = right[index]
    if (other === undefined) return 1
    const order = compareBytes(name, other[0]) || compareValues(value, other[1])
    if (order !== 0) return order
  }
  return left.length - right.length
}

function compareValues(left: unknown, right: unknown): number {
  const order = typeRank(left) - typeRank(right)
  if (order !== 0) return order
  if (typeof left === 'number') return left - (right as number)
  return typeof left === 'string' ? compareBytes(left, right as string) : Number(left) - Number(right)
}

const typeRank = (value: unknown) => ['number', 'string', 'boolean'].indexOf(typeof value)
