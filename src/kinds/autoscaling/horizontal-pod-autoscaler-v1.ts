import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  embedded,
  explicit,
  type Infer,
  int32,
  int64,
  object,
  optional,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const CrossVersionObjectReference = object(
  'io.k8s.api.autoscaling.v1.CrossVersionObjectReference',
  '',
  {
    kind: required(1, string, ''),
    name: required(2, string, ''),
    apiVersion: optional(3, string, ''),
  },
  { atomic: true },
)
export interface CrossVersionObjectReference extends Infer<typeof CrossVersionObjectReference> {}

export const HorizontalPodAutoscalerSpec = object('io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerSpec', '', {
  scaleTargetRef: required(1, CrossVersionObjectReference, ''),
  minReplicas: explicit(2, int32, ''),
  maxReplicas: required(3, int32, ''),
  targetCPUUtilizationPercentage: explicit(4, int32, ''),
})
export interface HorizontalPodAutoscalerSpec extends Infer<typeof HorizontalPodAutoscalerSpec> {}

export const HorizontalPodAutoscalerStatus = object('io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerStatus', '', {
  observedGeneration: explicit(1, int64, ''),
  lastScaleTime: explicit(2, time, ''),
  currentReplicas: required(3, int32, ''),
  desiredReplicas: required(4, int32, ''),
  currentCPUUtilizationPercentage: explicit(5, int32, ''),
})
export interface HorizontalPodAutoscalerStatus extends Infer<typeof HorizontalPodAutoscalerStatus> {}

export const horizontalPodAutoscalerSchema = object('io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: required(2, HorizontalPodAutoscalerSpec, ''),
  status: embedded(3, HorizontalPodAutoscalerStatus, ''),
})
export interface HorizontalPodAutoscaler extends Infer<typeof horizontalPodAutoscalerSchema> {}

export const HorizontalPodAutoscaler: Kind<HorizontalPodAutoscaler> = defineKind<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v1',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  storageVersionHash: 'qwQve8ut294=',
  schema: horizontalPodAutoscalerSchema,
  status: {},
})
