import { bool, explicit, type Infer, int64, list, object, optional, string } from '../../schema/types.ts'
import { typeMeta } from './type-meta.ts'

export const Preconditions = object('io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions', '', {
  uid: explicit(1, string, ''),
  resourceVersion: explicit(2, string, ''),
})
export interface Preconditions extends Infer<typeof Preconditions> {}

export const DeleteOptions = object('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions', '', {
  ...typeMeta,
  gracePeriodSeconds: explicit(1, int64, ''),
  preconditions: explicit(2, Preconditions, ''),
  orphanDependents: explicit(3, bool, ''),
  propagationPolicy: explicit(4, string, ''),
  dryRun: optional(5, list(string, { list: 'atomic' }), ''),
  ignoreStoreReadErrorWithClusterBreakingPotential: explicit(6, bool, ''),
})
export interface DeleteOptions extends Infer<typeof DeleteOptions> {}
