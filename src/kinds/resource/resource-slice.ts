import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
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
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { NodeSelector } from '../core/scheduling.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, keepsValue, startGeneration } from '../rules.ts'
import { validateSlice } from './slice-validation.ts'

export const ResourcePool = object(
  'io.k8s.api.resource.v1.ResourcePool',
  'The pool to which the devices of a slice belong.',
  {
    name: required(1, string, 'Name of the pool; often that of the node.'),
    generation: required(2, int64, 'Number of the state of the pool; slices of an older generation are ignored.'),
    resourceSliceCount: required(
      3,
      int64,
      'How many slices the pool has in this generation; with fewer it is incomplete and not used.',
    ),
  },
)
export interface ResourcePool extends Infer<typeof ResourcePool> {}

export const DeviceAttribute = object(
  'io.k8s.api.resource.v1.DeviceAttribute',
  'Value of an attribute; exactly one member is set.',
  {
    int: explicit(2, int64, 'A single whole number.'),
    bool: explicit(3, bool, 'A single value, true or false.'),
    string: explicit(4, string, 'A text of at most 64 characters.'),
    version: explicit(5, string, 'A semantic version of at most 64 characters.'),
    ints: optional(6, list(int64, { list: 'atomic' }), 'A list of whole numbers.'),
    bools: optional(7, list(bool, { list: 'atomic' }), 'A list of true and false.'),
    strings: optional(8, list(string, { list: 'atomic' }), 'A list of texts, each of at most 64 characters.'),
    versions: optional(
      9,
      list(string, { list: 'atomic' }),
      'A list of semantic versions, each of at most 64 characters.',
    ),
  },
)
export interface DeviceAttribute extends Infer<typeof DeviceAttribute> {}

export const CapacityRequestPolicyRange = object(
  'io.k8s.api.resource.v1.CapacityRequestPolicyRange',
  'A range of amounts that may be asked for.',
  {
    min: required(1, quantity, 'Smallest amount; requests are rounded up to it.'),
    max: explicit(2, quantity, 'Largest amount; absent means no limit other than the capacity.'),
    step: explicit(3, quantity, 'Distance between valid amounts, from min on; requests are rounded up.'),
  },
)
export interface CapacityRequestPolicyRange extends Infer<typeof CapacityRequestPolicyRange> {}

export const CapacityRequestPolicy = object(
  'io.k8s.api.resource.v1.CapacityRequestPolicy',
  'How a capacity may be asked for; validValues and validRange exclude each other.',
  {
    default: explicit(1, quantity, 'Amount that a request without one takes; needed with valid values or range.'),
    validValues: optional(
      3,
      list(quantity, { list: 'atomic' }),
      'The amounts that may be taken, ascending; requests are rounded up to one of them.',
    ),
    validRange: explicit(4, CapacityRequestPolicyRange, 'The range of amounts that may be taken.'),
  },
)
export interface CapacityRequestPolicy extends Infer<typeof CapacityRequestPolicy> {}

export const DeviceCapacity = object('io.k8s.api.resource.v1.DeviceCapacity', 'A capacity of a device.', {
  value: required(1, quantity, 'How much there is.'),
  requestPolicy: explicit(
    2,
    CapacityRequestPolicy,
    'How much may be asked for; absent means that each request takes all.',
  ),
})
export interface DeviceCapacity extends Infer<typeof DeviceCapacity> {}

export const Counter = object('io.k8s.api.resource.v1.Counter', 'An amount of something that devices share.', {
  value: required(1, quantity, 'How much there is, or how much is taken.'),
})
export interface Counter extends Infer<typeof Counter> {}

export const DeviceCounterConsumption = object(
  'io.k8s.api.resource.v1.DeviceCounterConsumption',
  'What a device takes from a set of counters.',
  {
    counterSet: required(1, string, 'Name of the set of counters.'),
    counters: required(2, map(Counter), 'What is taken from each counter.'),
  },
)
export interface DeviceCounterConsumption extends Infer<typeof DeviceCounterConsumption> {}

export const DeviceTaint = object(
  'io.k8s.api.resource.v1.DeviceTaint',
  'A mark on a device that keeps away pods whose claims do not tolerate it.',
  {
    key: required(1, string, 'Key of the taint.'),
    value: optional(2, string, 'Value that belongs to the key.'),
    effect: required(
      3,
      oneOf('NoExecute', 'NoSchedule', 'None'),
      'NoSchedule keeps new pods away, NoExecute also drives running ones away, None only informs.',
    ),
    timeAdded: explicit(4, time, 'When the taint was added; set by the server when absent.'),
  },
)
export interface DeviceTaint extends Infer<typeof DeviceTaint> {}

export const NodeAllocatableResourceMapping = object(
  'io.k8s.api.resource.v1.NodeAllocatableResourceMapping',
  'How much of a node resource, such as memory, the allocation of a device takes.',
  {
    capacityKey: explicit(
      1,
      string,
      'Capacity of the device from which the amount is taken; absent takes the number of devices.',
    ),
    allocationMultiplier: explicit(2, quantity, 'Factor by which that amount is multiplied; 1 when absent.'),
  },
)
export interface NodeAllocatableResourceMapping extends Infer<typeof NodeAllocatableResourceMapping> {}

