import { secondsTime } from '../base/seconds-time.ts'
import { Service } from '../kinds/core/service.ts'
import { familyOf } from '../kinds/ip-rules.ts'
import { IPAddress } from '../kinds/networking/ip-address.ts'
import type { Mutable } from '../schema/types.ts'
import type { Op } from '../store/store.ts'
import type { Clock, Random } from '../world/world.ts'
import type { ClusterReader } from './admission.ts'
import { entryToStore } from './entry.ts'
import { type Allocation, portsOf, type ServiceAllocator } from './service-allocation.ts'
import { keyOf } from './storage/keys.ts'
import { managersOfNew, setManagers } from './storage/managers.ts'
import { fresh } from './storage/metadata.ts'
import type { Reservation, WriteHook } from './storage/write-hook.ts'

/** Under which it is noted who has a port of all nodes. */
const portKey = (port: number) => `/registry/ranges/nodeports/${port}`

/**
 * Gives services their addresses and ports when they are written, and keeps an IPAddress object for each address in
 * the same transaction (KEP-1880). What is stored already is taken note of at once.
 *
 * `isShared`: other servers write into the same store. Then no two of them give the same address, as nobody makes an
 * IPAddress that is there, nor the same port, for each of which there is a key then.
 */
export function serviceHook(
  allocator: ServiceAllocator,
  reader: ClusterReader,
  world: { readonly clock: Clock; readonly random: Random },
  isShared = false,
): WriteHook<Service> {
  for (const service of reader.list(Service, '')) allocator.adopt(service)
  const add = (service: Service, address: string): Op => {
    const { value, entry } = entryToStore(IPAddress, addressOf(service, address, world))
    return { type: 'put', key: keyOf(IPAddress, '', address), value, memo: entry }
  }
  const remove = (address: string): Op => ({ type: 'delete', from: keyOf(IPAddress, '', address) })
  const addPort = ({ metadata }: Service, port: number): Op => ({
    type: 'put',
    key: portKey(port),
    value: Buffer.from(`${metadata.namespace}/${metadata.name}`),
  })
  const removePort = (port: number): Op => ({ type: 'delete', from: portKey(port) })
  const sharedPorts = ({ ports }: Allocation) => (isShared ? ports : { add: [], remove: [] })
  const reservation = (allocation: Allocation): Reservation<Service> => ({
    ops: (service) => [
      ...allocation.addresses.add.map((address) => add(service, address)),
      ...allocation.addresses.remove.map(remove),
      ...sharedPorts(allocation).add.map((port) => addPort(service, port)),
      ...sharedPorts(allocation).remove.map(removePort),
    ],
    absent: () =>
      isShared
        ? [
            ...allocation.addresses.add.map((address) => keyOf(IPAddress, '', address)),
            ...allocation.ports.add.map(portKey),
          ]
        : [],
    commit: () => allocation.commit(),
    revert: () => allocation.revert(),
  })
  return {
    create: (service, dryRun) => reservation(allocator.create(service, { dryRun })),
    update: (service, old, dryRun) => reservation(allocator.update(service, old, { dryRun })),
    remove(service) {
      const addresses = allocator.remove(service)
      const ports = isShared ? portsOf(service) : []
      return {
        ops: () => [...addresses.map(remove), ...ports.map(removePort)],
        commit: () => {},
        revert: () => allocator.adopt(service),
      }
    },
  }
}

function addressOf(
  { metadata }: Service,
  address: string,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): IPAddress {
  const draft = {
    metadata: {
      name: address,
      uid: random.uuid(),
      creationTimestamp: secondsTime(clock.now()),
      labels: {
        'ipaddress.kubernetes.io/ip-family': familyOf(address) ?? '',
        'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
      },
    },
    spec: { parentRef: { resource: 'services', namespace: metadata.namespace ?? '', name: metadata.name ?? '' } },
  }
  const object = fresh(IPAddress, draft) as Mutable<IPAddress>
  const write = { manager: 'kube-apiserver', now: secondsTime(clock.now()) }
  setManagers(object, managersOfNew(IPAddress, object as unknown as IPAddress, write))
  return object as unknown as IPAddress
}
