import { parseQuantity, type Quantity } from '../../base/quantity.ts'
import type { Node } from '../../kinds/core/node.ts'
import { matchesTerm } from '../../kinds/core/node-fit.ts'
import type { NodeSelector } from '../../kinds/core/scheduling.ts'
import type { Device, ResourceSlice } from '../../kinds/resource/resource-slice.ts'

/** A device that a driver offers. */
export interface Offer {
  /** `driver/pool/device` */
  readonly key: string
  readonly driver: string
  readonly pool: Pool
  readonly device: Device
  /** From which nodes it can be used; neither: from all. */
  readonly nodeName: string | undefined
  readonly nodeSelector: NodeSelector | undefined
}

/** The devices that belong together, as their newest slices say. */
export interface Pool {
  readonly driver: string
  readonly name: string
  /** Whether all its slices are there; devices of others are not given away. */
  readonly isComplete: boolean
  readonly offers: readonly Offer[]
  /** What devices share: set of counters → counter → amount. */
  readonly counters: ReadonlyMap<string, ReadonlyMap<string, Quantity>>
}

/** All pools, and what of them can be reached from a node. */
export class Pools {
  readonly #everywhere: Offer[] = []
  readonly #byNode = new Map<string, Offer[]>()
  readonly all: readonly Pool[]

  constructor(slices: Iterable<ResourceSlice>) {
    const byPool = Map.groupBy(slices, ({ spec }) => `${spec.driver}/${spec.pool.name}`)
    this.all = [...byPool.entries()].sort(byKey).map(([, slices]) => poolOf(slices))
    for (const { offers } of this.all) for (const offer of offers) this.#add(offer)
  }

  #add(offer: Offer): void {
    if (offer.nodeName === undefined) this.#everywhere.push(offer)
    else {
      const there = this.#byNode.get(offer.nodeName)
      if (there) there.push(offer)
      else this.#byNode.set(offer.nodeName, [offer])
    }
  }

  /** In the order in which they are tried. */
  reachableFrom(node: Node): readonly Offer[] {
    const here = this.#byNode.get(node.metadata.name!) ?? []
    const others = this.#everywhere.filter(({ nodeSelector }) => isSelected(node, nodeSelector))
    return [...here, ...others]
  }
}

const byKey = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1)

const isSelected = (node: Node, selector: NodeSelector | undefined): boolean =>
  selector === undefined || selector.nodeSelectorTerms.some((term) => matchesTerm(node, term))

function poolOf(slices: readonly ResourceSlice[]): Pool {
  const generation = Math.max(...slices.map(({ spec }) => Number(spec.pool.generation)))
  const newest = slices
    .filter(({ spec }) => Number(spec.pool.generation) === generation)
    .sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1))
  const { driver, pool: said } = newest[0]!.spec
  const offers: Offer[] = []
  const sets = newest.flatMap(({ spec }) => spec.sharedCounters ?? [])
  const counters = new Map(sets.map(({ name, counters }) => [name, amountsOf(counters)]))
  const isComplete = newest.length === Number(said.resourceSliceCount)
  const pool: Pool = { driver, name: said.name, isComplete, offers, counters }
  for (const { spec } of newest) for (const device of spec.devices ?? []) offers.push(offerOf(device, spec, pool))
  return pool
}

/** The amounts of counters by their names. */
export const amountsOf = (counters: Readonly<Record<string, { readonly value: string }>>) =>
  new Map(Object.entries(counters).map(([name, { value }]) => [name, parseQuantity(value)]))

function offerOf(device: Device, spec: ResourceSlice['spec'], pool: Pool): Offer {
  // Who says it: the slice for all its devices, or each device for itself.
  const { nodeName, nodeSelector } = spec.perDeviceNodeSelection ? device : spec
  return {
    key: deviceKey(pool.driver, pool.name, device.name),
    driver: pool.driver,
    pool,
    device,
    nodeName: nodeName || undefined,
    nodeSelector,
  }
}

export const deviceKey = (driver: string, pool: string, device: string): string => `${driver}/${pool}/${device}`