export const Device = object('io.k8s.api.resource.v1.Device', 'One device that a driver offers.', {
  name: required(1, string, 'Name of the device; a DNS label, unique in the pool.'),
  attributes: optional(2, map(DeviceAttribute), 'Attributes by name; names without a domain belong to the driver.'),
  capacity: optional(3, map(DeviceCapacity), 'Capacities by name; names without a domain belong to the driver.'),
  consumesCounters: optional(
    4,
    list(DeviceCounterConsumption, { list: 'atomic' }),
    'What the device takes from shared counters when it is allocated.',
  ),
  nodeName: explicit(5, string, 'Node from which the device can be used; only with perDeviceNodeSelection.'),
  nodeSelector: explicit(6, NodeSelector, 'Nodes from which the device can be used; only with perDeviceNodeSelection.'),
  allNodes: explicit(7, bool, 'Whether all nodes can use the device; only with perDeviceNodeSelection.'),
  taints: optional(8, list(DeviceTaint, { list: 'atomic' }), 'Marks that keep pods away; at most 16.'),
  bindsToNode: explicit(9, bool, 'Whether allocation ties the claim to the chosen node.'),
  bindingConditions: optional(
    10,
    list(string, { list: 'atomic' }),
    'Conditions that must be true before a pod is bound; at most 4. Needs bindingFailureConditions.',
  ),
  bindingFailureConditions: optional(
    11,
    list(string, { list: 'atomic' }),
    'Conditions of which one ends the attempt to bind; at most 4. Needs bindingConditions.',
  ),
  allowMultipleAllocations: explicit(
    12,
    bool,
    'Whether several claims may share the device, as far as its capacity goes.',
  ),
  nodeAllocatableResourceMappings: optional(
    13,
    map(NodeAllocatableResourceMapping),
    'Node resources that the allocation takes, by name of the resource.',
  ),
})
export interface Device extends Infer<typeof Device> {}

export const CounterSet = object('io.k8s.api.resource.v1.CounterSet', 'A set of counters that devices share.', {
  name: required(1, string, 'Name of the set; a DNS label, unique in the pool.'),
  counters: required(2, map(Counter), 'The counters by name.'),
})
export interface CounterSet extends Infer<typeof CounterSet> {}

export const ResourceSliceSpec = object(
  'io.k8s.api.resource.v1.ResourceSliceSpec',
  'Part of the devices of a pool; one of the four ways to say which nodes can use them is set.',
  {
    driver: required(1, string, 'Driver that offers the devices; cannot be changed.'),
    pool: required(2, ResourcePool, 'The pool to which the devices belong.'),
    nodeName: explicit(3, string, 'Node from which all devices can be used; cannot be changed.'),
    nodeSelector: explicit(4, NodeSelector, 'Nodes from which all devices can be used; one term.'),
    allNodes: explicit(5, bool, 'Whether all nodes can use all devices.'),
    devices: optional(6, list(Device, { list: 'atomic' }), 'The devices; excludes sharedCounters.'),
    perDeviceNodeSelection: explicit(7, bool, 'Whether each device says which nodes can use it.'),
    sharedCounters: optional(
      8,
      list(CounterSet, { list: 'atomic' }),
      'Counters that devices of the pool share; excludes devices.',
    ),
  },
)
export interface ResourceSliceSpec extends Infer<typeof ResourceSliceSpec> {}

export const resourceSliceSchema = object(
  'io.k8s.api.resource.v1.ResourceSlice',
  'Devices that a driver offers; several slices can make up a pool.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: required(2, ResourceSliceSpec, 'The devices and their pool.'),
  },
)
export interface ResourceSlice extends Infer<typeof resourceSliceSchema> {}

export const ResourceSlice: Kind<ResourceSlice> = defineKind<ResourceSlice>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  namespaced: false,
  storageVersionHash: 'KsC072WgaEY=',
  schema: resourceSliceSchema,
  nameRule: subdomainNameRule,
  prepareCreate: startGeneration,
  prepareUpdate: (slice, old) => countChange(slice, old, ({ spec }) => spec),
  validate: validateSlice,
  validateUpdate(slice, old, errors) {
    validateSlice(slice, errors)
    keepsValue('spec.driver', slice.spec.driver, old.spec.driver, errors)
    keepsValue('spec.pool.name', slice.spec.pool.name, old.spec.pool.name, errors)
    keepsValue('spec.nodeName', slice.spec.nodeName, old.spec.nodeName, errors)
  },
  selectableFields: {
    'spec.driver': ({ spec }) => spec.driver,
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
  },
  columns: [
    nameColumn,
    textColumn('Node', 'The node that has the devices.', ({ spec }) => spec.nodeName || '<unset>'),
    textColumn('Driver', 'The driver of the devices.', ({ spec }) => spec.driver),
    textColumn('Pool', 'The pool that the devices belong to.', ({ spec }) => spec.pool.name),
    ageColumn,
  ],
})
