import { Service } from '../kinds/core/service.ts'
import { familyOf } from '../kinds/ip-rules.ts'
import { IPAddress } from '../kinds/networking/ip-address.ts'
import { again, confirm, create, event, remove, type Steps } from '../reconciler/changes.ts'
import { type Controller, defineController, watch } from '../reconciler/controller.ts'
import { isAlreadyExists } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'
import { isBeingDeleted, timeOf } from './shared/owner.ts'

const manager = 'ipallocator.k8s.io'
const managedByLabel = 'ipaddress.kubernetes.io/managed-by'
/** An address may be known before the service that it was made for. */
const graceMs = 60_000

const names = { name: 'service-address-repair-controller', serviceAccount: 'service-cidrs-controller' }

/** Makes the IPAddress objects of services that somebody deleted (KEP-1880): without them others could take the address. */
const missing = defineController<Service>({
  ...names,
  eventSource: 'ipallocator-repair-controller',
  reconciles: Service,
  writes: [IPAddress],
  watches: [
    watch(IPAddress, ({ object, old }) => {
      const service = object === undefined ? serviceOf(old!) : undefined
      return service ? [service] : []
    }),
  ],
  wakes: ({ old }) => old === undefined,

  *reconcile(service, { get }) {
    if (isBeingDeleted(service)) return
    for (const address of addressesOf(service))
      if (get(IPAddress, { name: address }) === undefined) yield* restore(service, address)
  },
})

/** Deletes IPAddress objects that were made for services that do not have them. */
const leaked = defineController<IPAddress>({
  ...names,
  eventSource: 'ipallocator-repair-controller',
  reconciles: IPAddress,
  watches: [
    watch(Service, ({ object, old }) =>
      object === undefined ? addressesOf(old!).map((address) => ({ name: address })) : [],
    ),
  ],
  wakes: ({ old }) => old === undefined,

  *reconcile(address, context) {
    const ref = serviceOf(address)
    if (ref === undefined || address.metadata.labels?.[managedByLabel] !== manager) return
    const { name = '' } = address.metadata
    const service = context.get(Service, ref)
    if (service !== undefined && addressesOf(service).includes(name)) return
    const leftMs = timeOf(address.metadata.creationTimestamp) + graceMs - context.now
    if (leftMs > 0) return void (yield again(leftMs))
    const what = `IPAddress: ${name} for Service ${ref.namespace}/${ref.name}`
    if (service === undefined)
      yield event('IPAddressNotAllocated', `${what} appears to have leaked: cleaning up`, 'Warning')
    else yield event('IPAddressWrongReference', `${what} has a wrong reference; cleaning up`, 'Warning')
    yield remove(IPAddress, address)
  },
})

export const serviceAddressRepair: readonly Controller[] = [missing, leaked]

function serviceOf({ spec: { parentRef } }: IPAddress): { namespace: string; name: string } | undefined {
  const { group, resource, namespace = '', name } = parentRef
  return !group && resource === 'services' ? { namespace, name } : undefined
}

const addressesOf = ({ spec }: Service): readonly string[] =>
  spec.type === 'ExternalName' ? [] : (spec.clusterIPs ?? []).filter((address) => address !== '' && address !== 'None')

/** The cache may still show a service that is gone, and whose address went with it. */
function* restore(service: Service, address: string): Steps {
  yield confirm(Service, service)
  try {
    yield create(IPAddress, addressFor(service, address))
  } catch (error) {
    if (isAlreadyExists(error)) return
    throw error
  }
  const message = `Cluster IP [${familyOf(address)}]: ${address} is not allocated; repairing`
  yield event('ClusterIPNotAllocated', message, 'Warning')
}

function addressFor({ metadata }: Service, address: string): Draft<IPAddress> {
  const { namespace, name = '' } = metadata
  return {
    metadata: {
      name: address,
      labels: { 'ipaddress.kubernetes.io/ip-family': familyOf(address) ?? '', [managedByLabel]: manager },
    },
    spec: { parentRef: { resource: 'services', namespace, name } },
  }
}
