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

export const HostAlias = object('io.k8s.api.core.v1.HostAlias', '', {
  ip: required(1, string, ''),
  hostnames: optional(2, list(string, { list: 'atomic' }), ''),
})
export interface HostAlias extends Infer<typeof HostAlias> {}

export const PodDNSConfigOption = object('io.k8s.api.core.v1.PodDNSConfigOption', '', {
  name: optional(1, string, ''),
  value: explicit(2, string, ''),
})
export interface PodDNSConfigOption extends Infer<typeof PodDNSConfigOption> {}

export const PodDNSConfig = object('io.k8s.api.core.v1.PodDNSConfig', '', {
  nameservers: optional(1, list(string, { list: 'atomic' }), ''),
  searches: optional(2, list(string, { list: 'atomic' }), ''),
  options: optional(3, list(PodDNSConfigOption, { list: 'atomic' }), ''),
})
export interface PodDNSConfig extends Infer<typeof PodDNSConfig> {}

export const PodOS = object('io.k8s.api.core.v1.PodOS', '', {
  name: required(1, string, ''),
})
export interface PodOS extends Infer<typeof PodOS> {}

export const PodReadinessGate = object('io.k8s.api.core.v1.PodReadinessGate', '', {
  conditionType: required(1, string, ''),
})
export interface PodReadinessGate extends Infer<typeof PodReadinessGate> {}

export const PodResourceClaim = object('io.k8s.api.core.v1.PodResourceClaim', '', {
  name: required(1, string, ''),
  resourceClaimName: explicit(3, string, ''),
  resourceClaimTemplateName: explicit(4, string, ''),
})
export interface PodResourceClaim extends Infer<typeof PodResourceClaim> {}

export const PodSchedulingGate = object('io.k8s.api.core.v1.PodSchedulingGate', '', {
  name: required(1, string, ''),
})
export interface PodSchedulingGate extends Infer<typeof PodSchedulingGate> {}

export const PodSchedulingGroup = object(
  'io.k8s.api.core.v1.PodSchedulingGroup',
  '',
  {
    podGroupName: explicit(1, string, ''),
  },
  { unions: [{ fields: { podGroupName: 'PodGroupName' } }] },
)
export interface PodSchedulingGroup extends Infer<typeof PodSchedulingGroup> {}

export const PodSpec = object('io.k8s.api.core.v1.PodSpec', '', {
  volumes: optional(1, list(Volume, { list: ['name'], merge: 'name', retainKeys: true }), ''),
  initContainers: optional(20, list(Container, { list: ['name'], merge: 'name' }), ''),
  containers: required(2, list(Container, { list: ['name'], merge: 'name' }), ''),
  ephemeralContainers: optional(34, list(EphemeralContainer, { list: ['name'], merge: 'name' }), ''),
  restartPolicy: optional(3, oneOf('Always', 'Never', 'OnFailure'), ''),
  terminationGracePeriodSeconds: explicit(4, int64, ''),
  activeDeadlineSeconds: explicit(5, int64, ''),
  dnsPolicy: optional(6, oneOf('ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'), ''),
  nodeSelector: optional(7, map(string, { atomic: true }), ''),
  serviceAccountName: optional(8, string, ''),
  serviceAccount: optional(9, string, ''),
  automountServiceAccountToken: explicit(21, bool, ''),
  nodeName: optional(10, string, ''),
  hostNetwork: optional(11, bool, ''),
  hostPID: optional(12, bool, ''),
  hostIPC: optional(13, bool, ''),
  shareProcessNamespace: explicit(27, bool, ''),
  securityContext: explicit(14, PodSecurityContext, ''),
  imagePullSecrets: optional(15, list(LocalObjectReference, { list: ['name'], merge: 'name' }), ''),
  hostname: optional(16, string, ''),
  subdomain: optional(17, string, ''),
  affinity: explicit(18, Affinity, ''),
  schedulerName: optional(19, string, ''),
  tolerations: optional(22, list(Toleration, { list: 'atomic' }), ''),
  hostAliases: optional(23, list(HostAlias, { list: ['ip'], merge: 'ip' }), ''),
  priorityClassName: optional(24, string, ''),
  priority: explicit(25, int32, ''),
  dnsConfig: explicit(26, PodDNSConfig, ''),
  readinessGates: optional(28, list(PodReadinessGate, { list: 'atomic' }), ''),
  runtimeClassName: explicit(29, string, ''),
  enableServiceLinks: explicit(30, bool, ''),
  preemptionPolicy: explicit(31, oneOf('Never', 'PreemptLowerPriority'), ''),
  overhead: optional(32, map(quantity), ''),
  topologySpreadConstraints: optional(
    33,
    list(TopologySpreadConstraint, { list: ['topologyKey', 'whenUnsatisfiable'], merge: 'topologyKey' }),
    '',
  ),
  setHostnameAsFQDN: explicit(35, bool, ''),
  os: explicit(36, PodOS, ''),
  hostUsers: explicit(37, bool, ''),
  schedulingGates: optional(38, list(PodSchedulingGate, { list: ['name'], merge: 'name' }), ''),
  resourceClaims: optional(39, list(PodResourceClaim, { list: ['name'], merge: 'name', retainKeys: true }), ''),
  resources: explicit(40, ResourceRequirements, ''),
  hostnameOverride: explicit(41, string, ''),
  schedulingGroup: explicit(43, PodSchedulingGroup, ''),
})
export interface PodSpec extends Infer<typeof PodSpec> {}

export const PodTemplateSpec = object('io.k8s.api.core.v1.PodTemplateSpec', '', {
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, PodSpec, ''),
})
export interface PodTemplateSpec extends Infer<typeof PodTemplateSpec> {}
