import { embedded, explicit, type Infer, object, optional, quantity, required, string } from '../../schema/types.ts'

export const LocalObjectReference = object(
  'io.k8s.api.core.v1.LocalObjectReference',
  'Names an object in the same namespace.',
  {
    name: optional(1, string, 'Name of the object.', { default: '' }),
  },
  { atomic: true },
)
export interface LocalObjectReference extends Infer<typeof LocalObjectReference> {}

export const ObjectFieldSelector = object(
  'io.k8s.api.core.v1.ObjectFieldSelector',
  'Selects a field of an object.',
  {
    apiVersion: optional(1, string, 'Version in which the path is written; v1 when absent.'),
    fieldPath: required(2, string, 'Path of the field, such as metadata.name.'),
  },
  { atomic: true },
)
export interface ObjectFieldSelector extends Infer<typeof ObjectFieldSelector> {}

export const ObjectReference = object(
  'io.k8s.api.core.v1.ObjectReference',
  'Names an object, or a part of one.',
  {
    kind: optional(1, string, 'Kind of the object.'),
    namespace: optional(2, string, 'Namespace of the object.'),
    name: optional(3, string, 'Name of the object.'),
    uid: optional(4, string, 'UID of the object.'),
    apiVersion: optional(5, string, 'Group and version of the object.'),
    resourceVersion: optional(6, string, 'Resource version of the object that is meant, if a certain one is.'),
    fieldPath: optional(7, string, 'Part of the object that is meant, such as spec.containers{web}.'),
  },
  { atomic: true },
)
export interface ObjectReference extends Infer<typeof ObjectReference> {}

export const ResourceFieldSelector = object(
  'io.k8s.api.core.v1.ResourceFieldSelector',
  'Selects a resource limit or request of a container.',
  {
    containerName: optional(
      1,
      string,
      'Name of the container; needed in volumes, absent means the container at hand in variables.',
    ),
    resource: required(2, string, 'The resource, such as limits.cpu or requests.memory.'),
    divisor: embedded(3, quantity, 'Unit of the value, such as 1m or 1Mi; 1 when absent. The result is rounded up.'),
  },
  { atomic: true },
)
export interface ResourceFieldSelector extends Infer<typeof ResourceFieldSelector> {}

export const SecretReference = object(
  'io.k8s.api.core.v1.SecretReference',
  'Names a secret in any namespace.',
  {
    name: optional(1, string, 'Name of the secret.'),
    namespace: optional(2, string, 'Namespace of the secret.'),
  },
  { atomic: true },
)
export interface SecretReference extends Infer<typeof SecretReference> {}

export const TypedLocalObjectReference = object(
  'io.k8s.api.core.v1.TypedLocalObjectReference',
  'Names an object of any kind in the same namespace.',
  {
    apiGroup: explicit(1, string, 'API group of the object; absent means the core group.'),
    kind: required(2, string, 'Kind of the object.'),
    name: required(3, string, 'Name of the object.'),
  },
  { atomic: true },
)
export interface TypedLocalObjectReference extends Infer<typeof TypedLocalObjectReference> {}

export const TypedObjectReference = object(
  'io.k8s.api.core.v1.TypedObjectReference',
  'Names an object of any kind, in this or another namespace.',
  {
    apiGroup: explicit(1, string, 'API group of the object; absent means the core group.'),
    kind: required(2, string, 'Kind of the object.'),
    name: required(3, string, 'Name of the object.'),
    namespace: explicit(
      4,
      string,
      'Namespace of the object; absent means the same. Another one needs a ReferenceGrant.',
    ),
  },
)
export interface TypedObjectReference extends Infer<typeof TypedObjectReference> {}
