import { defineKind, type Kind } from '../../schema/kind.ts'
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
import { NodeSelector } from '../core/scheduling.ts'
import { Condition } from '../meta/condition.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { DeviceConfiguration, DeviceToleration, ResourceClaimSpec } from './shared.ts'

export const DeviceRequestAllocationResult = object('io.k8s.api.resource.v1.DeviceRequestAllocationResult', '', {
  request: required(1, string, ''),
  driver: required(2, string, ''),
  pool: required(3, string, ''),
  device: required(4, string, ''),
  adminAccess: explicit(5, bool, ''),
  tolerations: optional(6, list(DeviceToleration, { list: 'atomic' }), ''),
  bindingConditions: optional(7, list(string, { list: 'atomic' }), ''),
  bindingFailureConditions: optional(8, list(string, { list: 'atomic' }), ''),
  shareID: explicit(9, string, ''),
  consumedCapacity: optional(10, map(quantity), ''),
})
export interface DeviceRequestAllocationResult extends Infer<typeof DeviceRequestAllocationResult> {}

export const DeviceAllocationConfiguration = object('io.k8s.api.resource.v1.DeviceAllocationConfiguration', '', {
  source: required(1, oneOf('FromClaim', 'FromClass'), ''),
  requests: optional(2, list(string, { list: 'atomic' }), ''),
  ...inline(3, DeviceConfiguration),
})
export interface DeviceAllocationConfiguration extends Infer<typeof DeviceAllocationConfiguration> {}

export const DeviceAllocationResult = object('io.k8s.api.resource.v1.DeviceAllocationResult', '', {
  results: optional(1, list(DeviceRequestAllocationResult, { list: 'atomic' }), ''),
  config: optional(2, list(DeviceAllocationConfiguration, { list: 'atomic' }), ''),
})
export interface DeviceAllocationResult extends Infer<typeof DeviceAllocationResult> {}

export const AllocationResult = object('io.k8s.api.resource.v1.AllocationResult', '', {
  devices: embedded(1, DeviceAllocationResult, ''),
  nodeSelector: explicit(3, NodeSelector, ''),
  allocationTimestamp: explicit(5, time, ''),
})
export interface AllocationResult extends Infer<typeof AllocationResult> {}

export const ResourceClaimConsumerReference = object('io.k8s.api.resource.v1.ResourceClaimConsumerReference', '', {
  apiGroup: optional(1, string, ''),
  resource: required(3, string, ''),
  name: required(4, string, ''),
  uid: required(5, string, ''),
})
export interface ResourceClaimConsumerReference extends Infer<typeof ResourceClaimConsumerReference> {}

export const NetworkDeviceData = object('io.k8s.api.resource.v1.NetworkDeviceData', '', {
  interfaceName: optional(1, string, ''),
  ips: optional(2, list(string, { list: 'atomic' }), ''),
  hardwareAddress: optional(3, string, ''),
})
export interface NetworkDeviceData extends Infer<typeof NetworkDeviceData> {}

export const AllocatedDeviceStatus = object('io.k8s.api.resource.v1.AllocatedDeviceStatus', '', {
  driver: required(1, string, ''),
  pool: required(2, string, ''),
  device: required(3, string, ''),
  shareID: explicit(7, string, ''),
  conditions: optional(4, list(Condition, { list: ['type'] }), ''),
  data: optional(5, rawObject, ''),
  networkData: explicit(6, NetworkDeviceData, ''),
})
export interface AllocatedDeviceStatus extends Infer<typeof AllocatedDeviceStatus> {}

export const ResourceClaimStatus = object('io.k8s.api.resource.v1.ResourceClaimStatus', '', {
  allocation: explicit(1, AllocationResult, ''),
  reservedFor: optional(2, list(ResourceClaimConsumerReference, { list: ['uid'], merge: 'uid' }), ''),
  devices: optional(4, list(AllocatedDeviceStatus, { list: ['driver', 'device', 'pool', 'shareID'] }), ''),
})
export interface ResourceClaimStatus extends Infer<typeof ResourceClaimStatus> {}

export const resourceClaimSchema = object('io.k8s.api.resource.v1.ResourceClaim', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: required(2, ResourceClaimSpec, ''),
  status: embedded(3, ResourceClaimStatus, ''),
})
export interface ResourceClaim extends Infer<typeof resourceClaimSchema> {}

export const ResourceClaim: Kind<ResourceClaim> = defineKind<ResourceClaim>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  plural: 'resourceclaims',
  namespaced: true,
  storageVersionHash: 'wgAZaHcZxUg=',
  schema: resourceClaimSchema,
  status: {},
})
