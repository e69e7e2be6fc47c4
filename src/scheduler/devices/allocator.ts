import { compareQuantities, type Quantity } from '../../base/quantity.ts'
import type { Node } from '../../kinds/core/node.ts'
import type { AllocationResult, ResourceClaim } from '../../kinds/resource/resource-claim.ts'
import type { DeviceTaint } from '../../kinds/resource/resource-slice.ts'
import type { DeviceToleration } from '../../kinds/resource/shared.ts'
import { resultOf } from './allocation.ts'
import { type Constraint, constraintOf } from './constraints.ts'
import type { DeviceLedger } from './ledger.ts'
import { amountsOf, type Offer, type Pool } from './pools.ts'
import type { Wanted } from './request.ts'
import { DeviceSelectionFault, isWanted, splitName } from './selectors.ts'

/** A claim that needs devices, with its requests as alternatives. */
export interface WaitingClaim {
  readonly claim: ResourceClaim
  readonly requests: readonly (readonly Wanted[])[]
}

/** A device for a request. */
export interface Choice {
  readonly wanted: Wanted
  readonly offer: Offer
}

export interface Allocations {
  /** As the claims came. */
  readonly results: readonly AllocationResult[]
  /** How early the alternatives are that were chosen: more is better. */
  readonly rank: number
}

/** More devices than that no claim can have. */
const devicesPerClaim = 32
/** A request has at most so many alternatives. */
const alternativesAtMost = 8
/** So many devices are tried in vain before a node is given up: constraints can make a search endless. */
const attemptsAtMost = 100_000

/**
 * Finds devices for all claims that can be used from one node: requests in their order, the first devices that fit, and
 * back again where what follows cannot be met. Nothing when there are not enough.
 * @throws DeviceSelectionFault when a claim or class cannot be understood
 */
export function allocate(claims: readonly WaitingClaim[], node: Node, ledger: DeviceLedger): Allocations | undefined {
  return new Search(claims, ledger.pools.reachableFrom(node), ledger).run(node)
}

class Search {
  readonly #claims: readonly WaitingClaim[]
  readonly #offers: readonly Offer[]
  readonly #ledger: DeviceLedger
  readonly #constraints: readonly (readonly Constraint[])[]
  readonly #choices: Choice[][]
  readonly #taken = new Set<string>()
  readonly #fitting = new Map<Wanted, readonly Offer[]>()
  #attempts = 0

  constructor(claims: readonly WaitingClaim[], offers: readonly Offer[], ledger: DeviceLedger) {
    this.#claims = claims
    this.#offers = offers
    this.#ledger = ledger
    this.#constraints = claims.map(({ claim }) => (claim.spec.devices.constraints ?? []).map(constraintOf))
    this.#choices = claims.map(() => [])
  }

