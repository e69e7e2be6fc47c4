import { embedded, explicit, type Infer, object, optional, quantity, required, string } from '../../schema/types.ts'

export const LocalObjectReference = object(
  'io.k8s.api.core.v1.LocalObjectReference',
  '',
  {
    name: optional(1, string, ''),
  },
  { atomic: true },
)
export interface LocalObjectReference extends Infer<typeof LocalObjectReference> {}

export const ObjectFieldSelector = object(
  'io.k8s.api.core.v1.ObjectFieldSelector',
  '',
  {
    apiVersion: optional(1, string, ''),
    fieldPath: required(2, string, ''),
  },
  { atomic: true },
)
export interface ObjectFieldSelector extends Infer<typeof ObjectFieldSelector> {}

export const ObjectReference = object(
  'io.k8s.api.core.v1.ObjectReference',
  '',
  {
    kind: optional(1, string, ''),
    namespace: optional(2, string, ''),
    name: optional(3, string, ''),
    uid: optional(4, string, ''),
    apiVersion: optional(5, string, ''),
    resourceVersion: optional(6, string, ''),
    fieldPath: optional(7, string, ''),
  },
  { atomic: true },
)
export interface ObjectReference extends Infer<typeof ObjectReference> {}

export const ResourceFieldSelector = object(
  'io.k8s.api.core.v1.ResourceFieldSelector',
  '',
  {
    containerName: optional(1, string, ''),
    resource: required(2, string, ''),
    divisor: embedded(3, quantity, ''),
  },
  { atomic: true },
)
export interface ResourceFieldSelector extends Infer<typeof ResourceFieldSelector> {}

export const SecretReference = object(
  'io.k8s.api.core.v1.SecretReference',
  '',
  {
    name: optional(1, string, ''),
    namespace: optional(2, string, ''),
  },
  { atomic: true },
)
export interface SecretReference extends Infer<typeof SecretReference> {}

export const TypedLocalObjectReference = object(
  'io.k8s.api.core.v1.TypedLocalObjectReference',
  '',
  {
    apiGroup: explicit(1, string, ''),
    kind: required(2, string, ''),
    name: required(3, string, ''),
  },
  { atomic: true },
)
export interface TypedLocalObjectReference extends Infer<typeof TypedLocalObjectReference> {}

export const TypedObjectReference = object('io.k8s.api.core.v1.TypedObjectReference', '', {
  apiGroup: explicit(1, string, ''),
  kind: required(2, string, ''),
  name: required(3, string, ''),
  namespace: explicit(4, string, ''),
})
export interface TypedObjectReference extends Infer<typeof TypedObjectReference> {}
