import { explicit, type Infer, int64, object, optional, required, string } from '../../schema/types.ts'

export const ShardInfo = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.ShardInfo',
  'Says which part of the objects a sharded list holds.',
  {
    selector: required(1, string, 'The shard selector that the request asked for.'),
  },
)
export interface ShardInfo extends Infer<typeof ShardInfo> {}

export const ListMeta = object('io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta', 'Facts about a list as a whole.', {
  selfLink: optional(1, string, 'Never set; kept for old clients.'),
  resourceVersion: optional(
    2,
    string,
    'Version of the store at which the list was read; a watch can start from it. Opaque to clients.',
  ),
  continue: optional(
    3,
    string,
    'Token that fetches the next page; empty on the last page. It expires after some minutes.',
  ),
  remainingItemCount: explicit(
    4,
    int64,
    'How many objects follow on later pages; absent when not known, as with selectors.',
  ),
  shardInfo: explicit(5, ShardInfo, 'Which shard the list holds; absent when the list is whole.'),
})
export interface ListMeta extends Infer<typeof ListMeta> {}
