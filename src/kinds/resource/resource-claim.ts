import { equalJson } from '../../schema/freeze.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import {
  bool,
  embedded,
  explicit,
  type Infer,
  inline,
  list,
  map,
  object,
  oneOf,
  optional,
  quantity,
  rawObject,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { NodeSelector } from '../core/scheduling.ts'
import { goValue } from '../go-value.ts'
import { Condition } from '../meta/condition.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { immutable } from '../rules.ts'
import { DeviceConfiguration, DeviceToleration, ResourceClaimSpec } from './shared.ts'
import { fillRequests, validateClaimSpec } from './validation.ts'

export const DeviceRequestAllocationResult = object(
  'io.k8s.api.resource.v1.DeviceRequestAllocationResult',
  'One device that was allocated for a request.',
  {
    request: required(1, string, 'The request that the device meets, as main or main/sub.'),
    driver: required(2, string, 'Driver of the device.'),
    pool: required(3, string, 'Pool of the device.'),
    device: required(4, string, 'Name of the device, unique in its pool.'),
    adminAccess: explicit(5, bool, 'Whether the device was allocated for administration.'),
    tolerations: optional(6, list(DeviceToleration, { list: 'atomic' }), 'Taints that the request accepted.'),
    bindingConditions: optional(
      7,
      list(string, { list: 'atomic' }),
      'Conditions of the device that must be true before the pod is bound; copied from the slice.',
    ),
    bindingFailureConditions: optional(
      8,
      list(string, { list: 'atomic' }),
      'Conditions of the device that end the attempt to bind; copied from the slice.',
    ),
    shareID: explicit(9, string, 'Identifies one share of a device with multiple allocations.'),
    consumedCapacity: optional(10, map(quantity), 'How much of the capacity of the device is taken by this claim.'),
  },
)
export interface DeviceRequestAllocationResult extends Infer<typeof DeviceRequestAllocationResult> {}

export const DeviceAllocationConfiguration = object(
  'io.k8s.api.resource.v1.DeviceAllocationConfiguration',
  'Configuration of allocated devices.',
  {
    source: required(
      1,
      oneOf('FromClaim', 'FromClass'),
      'FromClass or FromClaim, wherever the configuration comes from.',
    ),
    requests: optional(2, list(string, { list: 'atomic' }), 'Requests whose devices are configured; absent means all.'),
    ...inline(3, DeviceConfiguration),
  },
)
export interface DeviceAllocationConfiguration extends Infer<typeof DeviceAllocationConfiguration> {}

export const DeviceAllocationResult = object(
  'io.k8s.api.resource.v1.DeviceAllocationResult',
  'Devices that were allocated.',
  {
    results: optional(
      1,
      list(DeviceRequestAllocationResult, { list: 'atomic' }),
      'The devices, one for each device that a request got.',
    ),
    config: optional(
      2,
      list(DeviceAllocationConfiguration, { list: 'atomic' }),
      'Configuration for the drivers; that of classes first, then that of the claim.',
    ),
  },
)
export interface DeviceAllocationResult extends Infer<typeof DeviceAllocationResult> {}

export const AllocationResult = object('io.k8s.api.resource.v1.AllocationResult', 'What was allocated for a claim.', {
  devices: embedded(1, DeviceAllocationResult, 'Devices that were allocated.'),
  nodeSelector: explicit(3, NodeSelector, 'Nodes from which the devices can be used; absent means all.'),
  allocationTimestamp: explicit(5, time, 'When the devices were allocated.'),
})
export interface AllocationResult extends Infer<typeof AllocationResult> {}

export const ResourceClaimConsumerReference = object(
  'io.k8s.api.resource.v1.ResourceClaimConsumerReference',
  'Names somebody who uses a claim.',
  {
    apiGroup: optional(1, string, 'API group of the object; empty for the core group.'),
    resource: required(3, string, 'Resource of the object, such as pods.'),
    name: required(4, string, 'Name of the object.'),
    uid: required(5, string, 'UID of the object.'),
  },
)
export interface ResourceClaimConsumerReference extends Infer<typeof ResourceClaimConsumerReference> {}

