import type { EndpointAddress, EndpointPort, EndpointSubset } from '../../kinds/core/endpoints.ts'
import { canonical } from '../shared/equal.ts'

export interface Entry {
  readonly address: EndpointAddress
  readonly ready: boolean
  /** Absent: the service has no ports. */
  readonly port: EndpointPort | undefined
}

/** Endpoints hold no more addresses than this; readers of large services use EndpointSlices. */
const capacity = 1000

/** Puts together what has the same ports, in an order that depends on the content alone. */
export function packSubsets(entries: readonly Entry[]): EndpointSubset[] {
  const groups = new Map<string, { readonly ports: readonly EndpointPort[]; readonly members: Entry[] }>()
  for (const { entry, ports } of withAllPorts(entries)) {
    const key = canonical(ports)
    const group = groups.get(key)
    if (group) group.members.push(entry)
    else groups.set(key, { ports, members: [entry] })
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { ports, members }]) => toSubset(ports, members))
}

/** One entry per address, with all of its ports. */
function withAllPorts(entries: readonly Entry[]) {
  const byAddress = new Map<string, { readonly entry: Entry; readonly ports: EndpointPort[] }>()
  for (const entry of entries) {
    const key = `${entry.address.ip}/${entry.address.targetRef?.uid}`
    const present = byAddress.get(key) ?? { entry, ports: [] }
    if (entry.port) present.ports.push(entry.port)
    byAddress.set(key, present)
  }
  for (const { ports } of byAddress.values()) ports.sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1))
  return byAddress.values()
}

function toSubset(ports: readonly EndpointPort[], members: readonly Entry[]): EndpointSubset {
  const addresses = members.filter(({ ready }) => ready).map(({ address }) => address)
  const notReadyAddresses = members.filter(({ ready }) => !ready).map(({ address }) => address)
  return {
    ...(addresses.length > 0 && { addresses: addresses.sort(byAddress) }),
    ...(notReadyAddresses.length > 0 && { notReadyAddresses: notReadyAddresses.sort(byAddress) }),
    ...(ports.length > 0 && { ports }),
  }
}

function byAddress(a: EndpointAddress, b: EndpointAddress): number {
  if (a.ip !== b.ip) return a.ip < b.ip ? -1 : 1
  return (a.targetRef?.uid ?? '') < (b.targetRef?.uid ?? '') ? -1 : 1
}

/** Leaves out what is beyond the capacity, addresses that are not ready first. Answers whether that was needed. */
export function truncate(subsets: readonly EndpointSubset[]): { subsets: EndpointSubset[]; isTruncated: boolean } {
  const total = subsets.reduce(
    (sum, { addresses = [], notReadyAddresses = [] }) => sum + addresses.length + notReadyAddresses.length,
    0,
  )
  if (total <= capacity) return { subsets: [...subsets], isTruncated: false }
  let left = capacity
  const take = <T>(list: readonly T[] | undefined) => {
    const taken = list?.slice(0, left) ?? []
    left -= taken.length
    return taken
  }
  const ready = subsets.map(({ addresses }) => take(addresses))
  const notReady = subsets.map(({ notReadyAddresses }) => take(notReadyAddresses))
  const cut = subsets.map(({ ports }, n) => ({
    ...(ready[n]!.length > 0 && { addresses: ready[n]! }),
    ...(notReady[n]!.length > 0 && { notReadyAddresses: notReady[n]! }),
    ...(ports && { ports }),
  }))
  return {
    subsets: cut.filter(({ addresses, notReadyAddresses }) => addresses ?? notReadyAddresses),
    isTruncated: true,
  }
}
