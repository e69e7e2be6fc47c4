/**
 * The three forms of a range in the contract (one key, `[from, to)`, from a key to the end) as one: `[from, end)`
 * with `end` undefined for "to the end". Also etcd's rule that a key is never empty.
 */
import { InvalidRequestError } from './store.ts'

/** The first key after the range; undefined when it has no end. */
export function endOf(from: string, to: string | undefined): string | undefined {
  if (to === undefined || to === '') return `${from}\0`
  return to === '\0' ? undefined : to
}

export function isSingleKey(to: string | undefined): boolean {
  return to === undefined || to === ''
}

export function inRange(key: string, from: string, end: string | undefined): boolean {
  return key >= from && (end === undefined || key < end)
}

/** Throws `InvalidRequestError` for the empty key, as etcd does. */
export function requireKey(key: string): void {
  if (key === '') throw new InvalidRequestError(InvalidRequestError.emptyKey)
}
