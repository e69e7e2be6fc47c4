import { Service } from '../kinds/core/service.ts'
import { IPAddress } from '../kinds/networking/ip-address.ts'
import { ServiceCIDR } from '../kinds/networking/service-cidr.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import type { Log } from '../world/world.ts'
import { follow } from './follow.ts'
import type { Resource } from './resource.ts'
import type { ServiceAllocator } from './service-allocation.ts'

/**
 * Lets services have addresses of every ServiceCIDR that is there to stay, and none that an IPAddress gives to something
 * else. Resolves when everything that is there now is known; goes on until the signal.
 * `isShared`: other servers give addresses and ports to services, too.
 */
export async function followServiceRanges(
  allocator: ServiceAllocator,
  resources: <T extends ApiObject>(kind: Kind<T>) => Resource<T>,
  log: Log,
  signal: AbortSignal,
  isShared = false,
): Promise<void> {
  const ranges = new Map<string, readonly string[]>()
  await Promise.all([
    ...(isShared ? [followServices(allocator, resources(Service), log, signal)] : []),
    follow(resources(ServiceCIDR), signal, log, ({ metadata, spec }, isThere) => {
      // From a range that is going no more addresses are given.
      if (isThere && metadata.deletionTimestamp === undefined) ranges.set(metadata.name!, spec.cidrs ?? [])
      else ranges.delete(metadata.name!)
      allocator.useRanges([...ranges.values()].flat())
    }),
    follow(resources(IPAddress), signal, log, ({ metadata, spec }, isThere) => {
      const { group, resource, namespace, name } = spec.parentRef
      // Those of services are known from the services themselves.
      if (!group && resource === 'services') return
      const owner = [group, resource, namespace, name].join('/')
      if (isThere) allocator.adoptAddress(metadata.name!, owner)
      else allocator.forgetAddress(metadata.name!, owner)
    }),
  ])
}

/** What services have that others have written. */
function followServices(
  allocator: ServiceAllocator,
  services: Resource<Service>,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const known = new Map<string, Service>()
  return follow(services, signal, log, (service, isThere) => {
    const { uid = '' } = service.metadata
    const before = known.get(uid)
    if (before) allocator.forget(before)
    if (isThere) {
      known.set(uid, service)
      allocator.adopt(service)
    } else known.delete(uid)
  })
}
