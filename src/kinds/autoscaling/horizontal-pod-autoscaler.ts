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
  quantity,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const CrossVersionObjectReference = object('io.k8s.api.autoscaling.v2.CrossVersionObjectReference', '', {
  kind: required(1, string, ''),
  name: required(2, string, ''),
  apiVersion: optional(3, string, ''),
})
export interface CrossVersionObjectReference extends Infer<typeof CrossVersionObjectReference> {}

export const MetricTarget = object('io.k8s.api.autoscaling.v2.MetricTarget', '', {
  type: required(1, string, ''),
  value: explicit(2, quantity, ''),
  averageValue: explicit(3, quantity, ''),
  averageUtilization: explicit(4, int32, ''),
})
export interface MetricTarget extends Infer<typeof MetricTarget> {}

export const MetricIdentifier = object('io.k8s.api.autoscaling.v2.MetricIdentifier', '', {
  name: required(1, string, ''),
  selector: explicit(2, LabelSelector, ''),
})
export interface MetricIdentifier extends Infer<typeof MetricIdentifier> {}

export const ObjectMetricSource = object('io.k8s.api.autoscaling.v2.ObjectMetricSource', '', {
  describedObject: required(1, CrossVersionObjectReference, ''),
  target: required(2, MetricTarget, ''),
  metric: required(3, MetricIdentifier, ''),
})
export interface ObjectMetricSource extends Infer<typeof ObjectMetricSource> {}

export const PodsMetricSource = object('io.k8s.api.autoscaling.v2.PodsMetricSource', '', {
  metric: required(1, MetricIdentifier, ''),
  target: required(2, MetricTarget, ''),
})
export interface PodsMetricSource extends Infer<typeof PodsMetricSource> {}

export const ResourceMetricSource = object('io.k8s.api.autoscaling.v2.ResourceMetricSource', '', {
  name: required(1, string, ''),
  target: required(2, MetricTarget, ''),
})
export interface ResourceMetricSource extends Infer<typeof ResourceMetricSource> {}

export const ContainerResourceMetricSource = object('io.k8s.api.autoscaling.v2.ContainerResourceMetricSource', '', {
  name: required(1, string, ''),
  target: required(2, MetricTarget, ''),
  container: required(3, string, ''),
})
export interface ContainerResourceMetricSource extends Infer<typeof ContainerResourceMetricSource> {}

export const ExternalMetricSource = object('io.k8s.api.autoscaling.v2.ExternalMetricSource', '', {
  metric: required(1, MetricIdentifier, ''),
  target: required(2, MetricTarget, ''),
})
export interface ExternalMetricSource extends Infer<typeof ExternalMetricSource> {}

export const MetricSpec = object('io.k8s.api.autoscaling.v2.MetricSpec', '', {
  type: required(1, string, ''),
  object: explicit(2, ObjectMetricSource, ''),
  pods: explicit(3, PodsMetricSource, ''),
  resource: explicit(4, ResourceMetricSource, ''),
  containerResource: explicit(7, ContainerResourceMetricSource, ''),
  external: explicit(5, ExternalMetricSource, ''),
})
export interface MetricSpec extends Infer<typeof MetricSpec> {}

export const HPAScalingPolicy = object('io.k8s.api.autoscaling.v2.HPAScalingPolicy', '', {
  type: required(1, string, ''),
  value: required(2, int32, ''),
  periodSeconds: required(3, int32, ''),
})
export interface HPAScalingPolicy extends Infer<typeof HPAScalingPolicy> {}

export const HPAScalingRules = object('io.k8s.api.autoscaling.v2.HPAScalingRules', '', {
  stabilizationWindowSeconds: explicit(3, int32, ''),
  selectPolicy: explicit(1, string, ''),
  policies: optional(2, list(HPAScalingPolicy, { list: 'atomic' }), ''),
  tolerance: explicit(4, quantity, ''),
})
export interface HPAScalingRules extends Infer<typeof HPAScalingRules> {}

export const HorizontalPodAutoscalerBehavior = object('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior', '', {
  scaleUp: explicit(1, HPAScalingRules, ''),
  scaleDown: explicit(2, HPAScalingRules, ''),
})
export interface HorizontalPodAutoscalerBehavior extends Infer<typeof HorizontalPodAutoscalerBehavior> {}

