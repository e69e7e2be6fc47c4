import type { ApiObject } from '../../schema/kind.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
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
import { autoscalerColumns } from './columns.ts'
import { carriers, fromV2, toV2 } from './conversion.ts'
import { HorizontalPodAutoscaler as HorizontalPodAutoscalerV2 } from './horizontal-pod-autoscaler.ts'
import { validateAutoscaler, validateAutoscalerStatus } from './validation.ts'

export const CrossVersionObjectReference = object(
  'io.k8s.api.autoscaling.v1.CrossVersionObjectReference',
  'Names an object in the same namespace; its version may be any that is served.',
  {
    kind: required(1, string, 'Kind of the object.'),
    name: required(2, string, 'Name of the object.'),
    apiVersion: optional(3, string, 'Group and version of the object.'),
  },
  { atomic: true },
)
export interface CrossVersionObjectReference extends Infer<typeof CrossVersionObjectReference> {}

export const HorizontalPodAutoscalerSpec = object(
  'io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerSpec',
  'What is wished of an autoscaler.',
  {
    scaleTargetRef: required(
      1,
      CrossVersionObjectReference,
      'The object that is scaled; it must have the scale subresource.',
    ),
    minReplicas: explicit(
      2,
      int32,
      'Fewest pods; 1 when absent. 0 needs a feature gate and an object or external metric.',
    ),
    maxReplicas: required(3, int32, 'Most pods; not below minReplicas.'),
    targetCPUUtilizationPercentage: explicit(
      4,
      int32,
      'Average CPU use that is aimed at, in percent of the requests; a default holds when absent.',
    ),
  },
)
export interface HorizontalPodAutoscalerSpec extends Infer<typeof HorizontalPodAutoscalerSpec> {}

export const HorizontalPodAutoscalerStatus = object(
  'io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerStatus',
  'What is known about an autoscaler.',
  {
    observedGeneration: explicit(1, int64, 'Generation on which this status is based.'),
    lastScaleTime: explicit(2, time, 'When the number of pods was last changed.'),
    currentReplicas: required(3, int32, 'How many pods there are, as last seen.'),
    desiredReplicas: required(4, int32, 'How many pods there should be, as last calculated.'),
    currentCPUUtilizationPercentage: explicit(5, int32, 'Average CPU use of the pods, in percent of their requests.'),
  },
)
export interface HorizontalPodAutoscalerStatus extends Infer<typeof HorizontalPodAutoscalerStatus> {}

export const horizontalPodAutoscalerSchema = object(
  'io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler',
  'Changes the number of pods of an object so that their CPU use stays near a target.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: required(2, HorizontalPodAutoscalerSpec, 'What is wished of the autoscaler.'),
    status: embedded(3, HorizontalPodAutoscalerStatus, 'What is known about the autoscaler.'),
  },
)
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
  nameRule: subdomainNameRule,
  shownAnnotations: carriers,
  defaults({ spec }) {
    spec.minReplicas ??= 1
  },
  prepareCreate(autoscaler) {
    autoscaler.status = { currentReplicas: 0, desiredReplicas: 0 }
  },
  prepareUpdate(autoscaler, old) {
    autoscaler.status = structuredClone(old.status) as Mutable<HorizontalPodAutoscalerStatus>
  },
  validate: (autoscaler, errors) => validateAutoscaler(toV2(autoscaler), errors),
  validateUpdate: (autoscaler, _old, errors) => validateAutoscaler(toV2(autoscaler), errors),
  status: { validateUpdate: (autoscaler, _old, errors) => validateAutoscalerStatus(toV2(autoscaler), errors) },
  storedAs: {
    group: 'autoscaling',
    version: 'v2',
    schema: HorizontalPodAutoscalerV2.schema,
    toStored: (object: ApiObject) => toV2(object as HorizontalPodAutoscaler),
    fromStored: (object: ApiObject) => fromV2(object as HorizontalPodAutoscalerV2),
  },
  columns: autoscalerColumns(toV2),
})
