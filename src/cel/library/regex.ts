/** `'abc 123'.find('[0-9]+')` */
import { type Library, member } from '../declarations.ts'
import { compileRegex, findAll } from '../regex.ts'
import { int, listOf, string } from '../types.ts'
import { CelList } from '../values.ts'

export const regexLibrary: Library = {
  functions: {
    find: [
      member('string_find_string', [string, string], string, (text: string, pattern: string) => {
        const found = compileRegex(pattern).find(text, 0)
        return found ? text.slice(...found) : ''
      }),
    ],
    findAll: [
      member('string_find_all_string', [string, string], listOf(string), (text: string, pattern: string) =>
        all(text, pattern, -1),
      ),
      member('string_find_all_string_int', [string, string, int], listOf(string), all),
    ],
  },
}

/** @param limit how many at most; all when negative */
function all(text: string, pattern: string, limit: number | bigint): CelList {
  const count = limit < 0 ? Number.POSITIVE_INFINITY : Number(limit)
  return new CelList([...findAll(compileRegex(pattern), text, count)])
}
