import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, explicit, type Infer, int32, list, object, optional, required, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const VolumeNodeResources = object('io.k8s.api.storage.v1.VolumeNodeResources', '', {
  count: explicit(1, int32, ''),
})
export interface VolumeNodeResources extends Infer<typeof VolumeNodeResources> {}

export const CSINodeDriver = object('io.k8s.api.storage.v1.CSINodeDriver', '', {
  name: required(1, string, ''),
  nodeID: required(2, string, ''),
  topologyKeys: optional(3, list(string, { list: 'atomic' }), ''),
  allocatable: explicit(4, VolumeNodeResources, ''),
})
export interface CSINodeDriver extends Infer<typeof CSINodeDriver> {}

export const CSINodeSpec = object('io.k8s.api.storage.v1.CSINodeSpec', '', {
  drivers: required(1, list(CSINodeDriver, { list: ['name'], merge: 'name' }), ''),
})
export interface CSINodeSpec extends Infer<typeof CSINodeSpec> {}

export const csiNodeSchema = object('io.k8s.api.storage.v1.CSINode', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: required(2, CSINodeSpec, ''),
})
export interface CSINode extends Infer<typeof csiNodeSchema> {}

export const CSINode: Kind<CSINode> = defineKind<CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  namespaced: false,
  storageVersionHash: 'Pe62DkZtjuo=',
  schema: csiNodeSchema,
})
