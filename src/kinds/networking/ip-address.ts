import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, type Infer, object, optional, required, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const ParentReference = object('io.k8s.api.networking.v1.ParentReference', '', {
  group: optional(1, string, ''),
  resource: required(2, string, ''),
  namespace: optional(3, string, ''),
  name: required(4, string, ''),
})
export interface ParentReference extends Infer<typeof ParentReference> {}

export const IPAddressSpec = object('io.k8s.api.networking.v1.IPAddressSpec', '', {
  parentRef: required(1, ParentReference, ''),
})
export interface IPAddressSpec extends Infer<typeof IPAddressSpec> {}

export const ipAddressSchema = object('io.k8s.api.networking.v1.IPAddress', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: required(2, IPAddressSpec, ''),
})
export interface IPAddress extends Infer<typeof ipAddressSchema> {}

export const IPAddress: Kind<IPAddress> = defineKind<IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  shortNames: ['ip'],
  namespaced: false,
  storageVersionHash: '3f/plJFChNE=',
  schema: ipAddressSchema,
})
