import { explicit, type Infer, int64, object, optional, required, string } from '../../schema/types.ts'

export const ShardInfo = object('io.k8s.apimachinery.pkg.apis.meta.v1.ShardInfo', '', {
  selector: required(1, string, ''),
})
export interface ShardInfo extends Infer<typeof ShardInfo> {}

export const ListMeta = object('io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta', '', {
  selfLink: optional(1, string, ''),
  resourceVersion: optional(2, string, ''),
  continue: optional(3, string, ''),
  remainingItemCount: explicit(4, int64, ''),
  shardInfo: explicit(5, ShardInfo, ''),
})
export interface ListMeta extends Infer<typeof ListMeta> {}
