/**
 * What evaluation costs, in the units of the reference: one for reading a variable or a field and for a call, more for
 * calls that walk through texts and lists (a tenth of a unit per character), constants nothing.
 */
import type { Overload } from './declarations.ts'
import { CelList, CelMap, CelObject, type CelValue, Opaque, sizeForCost } from './values.ts'

export const listCost = 10
export const mapCost = 30
export const messageCost = 40

const perCharacter = 0.1
const perPatternCharacter = 0.25

/** Takes the arguments, the target first: a call is paid for before it runs, so that none takes longer than allowed. */
export type RuntimeCost = (args: readonly CelValue[]) => number

/**
 * What the parts that a macro stands for cost, besides its range and its body: `init` once before, `step` for an
 * element that counts (`condition` of it for whether to go on), `skip` for one that a filter leaves out, `result` once after.
 */
export const comprehensionCosts = {
  /** `@not_strictly_false(accu)`; `accu && body` */
  all: { init: 0, condition: 2, step: 3, skip: 0, result: 1 },
  /** `@not_strictly_false(!accu)`; `accu || body` */
  exists: { init: 0, condition: 3, step: 4, skip: 0, result: 1 },
  /** `body ? accu + 1 : accu`; `accu == 1` */
  exists_one: { init: 0, step: 2, skip: 1, result: 2 },
  /** `accu + [body]` */
  map: { init: listCost, step: 2 + listCost, skip: 1, result: 1 },
  /** `body ? accu + [x] : accu` */
  filter: { init: listCost, step: 3 + listCost, skip: 1, result: 1 },
  /** `insert(accu, k, body)` */
  transformMap: { init: mapCost, step: 3, skip: 1, result: 1 },
  /** `insert(accu, body)` */
  transformMapEntry: { init: mapCost, step: 2, skip: 1, result: 1 },
} as const

const ofCharacters = (size: number) => Math.ceil(size * perCharacter)

export function equalityCost(left: CelValue, right: CelValue): number {
  if (typeof left === 'number' || typeof left === 'boolean' || left instanceof Opaque) return 1
  return ofCharacters(Math.min(sizeForCost(left), sizeForCost(right)))
}

const ofSmaller: RuntimeCost = ([left, right]) => ofCharacters(Math.min(sizeForCost(left!), sizeForCost(right!)))
const ofBoth: RuntimeCost = ([left, right]) => ofCharacters(sizeForCost(left!) + sizeForCost(right!))
const ofFirst: RuntimeCost = ([first]) => ofCharacters(sizeForCost(first!))
const ofFirstTwice: RuntimeCost = ([first]) => Math.ceil(sizeForCost(first!) * 2 * perCharacter)
const ofTraversal: RuntimeCost = ([first]) => traversalCost(first!)
const ofPattern: RuntimeCost = ([text, pattern]) =>
  Math.ceil((1 + sizeForCost(text!)) * perCharacter) * Math.ceil(sizeForCost(pattern!) * perPatternCharacter)

const byOverload: Readonly<Record<string, RuntimeCost>> = {
  starts_with_string: ofFirst,
  ends_with_string: ofFirst,
  string_to_bytes: ofFirst,
  bytes_to_string: ofFirst,
  in_list: ([, list]) => sizeForCost(list!),
  add_string: ofBoth,
  add_bytes: ofBoth,
  matches: ofPattern,
  matches_string: ofPattern,
  contains_string: ([text, part]) => ofCharacters(sizeForCost(text!)) * ofCharacters(sizeForCost(part!)),
  ...Object.fromEntries(
    ['less', 'less_equals', 'greater', 'greater_equals'].flatMap((name) => [
      [`${name}_string`, ofSmaller],
      [`${name}_bytes`, ofSmaller],
    ]),
  ),
  cidr_contains_ip_string: ([cidr, ip]) => rangeCost(cidr!) + ofCharacters(sizeForCost(ip!)),
  cidr_contains_cidr_string: ([cidr, other]) => subrangeCost(cidr!) + ofCharacters(sizeForCost(other!)),
  cidr_ip: () => 1,
}

