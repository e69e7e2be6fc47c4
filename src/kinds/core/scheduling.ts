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

export const NodeSelectorRequirement = object(
  'io.k8s.api.core.v1.NodeSelectorRequirement',
  'One requirement on a label or a field of a node.',
  {
    key: required(1, string, 'Key of the label, or name of the field.'),
    operator: required(
      2,
      oneOf('DoesNotExist', 'Exists', 'Gt', 'In', 'Lt', 'NotIn'),
      'In, NotIn, Exists, DoesNotExist, Gt or Lt.',
    ),
    values: optional(
      3,
      list(string, { list: 'atomic' }),
      'Values to compare with; none for Exists and DoesNotExist, one integer for Gt and Lt.',
    ),
  },
)
export interface NodeSelectorRequirement extends Infer<typeof NodeSelectorRequirement> {}

export const NodeSelectorTerm = object(
  'io.k8s.api.core.v1.NodeSelectorTerm',
  'Requirements on a node, all of which must hold; an empty term selects no node.',
  {
    matchExpressions: optional(1, list(NodeSelectorRequirement, { list: 'atomic' }), 'Requirements on labels.'),
    matchFields: optional(
      2,
      list(NodeSelectorRequirement, { list: 'atomic' }),
      'Requirements on fields; only metadata.name is known.',
    ),
  },
  { atomic: true },
)
export interface NodeSelectorTerm extends Infer<typeof NodeSelectorTerm> {}

export const NodeSelector = object(
  'io.k8s.api.core.v1.NodeSelector',
  'Selects the nodes that match any of its terms.',
  {
    nodeSelectorTerms: required(1, list(NodeSelectorTerm, { list: 'atomic' }), 'The terms; one match is enough.'),
  },
  { atomic: true },
)
export interface NodeSelector extends Infer<typeof NodeSelector> {}

export const PreferredSchedulingTerm = object(
  'io.k8s.api.core.v1.PreferredSchedulingTerm',
  'A preference for certain nodes; an empty term prefers none.',
  {
    weight: required(1, int32, 'How much a match counts, 1 to 100.'),
    preference: required(2, NodeSelectorTerm, 'The nodes that are preferred.'),
  },
)
export interface PreferredSchedulingTerm extends Infer<typeof PreferredSchedulingTerm> {}

export const NodeAffinity = object('io.k8s.api.core.v1.NodeAffinity', 'Rules on which nodes a pod runs.', {
  requiredDuringSchedulingIgnoredDuringExecution: explicit(
    1,
    NodeSelector,
    'Nodes on which the pod may be placed; later changes to the node do not drive it away.',
  ),
  preferredDuringSchedulingIgnoredDuringExecution: optional(
    2,
    list(PreferredSchedulingTerm, { list: 'atomic' }),
    'Nodes that are preferred; the weights of all matches are added up.',
  ),
})
export interface NodeAffinity extends Infer<typeof NodeAffinity> {}

export const PodAffinityTerm = object(
  'io.k8s.api.core.v1.PodAffinityTerm',
  'Describes pods, and the topology within which to be near them or far from them.',
  {
    labelSelector: explicit(1, LabelSelector, 'Labels of the pods; absent selects none.'),
    namespaces: optional(
      2,
      list(string, { list: 'atomic' }),
      'Namespaces of the pods, besides namespaceSelector; when both are absent, that of the pod.',
    ),
    topologyKey: required(
      3,
      string,
      'Label of nodes whose value says what is the same place, such as kubernetes.io/hostname; must not be empty.',
    ),
    namespaceSelector: explicit(
      4,
      LabelSelector,
      'Labels of the namespaces of the pods; an empty selector means all namespaces.',
    ),
    matchLabelKeys: optional(
      5,
      list(string, { list: 'atomic' }),
      'Label keys whose values are taken from the pod at hand and must be equal; needs labelSelector.',
    ),
    mismatchLabelKeys: optional(
      6,
      list(string, { list: 'atomic' }),
      'Label keys whose values are taken from the pod at hand and must differ; needs labelSelector.',
    ),
  },
)
export interface PodAffinityTerm extends Infer<typeof PodAffinityTerm> {}

export const WeightedPodAffinityTerm = object(
  'io.k8s.api.core.v1.WeightedPodAffinityTerm',
  'A preference for being near certain pods or far from them.',
  {
    weight: required(1, int32, 'How much a match counts, 1 to 100.'),
    podAffinityTerm: required(2, PodAffinityTerm, 'The pods and the topology.'),
  },
)
export interface WeightedPodAffinityTerm extends Infer<typeof WeightedPodAffinityTerm> {}

export const PodAffinity = object('io.k8s.api.core.v1.PodAffinity', 'Rules on being near other pods.', {
  requiredDuringSchedulingIgnoredDuringExecution: optional(
    1,
    list(PodAffinityTerm, { list: 'atomic' }),
    'Pods near which the pod must be placed; all terms must hold. Later changes do not drive it away.',
  ),
  preferredDuringSchedulingIgnoredDuringExecution: optional(
    2,
    list(WeightedPodAffinityTerm, { list: 'atomic' }),
    'Pods near which the pod is preferably placed; weights are added up.',
  ),
})
export interface PodAffinity extends Infer<typeof PodAffinity> {}

