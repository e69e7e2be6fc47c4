import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import { embedded, explicit, type Infer, inline, list, object, optional, required, string } from '../../schema/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { DeviceConfiguration, DeviceSelector } from './shared.ts'
import { validateDeviceClass } from './validation.ts'

export const DeviceClassConfiguration = object(
  'io.k8s.api.resource.v1.DeviceClassConfiguration',
  'Configuration that a class gives to its devices.',
  {
    ...inline(1, DeviceConfiguration),
  },
)
export interface DeviceClassConfiguration extends Infer<typeof DeviceClassConfiguration> {}

export const DeviceClassSpec = object('io.k8s.api.resource.v1.DeviceClassSpec', 'What is wished of a device class.', {
  selectors: optional(
    1,
    list(DeviceSelector, { list: 'atomic' }),
    'Conditions on the devices of the class, all of which must hold; at most 32.',
  ),
  config: optional(
    2,
    list(DeviceClassConfiguration, { list: 'atomic' }),
    'Configuration of the devices, for their drivers; at most 32.',
  ),
  extendedResourceName: explicit(
    4,
    string,
    'Extended resource by which pods may ask for devices of the class without a claim.',
  ),
})
export interface DeviceClassSpec extends Infer<typeof DeviceClassSpec> {}

export const deviceClassSchema = object(
  'io.k8s.api.resource.v1.DeviceClass',
  'A class of devices that claims may name.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: required(2, DeviceClassSpec, 'What is wished of the class.'),
  },
)
export interface DeviceClass extends Infer<typeof deviceClassSchema> {}

export const DeviceClass: Kind<DeviceClass> = defineKind<DeviceClass>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  plural: 'deviceclasses',
  namespaced: false,
  storageVersionHash: 'Yk2PTc1Ybxk=',
  schema: deviceClassSchema,
  nameRule: subdomainNameRule,
  prepareCreate: startGeneration,
  prepareUpdate: (deviceClass, old) => countChange(deviceClass, old, ({ spec }) => spec),
  validate: validateDeviceClass,
  validateUpdate: (deviceClass, _old, errors) => validateDeviceClass(deviceClass, errors),
  columns: [nameColumn, ageColumn],
})
