import {
  bool,
  embedded,
  explicit,
  type Infer,
  int32,
  int64,
  list,
  map,
  object,
  oneOf,
  optional,
  quantity,
  required,
  string,
} from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { Container, EphemeralContainer, ResourceRequirements } from './containers.ts'
import { LocalObjectReference } from './references.ts'
import { Affinity, Toleration, TopologySpreadConstraint } from './scheduling.ts'
import { PodSecurityContext } from './security.ts'
import { Volume } from './volumes.ts'

export const HostAlias = object('io.k8s.api.core.v1.HostAlias', 'A line in the hosts file of a pod.', {
  ip: required(1, string, 'The IP address.'),
  hostnames: optional(2, list(string, { list: 'atomic' }), 'Host names for the address.'),
})
export interface HostAlias extends Infer<typeof HostAlias> {}

export const PodDNSConfigOption = object('io.k8s.api.core.v1.PodDNSConfigOption', 'An option of the DNS resolver.', {
  name: optional(1, string, 'Name of the option, such as ndots.'),
  value: explicit(2, string, 'Value of the option; absent for options that have none.'),
})
export interface PodDNSConfigOption extends Infer<typeof PodDNSConfigOption> {}

export const PodDNSConfig = object(
  'io.k8s.api.core.v1.PodDNSConfig',
  'DNS settings of a pod, added to those of its DNS policy.',
  {
    nameservers: optional(
      1,
      list(string, { list: 'atomic' }),
      'IP addresses of DNS servers; appended to those of the policy, at most 3 in all.',
    ),
    searches: optional(
      2,
      list(string, { list: 'atomic' }),
      'Search domains; appended to those of the policy, at most 32 in all.',
    ),
    options: optional(
      3,
      list(PodDNSConfigOption, { list: 'atomic' }),
      'Resolver options; win over those of the policy.',
    ),
  },
)
export interface PodDNSConfig extends Infer<typeof PodDNSConfig> {}

export const PodOS = object('io.k8s.api.core.v1.PodOS', 'Operating system of the containers of a pod.', {
  name: required(1, string, 'linux or windows.'),
})
export interface PodOS extends Infer<typeof PodOS> {}

export const PodReadinessGate = object(
  'io.k8s.api.core.v1.PodReadinessGate',
  'A condition on which the readiness of a pod depends.',
  {
    conditionType: required(
      1,
      string,
      'Type of a condition in status.conditions that must be True; absent there counts as False.',
    ),
  },
)
export interface PodReadinessGate extends Infer<typeof PodReadinessGate> {}

export const PodResourceClaim = object(
  'io.k8s.api.core.v1.PodResourceClaim',
  'A resource claim that a pod uses; names either a claim or a template.',
  {
    name: required(1, string, 'Name by which containers refer to the claim; unique in the pod.'),
    resourceClaimName: explicit(3, string, 'Name of an existing claim in the namespace of the pod.'),
    resourceClaimTemplateName: explicit(
      4,
      string,
      'Name of the template from which a claim is made for this pod; the claim goes with the pod.',
    ),
  },
)
export interface PodResourceClaim extends Infer<typeof PodResourceClaim> {}

export const PodSchedulingGate = object(
  'io.k8s.api.core.v1.PodSchedulingGate',
  'Something that keeps a pod from being scheduled.',
  {
    name: required(1, string, 'Name of the gate; unique in the pod.'),
  },
)
export interface PodSchedulingGate extends Infer<typeof PodSchedulingGate> {}

export const PodSchedulingGroup = object(
  'io.k8s.api.core.v1.PodSchedulingGroup',
  'The group of pods that is scheduled together.',
  {
    podGroupName: explicit(1, string, 'Name of the pod group in the namespace of the pod.'),
  },
  { unions: [{ fields: { podGroupName: 'PodGroupName' } }] },
)
export interface PodSchedulingGroup extends Infer<typeof PodSchedulingGroup> {}