  run(node: Node): Allocations | undefined {
    if (!this.#from(0, 0)) return undefined
    const chosen = this.#choices.flat()
    const ranks = new Map(chosen.map(({ wanted }) => [wanted, alternativesAtMost - wanted.rank]))
    return {
      results: this.#claims.map(({ claim }, at) => resultOf(claim, this.#choices[at]!, node)),
      rank: [...ranks].reduce((sum, [{ name }, rank]) => sum + (name.includes('/') ? rank : 0), 0),
    }
  }

  /** Meets this request and all that follow. */
  #from(claimAt: number, requestAt: number): boolean {
    const claim = this.#claims[claimAt]
    if (!claim) return true
    const alternatives = claim.requests[requestAt]
    if (!alternatives) return this.#from(claimAt + 1, 0)
    const goOn = () => this.#from(claimAt, requestAt + 1)
    return alternatives.some((wanted) => this.#meet(claimAt, wanted, goOn))
  }

  #meet(claimAt: number, wanted: Wanted, goOn: () => boolean): boolean {
    const fitting = this.#fittingFor(claimAt, wanted)
    const count = wanted.count ?? fitting.length
    if (count === 0 || fitting.length < count || this.#choices[claimAt]!.length + count > devicesPerClaim) return false
    return this.#choose(claimAt, wanted, { fitting, from: 0, left: count, goOn })
  }

  #choose(
    claimAt: number,
    wanted: Wanted,
    { fitting, from, left, goOn }: { fitting: readonly Offer[]; from: number; left: number; goOn: () => boolean },
  ): boolean {
    if (left === 0) return goOn()
    for (let at = from; at <= fitting.length - left; at++) {
      const offer = fitting[at]!
      if (!this.#take(claimAt, wanted, offer)) continue
      if (this.#choose(claimAt, wanted, { fitting, from: at + 1, left: left - 1, goOn })) return true
      this.#putBack(claimAt, wanted, offer)
      if (this.#attempts > attemptsAtMost) return false
    }
    return false
  }

  /** The devices that are as the request and its class want them, whoever has them. */
  #fittingFor(claimAt: number, wanted: Wanted): readonly Offer[] {
    const known = this.#fitting.get(wanted)
    if (known) return known
    const { metadata } = this.#claims[claimAt]!.claim
    const whose = `claim ${metadata.namespace}/${metadata.name}`
    const fitting: Offer[] = []
    for (const offer of this.#offers) {
      const { pool } = offer
      if (!pool.isComplete) {
        if (wanted.count !== undefined) continue
        throw new DeviceSelectionFault(
          `${whose}, request ${wanted.name}: asks for all devices, but resource pool ${pool.driver}/${pool.name} is currently being updated`,
        )
      }
      if (
        isWanted(offer, wanted.deviceClass.spec.selectors, `class ${wanted.deviceClass.metadata.name}`) &&
        isWanted(offer, wanted.what.selectors, whose) &&
        isLargeEnough(offer, wanted.what.capacity?.requests)
      )
        fitting.push(offer)
    }
    this.#fitting.set(wanted, fitting)
    return fitting
  }

  #take(claimAt: number, wanted: Wanted, offer: Offer): boolean {
    this.#attempts++
    if (!wanted.adminAccess && (this.#taken.has(offer.key) || this.#ledger.isUsed(offer.key))) return false
    if (!isTolerated(offer.device.taints, wanted.what.tolerations)) return false
    if (!wanted.adminAccess && !this.#hasCounters(offer)) return false
    const constraints = this.#constraints[claimAt]!
    const refusing = constraints.findIndex((constraint) => !constraint.add(wanted.name, offer))
    if (refusing >= 0) {
      for (const constraint of constraints.slice(0, refusing)) constraint.remove(wanted.name, offer)
      return false
    }
    if (!wanted.adminAccess) this.#taken.add(offer.key)
    this.#choices[claimAt]!.push({ wanted, offer })
    return true
  }

  #putBack(claimAt: number, wanted: Wanted, offer: Offer): void {
    this.#choices[claimAt]!.pop()
    if (!wanted.adminAccess) this.#taken.delete(offer.key)
    for (const constraint of this.#constraints[claimAt]!) constraint.remove(wanted.name, offer)
  }

  /** Devices that are parts of one share what it has. */
  #hasCounters({ pool, device }: Offer): boolean {
    if (!device.consumesCounters?.length) return true
    return device.consumesCounters.every(({ counterSet, counters }) => {
      const left = this.#countersLeft(pool, counterSet)
      return [...amountsOf(counters)].every(([name, amount]) => (left.get(name)?.compare(amount) ?? -1) >= 0)
    })
  }

  #countersLeft(pool: Pool, set: string): Map<string, Quantity> {
    const left = new Map(pool.counters.get(set))
    for (const { key, device } of pool.offers) {
      if (!this.#taken.has(key) && !this.#ledger.isUsed(key)) continue
      for (const { counterSet, counters } of device.consumesCounters ?? []) {
        if (counterSet !== set) continue
        for (const [name, amount] of amountsOf(counters)) {
          const before = left.get(name)
          if (before) left.set(name, before.subtract(amount))
        }
      }
    }
    return left
  }
}

const isLargeEnough = ({ driver, device }: Offer, requests: Readonly<Record<string, string>> = {}): boolean =>
  Object.entries(requests).every(([key, amount]) => {
    const [domain, name] = splitName(key, driver)
    const found = device.capacity?.[`${domain}/${name}`] ?? (domain === driver ? device.capacity?.[name] : undefined)
    return found !== undefined && compareQuantities(found.value, amount) >= 0
  })

const isTolerated = (taints: readonly DeviceTaint[] = [], tolerations: readonly DeviceToleration[] = []): boolean =>
  taints.every(({ key, value = '', effect }) => {
    if (effect === 'None') return true
    return tolerations.some(
      (one) =>
        (!one.effect || one.effect === effect) &&
        (!one.key || one.key === key) &&
        (one.operator === 'Exists' || (one.value ?? '') === value),
    )
  })
