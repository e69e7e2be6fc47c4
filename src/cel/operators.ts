/** Operators on values whose types are known only when they run; the planner has shorter ways for those it knows. */
import { equals, keyOf, numberOf } from './equality.ts'
import { Failure, noSuchKey, noSuchOverload } from './failure.ts'
import { durationOf, timestampOf } from './time.ts'
import {
  CelList,
  CelMap,
  CelObject,
  type CelValue,
  Double,
  Duration,
  Optional,
  optionalNone,
  Timestamp,
  textSize,
  toInt,
  Uint,
} from './values.ts'

const int64Max = 2n ** 63n - 1n
const int64Min = -(2n ** 63n)
const uint64Max = 2n ** 64n - 1n

const isInt = (value: CelValue): value is number | bigint => typeof value === 'number' || typeof value === 'bigint'

/** @throws Failure beyond 64 bits */
export function intOf(value: bigint): number | bigint {
  if (value > int64Max || value < int64Min) throw new Failure('integer overflow')
  return toInt(value)
}

/** @throws Failure beyond 64 bits */
export function uintOf(value: bigint): Uint {
  if (value < 0n || value > uint64Max) throw new Failure('unsigned integer overflow')
  return new Uint(value)
}

export function add(left: CelValue, right: CelValue): CelValue {
  if (typeof left === 'string' && typeof right === 'string') return left + right
  if (isInt(left) && isInt(right)) return addInts(left, right)
  if (left instanceof Double && right instanceof Double) return new Double(left.value + right.value)
  if (left instanceof Uint && right instanceof Uint) return uintOf(left.value + right.value)
  if (left instanceof CelList && right instanceof CelList) return concatenate(left, right)
  if (left instanceof Uint8Array && right instanceof Uint8Array) return new Uint8Array(Buffer.concat([left, right]))
  return addTimes(left, right)
}

function addTimes(left: CelValue, right: CelValue): CelValue {
  if (left instanceof Duration && right instanceof Duration) return durationOf(left.nanoseconds + right.nanoseconds)
  if (left instanceof Timestamp && right instanceof Duration) return timestampOf(left.nanoseconds + right.nanoseconds)
  if (left instanceof Duration && right instanceof Timestamp) return timestampOf(left.nanoseconds + right.nanoseconds)
  throw noSuchOverload()
}

export function addInts(left: number | bigint, right: number | bigint): number | bigint {
  if (typeof left === 'number' && typeof right === 'number') {
    const sum = left + right
    if (Number.isSafeInteger(sum)) return sum
  }
  return intOf(BigInt(left) + BigInt(right))
}

/** `set` and `map` lists keep one item per key, the later one, at the place of the first. */
function concatenate(left: CelList, right: CelList): CelList {
  if (left.semantics) return merge(left, right)
  if (left.size === 0 && !right.semantics) return right
  if (right.size === 0) return left
  if (left.convert === right.convert) return new CelList([...left.items, ...right.items], left.convert)
  return new CelList([...left.toArray(), ...right.toArray()])
}

function merge(left: CelList, right: CelList): CelList {
  const semantics = left.semantics!
  const merged = new Map<string, CelValue>()
  for (const item of [...left.toArray(), ...right.toArray()]) merged.set(keyOf(item, semantics), item)
  return new CelList([...merged.values()], undefined, semantics)
}

export function subtract(left: CelValue, right: CelValue): CelValue {
  if (isInt(left) && isInt(right)) return subtractInts(left, right)
  if (left instanceof Double && right instanceof Double) return new Double(left.value - right.value)
  if (left instanceof Uint && right instanceof Uint) return uintOf(left.value - right.value)
  if (left instanceof Duration && right instanceof Duration) return durationOf(left.nanoseconds - right.nanoseconds)
  if (left instanceof Timestamp && right instanceof Duration) return timestampOf(left.nanoseconds - right.nanoseconds)
  if (left instanceof Timestamp && right instanceof Timestamp) return durationOf(left.nanoseconds - right.nanoseconds)
  throw noSuchOverload()
}

export function subtractInts(left: number | bigint, right: number | bigint): number | bigint {
  if (typeof left === 'number' && typeof right === 'number') {
    const difference = left - right
    if (Number.isSafeInteger(difference)) return difference
  }
  return intOf(BigInt(left) - BigInt(right))
}

export function multiply(left: CelValue, right: CelValue): CelValue {
  if (isInt(left) && isInt(right)) {
    if (typeof left === 'number' && typeof right === 'number') {
      // Zero has one sign only.
      const product = left * right + 0
      if (Number.isSafeInteger(product)) return product
    }
    return intOf(BigInt(left) * BigInt(right))
  }
  if (left instanceof Double && right instanceof Double) return new Double(left.value * right.value)
  if (left instanceof Uint && right instanceof Uint) return uintOf(left.value * right.value)
  throw noSuchOverload()
}

export function divide(left: CelValue, right: CelValue): CelValue {
  if (isInt(left) && isInt(right)) {
    if (right === 0) throw new Failure('division by zero')
    if (typeof left === 'number' && typeof right === 'number') return Math.trunc(left / right) + 0
    return intOf(BigInt(left) / BigInt(right))
  }
  if (left instanceof Double && right instanceof Double) return new Double(left.value / right.value)
  if (!(left instanceof Uint && right instanceof Uint)) throw noSuchOverload()
  if (right.value === 0n) throw new Failure('division by zero')
  return new Uint(left.value / right.value)
}

