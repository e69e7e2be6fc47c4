import { TokenRequest } from '../src/kinds/authentication/token-request.ts'
import { Scale } from '../src/kinds/autoscaling/scale.ts'
import { DeleteOptions } from '../src/kinds/meta/delete-options.ts'
import { ListMeta } from '../src/kinds/meta/list-meta.ts'
import { Status } from '../src/kinds/meta/status.ts'
import { Eviction } from '../src/kinds/policy/eviction.ts'
import type { OpenApiInfo } from '../src/schema/openapi-paths.ts'

/** What the documents of the built-in kinds need besides the kinds. */
export const openApiInfo: OpenApiInfo = {
  version: 'v1.36.0',
  deleteOptions: DeleteOptions,
  status: Status,
  listMeta: ListMeta,
  subresourceTypes: [
    { group: 'autoscaling', version: 'v1', kind: 'Scale', schema: Scale },
    { group: 'policy', version: 'v1', kind: 'Eviction', schema: Eviction },
    { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', schema: TokenRequest },
  ],
}
