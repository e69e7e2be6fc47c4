import { Scale } from '../../kinds/autoscaling/scale.ts'
import { DeleteOptions } from '../../kinds/meta/delete-options.ts'
import { Status } from '../../kinds/meta/status.ts'
import { apiVersionOf } from '../../schema/kind.ts'
import type { ObjectType } from '../../schema/types.ts'
import type { Catalogue } from '../catalogue.ts'
import { type FindType, partialObjectMetadata, partialObjectMetadataList } from '../protobuf-body.ts'
import { postedTypes } from '../subresources/body-types.ts'

/** What may be sent and answered in protobuf besides the kinds that are served. */
const others: ReadonlyMap<string, ObjectType> = new Map<string, ObjectType>([
  ['autoscaling/v1/Scale', Scale],
  ['v1/Status', Status],
  ['meta.k8s.io/v1/PartialObjectMetadata', partialObjectMetadata],
  ['meta.k8s.io/v1/PartialObjectMetadataList', partialObjectMetadataList],
  ...Object.values(postedTypes).map((type) => [`${apiVersionOf(type)}/${type.kind}`, type.schema] as const),
])

/** Finds types by what envelopes say: those of all kinds that are served at the time, and what is sent besides them. */
export function messageTypes(catalogue: Catalogue): FindType {
  let kinds: Catalogue['kinds'] | undefined
  let byName = new Map<string, ObjectType>()
  return (apiVersion, kind) => {
    if (kinds !== catalogue.kinds) {
      kinds = catalogue.kinds
      byName = new Map(kinds.map((each) => [`${apiVersionOf(each)}/${each.kind}`, each.schema]))
    }
    // Every group takes the same options, and clients send them under its name.
    if (kind === 'DeleteOptions') return DeleteOptions
    return byName.get(`${apiVersion}/${kind}`) ?? others.get(`${apiVersion}/${kind}`)
  }
}
