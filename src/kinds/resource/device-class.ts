import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, explicit, type Infer, inline, list, object, optional, required, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { DeviceConfiguration, DeviceSelector } from './shared.ts'

export const DeviceClassConfiguration = object('io.k8s.api.resource.v1.DeviceClassConfiguration', '', {
  ...inline(1, DeviceConfiguration),
})
export interface DeviceClassConfiguration extends Infer<typeof DeviceClassConfiguration> {}

export const DeviceClassSpec = object('io.k8s.api.resource.v1.DeviceClassSpec', '', {
  selectors: optional(1, list(DeviceSelector, { list: 'atomic' }), ''),
  config: optional(2, list(DeviceClassConfiguration, { list: 'atomic' }), ''),
  extendedResourceName: explicit(4, string, ''),
})
export interface DeviceClassSpec extends Infer<typeof DeviceClassSpec> {}

export const deviceClassSchema = object('io.k8s.api.resource.v1.DeviceClass', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: required(2, DeviceClassSpec, ''),
})
export interface DeviceClass extends Infer<typeof deviceClassSchema> {}

export const DeviceClass: Kind<DeviceClass> = defineKind<DeviceClass>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  plural: 'deviceclasses',
  namespaced: false,
  storageVersionHash: 'Yk2PTc1Ybxk=',
  schema: deviceClassSchema,
})
