/** What a call of a function may cost besides its arguments, and how large its result may be. */
import type { CheckedCall } from './checked.ts'
import type { Overload } from './declarations.ts'
import { type Priced, sizeOrUnknown } from './estimate.ts'
import { exactly, nothing, plus, type Range, scaled, times, unknownSize } from './ranges.ts'

export interface CallEstimate {
  readonly cost: Range
  readonly size?: Range
}

/** Takes the arguments, the target first. */
type Estimate = (args: readonly Priced[], overload: Overload) => CallEstimate

const perCharacter = 0.1
const perPatternCharacter = 0.25

const one: CallEstimate = { cost: exactly(1) }

/** A walk through the first argument. */
const ofFirst: Estimate = ([first]) => ({ cost: scaled(sizeOrUnknown(first!), perCharacter) })
/** The same where the result is about as large. */
const ofFirstKept: Estimate = ([first]) => {
  const size = sizeOrUnknown(first!)
  return { cost: scaled(size, perCharacter), size }
}
const ofFirstTwice: Estimate = ([first]) => ({ cost: scaled(sizeOrUnknown(first!), 2 * perCharacter) })
const ofSecond: Estimate = ([, second]) => ({ cost: scaled(sizeOrUnknown(second!), perCharacter) })

const ofPattern: Estimate = ([text, pattern]) => ({ cost: patternCost(sizeOrUnknown(text!), sizeOrUnknown(pattern!)) })

const patternCost = (text: Range, pattern: Range): Range =>
  times(scaled(plus(text, exactly(1)), perCharacter), scaled(pattern, perPatternCharacter))

const comparison: Estimate = ([left, right]) => {
  const smallest = Math.min(sizeOrUnknown(left!).max, sizeOrUnknown(right!).max)
  return { cost: scaled({ min: smallest > 0 ? 1 : 0, max: smallest }, perCharacter) }
}

const concatenation: Estimate = ([left, right]) => {
  const size = plus(sizeOrUnknown(left!), sizeOrUnknown(right!))
  return { cost: scaled(size, perCharacter), size }
}

const byOverload: Readonly<Record<string, Estimate>> = {
  string_to_bytes: ([text]) => {
    const { min, max } = sizeOrUnknown(text!)
    return { cost: scaled({ min, max }, perCharacter), size: { min, max: max * 4 } }
  },
  bytes_to_string: ([bytes]) => {
    const { min, max } = sizeOrUnknown(bytes!)
    return { cost: scaled({ min, max }, perCharacter), size: { min: Math.floor(min / 4), max } }
  },
  starts_with_string: ofSecond,
  ends_with_string: ofSecond,
  in_list: ([, list]) => ({ cost: sizeOrUnknown(list!) }),
  matches: ofPattern,
  matches_string: ofPattern,
  contains_string: ([text, part]) => ({
    cost: times(scaled(sizeOrUnknown(text!), perCharacter), scaled(sizeOrUnknown(part!), perCharacter)),
  }),
  add_string: concatenation,
  add_bytes: concatenation,
  add_list: ([left, right]) => ({ cost: exactly(1), size: plus(sizeOrUnknown(left!), sizeOrUnknown(right!)) }),
  equals: (args) => opaqueEquality(args) ?? comparison(args, noOverload),
  not_equals: comparison,
  ...Object.fromEntries(
    ['less', 'less_equals', 'greater', 'greater_equals'].flatMap((name) => [
      [`${name}_string`, comparison],
      [`${name}_bytes`, comparison],
    ]),
  ),
  cidr_ip: () => one,
  cidr_contains_ip_string: ([, text]) => ({
    cost: plus(rangeCost, scaled(sizeOrUnknown(text!), perCharacter)),
  }),
  cidr_contains_cidr_string: ([, text]) => ({
    cost: plus(subrangeCost, scaled(sizeOrUnknown(text!), perCharacter)),
  }),
}

const noOverload: Overload = { id: '', member: false, args: [], result: { kind: 'dyn' }, invoke: () => null }

/** Addresses have 4 or 16 bytes. */
const addressSize: Range = { min: 4, max: 16 }
const rangeCost = scaled(plus(addressSize, addressSize), perCharacter)
const subrangeCost = plus(rangeCost, scaled(addressSize, perCharacter), exactly(1))

/** Names of formats, and the longest pattern of one. */
const formatSize = 64
const formatPatternSize = 128

/** Values with functions only: equal or not at one glance, with two exceptions. */
function opaqueEquality([left, right]: readonly Priced[]): CallEstimate | undefined {
  const type = left!.node.type
  if (type.kind !== 'opaque' || right!.node.type.kind !== 'opaque') return undefined
  if (type.name === 'kubernetes.NamedFormat') return { cost: scaled({ min: 1, max: formatSize }, perCharacter) }
  if (type.name === 'kubernetes.URL') return { cost: scaled({ min: 1, max: right!.size?.max ?? 1 }, perCharacter) }
  return one
}

