/** The library of texts. Positions count characters (code points). */
import { type Library, member, overload } from '../declarations.ts'
import { Failure } from '../failure.ts'
import { dyn, int, listOf, string } from '../types.ts'
import { CelList, type CelValue } from '../values.ts'
import { formatText, quote } from './string-format.ts'

type Int = number | bigint

/** Results that are longer than this would be for nothing but harm. */
const resultLimit = 32 * 1024 * 1024

const outOfRange = (index: Int) => new Failure(`index out of range: ${index}`)

export const stringLibrary: Library = {
  functions: {
    charAt: [member('string_char_at_int', [string, int], string, charAt)],
    indexOf: [
      member('string_index_of_string', [string, string], int, (text: string, part: string) => indexOf(text, part, 0)),
      member('string_index_of_string_int', [string, string, int], int, indexOf),
    ],
    lastIndexOf: [
      member('string_last_index_of_string', [string, string], int, (text: string, part: string) =>
        part === '' ? Array.from(text).length : lastIndexOf(text, part, Math.max(Array.from(text).length - 1, 0)),
      ),
      member('string_last_index_of_string_int', [string, string, int], int, lastIndexOf),
    ],
    lowerAscii: [
      member('string_lower_ascii', [string], string, (text: string) =>
        text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()),
      ),
    ],
    upperAscii: [
      member('string_upper_ascii', [string], string, (text: string) =>
        text.replace(/[a-z]+/g, (letters) => letters.toUpperCase()),
      ),
    ],
    replace: [
      member(
        'string_replace_string_string',
        [string, string, string],
        string,
        (text: string, from: string, to: string) => replace(text, from, to, -1),
      ),
      member('string_replace_string_string_int', [string, string, string, int], string, replace),
    ],
    split: [
      member('string_split_string', [string, string], listOf(string), (text: string, separator: string) =>
        split(text, separator, -1),
      ),
      member('string_split_string_int', [string, string, int], listOf(string), split),
    ],
    substring: [
      member('string_substring_int', [string, int], string, (text: string, start: Int) => substring(text, start)),
      member('string_substring_int_int', [string, int, int], string, substring),
    ],
    trim: [member('string_trim', [string], string, trim)],
    join: [
      member('list_join', [listOf(string)], string, (list: CelList) => join(list, '')),
      member('list_join_string', [listOf(string), string], string, join),
    ],
  },
}

export const stringFormatLibrary: Library = {
  functions: {
    format: [
      member('string_format_list_string', [string, listOf(dyn)], string, (text: string, args: CelList) =>
        formatText(text, args.toArray()),
      ),
    ],
    'strings.quote': [overload('strings_quote', [string], string, quote)],
  },
}

export const extendedStringLibrary: Library = {
  functions: {
    reverse: [member('string_reverse', [string], string, (text: string) => Array.from(text).reverse().join(''))],
  },
}

function charAt(text: string, index: Int): string {
  const characters = Array.from(text)
  if (index < 0 || index > characters.length) throw outOfRange(index)
  return characters[Number(index)] ?? ''
}

function indexOf(text: string, part: string, from: Int): number {
  const characters = Array.from(text)
  if (from < 0 || (part !== '' && from > characters.length)) throw outOfRange(from)
  if (part === '') return Number(from)
  const offset = text.indexOf(part, unitsOf(characters, Number(from)))
  return offset < 0 ? -1 : Array.from(text.slice(0, offset)).length
}

function lastIndexOf(text: string, part: string, from: Int): number {
  const characters = Array.from(text)
  if (from < 0 || (from >= characters.length && text !== '')) throw outOfRange(from)
  if (part === '') return Number(from)
  const offset = text.lastIndexOf(part, unitsOf(characters, Number(from)))
  return offset < 0 ? -1 : Array.from(text.slice(0, offset)).length
}

/** How many units of the text its first `count` characters are. */
function unitsOf(characters: readonly string[], count: number): number {
  let units = 0
  for (let index = 0; index < count && index < characters.length; index++) units += characters[index]!.length
  return units
}

/** @param limit how many are replaced; all when negative */
function replace(text: string, from: string, to: string, limit: Int): string {
  const pieces = from === '' ? ['', ...Array.from(text), ''] : text.split(from)
  const count = limit < 0 ? pieces.length - 1 : Math.min(Number(limit), pieces.length - 1)
  if (count === 0) return text
  if (text.length + count * to.length > resultLimit) throw new Failure('replace result exceeds the size limit')
  return (
    pieces.slice(0, count + 1).join(to) +
    pieces
      .slice(count + 1)
      .map((piece) => from + piece)
      .join('')
  )
}

/** @param limit how many parts at most; all when negative */
function split(text: string, separator: string, limit: Int): CelList {
  if (limit === 0) return new CelList([])
  const parts = separator === '' ? Array.from(text) : text.split(separator)
  if (limit < 0 || parts.length <= limit) return new CelList(parts)
  const whole = Number(limit)
  return new CelList([...parts.slice(0, whole - 1), parts.slice(whole - 1).join(separator)])
}

function substring(text: string, start: Int, end?: Int): string {
  const characters = Array.from(text)
  const last = end ?? characters.length
  if (start < 0 || start > characters.length) throw outOfRange(start)
  if (last < 0 || last > characters.length) throw outOfRange(last)
  if (start > last) throw new Failure(`invalid substring range. start: ${start}, end: ${last}`)
  return characters.slice(Number(start), Number(last)).join('')
}

/** What Go's unicode.IsSpace says. */
const space = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/

function trim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text[start]!)) start++
  while (end > start && isSpace(text[end - 1]!)) end--
  return text.slice(start, end)
}

const isSpace = (character: string): boolean => space.test(character)

function join(list: CelList, separator: string): string {
  const parts = list.toArray()
  let length = 0
  for (const part of parts) {
    if (typeof part !== 'string') throw new Failure('no such overload')
    length += part.length + separator.length
  }
  if (length > resultLimit) throw new Failure('join result exceeds the size limit')
  return (parts as readonly CelValue[]).join(separator)
}
