import { Namespace } from '../../kinds/core/namespace.ts'
import { Service } from '../../kinds/core/service.ts'
import { EndpointSlice, serviceLabel } from '../../kinds/discovery/endpoint-slice.ts'
import { type Caches, defineIndex } from '../../reconciler/caches.ts'
import type { Names } from './records.ts'

const servicesByAddress = defineIndex(Service, 'address', ({ spec }) => spec.clusterIPs ?? [])

const slicesByService = defineIndex(EndpointSlice, 'service, whoever wrote it', ({ metadata }) => [
  serviceKey(metadata.namespace ?? '', metadata.labels?.[serviceLabel] ?? ''),
])

const slicesByAddress = defineIndex(EndpointSlice, 'address', ({ endpoints }) =>
  (endpoints ?? []).flatMap(({ addresses }) => addresses.slice(0, 1)),
)

const serviceKey = (namespace: string, service: string) => `${namespace}/${service}`

/** Resolves when the caches are filled. From then on the names are always as the caches have them. */
export async function namesOf(caches: Caches): Promise<Names> {
  const [services, slices, namespaces] = [caches.of(Service), caches.of(EndpointSlice), caches.of(Namespace)]
  await Promise.all([services.synced, slices.synced, namespaces.synced])
  return {
    hasNamespace: (name) => namespaces.get('', name) !== undefined,
    service: (namespace, name) => services.get(namespace, name),
    slicesOf: (namespace, service) => slices.by(slicesByService, serviceKey(namespace, service)),
    serviceAt: (address) => [...services.by(servicesByAddress, address)][0],
    slicesAt: (address) => slices.by(slicesByAddress, address),
  }
}
