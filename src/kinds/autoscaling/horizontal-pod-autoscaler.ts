import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
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
import { autoscalerColumns } from './columns.ts'
import { fillAutoscaler, validateAutoscaler, validateAutoscalerStatus } from './validation.ts'

export const CrossVersionObjectReference = object(
  'io.k8s.api.autoscaling.v2.CrossVersionObjectReference',
  'Names an object in the same namespace; its version may be any that is served.',
  {
    kind: required(1, string, 'Kind of the object.'),
    name: required(2, string, 'Name of the object.'),
    apiVersion: optional(3, string, 'Group and version of the object.'),
  },
)
export interface CrossVersionObjectReference extends Infer<typeof CrossVersionObjectReference> {}

export const MetricTarget = object('io.k8s.api.autoscaling.v2.MetricTarget', 'Value of a metric that is aimed at.', {
  type: required(1, string, 'Which of the fields counts: Utilization, Value or AverageValue.'),
  value: explicit(2, quantity, 'The value of the metric as a whole.'),
  averageValue: explicit(3, quantity, 'The value of the metric divided by the number of pods.'),
  averageUtilization: explicit(
    4,
    int32,
    'Average use over the pods, in percent of their requests; only for resource metrics.',
  ),
})
export interface MetricTarget extends Infer<typeof MetricTarget> {}

export const MetricIdentifier = object('io.k8s.api.autoscaling.v2.MetricIdentifier', 'Names a metric.', {
  name: required(1, string, 'Name of the metric.'),
  selector: explicit(2, LabelSelector, 'Labels that narrow the metric down; absent means the name alone decides.'),
})
export interface MetricIdentifier extends Infer<typeof MetricIdentifier> {}

export const ObjectMetricSource = object(
  'io.k8s.api.autoscaling.v2.ObjectMetricSource',
  'A metric that describes one object, such as the requests to an ingress.',
  {
    describedObject: required(1, CrossVersionObjectReference, 'The object that the metric describes.'),
    target: required(2, MetricTarget, 'Value that is aimed at.'),
    metric: required(3, MetricIdentifier, 'Name and labels of the metric.'),
  },
)
export interface ObjectMetricSource extends Infer<typeof ObjectMetricSource> {}

export const PodsMetricSource = object(
  'io.k8s.api.autoscaling.v2.PodsMetricSource',
  'A metric of each pod, of which the average is taken.',
  {
    metric: required(1, MetricIdentifier, 'Name and labels of the metric.'),
    target: required(2, MetricTarget, 'Average value that is aimed at; type must be AverageValue.'),
  },
)
export interface PodsMetricSource extends Infer<typeof PodsMetricSource> {}

export const ResourceMetricSource = object(
  'io.k8s.api.autoscaling.v2.ResourceMetricSource',
  'Use of CPU or memory by the pods.',
  {
    name: required(1, string, 'Name of the resource.'),
    target: required(2, MetricTarget, 'Value that is aimed at.'),
  },
)
export interface ResourceMetricSource extends Infer<typeof ResourceMetricSource> {}

export const ContainerResourceMetricSource = object(
  'io.k8s.api.autoscaling.v2.ContainerResourceMetricSource',
  'Use of CPU or memory by one container of each pod.',
  {
    name: required(1, string, 'Name of the resource.'),
    target: required(2, MetricTarget, 'Value that is aimed at.'),
    container: required(3, string, 'Name of the container.'),
  },
)
export interface ContainerResourceMetricSource extends Infer<typeof ContainerResourceMetricSource> {}

export const ExternalMetricSource = object(
  'io.k8s.api.autoscaling.v2.ExternalMetricSource',
  'A metric from outside the cluster, such as the length of a queue.',
  {
    metric: required(1, MetricIdentifier, 'Name and labels of the metric.'),
    target: required(2, MetricTarget, 'Value that is aimed at.'),
  },
)
export interface ExternalMetricSource extends Infer<typeof ExternalMetricSource> {}

export const MetricSpec = object(
  'io.k8s.api.autoscaling.v2.MetricSpec',
  'One metric on which the number of pods depends; the member that type names is set.',
  {
    type: required(1, string, 'Object, Pods, Resource, ContainerResource or External.'),
    object: explicit(2, ObjectMetricSource, 'A metric that describes one object.'),
    pods: explicit(3, PodsMetricSource, 'A metric of each pod.'),
    resource: explicit(4, ResourceMetricSource, 'Use of CPU or memory by the pods.'),
    containerResource: explicit(7, ContainerResourceMetricSource, 'Use of CPU or memory by one container of each pod.'),
    external: explicit(5, ExternalMetricSource, 'A metric from outside the cluster.'),
  },
)
export interface MetricSpec extends Infer<typeof MetricSpec> {}

