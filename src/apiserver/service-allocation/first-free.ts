import type { Random } from '../../world/world.ts'

export interface NumberRange {
  readonly from: number
  /** The number after the last one. */
  readonly to: number
  /** Numbers below this one are used only when all others are taken. */
  readonly staticTo: number
}

/**
 * A free number of the range, from a random start onwards: first of those above the static part, then of that part.
 * Undefined when all are taken.
 */
export function firstFree(
  { from, to, staticTo }: NumberRange,
  isFree: (value: number) => boolean,
  random: Random,
): number | undefined {
  return search(staticTo, to, isFree, random) ?? search(from, staticTo, isFree, random)
}

function search(from: number, to: number, isFree: (value: number) => boolean, random: Random): number | undefined {
  const size = to - from
  if (size <= 0) return undefined
  const start = random.int(size)
  for (let step = 0; step < size; step++) {
    const value = from + ((start + step) % size)
    if (isFree(value)) return value
  }
  return undefined
}
