import type { Endpoint, EndpointPort, EndpointSlice } from '../../kinds/discovery/endpoint-slice.ts'
import { isEqual } from '../shared/equal.ts'

export const endpointsPerSlice = 100

/** What has to be done so that slices of one set of ports hold the endpoints that are wanted. */
export interface Distribution {
  readonly create: readonly (readonly Endpoint[])[]
  readonly update: readonly { readonly slice: EndpointSlice; readonly endpoints: readonly Endpoint[] }[]
  readonly remove: readonly EndpointSlice[]
}

/**
 * Spreads endpoints over slices so that few slices change: an endpoint stays in its slice; new ones go into slices
 * that change anyway, then into the fullest one in which they all fit, then into new slices. Slices are never
 * evened out, as each change is sent to every node.
 */
export function distribute(present: readonly EndpointSlice[], wanted: readonly Endpoint[]): Distribution {
  const left = new Map(wanted.map((endpoint) => [identity(endpoint), endpoint]))
  const kept = present.map((slice) => keepWanted(slice, left))
  const rest = [...left.values()]
  for (const each of kept) {
    if (!each.isChanged || each.endpoints.length === 0) continue
    each.endpoints.push(...rest.splice(0, Math.max(0, endpointsPerSlice - each.endpoints.length)))
  }
  const roomy = rest.length > 0 && rest.length < endpointsPerSlice ? fullestWithRoom(kept, rest.length) : undefined
  if (roomy !== undefined) {
    roomy.endpoints.push(...rest.splice(0))
    roomy.isChanged = true
  }
  const create: Endpoint[][] = []
  while (rest.length > 0) create.push(rest.splice(0, endpointsPerSlice))
  return {
    create,
    update: kept.filter(({ isChanged, endpoints }) => isChanged && endpoints.length > 0),
    remove: kept.filter(({ endpoints }) => endpoints.length === 0).map(({ slice }) => slice),
  }
}

interface Kept {
  readonly slice: EndpointSlice
  readonly endpoints: Endpoint[]
  isChanged: boolean
}

function keepWanted(slice: EndpointSlice, left: Map<string, Endpoint>): Kept {
  const endpoints: Endpoint[] = []
  let isChanged = false
  for (const endpoint of slice.endpoints ?? []) {
    const key = identity(endpoint)
    const wanted = left.get(key)
    left.delete(key)
    if (wanted === undefined || !isEqual(wanted, endpoint)) isChanged = true
    if (wanted !== undefined) endpoints.push(wanted)
  }
  return { slice, endpoints, isChanged }
}

function fullestWithRoom(kept: readonly Kept[], needed: number): Kept | undefined {
  return kept
    .filter(({ endpoints }) => endpoints.length > 0 && endpoints.length + needed <= endpointsPerSlice)
    .sort((a, b) => b.endpoints.length - a.endpoints.length)[0]
}

const identity = ({ addresses, targetRef }: Endpoint) => `${targetRef?.uid}/${addresses.join()}`

export const portsKey = (ports: readonly EndpointPort[] | undefined): string =>
  (ports ?? [])
    .map(({ name, protocol, port, appProtocol }) => JSON.stringify([name, protocol, port, appProtocol]))
    .sort()
    .join()