export const HPAScalingPolicy = object(
  'io.k8s.api.autoscaling.v2.HPAScalingPolicy',
  'How far the number of pods may change within a time.',
  {
    type: required(1, string, 'Whether value counts Pods or is a Percent of them.'),
    value: required(2, int32, 'By how much the number may change; above 0.'),
    periodSeconds: required(3, int32, 'Seconds within which it may change that much, 1 to 1800.'),
  },
)
export interface HPAScalingPolicy extends Infer<typeof HPAScalingPolicy> {}

export const HPAScalingRules = object(
  'io.k8s.api.autoscaling.v2.HPAScalingRules',
  'How scaling in one direction behaves.',
  {
    stabilizationWindowSeconds: explicit(
      3,
      int32,
      'Seconds over which wishes are compared to avoid flapping, 0 to 3600; absent: 0 up, 300 down.',
    ),
    selectPolicy: explicit(
      1,
      string,
      'Which of several policies counts: Max, Min, or Disabled for no scaling; Max when absent.',
    ),
    policies: optional(
      2,
      list(HPAScalingPolicy, { list: 'atomic' }),
      'How far the number may change; absent takes defaults.',
    ),
    tolerance: explicit(
      4,
      quantity,
      'How far the metric may be off the target without scaling, as a ratio; 0.1 when absent.',
    ),
  },
)
export interface HPAScalingRules extends Infer<typeof HPAScalingRules> {}

export const HorizontalPodAutoscalerBehavior = object(
  'io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior',
  'How scaling behaves.',
  {
    scaleUp: explicit(
      1,
      HPAScalingRules,
      'Rules for scaling up; when absent at most 4 pods or 100 percent more in 15 seconds, the larger of the two.',
    ),
    scaleDown: explicit(
      2,
      HPAScalingRules,
      'Rules for scaling down; when absent down to minReplicas, after 300 seconds of stability.',
    ),
  },
)
export interface HorizontalPodAutoscalerBehavior extends Infer<typeof HorizontalPodAutoscalerBehavior> {}

export const HorizontalPodAutoscalerSpec = object(
  'io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec',
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
    metrics: optional(
      4,
      list(MetricSpec, { list: 'atomic' }),
      'Metrics of which the one that asks for most pods counts; absent means 80 percent CPU use.',
    ),
    behavior: explicit(
      5,
      HorizontalPodAutoscalerBehavior,
      'How scaling behaves in each direction; absent takes defaults.',
    ),
  },
)
export interface HorizontalPodAutoscalerSpec extends Infer<typeof HorizontalPodAutoscalerSpec> {}

export const MetricValueStatus = object(
  'io.k8s.api.autoscaling.v2.MetricValueStatus',
  'Value of a metric as last measured.',
  {
    value: explicit(1, quantity, 'The value of the metric as a whole.'),
    averageValue: explicit(2, quantity, 'The value of the metric divided by the number of pods.'),
    averageUtilization: explicit(3, int32, 'Average use over the pods, in percent of their requests.'),
  },
)
export interface MetricValueStatus extends Infer<typeof MetricValueStatus> {}

export const ObjectMetricStatus = object(
  'io.k8s.api.autoscaling.v2.ObjectMetricStatus',
  'Last value of a metric that describes one object.',
  {
    metric: required(1, MetricIdentifier, 'Name and labels of the metric.'),
    current: required(2, MetricValueStatus, 'Its value as last measured.'),
    describedObject: required(3, CrossVersionObjectReference, 'The object that the metric describes.'),
  },
)
export interface ObjectMetricStatus extends Infer<typeof ObjectMetricStatus> {}

export const PodsMetricStatus = object(
  'io.k8s.api.autoscaling.v2.PodsMetricStatus',
  'Last value of a metric of each pod.',
  {
    metric: required(1, MetricIdentifier, 'Name and labels of the metric.'),
    current: required(2, MetricValueStatus, 'Its value as last measured.'),
  },
)
export interface PodsMetricStatus extends Infer<typeof PodsMetricStatus> {}

export const ResourceMetricStatus = object(
  'io.k8s.api.autoscaling.v2.ResourceMetricStatus',
  'Last use of CPU or memory by the pods.',
  {
    name: required(1, string, 'Name of the resource.'),
    current: required(2, MetricValueStatus, 'Its use as last measured.'),
  },
)
export interface ResourceMetricStatus extends Infer<typeof ResourceMetricStatus> {}