export const PodSpec = object('io.k8s.api.core.v1.PodSpec', 'What is wished of a pod.', {
  volumes: optional(
    1,
    list(Volume, { list: ['name'], merge: 'name', retainKeys: true }),
    'Volumes that the containers may mount.',
  ),
  initContainers: optional(
    20,
    list(Container, { list: ['name'], merge: 'name' }),
    'Containers that run one after the other, each to its success, before the others start.',
  ),
  containers: required(
    2,
    list(Container, { list: ['name'], merge: 'name' }),
    'The containers of the pod; at least one. None can be added or removed later.',
  ),
  ephemeralContainers: optional(
    34,
    list(EphemeralContainer, { list: ['name'], merge: 'name' }),
    'Debug containers; added through the ephemeralcontainers subresource, never at creation.',
  ),
  restartPolicy: optional(
    3,
    oneOf('Always', 'Never', 'OnFailure'),
    'When ended containers are restarted: Always, OnFailure or Never; Always when absent.',
  ),
  terminationGracePeriodSeconds: explicit(
    4,
    int64,
    'Seconds from the stop signal until the containers are killed; 30 when absent.',
  ),
  activeDeadlineSeconds: explicit(
    5,
    int64,
    'Seconds that the pod may be active on a node before it is failed; absent means no limit.',
  ),
  dnsPolicy: optional(
    6,
    oneOf('ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'),
    'Where DNS settings come from; ClusterFirst when absent. None takes them from dnsConfig alone.',
  ),
  nodeSelector: optional(7, map(string, { atomic: true }), 'Labels that a node must have for the pod to go there.'),
  serviceAccountName: optional(8, string, 'Service account as which the pod acts; default when absent.'),
  serviceAccount: optional(9, string, 'Deprecated name of serviceAccountName; kept equal to it.'),
  automountServiceAccountToken: explicit(
    21,
    bool,
    'Whether a token of the service account is mounted; absent leaves it to the service account.',
  ),
  nodeName: optional(10, string, 'Node on which the pod runs; empty until it is scheduled.'),
  hostNetwork: optional(
    11,
    bool,
    'Whether the pod uses the network of the node; host ports must then equal container ports.',
  ),
  hostPID: optional(12, bool, 'Whether the pod sees the processes of the node.'),
  hostIPC: optional(13, bool, 'Whether the pod shares the inter-process communication of the node.'),
  shareProcessNamespace: explicit(
    27,
    bool,
    'Whether the containers see the processes of one another; excludes hostPID.',
  ),
  securityContext: explicit(14, PodSecurityContext, 'Rights of the pod and defaults for its containers.'),
  imagePullSecrets: optional(
    15,
    list(LocalObjectReference, { list: ['name'], merge: 'name' }),
    'Secrets in the namespace with which images are pulled.',
  ),
  hostname: optional(16, string, 'Host name of the pod; its name when absent.'),
  subdomain: optional(
    17,
    string,
    'Subdomain of the pod; the full name becomes hostname.subdomain.namespace.svc and the cluster domain.',
  ),
  affinity: explicit(18, Affinity, 'Rules on which nodes, and near which other pods, the pod runs.'),
  schedulerName: optional(19, string, 'The scheduler that places the pod; default-scheduler when absent.'),
  tolerations: optional(22, list(Toleration, { list: 'atomic' }), 'Taints of nodes that the pod accepts.'),
  hostAliases: optional(
    23,
    list(HostAlias, { list: ['ip'], merge: 'ip' }),
    'Lines that are added to the hosts file of the pod.',
  ),
  priorityClassName: optional(24, string, 'Priority class of the pod; absent takes the global default class, if any.'),
  priority: explicit(25, int32, 'Priority as a number, taken from the class; higher goes first and may preempt lower.'),
  dnsConfig: explicit(26, PodDNSConfig, 'DNS settings that are added to those of the DNS policy.'),
  readinessGates: optional(
    28,
    list(PodReadinessGate, { list: 'atomic' }),
    'Conditions that must be True for the pod to be ready, besides its containers being ready.',
  ),
  runtimeClassName: explicit(
    29,
    string,
    'Runtime class that runs the pod; absent takes the default runtime of the node.',
  ),
  enableServiceLinks: explicit(30, bool, 'Whether variables describe the services of the namespace; true when absent.'),
  preemptionPolicy: explicit(
    31,
    oneOf('Never', 'PreemptLowerPriority'),
    'Whether the pod may preempt those of lower priority; PreemptLowerPriority when absent.',
  ),
  overhead: optional(
    32,
    map(quantity),
    'Resources that the runtime needs beyond the containers; taken from the runtime class.',
  ),
  topologySpreadConstraints: optional(
    33,
    list(TopologySpreadConstraint, { list: ['topologyKey', 'whenUnsatisfiable'], merge: 'topologyKey' }),
    'How evenly the pod and its like are spread over zones, nodes and so on; all must hold.',
  ),
  setHostnameAsFQDN: explicit(35, bool, 'Whether the host name in the pod is the fully qualified one.'),
  os: explicit(36, PodOS, 'Operating system of the containers; decides which fields may be set.'),
  hostUsers: explicit(37, bool, 'False gives the pod a user namespace of its own; true when absent.'),
  schedulingGates: optional(
    38,
    list(PodSchedulingGate, { list: ['name'], merge: 'name' }),
    'While any is left, the pod is not scheduled; set at creation, later only removed.',
  ),
  resourceClaims: optional(
    39,
    list(PodResourceClaim, { list: ['name'], merge: 'name', retainKeys: true }),
    'Resource claims that must be allocated before the pod starts; containers refer to them by name.',
  ),
  resources: explicit(
    40,
    ResourceRequirements,
    'CPU, memory and huge pages for the pod as a whole, shared by its containers.',
  ),
  hostnameOverride: explicit(
    41,
    string,
    'Host name of the pod instead of hostname and subdomain; no DNS record follows from it. Excludes hostNetwork.',
  ),
  schedulingGroup: explicit(
    43,
    PodSchedulingGroup,
    'Group of pods with which this one is scheduled; cannot be changed.',
  ),
})
export interface PodSpec extends Infer<typeof PodSpec> {}

export const PodTemplateSpec = object(
  'io.k8s.api.core.v1.PodTemplateSpec',
  'Describes the pods that a controller makes.',
  {
    metadata: embedded(1, ObjectMeta, 'Labels and annotations of the pods.'),
    spec: embedded(2, PodSpec, 'What is wished of the pods.'),
  },
)
export interface PodTemplateSpec extends Infer<typeof PodTemplateSpec> {}
