import {
  explicit,
  type Infer,
  int32,
  int64,
  list,
  object,
  oneOf,
  optional,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { LabelSelector } from '../meta/label-selector.ts'

export const NodeSelectorRequirement = object('io.k8s.api.core.v1.NodeSelectorRequirement', '', {
  key: required(1, string, ''),
  operator: required(2, oneOf('DoesNotExist', 'Exists', 'Gt', 'In', 'Lt', 'NotIn'), ''),
  values: optional(3, list(string, { list: 'atomic' }), ''),
})
export interface NodeSelectorRequirement extends Infer<typeof NodeSelectorRequirement> {}

export const NodeSelectorTerm = object(
  'io.k8s.api.core.v1.NodeSelectorTerm',
  '',
  {
    matchExpressions: optional(1, list(NodeSelectorRequirement, { list: 'atomic' }), ''),
    matchFields: optional(2, list(NodeSelectorRequirement, { list: 'atomic' }), ''),
  },
  { atomic: true },
)
export interface NodeSelectorTerm extends Infer<typeof NodeSelectorTerm> {}

export const NodeSelector = object(
  'io.k8s.api.core.v1.NodeSelector',
  '',
  {
    nodeSelectorTerms: required(1, list(NodeSelectorTerm, { list: 'atomic' }), ''),
  },
  { atomic: true },
)
export interface NodeSelector extends Infer<typeof NodeSelector> {}

export const PreferredSchedulingTerm = object('io.k8s.api.core.v1.PreferredSchedulingTerm', '', {
  weight: required(1, int32, ''),
  preference: required(2, NodeSelectorTerm, ''),
})
export interface PreferredSchedulingTerm extends Infer<typeof PreferredSchedulingTerm> {}

export const NodeAffinity = object('io.k8s.api.core.v1.NodeAffinity', '', {
  requiredDuringSchedulingIgnoredDuringExecution: explicit(1, NodeSelector, ''),
  preferredDuringSchedulingIgnoredDuringExecution: optional(2, list(PreferredSchedulingTerm, { list: 'atomic' }), ''),
})
export interface NodeAffinity extends Infer<typeof NodeAffinity> {}

export const PodAffinityTerm = object('io.k8s.api.core.v1.PodAffinityTerm', '', {
  labelSelector: explicit(1, LabelSelector, ''),
  namespaces: optional(2, list(string, { list: 'atomic' }), ''),
  topologyKey: required(3, string, ''),
  namespaceSelector: explicit(4, LabelSelector, ''),
  matchLabelKeys: optional(5, list(string, { list: 'atomic' }), ''),
  mismatchLabelKeys: optional(6, list(string, { list: 'atomic' }), ''),
})
export interface PodAffinityTerm extends Infer<typeof PodAffinityTerm> {}

export const WeightedPodAffinityTerm = object('io.k8s.api.core.v1.WeightedPodAffinityTerm', '', {
  weight: required(1, int32, ''),
  podAffinityTerm: required(2, PodAffinityTerm, ''),
})
export interface WeightedPodAffinityTerm extends Infer<typeof WeightedPodAffinityTerm> {}

export const PodAffinity = object('io.k8s.api.core.v1.PodAffinity', '', {
  requiredDuringSchedulingIgnoredDuringExecution: optional(1, list(PodAffinityTerm, { list: 'atomic' }), ''),
  preferredDuringSchedulingIgnoredDuringExecution: optional(2, list(WeightedPodAffinityTerm, { list: 'atomic' }), ''),
})
export interface PodAffinity extends Infer<typeof PodAffinity> {}

export const PodAntiAffinity = object('io.k8s.api.core.v1.PodAntiAffinity', '', {
  requiredDuringSchedulingIgnoredDuringExecution: optional(1, list(PodAffinityTerm, { list: 'atomic' }), ''),
  preferredDuringSchedulingIgnoredDuringExecution: optional(2, list(WeightedPodAffinityTerm, { list: 'atomic' }), ''),
})
export interface PodAntiAffinity extends Infer<typeof PodAntiAffinity> {}

export const Affinity = object('io.k8s.api.core.v1.Affinity', '', {
  nodeAffinity: explicit(1, NodeAffinity, ''),
  podAffinity: explicit(2, PodAffinity, ''),
  podAntiAffinity: explicit(3, PodAntiAffinity, ''),
})
export interface Affinity extends Infer<typeof Affinity> {}

export const Taint = object('io.k8s.api.core.v1.Taint', '', {
  key: required(1, string, ''),
  value: optional(2, string, ''),
  effect: required(3, oneOf('NoExecute', 'NoSchedule', 'PreferNoSchedule'), ''),
  timeAdded: explicit(4, time, ''),
})
export interface Taint extends Infer<typeof Taint> {}

export const Toleration = object('io.k8s.api.core.v1.Toleration', '', {
  key: optional(1, string, ''),
  operator: optional(2, oneOf('Equal', 'Exists', 'Gt', 'Lt'), ''),
  value: optional(3, string, ''),
  effect: optional(4, oneOf('NoExecute', 'NoSchedule', 'PreferNoSchedule'), ''),
  tolerationSeconds: explicit(5, int64, ''),
})
export interface Toleration extends Infer<typeof Toleration> {}

export const TopologySelectorLabelRequirement = object('io.k8s.api.core.v1.TopologySelectorLabelRequirement', '', {
  key: required(1, string, ''),
  values: required(2, list(string, { list: 'atomic' }), ''),
})
export interface TopologySelectorLabelRequirement extends Infer<typeof TopologySelectorLabelRequirement> {}

export const TopologySelectorTerm = object(
  'io.k8s.api.core.v1.TopologySelectorTerm',
  '',
  {
    matchLabelExpressions: optional(1, list(TopologySelectorLabelRequirement, { list: 'atomic' }), ''),
  },
  { atomic: true },
)
export interface TopologySelectorTerm extends Infer<typeof TopologySelectorTerm> {}

export const TopologySpreadConstraint = object('io.k8s.api.core.v1.TopologySpreadConstraint', '', {
  maxSkew: required(1, int32, ''),
  topologyKey: required(2, string, ''),
  whenUnsatisfiable: required(3, oneOf('DoNotSchedule', 'ScheduleAnyway'), ''),
  labelSelector: explicit(4, LabelSelector, ''),
  minDomains: explicit(5, int32, ''),
  nodeAffinityPolicy: explicit(6, oneOf('Honor', 'Ignore'), ''),
  nodeTaintsPolicy: explicit(7, oneOf('Honor', 'Ignore'), ''),
  matchLabelKeys: optional(8, list(string, { list: 'atomic' }), ''),
})
export interface TopologySpreadConstraint extends Infer<typeof TopologySpreadConstraint> {}

export const VolumeNodeAffinity = object('io.k8s.api.core.v1.VolumeNodeAffinity', '', {
  required: explicit(1, NodeSelector, ''),
})
export interface VolumeNodeAffinity extends Infer<typeof VolumeNodeAffinity> {}
