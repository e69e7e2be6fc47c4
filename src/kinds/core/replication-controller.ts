import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  embedded,
  explicit,
  type Infer,
  int32,
  int64,
  list,
  map,
  object,
  optional,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { PodTemplateSpec } from './pod-spec.ts'

export const ReplicationControllerSpec = object('io.k8s.api.core.v1.ReplicationControllerSpec', '', {
  replicas: explicit(1, int32, '', { default: 1 }),
  minReadySeconds: optional(4, int32, ''),
  selector: optional(2, map(string, { atomic: true }), ''),
  template: explicit(3, PodTemplateSpec, ''),
})
export interface ReplicationControllerSpec extends Infer<typeof ReplicationControllerSpec> {}

export const ReplicationControllerCondition = object('io.k8s.api.core.v1.ReplicationControllerCondition', '', {
  type: required(1, string, ''),
  status: required(2, string, ''),
  lastTransitionTime: embedded(3, time, ''),
  reason: optional(4, string, ''),
  message: optional(5, string, ''),
})
export interface ReplicationControllerCondition extends Infer<typeof ReplicationControllerCondition> {}

export const ReplicationControllerStatus = object('io.k8s.api.core.v1.ReplicationControllerStatus', '', {
  replicas: required(1, int32, ''),
  fullyLabeledReplicas: optional(2, int32, ''),
  readyReplicas: optional(4, int32, ''),
  availableReplicas: optional(5, int32, ''),
  observedGeneration: optional(3, int64, ''),
  conditions: optional(6, list(ReplicationControllerCondition, { list: ['type'], merge: 'type' }), ''),
})
export interface ReplicationControllerStatus extends Infer<typeof ReplicationControllerStatus> {}

export const replicationControllerSchema = object('io.k8s.api.core.v1.ReplicationController', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, ReplicationControllerSpec, ''),
  status: embedded(3, ReplicationControllerStatus, ''),
})
export interface ReplicationController extends Infer<typeof replicationControllerSchema> {}

export const ReplicationController: Kind<ReplicationController> = defineKind<ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  shortNames: ['rc'],
  categories: ['all'],
  namespaced: true,
  storageVersionHash: 'Jond2If31h0=',
  storagePrefix: 'controllers',
  schema: replicationControllerSchema,
  status: {},
})
