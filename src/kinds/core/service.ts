import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  bool,
  embedded,
  explicit,
  type Infer,
  int32,
  intOrString,
  list,
  map,
  object,
  oneOf,
  optional,
  required,
  string,
} from '../../schema/types.ts'
import { Condition } from '../meta/condition.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const ServicePort = object('io.k8s.api.core.v1.ServicePort', '', {
  name: optional(1, string, ''),
  protocol: optional(2, oneOf('SCTP', 'TCP', 'UDP'), '', { default: 'TCP' }),
  appProtocol: explicit(6, string, ''),
  port: required(3, int32, ''),
  targetPort: embedded(4, intOrString, ''),
  nodePort: optional(5, int32, ''),
})
export interface ServicePort extends Infer<typeof ServicePort> {}

export const ClientIPConfig = object('io.k8s.api.core.v1.ClientIPConfig', '', {
  timeoutSeconds: explicit(1, int32, ''),
})
export interface ClientIPConfig extends Infer<typeof ClientIPConfig> {}

export const SessionAffinityConfig = object('io.k8s.api.core.v1.SessionAffinityConfig', '', {
  clientIP: explicit(1, ClientIPConfig, ''),
})
export interface SessionAffinityConfig extends Infer<typeof SessionAffinityConfig> {}

export const ServiceSpec = object('io.k8s.api.core.v1.ServiceSpec', '', {
  ports: optional(1, list(ServicePort, { list: ['port', 'protocol'], merge: 'port' }), ''),
  selector: optional(2, map(string, { atomic: true }), ''),
  clusterIP: optional(3, string, ''),
  clusterIPs: optional(18, list(string, { list: 'atomic' }), ''),
  type: optional(4, oneOf('ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'), ''),
  externalIPs: optional(5, list(string, { list: 'atomic' }), ''),
  sessionAffinity: optional(7, oneOf('ClientIP', 'None'), ''),
  loadBalancerIP: optional(8, string, ''),
  loadBalancerSourceRanges: optional(9, list(string, { list: 'atomic' }), ''),
  externalName: optional(10, string, ''),
  externalTrafficPolicy: optional(11, oneOf('Cluster', 'Local'), ''),
  healthCheckNodePort: optional(12, int32, ''),
  publishNotReadyAddresses: optional(13, bool, ''),
  sessionAffinityConfig: explicit(14, SessionAffinityConfig, ''),
  ipFamilies: optional(19, list(string, { list: 'atomic' }), ''),
  ipFamilyPolicy: explicit(17, oneOf('PreferDualStack', 'RequireDualStack', 'SingleStack'), ''),
  allocateLoadBalancerNodePorts: explicit(20, bool, ''),
  loadBalancerClass: explicit(21, string, ''),
  internalTrafficPolicy: explicit(22, oneOf('Cluster', 'Local'), ''),
  trafficDistribution: explicit(23, string, ''),
})
export interface ServiceSpec extends Infer<typeof ServiceSpec> {}

export const PortStatus = object('io.k8s.api.core.v1.PortStatus', '', {
  port: required(1, int32, ''),
  protocol: required(2, oneOf('SCTP', 'TCP', 'UDP'), ''),
  error: explicit(3, string, ''),
})
export interface PortStatus extends Infer<typeof PortStatus> {}

export const LoadBalancerIngress = object('io.k8s.api.core.v1.LoadBalancerIngress', '', {
  ip: optional(1, string, ''),
  hostname: optional(2, string, ''),
  ipMode: explicit(3, string, ''),
  ports: optional(4, list(PortStatus, { list: 'atomic' }), ''),
})
export interface LoadBalancerIngress extends Infer<typeof LoadBalancerIngress> {}

export const LoadBalancerStatus = object('io.k8s.api.core.v1.LoadBalancerStatus', '', {
  ingress: optional(1, list(LoadBalancerIngress, { list: 'atomic' }), ''),
})
export interface LoadBalancerStatus extends Infer<typeof LoadBalancerStatus> {}

export const ServiceStatus = object('io.k8s.api.core.v1.ServiceStatus', '', {
  loadBalancer: embedded(1, LoadBalancerStatus, ''),
  conditions: optional(2, list(Condition, { list: ['type'], merge: 'type' }), ''),
})
export interface ServiceStatus extends Infer<typeof ServiceStatus> {}

export const serviceSchema = object('io.k8s.api.core.v1.Service', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, ServiceSpec, ''),
  status: embedded(3, ServiceStatus, ''),
})
export interface Service extends Infer<typeof serviceSchema> {}

export const Service: Kind<Service> = defineKind<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  storageVersionHash: '0/CO1lhkEBI=',
  storagePrefix: 'services/specs',
  schema: serviceSchema,
  status: {},
  subresources: [{ name: 'proxy', kind: 'ServiceProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] }],
})
