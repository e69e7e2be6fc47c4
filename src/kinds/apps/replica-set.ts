import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  embedded,
  explicit,
  type Infer,
  int32,
  int64,
  list,
  object,
  optional,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { PodTemplateSpec } from '../core/pod-spec.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const ReplicaSetSpec = object('io.k8s.api.apps.v1.ReplicaSetSpec', '', {
  replicas: explicit(1, int32, ''),
  minReadySeconds: optional(4, int32, ''),
  selector: required(2, LabelSelector, ''),
  template: embedded(3, PodTemplateSpec, ''),
})
export interface ReplicaSetSpec extends Infer<typeof ReplicaSetSpec> {}

export const ReplicaSetCondition = object('io.k8s.api.apps.v1.ReplicaSetCondition', '', {
  type: required(1, string, ''),
  status: required(2, string, ''),
  lastTransitionTime: embedded(3, time, ''),
  reason: optional(4, string, ''),
  message: optional(5, string, ''),
})
export interface ReplicaSetCondition extends Infer<typeof ReplicaSetCondition> {}

export const ReplicaSetStatus = object('io.k8s.api.apps.v1.ReplicaSetStatus', '', {
  replicas: required(1, int32, ''),
  fullyLabeledReplicas: optional(2, int32, ''),
  readyReplicas: optional(4, int32, ''),
  availableReplicas: optional(5, int32, ''),
  terminatingReplicas: explicit(7, int32, ''),
  observedGeneration: optional(3, int64, ''),
  conditions: optional(6, list(ReplicaSetCondition, { list: ['type'], merge: 'type' }), ''),
})
export interface ReplicaSetStatus extends Infer<typeof ReplicaSetStatus> {}

export const replicaSetSchema = object('io.k8s.api.apps.v1.ReplicaSet', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, ReplicaSetSpec, ''),
  status: embedded(3, ReplicaSetStatus, ''),
})
export interface ReplicaSet extends Infer<typeof replicaSetSchema> {}

export const ReplicaSet: Kind<ReplicaSet> = defineKind<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  shortNames: ['rs'],
  categories: ['all'],
  namespaced: true,
  storageVersionHash: 'P1RzHs8/mWQ=',
  schema: replicaSetSchema,
  status: {},
})