export const HorizontalPodAutoscalerSpec = object('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec', '', {
  scaleTargetRef: required(1, CrossVersionObjectReference, ''),
  minReplicas: explicit(2, int32, ''),
  maxReplicas: required(3, int32, ''),
  metrics: optional(4, list(MetricSpec, { list: 'atomic' }), ''),
  behavior: explicit(5, HorizontalPodAutoscalerBehavior, ''),
})
export interface HorizontalPodAutoscalerSpec extends Infer<typeof HorizontalPodAutoscalerSpec> {}

export const MetricValueStatus = object('io.k8s.api.autoscaling.v2.MetricValueStatus', '', {
  value: explicit(1, quantity, ''),
  averageValue: explicit(2, quantity, ''),
  averageUtilization: explicit(3, int32, ''),
})
export interface MetricValueStatus extends Infer<typeof MetricValueStatus> {}

export const ObjectMetricStatus = object('io.k8s.api.autoscaling.v2.ObjectMetricStatus', '', {
  metric: required(1, MetricIdentifier, ''),
  current: required(2, MetricValueStatus, ''),
  describedObject: required(3, CrossVersionObjectReference, ''),
})
export interface ObjectMetricStatus extends Infer<typeof ObjectMetricStatus> {}

export const PodsMetricStatus = object('io.k8s.api.autoscaling.v2.PodsMetricStatus', '', {
  metric: required(1, MetricIdentifier, ''),
  current: required(2, MetricValueStatus, ''),
})
export interface PodsMetricStatus extends Infer<typeof PodsMetricStatus> {}

export const ResourceMetricStatus = object('io.k8s.api.autoscaling.v2.ResourceMetricStatus', '', {
  name: required(1, string, ''),
  current: required(2, MetricValueStatus, ''),
})
export interface ResourceMetricStatus extends Infer<typeof ResourceMetricStatus> {}

export const ContainerResourceMetricStatus = object('io.k8s.api.autoscaling.v2.ContainerResourceMetricStatus', '', {
  name: required(1, string, ''),
  current: required(2, MetricValueStatus, ''),
  container: required(3, string, ''),
})
export interface ContainerResourceMetricStatus extends Infer<typeof ContainerResourceMetricStatus> {}

export const ExternalMetricStatus = object('io.k8s.api.autoscaling.v2.ExternalMetricStatus', '', {
  metric: required(1, MetricIdentifier, ''),
  current: required(2, MetricValueStatus, ''),
})
export interface ExternalMetricStatus extends Infer<typeof ExternalMetricStatus> {}

export const MetricStatus = object('io.k8s.api.autoscaling.v2.MetricStatus', '', {
  type: required(1, string, ''),
  object: explicit(2, ObjectMetricStatus, ''),
  pods: explicit(3, PodsMetricStatus, ''),
  resource: explicit(4, ResourceMetricStatus, ''),
  containerResource: explicit(7, ContainerResourceMetricStatus, ''),
  external: explicit(5, ExternalMetricStatus, ''),
})
export interface MetricStatus extends Infer<typeof MetricStatus> {}

export const HorizontalPodAutoscalerCondition = object(
  'io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerCondition',
  '',
  {
    type: required(1, string, ''),
    status: required(2, string, ''),
    lastTransitionTime: embedded(3, time, ''),
    reason: optional(4, string, ''),
    message: optional(5, string, ''),
  },
)
export interface HorizontalPodAutoscalerCondition extends Infer<typeof HorizontalPodAutoscalerCondition> {}

export const HorizontalPodAutoscalerStatus = object('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus', '', {
  observedGeneration: explicit(1, int64, ''),
  lastScaleTime: explicit(2, time, ''),
  currentReplicas: optional(3, int32, ''),
  desiredReplicas: required(4, int32, ''),
  currentMetrics: optional(5, list(MetricStatus, { list: 'atomic' }), ''),
  conditions: optional(6, list(HorizontalPodAutoscalerCondition, { list: ['type'], merge: 'type' }), ''),
})
export interface HorizontalPodAutoscalerStatus extends Infer<typeof HorizontalPodAutoscalerStatus> {}

export const horizontalPodAutoscalerSchema = object('io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: required(2, HorizontalPodAutoscalerSpec, ''),
  status: embedded(3, HorizontalPodAutoscalerStatus, ''),
})
export interface HorizontalPodAutoscaler extends Infer<typeof horizontalPodAutoscalerSchema> {}

export const HorizontalPodAutoscaler: Kind<HorizontalPodAutoscaler> = defineKind<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  storageVersionHash: 'qwQve8ut294=',
  schema: horizontalPodAutoscalerSchema,
  status: {},
})
