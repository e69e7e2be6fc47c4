/** Functions on lists: `[1, 2].sum()`, `['a'].indexOf('a')`. */
import { type Library, member, type Overload } from '../declarations.ts'
import { equals } from '../equality.ts'
import { Failure } from '../failure.ts'
import { add, compare } from '../operators.ts'
import {
  bool,
  bytes,
  type CelType,
  double,
  duration,
  int,
  listOf,
  parameter,
  string,
  timestamp,
  uint,
} from '../types.ts'
import { type CelList, type CelValue, Double, Duration, Uint } from '../values.ts'

const A = parameter('A')

const comparable: Readonly<Record<string, CelType>> = { int, uint, double, bool, duration, timestamp, string, bytes }
const zeros: Readonly<Record<string, readonly [CelType, CelValue]>> = {
  int: [int, 0],
  uint: [uint, new Uint(0n)],
  double: [double, new Double(0)],
  duration: [duration, new Duration(0n)],
}

const extreme = (name: 'min' | 'max'): readonly Overload[] =>
  Object.entries(comparable).map(([suffix, type]) =>
    member(`list_${suffix}_${name}_${suffix}`, [listOf(type)], type, (list: CelList) => findExtreme(list, name)),
  )

export const listLibrary: Library = {
  functions: {
    isSorted: Object.entries(comparable).map(([suffix, type]) =>
      member(`list_${suffix}_is_sorted_bool`, [listOf(type)], bool, isSorted),
    ),
    sum: Object.entries(zeros).map(([suffix, [type, zero]]) =>
      member(`list_${suffix}_sum_${suffix}`, [listOf(type)], type, (list: CelList) => list.toArray().reduce(add, zero)),
    ),
    min: extreme('min'),
    max: extreme('max'),
    indexOf: [
      member('list_a_index_of_int', [listOf(A), A], int, (list: CelList, item: CelValue) =>
        list.toArray().findIndex((candidate) => equals(candidate, item)),
      ),
    ],
    lastIndexOf: [
      member('list_a_last_index_of_int', [listOf(A), A], int, (list: CelList, item: CelValue) =>
        list.toArray().findLastIndex((candidate) => equals(candidate, item)),
      ),
    ],
  },
}

function isSorted(list: CelList): boolean {
  const items = list.toArray()
  return items.every((item, index) => index === 0 || !(compare(items[index - 1]!, item) > 0))
}

function findExtreme(list: CelList, name: 'min' | 'max'): CelValue {
  const [first, ...rest] = list.toArray()
  if (first === undefined) throw new Failure(`${name} called on empty list`)
  const wanted = name === 'min' ? 1 : -1
  return rest.reduce((best, item) => (Math.sign(compare(best, item)) === wanted ? item : best), first)
}
