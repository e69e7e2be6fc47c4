import type { Pod } from '../../kinds/core/pod.ts'
import { Service, type ServicePort } from '../../kinds/core/service.ts'
import type { CacheChange } from '../../reconciler/caches.ts'
import { nobody, type Wake, type WatchContext } from '../../reconciler/controller.ts'
import { mapMatcherOf } from '../../reconciler/selector.ts'
import { isEqual } from '../shared/equal.ts'
import { areAsReady, isTerminal } from '../shared/pods.ts'

/** For `watch(Pod, …)`: a pod wakes the services that select it, or did, when something that endpoints show has changed. */
export function servicesOf({ object, old }: CacheChange<Pod>, { list }: WatchContext): readonly Wake[] {
  if (object !== undefined && old !== undefined && isAlike(object, old)) return nobody
  return list(Service, (object ?? old!).metadata.namespace).flatMap(({ metadata, spec }) => {
    const matches = mapMatcherOf(spec.selector)
    const isConcerned = (object && matches(object.metadata.labels)) || (old && matches(old.metadata.labels))
    return isConcerned ? [{ namespace: metadata.namespace, name: metadata.name! }] : []
  })
}

function isAlike(a: Pod, b: Pod): boolean {
  return (
    a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
    a.spec.nodeName === b.spec.nodeName &&
    areAsReady(a, b) &&
    isTerminal(a) === isTerminal(b) &&
    isEqual(a.status.podIPs, b.status.podIPs) &&
    isEqual(a.metadata.labels, b.metadata.labels)
  )
}

/** A pod without an address, or that has come to its end, is no endpoint. */
export function isEndpoint(pod: Pod, includeTerminating: boolean): boolean {
  if (isTerminal(pod)) return false
  if (!pod.status.podIP && (pod.status.podIPs ?? []).length === 0) return false
  return includeTerminating || pod.metadata.deletionTimestamp === undefined
}

/** The pod's addresses of one family. */
export function addressesOf({ status }: Pod, family: string): string[] {
  const all = status.podIPs?.map(({ ip }) => ip) ?? (status.podIP ? [status.podIP] : [])
  return all.filter((ip) => ip.includes(':') === (family === 'IPv6'))
}

export const familiesOf = ({ spec }: Service): readonly string[] => {
  if ((spec.ipFamilies ?? []).length > 0) return spec.ipFamilies!
  return [spec.clusterIP?.includes(':') ? 'IPv6' : 'IPv4']
}

export const isHeadless = ({ spec }: Service): boolean => spec.clusterIP === 'None' || !spec.clusterIP

/** The name under which DNS shows the pod, if it asked for one in this service. */
export function hostnameOf({ spec, metadata }: Pod, service: Service): string | undefined {
  const isOurs = spec.subdomain === service.metadata.name && metadata.namespace === service.metadata.namespace
  return spec.hostname && isOurs ? spec.hostname : undefined
}

/** The number of a service's port on this pod; a name is looked up among the pod's own ports. */
export function portOn({ spec }: Pod, { targetPort, protocol = 'TCP', port }: ServicePort): number | undefined {
  if (typeof targetPort === 'number') return targetPort || port
  if (targetPort === undefined || targetPort === '') return port
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  for (const { ports = [] } of [...spec.containers, ...sidecars])
    for (const each of ports)
      if (each.name === targetPort && (each.protocol ?? 'TCP') === protocol) return each.containerPort
  return undefined
}

export function referenceTo({ metadata: { namespace, name, uid } }: Pod) {
  return { kind: 'Pod', namespace, name, uid }
}
