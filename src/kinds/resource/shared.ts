import {
  bool,
  embedded,
  explicit,
  type Infer,
  inline,
  int64,
  list,
  map,
  object,
  oneOf,
  optional,
  quantity,
  rawObject,
  required,
  string,
} from '../../schema/types.ts'

export const CELDeviceSelector = object(
  'io.k8s.api.resource.v1.CELDeviceSelector',
  'Selects devices by a CEL expression.',
  {
    expression: required(1, string, 'CEL expression of type bool over device: its driver, attributes and capacity.'),
  },
)
export interface CELDeviceSelector extends Infer<typeof CELDeviceSelector> {}

export const CapacityRequirements = object(
  'io.k8s.api.resource.v1.CapacityRequirements',
  'How much of the capacity of a device is asked for.',
  {
    requests: optional(
      1,
      map(quantity),
      'Amounts by name of the capacity; one that is not named takes the default of the device.',
    ),
  },
)
export interface CapacityRequirements extends Infer<typeof CapacityRequirements> {}

export const DeviceSelector = object(
  'io.k8s.api.resource.v1.DeviceSelector',
  'Selects devices; exactly one member is set.',
  {
    cel: explicit(1, CELDeviceSelector, 'Selection by a CEL expression.'),
  },
)
export interface DeviceSelector extends Infer<typeof DeviceSelector> {}

export const DeviceToleration = object(
  'io.k8s.api.resource.v1.DeviceToleration',
  'Accepts the device taints that match it.',
  {
    key: optional(1, string, 'Key of the taint; empty with Exists matches every key.'),
    operator: optional(2, oneOf('Equal', 'Exists'), 'Equal or Exists; Equal when absent. Exists matches any value.', {
      default: 'Equal',
    }),
    value: optional(3, string, 'Value of the taint; empty with Exists.'),
    effect: optional(4, oneOf('NoExecute', 'NoSchedule', 'None'), 'Effect of the taint; empty matches every effect.'),
    tolerationSeconds: explicit(
      5,
      int64,
      'Seconds that a NoExecute taint is tolerated; absent means for ever, 0 or less drives away at once.',
    ),
  },
)
export interface DeviceToleration extends Infer<typeof DeviceToleration> {}

export const ExactDeviceRequest = object(
  'io.k8s.api.resource.v1.ExactDeviceRequest',
  'A request for devices of one class.',
  {
    deviceClassName: required(1, string, 'Class of the devices; needed.'),
    selectors: optional(
      2,
      list(DeviceSelector, { list: 'atomic' }),
      'Further conditions on the devices, all of which must hold; at most 32.',
    ),
    allocationMode: optional(
      3,
      oneOf('All', 'ExactCount'),
      'ExactCount for a number of devices, All for every match; ExactCount when absent.',
    ),
    count: optional(4, int64, 'How many devices are asked for with ExactCount; 1 when absent.'),
    adminAccess: explicit(
      5,
      bool,
      'Whether devices in use by others may be accessed for administration; only in namespaces labelled for that.',
    ),
    tolerations: optional(
      6,
      list(DeviceToleration, { list: 'atomic' }),
      'Taints of devices that are accepted; at most 16.',
    ),
    capacity: explicit(7, CapacityRequirements, 'How much of the capacity of each device is asked for.'),
  },
)
export interface ExactDeviceRequest extends Infer<typeof ExactDeviceRequest> {}

export const DeviceSubRequest = object('io.k8s.api.resource.v1.DeviceSubRequest', 'One alternative of a request.', {
  name: required(1, string, 'Name of the alternative; together they are called main/sub. Unique in the request.'),
  deviceClassName: required(2, string, 'Class of the devices; needed.'),
  selectors: optional(
    3,
    list(DeviceSelector, { list: 'atomic' }),
    'Further conditions on the devices, all of which must hold; at most 32.',
  ),
  allocationMode: optional(
    4,
    oneOf('All', 'ExactCount'),
    'ExactCount for a number of devices, All for every match; ExactCount when absent.',
  ),
  count: optional(5, int64, 'How many devices are asked for with ExactCount; 1 when absent.'),
  tolerations: optional(
    6,
    list(DeviceToleration, { list: 'atomic' }),
    'Taints of devices that are accepted; at most 16.',
  ),
  capacity: explicit(7, CapacityRequirements, 'How much of the capacity of each device is asked for.'),
})
export interface DeviceSubRequest extends Infer<typeof DeviceSubRequest> {}

