import { defineKind, type Kind } from '../../schema/kind.ts'
import { bool, embedded, explicit, type Infer, int32, object, oneOf, optional, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const priorityClassSchema = object('io.k8s.api.scheduling.v1.PriorityClass', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  value: embedded(2, int32, ''),
  globalDefault: optional(3, bool, ''),
  description: optional(4, string, ''),
  preemptionPolicy: explicit(5, oneOf('Never', 'PreemptLowerPriority'), ''),
})
export interface PriorityClass extends Infer<typeof priorityClassSchema> {}

export const PriorityClass: Kind<PriorityClass> = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  shortNames: ['pc'],
  namespaced: false,
  storageVersionHash: '1QwjyaZjj3Y=',
  schema: priorityClassSchema,
})