export function remainder(left: CelValue, right: CelValue): CelValue {
  if (isInt(left) && isInt(right)) {
    if (right === 0) throw new Failure('modulus by zero')
    if (typeof left === 'number' && typeof right === 'number') return (left % right) + 0
    if (BigInt(left) === int64Min && right === -1) throw new Failure('integer overflow')
    return intOf(BigInt(left) % BigInt(right))
  }
  if (!(left instanceof Uint && right instanceof Uint)) throw noSuchOverload()
  if (right.value === 0n) throw new Failure('modulus by zero')
  return new Uint(left.value % right.value)
}

export function negate(value: CelValue): CelValue {
  if (typeof value === 'number') return -value + 0
  if (typeof value === 'bigint') return intOf(-value)
  if (value instanceof Double) return new Double(-value.value)
  if (value instanceof Duration) return durationOf(-value.nanoseconds)
  throw noSuchOverload()
}

/** Negative, 0 or positive; NaN where there is no order (`double('NaN')`). @throws Failure for what has none */
export function compare(left: CelValue, right: CelValue): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right
  if (typeof left === 'string' && typeof right === 'string') return compareTexts(left, right)
  const [leftNumber, rightNumber] = [numberOf(left), numberOf(right)]
  if (leftNumber !== undefined && rightNumber !== undefined) {
    // Beside a double every number is one, whatever digits that takes from it.
    if (left instanceof Double || right instanceof Double)
      return compareNumbers(Number(leftNumber), Number(rightNumber))
    return compareNumbers(leftNumber, rightNumber)
  }
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right)
  if (left instanceof Timestamp && right instanceof Timestamp)
    return compareNumbers(left.nanoseconds, right.nanoseconds)
  if (left instanceof Duration && right instanceof Duration) return compareNumbers(left.nanoseconds, right.nanoseconds)
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right)
  throw noSuchOverload()
}

function compareNumbers(left: number | bigint, right: number | bigint): number {
  if (left < right) return -1
  if (left > right) return 1
  // biome-ignore lint/suspicious/noDoubleEquals: between number and bigint it compares the exact values.
  return left == right ? 0 : Number.NaN
}

const surrogates = /[\ud800-\udfff]/

/** By code points, as Go compares UTF-8. */
function compareTexts(left: string, right: string): number {
  if (left === right) return 0
  if (!surrogates.test(left) && !surrogates.test(right)) return left < right ? -1 : 1
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}

/** `a in b` */
export function contains(item: CelValue, container: CelValue): boolean {
  if (container instanceof CelList) return listContains(container, item)
  if (container instanceof CelMap) return container.has(item)
  if (container instanceof CelObject) return typeof item === 'string' && container.has(item)
  throw noSuchOverload()
}

function listContains(list: CelList, item: CelValue): boolean {
  if (typeof item === 'string' && !list.convert) return list.items.includes(item)
  for (let index = 0; index < list.size; index++) if (equals(list.at(index), item)) return true
  return false
}

/** `a[b]`; undefined when it is not there. @throws Failure for an index that cannot be one */
export function find(container: CelValue, index: CelValue): CelValue | undefined {
  if (container instanceof CelList) return findItem(container, index)
  if (container instanceof CelMap) {
    if (!isKey(index)) throw new Failure(`unsupported key type`)
    return container.get(index)
  }
  if (container instanceof CelObject && typeof index === 'string') return container.get(index)
  throw noSuchOverload()
}

const isKey = (index: CelValue): boolean =>
  typeof index !== 'object' || index instanceof Uint || index instanceof Double

function findItem(list: CelList, index: CelValue): CelValue | undefined {
  const position = numberOf(index)
  if (position === undefined || (index instanceof Double && !Number.isInteger(index.value)))
    throw new Failure(`unsupported index type '${typeof index === 'object' ? 'double' : typeof index}' in list`)
  return position >= 0 && position < list.size ? list.at(Number(position)) : undefined
}

/** `a[b]` */
export function index(container: CelValue, key: CelValue): CelValue {
  if (container instanceof Optional) return optionalIndex(container, key)
  const value = find(container, key)
  if (value !== undefined) return value
  throw container instanceof CelList ? new Failure(`index out of bounds: ${formatKey(key)}`) : noSuchKey(formatKey(key))
}

/** `a[?b]` */
export function optionalIndex(container: CelValue, key: CelValue): Optional {
  const holder = container instanceof Optional ? container.value : container
  if (holder === undefined) return optionalNone
  const value = find(holder, key)
  return value === undefined ? optionalNone : value instanceof Optional ? value : new Optional(value)
}

/** `a.b` */
export function select(holder: CelValue, field: string): CelValue {
  if (holder instanceof CelObject || holder instanceof CelMap) {
    const value = holder.get(field)
    if (value === undefined) throw noSuchKey(field)
    return value
  }
  if (holder instanceof Optional) return optionalSelect(holder, field)
  throw noSuchOverload()
}

/** `a.?b` */
export function optionalSelect(container: CelValue, field: string): Optional {
  const holder = container instanceof Optional ? container.value : container
  if (holder === undefined) return optionalNone
  if (!(holder instanceof CelObject || holder instanceof CelMap)) throw noSuchOverload()
  if (!holder.has(field)) return optionalNone
  const value = holder.get(field)!
  return value instanceof Optional ? value : new Optional(value)
}

/** `has(a.b)` */
export function test(holder: CelValue, field: string): boolean {
  if (holder instanceof CelObject || holder instanceof CelMap) return holder.has(field)
  if (holder instanceof Optional) return holder.value !== undefined && test(holder.value, field)
  throw noSuchOverload()
}

export function sizeOf(value: CelValue): number {
  if (typeof value === 'string') return textSize(value)
  if (value instanceof CelList || value instanceof CelMap) return value.size
  if (value instanceof Uint8Array) return value.length
  throw noSuchOverload()
}

const formatKey = (key: CelValue): string => {
  const number = numberOf(key)
  return number === undefined ? String(key) : String(number)
}
