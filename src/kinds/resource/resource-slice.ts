import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  bool,
  embedded,
  explicit,
  type Infer,
  int64,
  list,
  map,
  object,
  oneOf,
  optional,
  quantity,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { NodeSelector } from '../core/scheduling.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const ResourcePool = object('io.k8s.api.resource.v1.ResourcePool', '', {
  name: required(1, string, ''),
  generation: required(2, int64, ''),
  resourceSliceCount: required(3, int64, ''),
})
export interface ResourcePool extends Infer<typeof ResourcePool> {}

export const DeviceAttribute = object('io.k8s.api.resource.v1.DeviceAttribute', '', {
  int: explicit(2, int64, ''),
  bool: explicit(3, bool, ''),
  string: explicit(4, string, ''),
  version: explicit(5, string, ''),
  ints: optional(6, list(int64, { list: 'atomic' }), ''),
  bools: optional(7, list(bool, { list: 'atomic' }), ''),
  strings: optional(8, list(string, { list: 'atomic' }), ''),
  versions: optional(9, list(string, { list: 'atomic' }), ''),
})
export interface DeviceAttribute extends Infer<typeof DeviceAttribute> {}

export const CapacityRequestPolicyRange = object('io.k8s.api.resource.v1.CapacityRequestPolicyRange', '', {
  min: required(1, quantity, ''),
  max: explicit(2, quantity, ''),
  step: explicit(3, quantity, ''),
})
export interface CapacityRequestPolicyRange extends Infer<typeof CapacityRequestPolicyRange> {}

export const CapacityRequestPolicy = object('io.k8s.api.resource.v1.CapacityRequestPolicy', '', {
  default: explicit(1, quantity, ''),
  validValues: optional(3, list(quantity, { list: 'atomic' }), ''),
  validRange: explicit(4, CapacityRequestPolicyRange, ''),
})
export interface CapacityRequestPolicy extends Infer<typeof CapacityRequestPolicy> {}

export const DeviceCapacity = object('io.k8s.api.resource.v1.DeviceCapacity', '', {
  value: required(1, quantity, ''),
  requestPolicy: explicit(2, CapacityRequestPolicy, ''),
})
export interface DeviceCapacity extends Infer<typeof DeviceCapacity> {}

export const Counter = object('io.k8s.api.resource.v1.Counter', '', {
  value: required(1, quantity, ''),
})
export interface Counter extends Infer<typeof Counter> {}

export const DeviceCounterConsumption = object('io.k8s.api.resource.v1.DeviceCounterConsumption', '', {
  counterSet: required(1, string, ''),
  counters: required(2, map(Counter), ''),
})
export interface DeviceCounterConsumption extends Infer<typeof DeviceCounterConsumption> {}

export const DeviceTaint = object('io.k8s.api.resource.v1.DeviceTaint', '', {
  key: required(1, string, ''),
  value: optional(2, string, ''),
  effect: required(3, oneOf('NoExecute', 'NoSchedule', 'None'), ''),
  timeAdded: explicit(4, time, ''),
})
export interface DeviceTaint extends Infer<typeof DeviceTaint> {}

export const NodeAllocatableResourceMapping = object('io.k8s.api.resource.v1.NodeAllocatableResourceMapping', '', {
  capacityKey: explicit(1, string, ''),
  allocationMultiplier: explicit(2, quantity, ''),
})
export interface NodeAllocatableResourceMapping extends Infer<typeof NodeAllocatableResourceMapping> {}

export const Device = object('io.k8s.api.resource.v1.Device', '', {
  name: required(1, string, ''),
  attributes: optional(2, map(DeviceAttribute), ''),
  capacity: optional(3, map(DeviceCapacity), ''),
  consumesCounters: optional(4, list(DeviceCounterConsumption, { list: 'atomic' }), ''),
  nodeName: explicit(5, string, ''),
  nodeSelector: explicit(6, NodeSelector, ''),
  allNodes: explicit(7, bool, ''),
  taints: optional(8, list(DeviceTaint, { list: 'atomic' }), ''),
  bindsToNode: explicit(9, bool, ''),
  bindingConditions: optional(10, list(string, { list: 'atomic' }), ''),
  bindingFailureConditions: optional(11, list(string, { list: 'atomic' }), ''),
  allowMultipleAllocations: explicit(12, bool, ''),
  nodeAllocatableResourceMappings: optional(13, map(NodeAllocatableResourceMapping), ''),
})
export interface Device extends Infer<typeof Device> {}

export const CounterSet = object('io.k8s.api.resource.v1.CounterSet', '', {
  name: required(1, string, ''),
  counters: required(2, map(Counter), ''),
})
export interface CounterSet extends Infer<typeof CounterSet> {}

export const ResourceSliceSpec = object('io.k8s.api.resource.v1.ResourceSliceSpec', '', {
  driver: required(1, string, ''),
  pool: required(2, ResourcePool, ''),
  nodeName: explicit(3, string, ''),
  nodeSelector: explicit(4, NodeSelector, ''),
  allNodes: explicit(5, bool, ''),
  devices: optional(6, list(Device, { list: 'atomic' }), ''),
  perDeviceNodeSelection: explicit(7, bool, ''),
  sharedCounters: optional(8, list(CounterSet, { list: 'atomic' }), ''),
})
export interface ResourceSliceSpec extends Infer<typeof ResourceSliceSpec> {}

export const resourceSliceSchema = object('io.k8s.api.resource.v1.ResourceSlice', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: required(2, ResourceSliceSpec, ''),
})
export interface ResourceSlice extends Infer<typeof resourceSliceSchema> {}

export const ResourceSlice: Kind<ResourceSlice> = defineKind<ResourceSlice>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  namespaced: false,
  storageVersionHash: 'KsC072WgaEY=',
  schema: resourceSliceSchema,
})
