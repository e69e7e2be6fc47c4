import { embedded, explicit, type Infer, int64, list, object, optional, string, time } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const BoundObjectReference = object('io.k8s.api.authentication.v1.BoundObjectReference', '', {
  kind: optional(1, string, ''),
  apiVersion: optional(2, string, ''),
  name: optional(3, string, ''),
  uid: optional(4, string, ''),
})
export interface BoundObjectReference extends Infer<typeof BoundObjectReference> {}

export const TokenRequestSpec = object('io.k8s.api.authentication.v1.TokenRequestSpec', '', {
  audiences: optional(1, list(string, { list: 'atomic' }), ''),
  expirationSeconds: explicit(4, int64, ''),
  boundObjectRef: explicit(3, BoundObjectReference, ''),
})
export interface TokenRequestSpec extends Infer<typeof TokenRequestSpec> {}

export const TokenRequestStatus = object('io.k8s.api.authentication.v1.TokenRequestStatus', '', {
  token: optional(1, string, ''),
  expirationTimestamp: embedded(2, time, ''),
})
export interface TokenRequestStatus extends Infer<typeof TokenRequestStatus> {}

export const TokenRequest = object('io.k8s.api.authentication.v1.TokenRequest', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, TokenRequestSpec, ''),
  status: embedded(3, TokenRequestStatus, ''),
})
export interface TokenRequest extends Infer<typeof TokenRequest> {}
