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

export const CELDeviceSelector = object('io.k8s.api.resource.v1.CELDeviceSelector', '', {
  expression: required(1, string, ''),
})
export interface CELDeviceSelector extends Infer<typeof CELDeviceSelector> {}

export const CapacityRequirements = object('io.k8s.api.resource.v1.CapacityRequirements', '', {
  requests: optional(1, map(quantity), ''),
})
export interface CapacityRequirements extends Infer<typeof CapacityRequirements> {}

export const DeviceSelector = object('io.k8s.api.resource.v1.DeviceSelector', '', {
  cel: explicit(1, CELDeviceSelector, ''),
})
export interface DeviceSelector extends Infer<typeof DeviceSelector> {}

export const DeviceToleration = object('io.k8s.api.resource.v1.DeviceToleration', '', {
  key: optional(1, string, ''),
  operator: optional(2, oneOf('Equal', 'Exists'), '', { default: 'Equal' }),
  value: optional(3, string, ''),
  effect: optional(4, oneOf('NoExecute', 'NoSchedule', 'None'), ''),
  tolerationSeconds: explicit(5, int64, ''),
})
export interface DeviceToleration extends Infer<typeof DeviceToleration> {}

export const ExactDeviceRequest = object('io.k8s.api.resource.v1.ExactDeviceRequest', '', {
  deviceClassName: required(1, string, ''),
  selectors: optional(2, list(DeviceSelector, { list: 'atomic' }), ''),
  allocationMode: optional(3, oneOf('All', 'ExactCount'), ''),
  count: optional(4, int64, ''),
  adminAccess: explicit(5, bool, ''),
  tolerations: optional(6, list(DeviceToleration, { list: 'atomic' }), ''),
  capacity: explicit(7, CapacityRequirements, ''),
})
export interface ExactDeviceRequest extends Infer<typeof ExactDeviceRequest> {}

export const DeviceSubRequest = object('io.k8s.api.resource.v1.DeviceSubRequest', '', {
  name: required(1, string, ''),
  deviceClassName: required(2, string, ''),
  selectors: optional(3, list(DeviceSelector, { list: 'atomic' }), ''),
  allocationMode: optional(4, oneOf('All', 'ExactCount'), ''),
  count: optional(5, int64, ''),
  tolerations: optional(6, list(DeviceToleration, { list: 'atomic' }), ''),
  capacity: explicit(7, CapacityRequirements, ''),
})
export interface DeviceSubRequest extends Infer<typeof DeviceSubRequest> {}

export const DeviceRequest = object('io.k8s.api.resource.v1.DeviceRequest', '', {
  name: required(1, string, ''),
  exactly: explicit(2, ExactDeviceRequest, ''),
  firstAvailable: optional(3, list(DeviceSubRequest, { list: 'atomic' }), ''),
})
export interface DeviceRequest extends Infer<typeof DeviceRequest> {}

export const DeviceConstraint = object('io.k8s.api.resource.v1.DeviceConstraint', '', {
  requests: optional(1, list(string, { list: 'atomic' }), ''),
  matchAttribute: explicit(2, string, ''),
  distinctAttribute: explicit(3, string, ''),
})
export interface DeviceConstraint extends Infer<typeof DeviceConstraint> {}

export const OpaqueDeviceConfiguration = object('io.k8s.api.resource.v1.OpaqueDeviceConfiguration', '', {
  driver: required(1, string, ''),
  parameters: required(2, rawObject, ''),
})
export interface OpaqueDeviceConfiguration extends Infer<typeof OpaqueDeviceConfiguration> {}

export const DeviceConfiguration = object('io.k8s.api.resource.v1.DeviceConfiguration', '', {
  opaque: explicit(1, OpaqueDeviceConfiguration, ''),
})
export interface DeviceConfiguration extends Infer<typeof DeviceConfiguration> {}

export const DeviceClaimConfiguration = object('io.k8s.api.resource.v1.DeviceClaimConfiguration', '', {
  requests: optional(1, list(string, { list: 'atomic' }), ''),
  ...inline(2, DeviceConfiguration),
})
export interface DeviceClaimConfiguration extends Infer<typeof DeviceClaimConfiguration> {}

export const DeviceClaim = object('io.k8s.api.resource.v1.DeviceClaim', '', {
  requests: optional(1, list(DeviceRequest, { list: 'atomic' }), ''),
  constraints: optional(2, list(DeviceConstraint, { list: 'atomic' }), ''),
  config: optional(3, list(DeviceClaimConfiguration, { list: 'atomic' }), ''),
})
export interface DeviceClaim extends Infer<typeof DeviceClaim> {}

export const ResourceClaimSpec = object('io.k8s.api.resource.v1.ResourceClaimSpec', '', {
  devices: embedded(1, DeviceClaim, ''),
})
export interface ResourceClaimSpec extends Infer<typeof ResourceClaimSpec> {}
