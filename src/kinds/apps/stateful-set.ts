import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  embedded,
  explicit,
  type Infer,
  int32,
  int64,
  intOrString,
  list,
  object,
  oneOf,
  optional,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { persistentVolumeClaimSchema } from '../core/persistent-volume-claim.ts'
import { PodTemplateSpec } from '../core/pod-spec.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const RollingUpdateStatefulSetStrategy = object('io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy', '', {
  partition: explicit(1, int32, ''),
  maxUnavailable: explicit(2, intOrString, ''),
})
export interface RollingUpdateStatefulSetStrategy extends Infer<typeof RollingUpdateStatefulSetStrategy> {}

export const StatefulSetUpdateStrategy = object('io.k8s.api.apps.v1.StatefulSetUpdateStrategy', '', {
  type: optional(1, oneOf('OnDelete', 'RollingUpdate'), ''),
  rollingUpdate: explicit(2, RollingUpdateStatefulSetStrategy, ''),
})
export interface StatefulSetUpdateStrategy extends Infer<typeof StatefulSetUpdateStrategy> {}

export const StatefulSetPersistentVolumeClaimRetentionPolicy = object(
  'io.k8s.api.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy',
  '',
  {
    whenDeleted: optional(1, string, ''),
    whenScaled: optional(2, string, ''),
  },
)
export interface StatefulSetPersistentVolumeClaimRetentionPolicy
  extends Infer<typeof StatefulSetPersistentVolumeClaimRetentionPolicy> {}

export const StatefulSetOrdinals = object('io.k8s.api.apps.v1.StatefulSetOrdinals', '', {
  start: optional(1, int32, ''),
})
export interface StatefulSetOrdinals extends Infer<typeof StatefulSetOrdinals> {}

export const StatefulSetSpec = object('io.k8s.api.apps.v1.StatefulSetSpec', '', {
  replicas: explicit(1, int32, ''),
  selector: required(2, LabelSelector, ''),
  template: required(3, PodTemplateSpec, ''),
  volumeClaimTemplates: optional(4, list(persistentVolumeClaimSchema, { list: 'atomic' }), ''),
  serviceName: optional(5, string, ''),
  podManagementPolicy: optional(6, oneOf('OrderedReady', 'Parallel'), ''),
  updateStrategy: embedded(7, StatefulSetUpdateStrategy, ''),
  revisionHistoryLimit: explicit(8, int32, ''),
  minReadySeconds: optional(9, int32, ''),
  persistentVolumeClaimRetentionPolicy: explicit(10, StatefulSetPersistentVolumeClaimRetentionPolicy, ''),
  ordinals: explicit(11, StatefulSetOrdinals, ''),
})
export interface StatefulSetSpec extends Infer<typeof StatefulSetSpec> {}

export const StatefulSetCondition = object('io.k8s.api.apps.v1.StatefulSetCondition', '', {
  type: required(1, string, ''),
  status: required(2, string, ''),
  lastTransitionTime: embedded(3, time, ''),
  reason: optional(4, string, ''),
  message: optional(5, string, ''),
})
export interface StatefulSetCondition extends Infer<typeof StatefulSetCondition> {}

export const StatefulSetStatus = object('io.k8s.api.apps.v1.StatefulSetStatus', '', {
  observedGeneration: optional(1, int64, ''),
  replicas: required(2, int32, ''),
  readyReplicas: optional(3, int32, ''),
  currentReplicas: optional(4, int32, ''),
  updatedReplicas: optional(5, int32, ''),
  currentRevision: optional(6, string, ''),
  updateRevision: optional(7, string, ''),
  collisionCount: explicit(9, int32, ''),
  conditions: optional(10, list(StatefulSetCondition, { list: ['type'], merge: 'type' }), ''),
  availableReplicas: embedded(11, int32, ''),
})
export interface StatefulSetStatus extends Infer<typeof StatefulSetStatus> {}

export const statefulSetSchema = object('io.k8s.api.apps.v1.StatefulSet', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, StatefulSetSpec, ''),
  status: embedded(3, StatefulSetStatus, ''),
})
export interface StatefulSet extends Infer<typeof statefulSetSchema> {}

export const StatefulSet: Kind<StatefulSet> = defineKind<StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  shortNames: ['sts'],
  categories: ['all'],
  namespaced: true,
  storageVersionHash: 'H+vl74LkKdo=',
  schema: statefulSetSchema,
  status: {},
})