export const PodAntiAffinity = object('io.k8s.api.core.v1.PodAntiAffinity', 'Rules on being far from other pods.', {
  requiredDuringSchedulingIgnoredDuringExecution: optional(
    1,
    list(PodAffinityTerm, { list: 'atomic' }),
    'Pods near which the pod must not be placed; all terms must hold. Later changes do not drive it away.',
  ),
  preferredDuringSchedulingIgnoredDuringExecution: optional(
    2,
    list(WeightedPodAffinityTerm, { list: 'atomic' }),
    'Pods near which the pod is preferably not placed; weights are added up.',
  ),
})
export interface PodAntiAffinity extends Infer<typeof PodAntiAffinity> {}

export const Affinity = object('io.k8s.api.core.v1.Affinity', 'Rules on where a pod is placed.', {
  nodeAffinity: explicit(1, NodeAffinity, 'Rules on nodes.'),
  podAffinity: explicit(2, PodAffinity, 'Rules on being near other pods.'),
  podAntiAffinity: explicit(3, PodAntiAffinity, 'Rules on being far from other pods.'),
})
export interface Affinity extends Infer<typeof Affinity> {}

export const Taint = object(
  'io.k8s.api.core.v1.Taint',
  'A mark on a node that keeps away pods which do not tolerate it.',
  {
    key: required(1, string, 'Key of the taint.'),
    value: optional(2, string, 'Value that belongs to the key.'),
    effect: required(
      3,
      oneOf('NoExecute', 'NoSchedule', 'PreferNoSchedule'),
      'NoSchedule keeps new pods away, PreferNoSchedule tries to, NoExecute also drives running ones away.',
    ),
    timeAdded: explicit(4, time, 'When the taint was added.'),
  },
)
export interface Taint extends Infer<typeof Taint> {}

export const Toleration = object('io.k8s.api.core.v1.Toleration', 'Accepts the taints that match it.', {
  key: optional(1, string, 'Key of the taint; empty with Exists matches every key.'),
  operator: optional(
    2,
    oneOf('Equal', 'Exists', 'Gt', 'Lt'),
    'Equal when absent. Exists matches any value; Lt and Gt compare integers.',
  ),
  value: optional(3, string, 'Value of the taint; empty with Exists.'),
  effect: optional(
    4,
    oneOf('NoExecute', 'NoSchedule', 'PreferNoSchedule'),
    'Effect of the taint; empty matches every effect.',
  ),
  tolerationSeconds: explicit(
    5,
    int64,
    'Seconds that a NoExecute taint is tolerated; absent means for ever, 0 or less drives away at once.',
  ),
})
export interface Toleration extends Infer<typeof Toleration> {}

export const TopologySelectorLabelRequirement = object(
  'io.k8s.api.core.v1.TopologySelectorLabelRequirement',
  'One requirement on a topology label.',
  {
    key: required(1, string, 'Key of the label.'),
    values: required(2, list(string, { list: 'atomic' }), 'Values of which one must match.'),
  },
)
export interface TopologySelectorLabelRequirement extends Infer<typeof TopologySelectorLabelRequirement> {}

export const TopologySelectorTerm = object(
  'io.k8s.api.core.v1.TopologySelectorTerm',
  'Requirements on topology labels, all of which must hold; an empty term selects nothing.',
  {
    matchLabelExpressions: optional(
      1,
      list(TopologySelectorLabelRequirement, { list: 'atomic' }),
      'The requirements, all of which must hold.',
    ),
  },
  { atomic: true },
)
export interface TopologySelectorTerm extends Infer<typeof TopologySelectorTerm> {}

export const TopologySpreadConstraint = object(
  'io.k8s.api.core.v1.TopologySpreadConstraint',
  'Says how evenly pods are spread over the domains of a topology.',
  {
    maxSkew: required(
      1,
      int32,
      'Most by which the number of matching pods in a domain may exceed the least of any domain; above 0.',
    ),
    topologyKey: required(
      2,
      string,
      'Label of nodes whose value names the domain, such as topology.kubernetes.io/zone.',
    ),
    whenUnsatisfiable: required(
      3,
      oneOf('DoNotSchedule', 'ScheduleAnyway'),
      'DoNotSchedule makes it a requirement, ScheduleAnyway a preference.',
    ),
    labelSelector: explicit(4, LabelSelector, 'Labels of the pods that are counted.'),
    minDomains: explicit(
      5,
      int32,
      'Fewest domains there should be; with less, the least count is taken as 0. Needs DoNotSchedule; 1 when absent.',
    ),
    nodeAffinityPolicy: explicit(
      6,
      oneOf('Honor', 'Ignore'),
      'Whether only nodes that the pod may use by node affinity count; Honor when absent.',
    ),
    nodeTaintsPolicy: explicit(
      7,
      oneOf('Honor', 'Ignore'),
      'Whether only nodes whose taints the pod tolerates count; Ignore when absent.',
    ),
    matchLabelKeys: optional(
      8,
      list(string, { list: 'atomic' }),
      'Label keys whose values are taken from the pod at hand, besides labelSelector.',
    ),
  },
)
export interface TopologySpreadConstraint extends Infer<typeof TopologySpreadConstraint> {}

export const VolumeNodeAffinity = object(
  'io.k8s.api.core.v1.VolumeNodeAffinity',
  'Says from which nodes a volume can be reached.',
  {
    required: explicit(1, NodeSelector, 'The nodes; a pod that uses the volume is placed on one of them.'),
  },
)
export interface VolumeNodeAffinity extends Infer<typeof VolumeNodeAffinity> {}