export const DeviceRequest = object(
  'io.k8s.api.resource.v1.DeviceRequest',
  'A request for devices; either exactly or firstAvailable is set.',
  {
    name: required(1, string, 'Name of the request; a DNS label, unique in the claim.'),
    exactly: explicit(2, ExactDeviceRequest, 'The request itself.'),
    firstAvailable: optional(
      3,
      list(DeviceSubRequest, { list: 'atomic' }),
      'Alternatives, of which the first that can be met counts; at most 8.',
    ),
  },
)
export interface DeviceRequest extends Infer<typeof DeviceRequest> {}

export const DeviceConstraint = object(
  'io.k8s.api.resource.v1.DeviceConstraint',
  'A constraint on several devices together; one of the attributes is set.',
  {
    requests: optional(
      1,
      list(string, { list: 'atomic' }),
      'Requests whose devices are meant; absent means all of the claim.',
    ),
    matchAttribute: explicit(2, string, 'Attribute that all devices must have with the same value.'),
    distinctAttribute: explicit(3, string, 'Attribute whose value must differ between all devices.'),
  },
)
export interface DeviceConstraint extends Infer<typeof DeviceConstraint> {}

export const OpaqueDeviceConfiguration = object(
  'io.k8s.api.resource.v1.OpaqueDeviceConfiguration',
  'Parameters that only the driver understands.',
  {
    driver: required(1, string, 'Driver for which the parameters are meant.'),
    parameters: required(2, rawObject, 'Parameters as an object with apiVersion and kind; at most 10 KiB.'),
  },
)
export interface OpaqueDeviceConfiguration extends Infer<typeof OpaqueDeviceConfiguration> {}

export const DeviceConfiguration = object(
  'io.k8s.api.resource.v1.DeviceConfiguration',
  'Configuration of devices; exactly one member is set.',
  {
    opaque: explicit(1, OpaqueDeviceConfiguration, 'Parameters that only the driver understands.'),
  },
)
export interface DeviceConfiguration extends Infer<typeof DeviceConfiguration> {}

export const DeviceClaimConfiguration = object(
  'io.k8s.api.resource.v1.DeviceClaimConfiguration',
  'Configuration of the devices of a claim.',
  {
    requests: optional(1, list(string, { list: 'atomic' }), 'Requests whose devices are configured; absent means all.'),
    ...inline(2, DeviceConfiguration),
  },
)
export interface DeviceClaimConfiguration extends Infer<typeof DeviceClaimConfiguration> {}

export const DeviceClaim = object('io.k8s.api.resource.v1.DeviceClaim', 'Devices that a claim asks for.', {
  requests: embedded(1, list(DeviceRequest, { list: 'atomic' }), 'The requests, all of which must be met; at most 32.'),
  constraints: optional(
    2,
    list(DeviceConstraint, { list: 'atomic' }),
    'Constraints on several devices together; at most 32.',
  ),
  config: optional(
    3,
    list(DeviceClaimConfiguration, { list: 'atomic' }),
    'Configuration of the devices, for their drivers; at most 32.',
  ),
})
export interface DeviceClaim extends Infer<typeof DeviceClaim> {}

export const ResourceClaimSpec = object(
  'io.k8s.api.resource.v1.ResourceClaimSpec',
  'What is wished of a claim; cannot be changed.',
  {
    devices: embedded(1, DeviceClaim, 'Devices that are asked for.'),
  },
)
export interface ResourceClaimSpec extends Infer<typeof ResourceClaimSpec> {}
