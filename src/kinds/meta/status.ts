import { embedded, explicit, type Infer, int32, list, object, optional, string } from '../../schema/types.ts'
import { ListMeta } from './list-meta.ts'
import { typeMeta } from './type-meta.ts'

export const StatusCause = object('io.k8s.apimachinery.pkg.apis.meta.v1.StatusCause', '', {
  reason: optional(1, string, ''),
  message: optional(2, string, ''),
  field: optional(3, string, ''),
})
export interface StatusCause extends Infer<typeof StatusCause> {}

export const StatusDetails = object('io.k8s.apimachinery.pkg.apis.meta.v1.StatusDetails', '', {
  name: optional(1, string, ''),
  group: optional(2, string, ''),
  kind: optional(3, string, ''),
  uid: optional(6, string, ''),
  causes: optional(4, list(StatusCause, { list: 'atomic' }), ''),
  retryAfterSeconds: optional(5, int32, ''),
})
export interface StatusDetails extends Infer<typeof StatusDetails> {}

export const Status = object('io.k8s.apimachinery.pkg.apis.meta.v1.Status', '', {
  ...typeMeta,
  metadata: embedded(1, ListMeta, ''),
  status: optional(2, string, ''),
  message: optional(3, string, ''),
  reason: optional(4, string, ''),
  details: explicit(5, StatusDetails, ''),
  code: optional(6, int32, ''),
})
export interface Status extends Infer<typeof Status> {}
