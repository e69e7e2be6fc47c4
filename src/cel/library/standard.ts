/** The functions of the language itself. */
import { type Library, member, type Overload, overload } from '../declarations.ts'
import { equals } from '../equality.ts'
import { Failure } from '../failure.ts'
import { formatDouble, parseDouble } from '../numbers.ts'
import * as operators from '../operators.ts'
import { compileRegex } from '../regex.ts'
import {
  type CalendarTime,
  calendarOf,
  formatDuration,
  formatTimestamp,
  parseDuration,
  parseTimestamp,
  timestampOf,
} from '../time.ts'
import {
  bool,
  bytes,
  type CelType,
  double,
  duration,
  dyn,
  int,
  listOf,
  mapOf,
  nullType,
  optionalOf,
  parameter,
  string,
  timestamp,
  uint,
} from '../types.ts'
import { type CelValue, Double, type Duration, type Timestamp, TypeValue, typeNameOf, Uint } from '../values.ts'

const A = parameter('A')
const B = parameter('B')
const listA = listOf(A)
const mapAB = mapOf(A, B)

const secondNanoseconds = 1_000_000_000n

function arithmetic(
  name: string,
  invoke: (left: CelValue, right: CelValue) => CelValue,
  types: readonly (readonly [string, CelType, CelType, CelType])[],
): readonly Overload[] {
  return types.map(([suffix, left, right, result]) => overload(`${name}_${suffix}`, [left, right], result, invoke))
}

const numeric = [
  ['int64', int, int, int],
  ['uint64', uint, uint, uint],
  ['double', double, double, double],
] as const

const numbers = { int64: int, uint64: uint, double } as const

/** All kinds of numbers compare with one another. */
function comparison(name: string, holds: (order: number) => boolean): readonly Overload[] {
  const invoke = (left: CelValue, right: CelValue) => holds(operators.compare(left, right))
  const same = { bool, string, bytes, timestamp, duration, ...numbers } as const
  const mixed = Object.entries(numbers).flatMap(([leftName, left]) =>
    Object.entries(numbers)
      .filter(([, right]) => right !== left)
      .map(([rightName, right]) => overload(`${name}_${leftName}_${rightName}`, [left, right], bool, invoke)),
  )
  return [
    ...Object.entries(same).map(([suffix, type]) => overload(`${name}_${suffix}`, [type, type], bool, invoke)),
    ...mixed,
  ]
}

function conversion(
  to: string,
  result: CelType,
  from: Readonly<Record<string, readonly [CelType, (value: never) => CelValue]>>,
) {
  return Object.entries(from).map(([name, [type, invoke]]) => overload(`${name}_to_${to}`, [type], result, invoke))
}

const itself = <Value extends CelValue>(value: Value) => value

const conversionError = (to: string) => new Failure(`type conversion error from 'string' to '${to}'`)

