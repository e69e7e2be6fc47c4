import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import { embedded, type Infer, list, map, object, optional, quantity, required, string } from '../../schema/types.ts'
import { plainColumns } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { validateLimitRange } from './limit-range-validation.ts'

export const LimitRangeItem = object('io.k8s.api.core.v1.LimitRangeItem', 'Limits for one kind of object.', {
  type: required(1, string, 'To what the limits apply: Container, Pod or PersistentVolumeClaim.'),
  max: optional(2, map(quantity), 'Most that a limit may be, for each resource; for a claim, its request.'),
  min: optional(3, map(quantity), 'Least that a request may be, for each resource.'),
  default: optional(4, map(quantity), 'Limit that a container gets when it states none.'),
  defaultRequest: optional(5, map(quantity), 'Request that a container gets when it states none.'),
  maxLimitRequestRatio: optional(
    6,
    map(quantity),
    'Most that the limit divided by the request may be, for each resource.',
  ),
})
export interface LimitRangeItem extends Infer<typeof LimitRangeItem> {}

export const LimitRangeSpec = object('io.k8s.api.core.v1.LimitRangeSpec', 'The limits that hold in a namespace.', {
  limits: required(1, list(LimitRangeItem, { list: 'atomic' }), 'Limits for each kind of object.'),
})
export interface LimitRangeSpec extends Infer<typeof LimitRangeSpec> {}

export const limitRangeSchema = object(
  'io.k8s.api.core.v1.LimitRange',
  'Bounds and defaults for the resources of each pod, container or claim in a namespace.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, LimitRangeSpec, 'The limits that are wished.'),
  },
)
export interface LimitRange extends Infer<typeof limitRangeSchema> {}

export const LimitRange: Kind<LimitRange> = defineKind<LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  shortNames: ['limits'],
  namespaced: true,
  storageVersionHash: 'EBKMFVe6cwo=',
  schema: limitRangeSchema,
  nameRule: subdomainNameRule,
  defaults({ spec }) {
    if (spec.limits) spec.limits = spec.limits.map((item) => (item.type === 'Container' ? withAllLimits(item) : item))
  },
  validate: validateLimitRange,
  validateUpdate: (limitRange, _old, errors) => validateLimitRange(limitRange, errors),
  createOnUpdate: true,
  namedByServer: true,
  columns: plainColumns,
})

/** What is not said follows from what is: the default from the maximum, the default request from the default or the minimum. */
function withAllLimits(item: Mutable<LimitRangeItem>): Mutable<LimitRangeItem> {
  const limits = { ...item.max, ...item.default }
  const requests = { ...item.min, ...limits, ...item.defaultRequest }
  return {
    ...item,
    ...(Object.keys(limits).length > 0 && { default: limits }),
    ...(Object.keys(requests).length > 0 && { defaultRequest: requests }),
  }
}
