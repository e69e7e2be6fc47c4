/** Values that may not be there: `optional.of(1).orValue(2)`. */
import { type Library, member, overload } from '../declarations.ts'
import { Failure } from '../failure.ts'
import { bool, dyn, listOf, optionalOf, parameter } from '../types.ts'
import {
  CelList,
  CelMap,
  CelObject,
  type CelValue,
  Double,
  Duration,
  Opaque,
  Optional,
  optionalNone,
  Timestamp,
  Uint,
} from '../values.ts'

const T = parameter('T')
const optionalT = optionalOf(T)

const none = () => new Failure('optional.none() dereference')

export const optionalLibrary: Library = {
  types: { optional_type: optionalOf(dyn) },
  functions: {
    'optional.of': [overload('optional_of', [T], optionalT, (value: CelValue) => new Optional(value))],
    'optional.ofNonZeroValue': [
      overload('optional_ofNonZeroValue', [T], optionalT, (value: CelValue) =>
        isZero(value) ? optionalNone : new Optional(value),
      ),
    ],
    'optional.none': [overload('optional_none', [], optionalT, () => optionalNone)],
    'optional.unwrap': [overload('optional_unwrap', [listOf(optionalT)], listOf(T), unwrap)],
    unwrapOpt: [member('optional_unwrapOpt', [listOf(optionalT)], listOf(T), unwrap)],
    hasValue: [member('optional_hasValue', [optionalT], bool, (optional: Optional) => optional.value !== undefined)],
    value: [
      member('optional_value', [optionalT], T, (optional: Optional) => {
        if (optional.value === undefined) throw none()
        return optional.value
      }),
    ],
    or: [
      member('optional_or_optional', [optionalT, optionalT], optionalT, (optional: Optional, other: Optional) =>
        optional.value === undefined ? other : optional,
      ),
    ],
    orValue: [
      member('optional_orValue_value', [optionalT, T], T, (optional: Optional, other: CelValue) =>
        optional.value === undefined ? other : optional.value,
      ),
    ],
  },
}

function unwrap(list: CelList): CelList {
  return new CelList(
    list.toArray().flatMap((item) => (item instanceof Optional && item.value !== undefined ? [item.value] : [])),
  )
}

function isZero(value: CelValue): boolean {
  if (value === null || value === false || value === 0 || value === '') return true
  if (value instanceof Double) return value.value === 0
  if (value instanceof Uint) return value.value === 0n
  if (value instanceof CelList || value instanceof CelMap || value instanceof CelObject) return value.size === 0
  if (value instanceof Uint8Array) return value.length === 0
  if (value instanceof Duration) return value.nanoseconds === 0n
  // Go's zero time is that of the year 1.
  if (value instanceof Timestamp) return value.nanoseconds === 0n || value.nanoseconds === -62135596800_000_000_000n
  if (value instanceof Optional) return value.value === undefined
  return value instanceof Opaque ? false : value === undefined
}