const functions: Record<string, readonly Overload[]> = {
  '_?_:_': [
    overload('conditional', [bool, A, A], A, (condition: boolean, yes: CelValue, no: CelValue) =>
      condition ? yes : no,
    ),
  ],
  '!_': [overload('logical_not', [bool], bool, (value: boolean) => !value)],
  '_==_': [overload('equals', [A, A], bool, equals)],
  '_!=_': [overload('not_equals', [A, A], bool, (left: CelValue, right: CelValue) => !equals(left, right))],
  '_+_': arithmetic('add', operators.add, [
    ...numeric,
    ['string', string, string, string],
    ['bytes', bytes, bytes, bytes],
    ['list', listA, listA, listA],
    ['duration_duration', duration, duration, duration],
    ['timestamp_duration', timestamp, duration, timestamp],
    ['duration_timestamp', duration, timestamp, timestamp],
  ]),
  '_-_': arithmetic('subtract', operators.subtract, [
    ...numeric,
    ['duration_duration', duration, duration, duration],
    ['timestamp_duration', timestamp, duration, timestamp],
    ['timestamp_timestamp', timestamp, timestamp, duration],
  ]),
  '_*_': arithmetic('multiply', operators.multiply, numeric),
  '_/_': arithmetic('divide', operators.divide, numeric),
  '_%_': arithmetic('modulo', operators.remainder, numeric.slice(0, 2)),
  '-_': [
    overload('negate_int64', [int], int, operators.negate),
    overload('negate_double', [double], double, operators.negate),
    overload('negate_duration', [duration], duration, operators.negate),
  ],
  '_<_': comparison('less', (order) => order < 0),
  '_<=_': comparison('less_equals', (order) => order <= 0),
  '_>_': comparison('greater', (order) => order > 0),
  '_>=_': comparison('greater_equals', (order) => order >= 0),
  '@in': [
    overload('in_list', [A, listA], bool, operators.contains),
    overload('in_map', [A, mapAB], bool, operators.contains),
  ],
  '_[_]': [
    overload('index_list', [listA, int], A, operators.index),
    overload('index_map', [mapAB, A], B, operators.index),
    overload('optional_list_index_int', [optionalOf(listA), int], optionalOf(A), operators.index),
    overload('optional_map_index_value', [optionalOf(mapAB), A], optionalOf(B), operators.index),
  ],
  '_[?_]': [
    overload('list_optindex_optional_int', [listA, int], optionalOf(A), operators.optionalIndex),
    overload('optional_list_optindex_optional_int', [optionalOf(listA), int], optionalOf(A), operators.optionalIndex),
    overload('map_optindex_optional_value', [mapAB, A], optionalOf(B), operators.optionalIndex),
    overload('optional_map_optindex_optional_value', [optionalOf(mapAB), A], optionalOf(B), operators.optionalIndex),
  ],
  size: [string, bytes, listA, mapAB].flatMap((type) => [
    overload(`size_${type.kind}`, [type], int, operators.sizeOf),
    member(`${type.kind}_size`, [type], int, operators.sizeOf),
  ]),
  type: [overload('type', [A], { kind: 'type', of: A }, (value: CelValue) => new TypeValue(typeNameOf(value)))],
  dyn: [overload('to_dyn', [A], dyn, itself)],
  bool: conversion('bool', bool, { bool: [bool, itself], string: [string, parseBool] }),
  bytes: conversion('bytes', bytes, {
    bytes: [bytes, itself],
    string: [string, (text: string) => new Uint8Array(Buffer.from(text))],
  }),
  double: conversion('double', double, {
    double: [double, itself],
    int64: [int, (value: number | bigint) => new Double(Number(value))],
    uint64: [uint, (value: Uint) => new Double(Number(value.value))],
    string: [string, toDouble],
  }),
  int: conversion('int64', int, {
    int64: [int, itself],
    uint64: [uint, (value: Uint) => operators.intOf(value.value)],
    double: [double, (value: Double) => operators.intOf(wholePart(value, 'integer overflow'))],
    string: [string, toIntValue],
    timestamp: [timestamp, (value: Timestamp) => operators.intOf(floorSeconds(value))],
    duration: [duration, (value: Duration) => operators.intOf(value.nanoseconds)],
  }),
  uint: conversion('uint64', uint, {
    uint64: [uint, itself],
    int64: [int, (value: number | bigint) => operators.uintOf(BigInt(value))],
    double: [double, (value: Double) => operators.uintOf(wholePart(value, 'unsigned integer overflow'))],
    string: [string, toUintValue],
  }),
  string: conversion('string', string, {
    string: [string, itself],
    bool: [bool, String],
    int64: [int, String],
    uint64: [uint, (value: Uint) => String(value.value)],
    double: [double, (value: Double) => formatDouble(value.value)],
    bytes: [bytes, decodeUtf8],
    timestamp: [timestamp, formatTimestamp],
    duration: [duration, formatDuration],
  }),
  duration: conversion('duration', duration, {
    duration: [duration, itself],
    string: [string, (text: string) => orFail(parseDuration(text), 'google.protobuf.Duration')],
    int64: [int, (value: number | bigint) => operators.subtract(parseDuration(`${value}ns`)!, parseDuration('0s')!)],
  }),
  timestamp: conversion('timestamp', timestamp, {
    timestamp: [timestamp, itself],
    string: [string, (text: string) => orFail(parseTimestamp(text), 'google.protobuf.Timestamp')],
    int64: [int, (value: number | bigint) => timestampOf(BigInt(value) * secondNanoseconds)],
  }),
  contains: [member('contains_string', [string, string], bool, (text: string, part: string) => text.includes(part))],
  startsWith: [
    member('starts_with_string', [string, string], bool, (text: string, part: string) => text.startsWith(part)),
  ],
  endsWith: [member('ends_with_string', [string, string], bool, (text: string, part: string) => text.endsWith(part))],
  matches: [
    overload('matches', [string, string], bool, matches),
    member('matches_string', [string, string], bool, matches),
  ],
  ...calendarFunctions(),
}

