import {
  bool,
  explicit,
  type Infer,
  int64,
  list,
  map,
  object,
  optional,
  rawObject,
  required,
  string,
  time,
} from '../../schema/types.ts'

export const ManagedFieldsEntry = object('io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry', '', {
  manager: optional(1, string, ''),
  operation: optional(2, string, ''),
  apiVersion: optional(3, string, ''),
  time: explicit(4, time, ''),
  fieldsType: optional(6, string, ''),
  fieldsV1: optional(7, rawObject, ''),
  subresource: optional(8, string, ''),
})
export interface ManagedFieldsEntry extends Infer<typeof ManagedFieldsEntry> {}

export const OwnerReference = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference',
  '',
  {
    apiVersion: required(5, string, ''),
    kind: required(1, string, ''),
    name: required(3, string, ''),
    uid: required(4, string, ''),
    controller: explicit(6, bool, ''),
    blockOwnerDeletion: explicit(7, bool, ''),
  },
  { atomic: true },
)
export interface OwnerReference extends Infer<typeof OwnerReference> {}

export const ObjectMeta = object('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', '', {
  name: optional(1, string, ''),
  generateName: optional(2, string, ''),
  namespace: optional(3, string, ''),
  selfLink: optional(4, string, ''),
  uid: optional(5, string, ''),
  resourceVersion: optional(6, string, ''),
  generation: optional(7, int64, ''),
  creationTimestamp: optional(8, time, ''),
  deletionTimestamp: explicit(9, time, ''),
  deletionGracePeriodSeconds: explicit(10, int64, ''),
  labels: optional(11, map(string), ''),
  annotations: optional(12, map(string), ''),
  ownerReferences: optional(13, list(OwnerReference, { list: ['uid'], merge: 'uid' }), ''),
  finalizers: optional(14, list(string, { list: 'set', merge: true }), ''),
  managedFields: optional(17, list(ManagedFieldsEntry, { list: 'atomic' }), ''),
})
export interface ObjectMeta extends Infer<typeof ObjectMeta> {}
