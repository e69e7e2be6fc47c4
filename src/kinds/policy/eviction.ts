import { embedded, explicit, type Infer, object } from '../../schema/types.ts'
import { DeleteOptions } from '../meta/delete-options.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const Eviction = object('io.k8s.api.policy.v1.Eviction', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  deleteOptions: explicit(2, DeleteOptions, ''),
})
export interface Eviction extends Infer<typeof Eviction> {}
