/** An object's keys in the order of their UTF-8 bytes, in which Go writes maps. */
export function sortedKeys(object: object): string[] {
  const keys = Object.keys(object)
  for (let index = 1; index < keys.length; index++) {
    if (compareBytes(keys[index - 1] as string, keys[index] as string) > 0) return keys.sort(compareBytes)
  }
  return keys
}

/**
 * Compares two strings by their UTF-8 bytes, which is by code point; JavaScript's own order is by UTF-16 unit and
 * differs where a string has characters beyond U+FFFF.
 */
export function compareBytes(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index++) {
    const [a, b] = [left.charCodeAt(index), right.charCodeAt(index)]
    if (a !== b) return isSurrogate(a) === isSurrogate(b) ? a - b : isSurrogate(a) ? 1 : -1
  }
  return left.length - right.length
}

/** Surrogates stand for code points above all that fit one unit. */
const isSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdfff
