/** Checks and steps that many kinds share. */

import type { FieldErrors } from '../schema/field-errors.ts'
import { equalJson } from '../schema/freeze.ts'
import type { ApiObject } from '../schema/kind.ts'
import type { Mutable } from '../schema/types.ts'

export const immutable = 'field is immutable'

/** A field that stays as it was at creation. */
export function keepsValue(path: string, value: unknown, old: unknown, errors: FieldErrors): void {
  if (!equalJson(value, old)) errors.invalid(path, value, immutable)
}

/** Fresh objects of kinds that count the changes of their wish begin with 1. */
export function startGeneration(object: Mutable<ApiObject>): void {
  object.metadata.generation = 1
}

/** Counts a change of the wish: `generation` is one more than before when `wish` differs from the old one. */
export function countChange<T extends ApiObject>(object: Mutable<T>, old: T, wish: (object: T) => unknown): void {
  const metadata = object.metadata as { generation?: number }
  if (equalJson(wish(object as T), wish(old))) return
  metadata.generation = (old.metadata.generation ?? 0) + 1
}

/** Every fault of `value` under the same path. */
export function invalidAll(path: string, value: unknown, faults: readonly string[], errors: FieldErrors): void {
  for (const fault of faults) errors.invalid(path, value, fault)
}

export const notNegative = 'must be greater than or equal to 0'

export function validateNotNegative(path: string, value: number | undefined, errors: FieldErrors): void {
  if (value !== undefined && value < 0) errors.invalid(path, value, notNegative)
}

export const portRange = 'must be between 1 and 65535, inclusive'

export function validatePort(path: string, port: number, errors: FieldErrors): void {
  if (port < 1 || port > 65535) errors.invalid(path, port, portRange)
}

/** One of the given words; the message lists them as they are given. */
export function validateWord(path: string, word: string, words: readonly string[], errors: FieldErrors): void {
  if (!words.includes(word)) errors.notSupported(path, word, words)
}