const ofElements: Estimate = ([target]) => {
  const size = sizeOrUnknown(target!)
  const { type } = target!.node
  if (type.kind !== 'list') return { cost: scaled(size, perCharacter) }
  const textual = type.element.kind === 'string' || type.element.kind === 'bytes'
  return { cost: times(size, plus(exactly(1), textual ? scaled(elementSize(target!), perCharacter) : nothing)) }
}

/** How long the texts of a list are; the reference knows that of declared lists only. */
function elementSize({ declared }: Priced): Range {
  if (declared?.kind !== 'list') return unknownSize
  const { element } = declared
  const max = 'maxElements' in element ? element.maxElements : undefined
  return { min: 0, max: max ?? Number.POSITIVE_INFINITY }
}

const selector: Estimate = ([, text]) => {
  const size = sizeOrUnknown(text!)
  return { cost: plus(exactly(10), scaled(size, perCharacter), scaled(scaled(size, 0.5), 50)) }
}

const setProduct = ([left, right]: readonly Priced[]): Range => times(sizeOrUnknown(left!), sizeOrUnknown(right!))

const byName: Readonly<Record<string, Estimate>> = {
  check: () => ({ cost: exactly(350_000) }),
  fieldSelector: selector,
  labelSelector: selector,
  isSorted: ofElements,
  sum: ofElements,
  max: ofElements,
  min: ofElements,
  indexOf: ofElements,
  lastIndexOf: ofElements,
  url: ofFirstKept,
  'jsonpatch.escapeKey': ofFirstKept,
  lowerAscii: ofFirstKept,
  upperAscii: ofFirstKept,
  substring: ofFirstKept,
  trim: ofFirstKept,
  replace: estimateReplace,
  split: ([text, , limit]) => {
    const size = sizeOrUnknown(text!)
    const constant = limit?.node.kind === 'constant' ? limit.node.value : undefined
    const max = typeof constant === 'number' && constant >= 0 ? constant : size.max
    return { cost: scaled(size, 2 * perCharacter), size: { min: 0, max } }
  },
  join: ([list, separator]) => {
    const count = sizeOrUnknown(list!)
    const gaps = { min: Math.max(count.min - 1, 0), max: Math.max(count.max - 1, 0) }
    const parts = times(count, elementSize(list!))
    const size = separator ? plus(parts, times(sizeOrUnknown(separator), gaps)) : parts
    return { cost: scaled(size, perCharacter), size }
  },
  find: (args, overload) => ({ ...ofPattern(args, overload), size: { min: 0, max: sizeOrUnknown(args[0]!).max } }),
  findAll: (args, overload) => ({ ...ofPattern(args, overload), size: { min: 0, max: sizeOrUnknown(args[0]!).max } }),
  cidr: ofFirst,
  isIP: ofFirst,
  isCIDR: ofFirst,
  ip: ofFirst,
  'ip.isCanonical': ofFirstTwice,
  containsIP: () => ({ cost: rangeCost }),
  containsCIDR: () => ({ cost: subrangeCost }),
  quantity: ofFirst,
  isQuantity: ofFirst,
  semver: ofFirst,
  isSemver: ofFirst,
  validate: ([, text]) => ({
    cost: scaled(scaled(sizeOrUnknown(text!), perCharacter), formatPatternSize * perPatternCharacter),
  }),
  'strings.quote': ([text]) => {
    const { min, max } = sizeOrUnknown(text!)
    return { cost: scaled({ min, max }, perCharacter), size: { min: min + 2, max: max * 2 + 2 } }
  },
  format: ofFirst,
  'sets.contains': (args) => ({ cost: plus(setProduct(args), exactly(1)) }),
  'sets.intersects': (args) => ({ cost: plus(setProduct(args), exactly(1)) }),
  'sets.equivalent': (args) => ({ cost: plus(setProduct(args), setProduct(args), exactly(1)) }),
}

/** How long a text can be after replacing: shortest parts by longest ones, and the other way round. */
function estimateReplace([text, from, to]: readonly Priced[]): CallEstimate {
  const [size, replaced, replacement] = [text!, from!, to!].map(sizeOrUnknown) as [Range, Range, Range]
  const longest =
    replaced.min === 0
      ? { count: size.max + 1, kept: size.max }
      : replacement.max <= replaced.min
        ? { count: 0, kept: size.max }
        : { count: Math.ceil(size.max / replaced.min), kept: 0 }
  const shortest =
    replaced.max === 0
      ? { count: size.min + 1, kept: size.min }
      : replaced.max <= replacement.min
        ? { count: 0, kept: size.min }
        : { count: Math.ceil(size.min / replaced.max), kept: 0 }
  const count = { min: shortest.count, max: longest.count }
  const result = plus(times(count, replacement), { min: shortest.kept, max: longest.kept })
  return { cost: scaled(size, 2 * perCharacter), size: result }
}

export function estimateCall({ name }: CheckedCall, overload: Overload, args: readonly Priced[]): CallEstimate {
  if (Object.hasOwn(byOverload, overload.id)) return byOverload[overload.id]!(args, overload)
  if (Object.hasOwn(byName, name)) return byName[name]!(args, overload)
  return one
}
