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
import { PodTemplateSpec } from '../core/pod-spec.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const RollingUpdateDaemonSet = object('io.k8s.api.apps.v1.RollingUpdateDaemonSet', '', {
  maxUnavailable: explicit(1, intOrString, ''),
  maxSurge: explicit(2, intOrString, ''),
})
export interface RollingUpdateDaemonSet extends Infer<typeof RollingUpdateDaemonSet> {}

export const DaemonSetUpdateStrategy = object('io.k8s.api.apps.v1.DaemonSetUpdateStrategy', '', {
  type: optional(1, oneOf('OnDelete', 'RollingUpdate'), ''),
  rollingUpdate: explicit(2, RollingUpdateDaemonSet, ''),
})
export interface DaemonSetUpdateStrategy extends Infer<typeof DaemonSetUpdateStrategy> {}

export const DaemonSetSpec = object('io.k8s.api.apps.v1.DaemonSetSpec', '', {
  selector: required(1, LabelSelector, ''),
  template: required(2, PodTemplateSpec, ''),
  updateStrategy: embedded(3, DaemonSetUpdateStrategy, ''),
  minReadySeconds: optional(4, int32, ''),
  revisionHistoryLimit: explicit(6, int32, ''),
})
export interface DaemonSetSpec extends Infer<typeof DaemonSetSpec> {}

export const DaemonSetCondition = object('io.k8s.api.apps.v1.DaemonSetCondition', '', {
  type: required(1, string, ''),
  status: required(2, string, ''),
  lastTransitionTime: embedded(3, time, ''),
  reason: optional(4, string, ''),
  message: optional(5, string, ''),
})
export interface DaemonSetCondition extends Infer<typeof DaemonSetCondition> {}

export const DaemonSetStatus = object('io.k8s.api.apps.v1.DaemonSetStatus', '', {
  currentNumberScheduled: required(1, int32, ''),
  numberMisscheduled: required(2, int32, ''),
  desiredNumberScheduled: required(3, int32, ''),
  numberReady: required(4, int32, ''),
  observedGeneration: optional(5, int64, ''),
  updatedNumberScheduled: optional(6, int32, ''),
  numberAvailable: optional(7, int32, ''),
  numberUnavailable: optional(8, int32, ''),
  collisionCount: explicit(9, int32, ''),
  conditions: optional(10, list(DaemonSetCondition, { list: ['type'], merge: 'type' }), ''),
})
export interface DaemonSetStatus extends Infer<typeof DaemonSetStatus> {}

export const daemonSetSchema = object('io.k8s.api.apps.v1.DaemonSet', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, DaemonSetSpec, ''),
  status: embedded(3, DaemonSetStatus, ''),
})
export interface DaemonSet extends Infer<typeof daemonSetSchema> {}

export const DaemonSet: Kind<DaemonSet> = defineKind<DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  shortNames: ['ds'],
  categories: ['all'],
  namespaced: true,
  storageVersionHash: 'dd7pWHUlMKQ=',
  schema: daemonSetSchema,
  status: {},
})
