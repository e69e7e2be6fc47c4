import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  bool,
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

export const RollingUpdateDeployment = object('io.k8s.api.apps.v1.RollingUpdateDeployment', '', {
  maxUnavailable: explicit(1, intOrString, ''),
  maxSurge: explicit(2, intOrString, ''),
})
export interface RollingUpdateDeployment extends Infer<typeof RollingUpdateDeployment> {}

export const DeploymentStrategy = object('io.k8s.api.apps.v1.DeploymentStrategy', '', {
  type: optional(1, oneOf('Recreate', 'RollingUpdate'), ''),
  rollingUpdate: explicit(2, RollingUpdateDeployment, ''),
})
export interface DeploymentStrategy extends Infer<typeof DeploymentStrategy> {}

export const DeploymentSpec = object('io.k8s.api.apps.v1.DeploymentSpec', '', {
  replicas: explicit(1, int32, ''),
  selector: required(2, LabelSelector, ''),
  template: required(3, PodTemplateSpec, ''),
  strategy: embedded(4, DeploymentStrategy, '', { retainKeys: true }),
  minReadySeconds: optional(5, int32, ''),
  revisionHistoryLimit: explicit(6, int32, ''),
  paused: optional(7, bool, ''),
  progressDeadlineSeconds: explicit(9, int32, ''),
})
export interface DeploymentSpec extends Infer<typeof DeploymentSpec> {}

export const DeploymentCondition = object('io.k8s.api.apps.v1.DeploymentCondition', '', {
  type: required(1, string, ''),
  status: required(2, string, ''),
  lastUpdateTime: embedded(6, time, ''),
  lastTransitionTime: embedded(7, time, ''),
  reason: optional(4, string, ''),
  message: optional(5, string, ''),
})
export interface DeploymentCondition extends Infer<typeof DeploymentCondition> {}

export const DeploymentStatus = object('io.k8s.api.apps.v1.DeploymentStatus', '', {
  observedGeneration: optional(1, int64, ''),
  replicas: optional(2, int32, ''),
  updatedReplicas: optional(3, int32, ''),
  readyReplicas: optional(7, int32, ''),
  availableReplicas: optional(4, int32, ''),
  unavailableReplicas: optional(5, int32, ''),
  terminatingReplicas: explicit(9, int32, ''),
  conditions: optional(6, list(DeploymentCondition, { list: ['type'], merge: 'type' }), ''),
  collisionCount: explicit(8, int32, ''),
})
export interface DeploymentStatus extends Infer<typeof DeploymentStatus> {}

export const deploymentSchema = object('io.k8s.api.apps.v1.Deployment', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, DeploymentSpec, ''),
  status: embedded(3, DeploymentStatus, ''),
})
export interface Deployment extends Infer<typeof deploymentSchema> {}

export const Deployment: Kind<Deployment> = defineKind<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  storageVersionHash: '8aSe+NMegvE=',
  schema: deploymentSchema,
  status: {},
})
