/** Lists as sets: `sets.contains([1, 2], [1])`. */
import { type Library, overload } from '../declarations.ts'
import { contains } from '../operators.ts'
import { bool, listOf, parameter } from '../types.ts'
import type { CelList } from '../values.ts'

const listT = listOf(parameter('T'))

const containsAll = (list: CelList, part: CelList): boolean => part.toArray().every((item) => contains(item, list))

export const setLibrary: Library = {
  functions: {
    'sets.contains': [overload('sets_contains_list_list', [listT, listT], bool, containsAll)],
    'sets.equivalent': [
      overload(
        'sets_equivalent_list_list',
        [listT, listT],
        bool,
        (left: CelList, right: CelList) => containsAll(left, right) && containsAll(right, left),
      ),
    ],
    'sets.intersects': [
      overload('sets_intersects_list_list', [listT, listT], bool, (left: CelList, right: CelList) =>
        left.toArray().some((item) => contains(item, right)),
      ),
    ],
  },
}
