import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  embedded,
  explicit,
  type Infer,
  list,
  map,
  object,
  optional,
  quantity,
  required,
  string,
} from '../../schema/types.ts'
import { Toleration } from '../core/scheduling.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const Overhead = object('io.k8s.api.node.v1.Overhead', '', {
  podFixed: optional(1, map(quantity), ''),
})
export interface Overhead extends Infer<typeof Overhead> {}

export const Scheduling = object('io.k8s.api.node.v1.Scheduling', '', {
  nodeSelector: optional(1, map(string, { atomic: true }), ''),
  tolerations: optional(2, list(Toleration, { list: 'atomic' }), ''),
})
export interface Scheduling extends Infer<typeof Scheduling> {}

export const runtimeClassSchema = object('io.k8s.api.node.v1.RuntimeClass', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  handler: required(2, string, ''),
  overhead: explicit(3, Overhead, ''),
  scheduling: explicit(4, Scheduling, ''),
})
export interface RuntimeClass extends Infer<typeof runtimeClassSchema> {}

export const RuntimeClass: Kind<RuntimeClass> = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  namespaced: false,
  storageVersionHash: 'WQTu1GL3T2Q=',
  schema: runtimeClassSchema,
})
