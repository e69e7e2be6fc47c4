import { equalJson } from '../../schema/freeze.ts'
import type { Mutable } from '../../schema/types.ts'
import type { Service } from './service.ts'
import {
  isExternallyAccessible,
  needsClusterIp,
  needsHealthCheckPort,
  needsNodePorts,
  nodePortsOf,
  sameClusterIps,
  sameFamilies,
} from './service-fields.ts'

/**
 * Takes away what the old type had and the new one cannot have, where the client left it as it was: so a client may
 * change `type` alone. What the client itself has changed stays, for validation to refuse.
 */
export function dropUnfitFields(service: Mutable<Service>, old: Service): void {
  const { spec } = service
  const fresh = service as unknown as Service
  const ends = (needs: (service: Service) => boolean): boolean => needs(old) && !needs(fresh)
  if (ends(needsClusterIp)) {
    if (sameClusterIps(fresh, old)) {
      spec.clusterIP = undefined
      spec.clusterIPs = undefined
    }
    if (sameFamilies(fresh, old)) spec.ipFamilies = undefined
    if (spec.ipFamilyPolicy === old.spec.ipFamilyPolicy) spec.ipFamilyPolicy = undefined
    if (spec.internalTrafficPolicy === old.spec.internalTrafficPolicy) spec.internalTrafficPolicy = undefined
  }
  if (ends(needsNodePorts) && sameNumbers(nodePortsOf(fresh), nodePortsOf(old))) {
    for (const port of spec.ports ?? []) port.nodePort = undefined
  }
  const { healthCheckNodePort, allocateLoadBalancerNodePorts, loadBalancerClass, externalTrafficPolicy } = old.spec
  if (ends(needsHealthCheckPort) && spec.healthCheckNodePort === healthCheckNodePort) {
    spec.healthCheckNodePort = undefined
  }
  if (ends(isLoadBalancer)) {
    if (spec.allocateLoadBalancerNodePorts === allocateLoadBalancerNodePorts) {
      spec.allocateLoadBalancerNodePorts = undefined
    }
    if (spec.loadBalancerClass === loadBalancerClass) spec.loadBalancerClass = undefined
  }
  if (ends(isExternallyAccessible) && spec.externalTrafficPolicy === externalTrafficPolicy) {
    spec.externalTrafficPolicy = undefined
  }
}

const isLoadBalancer = ({ spec }: Service): boolean => spec.type === 'LoadBalancer'

const sameNumbers = (left: readonly number[], right: readonly number[]): boolean =>
  equalJson([...new Set(left)].sort(), [...new Set(right)].sort())
