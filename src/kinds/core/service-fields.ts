/** What the type of a service says about its other fields (the reference's `pkg/api/service` and storage helpers). */

import { equalJson } from '../../schema/freeze.ts'
import type { Service } from './service.ts'

/** A cluster IP that says: none, resolve the name to the pods themselves. */
export const headless = 'None'

export function isHeadless({ spec }: Service): boolean {
  return spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === headless
}

export function needsClusterIp({ spec }: Service): boolean {
  return spec.type === 'ClusterIP' || spec.type === 'NodePort' || spec.type === 'LoadBalancer'
}

export function needsNodePorts({ spec }: Service): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
}

/** A load balancer that sends traffic only to nodes with pods must ask the nodes; they answer at this port. */
export function needsHealthCheckPort({ spec }: Service): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'
}

/** Whether traffic comes in from outside the cluster. */
export function isExternallyAccessible({ spec }: Service): boolean {
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') return true
  return spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0
}

export function nodePortsOf({ spec }: Service): number[] {
  return (spec.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [nodePort] : []))
}

export function sameClusterIps(left: Service, right: Service): boolean {
  return equalJson(left.spec.clusterIPs, right.spec.clusterIPs)
}

export function sameFamilies(left: Service, right: Service): boolean {
  return equalJson(left.spec.ipFamilies, right.spec.ipFamilies)
}