/** Functions of Kubernetes cost by their names. */
const byName: Readonly<Record<string, RuntimeCost>> = {
  // Two checks are all that one expression can afford.
  check: () => 350_000,
  fieldSelector: ofSelector,
  labelSelector: ofSelector,
  isSorted: ofTraversal,
  sum: ofTraversal,
  max: ofTraversal,
  min: ofTraversal,
  indexOf: ofTraversal,
  lastIndexOf: ofTraversal,
  url: ofFirst,
  lowerAscii: ofFirst,
  upperAscii: ofFirst,
  substring: ofFirst,
  trim: ofFirst,
  replace: ofFirstTwice,
  split: ofFirstTwice,
  join: ofJoined,
  find: ofPattern,
  findAll: ofPattern,
  cidr: ofFirst,
  isIP: ofFirst,
  isCIDR: ofFirst,
  ip: ofFirst,
  'ip.isCanonical': ofFirstTwice,
  containsIP: ([cidr]) => rangeCost(cidr!),
  containsCIDR: ([cidr]) => subrangeCost(cidr!),
  'strings.quote': ofFirst,
  format: ofFirst,
  'jsonpatch.escapeKey': ofFirst,
  quantity: ofFirst,
  isQuantity: ofFirst,
  semver: ofFirst,
  isSemver: ofFirst,
  validate: ([format, text]) =>
    Math.ceil((1 + sizeForCost(text!)) * perCharacter) * Math.ceil(sizeForCost(format!) * perPatternCharacter),
  'sets.contains': ofProduct,
  'sets.intersects': ofProduct,
  'sets.equivalent': (args) => 2 * ofProduct(args) - 1,
}

/** Selectors are read into requirements, of at least two characters each. */
function ofSelector([, text]: readonly CelValue[]): number {
  const size = sizeForCost(text!)
  return listCost + ofCharacters(size) + Math.ceil(size / 2) * 50
}

const rangeCost = (cidr: CelValue) => ofCharacters(sizeForCost(cidr) * 2)
const subrangeCost = (cidr: CelValue) => rangeCost(cidr) + ofCharacters(sizeForCost(cidr)) + 1

function ofProduct([left, right]: readonly CelValue[]): number {
  return sizeForCost(left!) * sizeForCost(right!) + 1
}

/** As long as the result will be. */
function ofJoined([list, separator]: readonly CelValue[]): number {
  if (!(list instanceof CelList) || list.size === 0) return 0
  const gaps = separator === undefined ? 0 : (list.size - 1) * sizeForCost(separator)
  const size = list.toArray().reduce<number>((sum, item) => sum + sizeForCost(item), gaps)
  return Math.ceil(size * 2 * perCharacter)
}

/** Undefined for what costs one unit. */
export function runtimeCostOf(name: string, overloads: readonly Overload[]): RuntimeCost | undefined {
  const id = overloads.length === 1 ? overloads[0]!.id : undefined
  if (id !== undefined && Object.hasOwn(byOverload, id)) return byOverload[id]
  return Object.hasOwn(byName, name) ? byName[name] : undefined
}

/** A walk through all of a value. */
function traversalCost(value: CelValue): number {
  if (typeof value === 'string') return Math.trunc(Buffer.byteLength(value) * perCharacter)
  if (value instanceof Uint8Array) return Math.trunc(value.length * perCharacter)
  if (value instanceof CelList) return value.toArray().reduce<number>((sum, item) => sum + traversalCost(item), 0)
  if (value instanceof CelMap)
    return value.keys().reduce<number>((sum, key) => sum + traversalCost(key) + traversalCost(value.get(key)!), 0)
  if (value instanceof CelObject)
    return value.names().reduce((sum, name) => sum + traversalCost(name) + traversalCost(value.get(name)!), 0)
  return 1
}
