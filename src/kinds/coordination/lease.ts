import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, explicit, type Infer, int32, microTime, object, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const LeaseSpec = object('io.k8s.api.coordination.v1.LeaseSpec', '', {
  holderIdentity: explicit(1, string, ''),
  leaseDurationSeconds: explicit(2, int32, ''),
  acquireTime: explicit(3, microTime, ''),
  renewTime: explicit(4, microTime, ''),
  leaseTransitions: explicit(5, int32, ''),
  strategy: explicit(6, string, ''),
  preferredHolder: explicit(7, string, ''),
})
export interface LeaseSpec extends Infer<typeof LeaseSpec> {}

export const leaseSchema = object('io.k8s.api.coordination.v1.Lease', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, LeaseSpec, ''),
})
export interface Lease extends Infer<typeof leaseSchema> {}

export const Lease: Kind<Lease> = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
  storageVersionHash: 'gqkMMb/YqFM=',
  schema: leaseSchema,
})
