/** Keys in paths of patches: `'/metadata/labels/' + jsonpatch.escapeKey('example.com/a')`. */
import { type Library, overload } from '../declarations.ts'
import { string } from '../types.ts'

export const jsonPatchLibrary: Library = {
  functions: {
    'jsonpatch.escapeKey': [
      overload('string_jsonpatch_escapeKey_string', [string], string, (key: string) =>
        key.replaceAll('~', '~0').replaceAll('/', '~1'),
      ),
    ],
  },
}
