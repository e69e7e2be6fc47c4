import { createHash } from 'node:crypto'

/**
 * Shuffle sharding (KEP-1040): every flow gets a small hand of a level's queues, by a hash of what it is. Two flows
 * hardly ever have the same hand, so whoever fills all queues of its own leaves the others some of theirs.
 */

/**
 * Deals `handSize` different cards of a deck of `deckSize`, by the digits of `hash` in a number system of which each
 * place counts the cards that are left. The same hash gets the same hand.
 */
export function deal(hash: bigint, deckSize: number, handSize: number): readonly number[] {
  const digits: number[] = []
  let rest = hash
  for (let dealt = 0; dealt < handSize; dealt++) {
    const left = BigInt(deckSize - dealt)
    digits.push(Number(rest % left))
    rest /= left
  }
  return digits.map((digit, at) => skipDealt(digit, digits, at))
}

/** The digit counts the cards that are left; this counts those that are gone, too. */
function skipDealt(digit: number, digits: readonly number[], at: number): number {
  let card = digit
  for (let earlier = at - 1; earlier >= 0; earlier--) if (card >= digits[earlier]!) card++
  return card
}

/** 64 bits that stand for a flow: its schema, and who or where within it. */
export function hashOfFlow(schema: string, distinguisher: string): bigint {
  return createHash('sha256').update(`${schema}\0${distinguisher}`).digest().readBigUInt64LE()
}
