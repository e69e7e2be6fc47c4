import { formatIp, parseIp } from '../../base/cidr.ts'
import type { Service, ServicePort } from '../../kinds/core/service.ts'
import type { Endpoint, EndpointSlice } from '../../kinds/discovery/endpoint-slice.ts'

/** Where the proxy stands: it prefers what is near. */
export interface Here {
  readonly node: string
  /** Of the node's label `topology.kubernetes.io/zone`. */
  readonly zone: string | undefined
}

export type Family = 4 | 6

/** One place to which connections can be sent. */
export interface Backend {
  readonly address: string
  readonly port: number
}

/** Where connections to one port of a service go, each list without doubles and in the order of addresses. */
export interface Backends {
  /** From anywhere, under the policy `Cluster`. */
  readonly cluster: readonly Backend[]
  /** Under the policy `Local`: on this node alone. */
  readonly local: readonly Backend[]
}

interface Candidate extends Backend {
  readonly endpoint: Endpoint
}

/**
 * Who answers for a port of a service. Those that are ready do; where none is, those that still serve while they end do
 * (KEP-1669). Of more than enough, those are taken that are meant for this node, or for its zone (KEP-2433, KEP-3015).
 */
export function backendsOf(port: ServicePort, slices: Iterable<EndpointSlice>, family: Family, here: Here): Backends {
  const all = [...candidates(port, slices, family)]
  return {
    cluster: listed(near(usable(all), here)),
    local: listed(usable(all.filter(({ endpoint }) => endpoint.nodeName === here.node))),
  }
}

function* candidates(port: ServicePort, slices: Iterable<EndpointSlice>, family: Family): Generator<Candidate> {
  for (const { addressType, ports, endpoints } of slices) {
    if (addressType !== `IPv${family}`) continue
    const found = ports?.find((each) => (each.name ?? '') === (port.name ?? '') && each.protocol === port.protocol)
    if (found?.port === undefined) continue
    for (const endpoint of endpoints ?? []) {
      // The first address is the one that counts.
      const address = parseIp(endpoint.addresses[0] ?? '')
      if (address?.family === family) yield { address: formatIp(address), port: found.port, endpoint }
    }
  }
}

function usable(all: readonly Candidate[]): readonly Candidate[] {
  const ready = all.filter(({ endpoint }) => endpoint.conditions?.ready ?? true)
  if (ready.length > 0) return ready
  return all.filter(({ endpoint: { conditions } }) => (conditions?.serving ?? true) && conditions?.terminating)
}

/** Hints count only where every endpoint has them, and somebody is meant for here. */
function near(all: readonly Candidate[], { node, zone }: Here): readonly Candidate[] {
  const meant = (hints: (endpoint: Endpoint) => readonly { readonly name: string }[] | undefined, name: string) => {
    if (!all.every(({ endpoint }) => hints(endpoint)?.length)) return []
    return all.filter(({ endpoint }) => hints(endpoint)!.some((hint) => hint.name === name))
  }
  const forNode = meant(({ hints }) => hints?.forNodes, node)
  if (forNode.length > 0) return forNode
  const forZone = zone === undefined ? [] : meant(({ hints }) => hints?.forZones, zone)
  return forZone.length > 0 ? forZone : all
}

/** Each once, in an order that does not depend on that of the slices: rules that say the same are the same. */
function listed(found: readonly Candidate[]): readonly Backend[] {
  const byName = new Map(found.map(({ address, port }) => [`${address} ${port}`, { address, port }] as const))
  return [...byName].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, backend]) => backend)
}

/** The addresses of a service that have this family, by what they are. */
export function addressesOf({ spec, status }: Service, family: Family) {
  const fit = (addresses: readonly (string | undefined)[]) =>
    addresses.flatMap((text) => {
      const address = parseIp(text ?? '')
      return address?.family === family ? [formatIp(address)] : []
    })
  return {
    cluster: fit(spec.clusterIPs ?? []),
    external: fit(spec.externalIPs ?? []),
    // Of some providers the traffic does not come through here (KEP-1860).
    balancers: fit((status.loadBalancer?.ingress ?? []).map(({ ip, ipMode }) => (ipMode === 'Proxy' ? undefined : ip))),
  }
}