export const standardLibrary: Library = {
  functions,
  types: {
    bool,
    bytes,
    double,
    int,
    uint,
    string,
    list: listOf(dyn),
    map: mapOf(dyn, dyn),
    null_type: nullType,
    type: { kind: 'type' },
    'google.protobuf.Duration': duration,
    'google.protobuf.Timestamp': timestamp,
  },
}

function matches(text: string, pattern: string): boolean {
  return compileRegex(pattern).test(text)
}

function orFail<Value>(value: Value | undefined, type: string): Value {
  if (value === undefined) throw conversionError(type)
  return value
}

function parseBool(text: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false
  throw conversionError('bool')
}

function toDouble(text: string): Double {
  return new Double(orFail(parseDouble(text), 'double'))
}

function toIntValue(text: string): number | bigint {
  if (!/^[+-]?\d{1,30}$/.test(text)) throw conversionError('int')
  const value = BigInt(text.replace('+', ''))
  if (value >= 2n ** 63n || value < -(2n ** 63n)) throw conversionError('int')
  return operators.intOf(value)
}

function toUintValue(text: string): Uint {
  if (!/^\d{1,30}$/.test(text) || BigInt(text) >= 2n ** 64n) throw conversionError('uint')
  return new Uint(BigInt(text))
}

function wholePart({ value }: Double, message: string): bigint {
  // The largest doubles below the borders; the borders themselves do not convert.
  if (
    !Number.isFinite(value) ||
    Math.abs(value) >= 2 ** 64 ||
    (message === 'integer overflow' && Math.abs(value) >= 2 ** 63)
  )
    throw new Failure(message)
  return BigInt(Math.trunc(value))
}

function floorSeconds({ nanoseconds }: Timestamp): bigint {
  const seconds = nanoseconds / secondNanoseconds
  return nanoseconds % secondNanoseconds < 0n ? seconds - 1n : seconds
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeUtf8(value: Uint8Array): string {
  try {
    return strictUtf8.decode(value)
  } catch {
    throw new Failure('invalid UTF-8 in bytes, cannot convert to string')
  }
}

function calendarFunctions(): Record<string, readonly Overload[]> {
  const parts: Readonly<Record<string, (time: CalendarTime) => number>> = {
    getFullYear: (time) => time.year,
    getMonth: (time) => time.month - 1,
    getDayOfYear: (time) => time.dayOfYear,
    getDayOfMonth: (time) => time.day - 1,
    getDate: (time) => time.day,
    getDayOfWeek: (time) => time.weekday,
    getHours: (time) => time.hour,
    getMinutes: (time) => time.minute,
    getSeconds: (time) => time.second,
    getMilliseconds: (time) => time.millisecond,
  }
  const spans: Readonly<Record<string, (nanoseconds: bigint) => bigint>> = {
    getHours: (nanoseconds) => nanoseconds / (3600n * secondNanoseconds),
    getMinutes: (nanoseconds) => nanoseconds / (60n * secondNanoseconds),
    getSeconds: (nanoseconds) => nanoseconds / secondNanoseconds,
    getMilliseconds: (nanoseconds) => (nanoseconds / 1_000_000n) % 1000n,
  }
  return Object.fromEntries(
    Object.entries(parts).map(([name, part]) => {
      const overloads = [
        member(`timestamp_${name}`, [timestamp], int, (time: Timestamp) => part(calendarOf(time, undefined))),
        member(`timestamp_${name}_with_tz`, [timestamp, string], int, (time: Timestamp, zone: string) =>
          part(calendarOf(time, zone)),
        ),
      ]
      const span = spans[name]
      if (span)
        overloads.push(
          member(`duration_${name}`, [duration], int, (value: Duration) => operators.intOf(span(value.nanoseconds))),
        )
      return [name, overloads]
    }),
  )
}