export const ContainerResourceMetricStatus = object(
  'io.k8s.api.autoscaling.v2.ContainerResourceMetricStatus',
  'Last use of CPU or memory by one container of each pod.',
  {
    name: required(1, string, 'Name of the resource.'),
    current: required(2, MetricValueStatus, 'Its use as last measured.'),
    container: required(3, string, 'Name of the container.'),
  },
)
export interface ContainerResourceMetricStatus extends Infer<typeof ContainerResourceMetricStatus> {}

export const ExternalMetricStatus = object(
  'io.k8s.api.autoscaling.v2.ExternalMetricStatus',
  'Last value of a metric from outside the cluster.',
  {
    metric: required(1, MetricIdentifier, 'Name and labels of the metric.'),
    current: required(2, MetricValueStatus, 'Its value as last measured.'),
  },
)
export interface ExternalMetricStatus extends Infer<typeof ExternalMetricStatus> {}

export const MetricStatus = object(
  'io.k8s.api.autoscaling.v2.MetricStatus',
  'Last value of one metric; the member that type names is set.',
  {
    type: required(1, string, 'Object, Pods, Resource, ContainerResource or External.'),
    object: explicit(2, ObjectMetricStatus, 'A metric that describes one object.'),
    pods: explicit(3, PodsMetricStatus, 'A metric of each pod.'),
    resource: explicit(4, ResourceMetricStatus, 'Use of CPU or memory by the pods.'),
    containerResource: explicit(7, ContainerResourceMetricStatus, 'Use of CPU or memory by one container of each pod.'),
    external: explicit(5, ExternalMetricStatus, 'A metric from outside the cluster.'),
  },
)
export interface MetricStatus extends Infer<typeof MetricStatus> {}

export const HorizontalPodAutoscalerCondition = object(
  'io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerCondition',
  'One aspect of the state of an autoscaler.',
  {
    type: required(1, string, 'Name of the condition: AbleToScale, ScalingActive or ScalingLimited.'),
    status: required(2, string, 'Whether the condition holds: True, False or Unknown.'),
    lastTransitionTime: embedded(3, time, 'When the status last changed from one value to another.'),
    reason: optional(4, string, 'One CamelCase word that says why the condition last changed, for programs.'),
    message: optional(5, string, 'What happened, in words for people.'),
  },
)
export interface HorizontalPodAutoscalerCondition extends Infer<typeof HorizontalPodAutoscalerCondition> {}

export const HorizontalPodAutoscalerStatus = object(
  'io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus',
  'What is known about an autoscaler.',
  {
    observedGeneration: explicit(1, int64, 'Generation on which this status is based.'),
    lastScaleTime: explicit(2, time, 'When the number of pods was last changed.'),
    currentReplicas: optional(3, int32, 'How many pods there are, as last seen.'),
    desiredReplicas: required(4, int32, 'How many pods there should be, as last calculated.'),
    currentMetrics: embedded(5, list(MetricStatus, { list: 'atomic' }), 'Last value of each metric.'),
    conditions: optional(
      6,
      list(HorizontalPodAutoscalerCondition, { list: ['type'], merge: 'type' }),
      'Whether scaling is possible, and what limits it.',
    ),
  },
)
export interface HorizontalPodAutoscalerStatus extends Infer<typeof HorizontalPodAutoscalerStatus> {}

export const horizontalPodAutoscalerSchema = object(
  'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler',
  'Changes the number of pods of an object so that metrics stay near their targets.',
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
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  storageVersionHash: 'qwQve8ut294=',
  schema: horizontalPodAutoscalerSchema,
  nameRule: subdomainNameRule,
  defaults: fillAutoscaler,
  prepareCreate(autoscaler) {
    autoscaler.status = { desiredReplicas: 0, currentMetrics: [] }
  },
  prepareUpdate(autoscaler, old) {
    autoscaler.status = structuredClone(old.status) as Mutable<HorizontalPodAutoscalerStatus>
  },
  validate: validateAutoscaler,
  validateUpdate: (autoscaler, _old, errors) => validateAutoscaler(autoscaler, errors),
  status: { validateUpdate: (autoscaler, _old, errors) => validateAutoscalerStatus(autoscaler, errors) },
  columns: autoscalerColumns((autoscaler: HorizontalPodAutoscaler) => autoscaler),
})