export const NetworkDeviceData = object(
  'io.k8s.api.resource.v1.NetworkDeviceData',
  'What is known about a network device.',
  {
    interfaceName: optional(1, string, 'Name of the network interface in the pod.'),
    ips: optional(2, list(string, { list: 'atomic' }), 'Addresses of the interface, each with its prefix length.'),
    hardwareAddress: optional(3, string, 'Hardware address of the interface.'),
  },
)
export interface NetworkDeviceData extends Infer<typeof NetworkDeviceData> {}

export const AllocatedDeviceStatus = object(
  'io.k8s.api.resource.v1.AllocatedDeviceStatus',
  'What a driver reports about an allocated device.',
  {
    driver: required(1, string, 'Driver of the device.'),
    pool: required(2, string, 'Pool of the device.'),
    device: required(3, string, 'Name of the device, unique in its pool.'),
    shareID: explicit(7, string, 'The share of the device; absent when it is not shared.'),
    conditions: optional(4, list(Condition, { list: ['type'] }), 'Aspects of the state of the device; at most 8.'),
    data: optional(5, rawObject, 'Anything else that the driver reports; at most 10 KiB.'),
    networkData: explicit(6, NetworkDeviceData, 'What is known about a network device.'),
  },
)
export interface AllocatedDeviceStatus extends Infer<typeof AllocatedDeviceStatus> {}

export const ResourceClaimStatus = object(
  'io.k8s.api.resource.v1.ResourceClaimStatus',
  'What is known about a claim.',
  {
    allocation: explicit(1, AllocationResult, 'What was allocated; absent while nothing is.'),
    reservedFor: optional(
      2,
      list(ResourceClaimConsumerReference, { list: ['uid'], merge: 'uid' }),
      'Those who may use the claim, at most 256; while there is one, it stays allocated.',
    ),
    devices: optional(
      4,
      list(AllocatedDeviceStatus, { list: ['driver', 'device', 'pool', 'shareID'] }),
      'What drivers report about the devices.',
    ),
  },
)
export interface ResourceClaimStatus extends Infer<typeof ResourceClaimStatus> {}

export const resourceClaimSchema = object(
  'io.k8s.api.resource.v1.ResourceClaim',
  'A wish for devices, which a scheduler meets and pods use.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: required(2, ResourceClaimSpec, 'What is wished; cannot be changed.'),
    status: embedded(3, ResourceClaimStatus, 'What was allocated, and who uses it.'),
  },
)
export interface ResourceClaim extends Infer<typeof resourceClaimSchema> {}

export const ResourceClaim: Kind<ResourceClaim> = defineKind<ResourceClaim>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  plural: 'resourceclaims',
  namespaced: true,
  storageVersionHash: 'wgAZaHcZxUg=',
  schema: resourceClaimSchema,
  nameRule: subdomainNameRule,
  defaults: ({ spec }) => fillRequests(spec.devices),
  prepareCreate(claim) {
    claim.status = {}
  },
  prepareUpdate(claim, old) {
    claim.status = structuredClone(old.status) as Mutable<ResourceClaimStatus>
  },
  validate: ({ spec }, errors) => validateClaimSpec('spec', spec, errors),
  validateUpdate({ spec }, old, errors) {
    if (equalJson(spec, old.spec)) return
    errors.invalid('spec', goValue(ResourceClaimSpec, spec), immutable)
  },
  status: {},
  columns: [nameColumn, textColumn('State', 'Whether devices are allocated and reserved.', stateText), ageColumn],
})

function stateText({ metadata, status }: ResourceClaim): string {
  const states: string[] = []
  if (metadata.deletionTimestamp !== undefined) states.push('deleted')
  if (status.allocation === undefined) {
    if (metadata.deletionTimestamp === undefined) states.push('pending')
  } else {
    states.push('allocated')
    states.push(status.reservedFor?.length ? 'reserved' : 'available')
  }
  return states.filter((state) => state !== 'available').join(',')
}
