import type { PriorityLevelConfigurationSpec } from '../../kinds/flowcontrol/priority-level-configuration.ts'

/** How the seats of the server are shared out among the priority levels (KEP-1040), in seats. */
export interface Limits {
  /** By its shares, with nothing lent and nothing borrowed. */
  readonly nominal: number
  /** With everything lent that it may lend. */
  readonly min: number
  /** With everything borrowed that it may borrow. */
  readonly max: number
}

/** What each level has by its shares. Parts of a seat are made whole, so that the sum may be somewhat more than `seats`. */
export function nominalLimits(
  specs: ReadonlyMap<string, PriorityLevelConfigurationSpec>,
  seats: number,
): ReadonlyMap<string, Limits> {
  let sum = 0
  for (const spec of specs.values()) sum += sharesOf(spec)
  return new Map([...specs].map(([name, spec]) => [name, limitsOf(spec, sum, seats)]))
}

function sharesOf({ limited, exempt }: PriorityLevelConfigurationSpec): number {
  return limited ? (limited.nominalConcurrencyShares ?? 30) : (exempt?.nominalConcurrencyShares ?? 0)
}

function limitsOf(spec: PriorityLevelConfigurationSpec, sumOfShares: number, seats: number): Limits {
  const nominal = sumOfShares === 0 ? 0 : Math.ceil((seats * sharesOf(spec)) / sumOfShares)
  const lendable = Math.round((nominal * ((spec.limited ?? spec.exempt)?.lendablePercent ?? 0)) / 100)
  const percent = spec.limited?.borrowingLimitPercent
  const borrowable = percent === undefined || percent === null ? seats : Math.round((nominal * percent) / 100)
  return { nominal, min: nominal - lendable, max: nominal + borrowable }
}

/** A level that wants seats. */
export interface Claim {
  /** What it shall have, in proportion to the targets of others; at least `min`. */
  readonly target: number
  readonly min: number
  readonly max: number
}

/** So that levels without any demand still get some of what nobody wants. */
const leastTarget = 0.001

/**
 * Shares out `seats`: every claim gets the same fraction of its target, unless that would be less than its `min` or
 * more than its `max`. Where the bounds leave no choice, all get their bounds. Gives whole seats.
 */
export function shareOut(seats: number, claims: readonly Claim[]): readonly number[] {
  const fraction = fairFraction(seats, claims)
  return claims.map((claim) => Math.round(allotted(claim, fraction)))
}

const targetOf = ({ target }: Claim) => Math.max(target, leastTarget)

const allotted = (claim: Claim, fraction: number) =>
  Math.max(claim.min, Math.min(claim.max, fraction * targetOf(claim)))

/**
 * What is allotted grows with the fraction, in straight lines between the fractions at which somebody meets a bound: the
 * answer lies on the line that passes the sum.
 */
function fairFraction(seats: number, claims: readonly Claim[]): number {
  const corners = claims.flatMap((claim) => [claim.min / targetOf(claim), claim.max / targetOf(claim)])
  corners.sort((left, right) => left - right)
  const sumAt = (fraction: number) => claims.reduce((sum, claim) => sum + allotted(claim, fraction), 0)
  let from = 0
  let sumFrom = sumAt(0)
  if (sumFrom >= seats) return 0
  for (const corner of corners) {
    const sum = sumAt(corner)
    if (sum >= seats) return from + ((corner - from) * (seats - sumFrom)) / (sum - sumFrom)
    from = corner
    sumFrom = sum
  }
  return from
}
