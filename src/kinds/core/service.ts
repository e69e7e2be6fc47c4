import { defineKind, type Kind } from '../../schema/kind.ts'
import { labelNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
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
import { ageColumn, labelsText, nameColumn, textColumn, wideColumn } from '../columns.ts'
import { addressWarnings, cidrWarnings } from '../ip-rules.ts'
import { Condition } from '../meta/condition.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { validateAddressChanges } from './service-address-validation.ts'
import { isExternallyAccessible } from './service-fields.ts'
import { dropUnfitFields } from './service-update.ts'
import { validateService, validateServiceStatus } from './service-validation.ts'

export const ServicePort = object('io.k8s.api.core.v1.ServicePort', 'One port that a service offers.', {
  name: optional(1, string, 'Name of the port; needed and unique when there is more than one.'),
  protocol: optional(2, oneOf('SCTP', 'TCP', 'UDP'), 'Transport protocol; TCP when absent.', { default: 'TCP' }),
  appProtocol: explicit(
    6,
    string,
    'Application protocol, as an IANA service name or a prefixed name such as kubernetes.io/h2c.',
  ),
  port: required(3, int32, 'Port that the service offers.'),
  targetPort: embedded(4, intOrString, 'Number or name of the port on the pods; equals port when absent.'),
  nodePort: optional(5, int32, 'Port on every node for NodePort and LoadBalancer; absent lets the server choose one.'),
})
export interface ServicePort extends Infer<typeof ServicePort> {}

export const ClientIPConfig = object('io.k8s.api.core.v1.ClientIPConfig', 'Session affinity by client address.', {
  timeoutSeconds: explicit(1, int32, 'Seconds that a client stays with its pod, 1 to 86400; 10800 when absent.'),
})
export interface ClientIPConfig extends Infer<typeof ClientIPConfig> {}

export const SessionAffinityConfig = object(
  'io.k8s.api.core.v1.SessionAffinityConfig',
  'Settings of the session affinity.',
  {
    clientIP: explicit(1, ClientIPConfig, 'Settings of affinity by client address.'),
  },
)
export interface SessionAffinityConfig extends Infer<typeof SessionAffinityConfig> {}

export const ServiceSpec = object('io.k8s.api.core.v1.ServiceSpec', 'What is wished of a service.', {
  ports: optional(
    1,
    list(ServicePort, { list: ['port', 'protocol'], merge: 'port' }),
    'Ports that the service offers.',
  ),
  selector: optional(
    2,
    map(string, { atomic: true }),
    'Labels of the pods behind the service; absent means that someone else writes its endpoints.',
  ),
  clusterIP: optional(
    3,
    string,
    'Virtual address; None for a headless service, absent lets the server choose. Cannot be changed while the type needs it.',
  ),
  clusterIPs: optional(
    18,
    list(string, { list: 'atomic' }),
    'Virtual addresses, at most one for each IP family; the first equals clusterIP.',
  ),
  type: optional(
    4,
    oneOf('ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'),
    'How the service is reachable: ClusterIP, NodePort, LoadBalancer or ExternalName; ClusterIP when absent.',
  ),
  externalIPs: optional(
    5,
    list(string, { list: 'atomic' }),
    'Further addresses at which nodes accept traffic for the service; routing them there is up to the user.',
  ),
  sessionAffinity: optional(7, oneOf('ClientIP', 'None'), 'ClientIP keeps a client with one pod; None when absent.'),
  loadBalancerIP: optional(
    8,
    string,
    'Deprecated wish for the address of the load balancer; not every provider heeds it.',
  ),
  loadBalancerSourceRanges: optional(
    9,
    list(string, { list: 'atomic' }),
    'Networks from which the load balancer accepts clients, where it supports that; absent means all.',
  ),
  externalName: optional(10, string, 'DNS name that an ExternalName service stands for; no proxying is involved.'),
  externalTrafficPolicy: optional(
    11,
    oneOf('Cluster', 'Local'),
    'Local sends traffic from outside only to pods on the same node and keeps the client address; Cluster when absent.',
  ),
  healthCheckNodePort: optional(
    12,
    int32,
    'Port for health checks of load balancers with the Local policy; absent lets the server choose. Cannot be changed.',
  ),
  publishNotReadyAddresses: optional(13, bool, 'Whether pods that are not ready count as ready for DNS and endpoints.'),
  sessionAffinityConfig: explicit(14, SessionAffinityConfig, 'Settings of the session affinity.'),
  ipFamilies: optional(
    19,
    list(string, { list: 'atomic' }),
    'IP families of the service, IPv4 or IPv6; absent lets the server choose. The first one cannot be changed.',
  ),
  ipFamilyPolicy: explicit(
    17,
    oneOf('PreferDualStack', 'RequireDualStack', 'SingleStack'),
    'Whether the service has one IP family or two; SingleStack when absent.',
  ),
  allocateLoadBalancerNodePorts: explicit(
    20,
    bool,
    'Whether a LoadBalancer service gets node ports; true when absent.',
  ),
  loadBalancerClass: explicit(
    21,
    string,
    'Load balancer implementation that is to serve the service; set only when the type becomes LoadBalancer.',
  ),
  internalTrafficPolicy: explicit(
    22,
    oneOf('Cluster', 'Local'),
    'Local sends traffic from within the cluster only to pods on the same node; Cluster when absent.',
  ),
  trafficDistribution: explicit(
    23,
    string,
    'Preference for near endpoints: PreferSameZone (PreferClose) or PreferSameNode; absent has none.',
  ),
})
export interface ServiceSpec extends Infer<typeof ServiceSpec> {}

export const PortStatus = object('io.k8s.api.core.v1.PortStatus', 'State of one port of a load balancer.', {
  port: required(1, int32, 'Port number of the service.'),
  protocol: required(2, oneOf('SCTP', 'TCP', 'UDP'), 'Transport protocol of the port.'),
  error: explicit(3, string, 'What went wrong, as one CamelCase or prefixed word; absent when nothing did.'),
})
export interface PortStatus extends Infer<typeof PortStatus> {}

export const LoadBalancerIngress = object(
  'io.k8s.api.core.v1.LoadBalancerIngress',
  'One entrance of a load balancer; an address or a host name.',
  {
    ip: optional(1, string, 'IP address, for load balancers that have one.'),
    hostname: optional(2, string, 'Host name, for load balancers that have one.'),
    ipMode: explicit(
      3,
      string,
      'VIP when traffic arrives with the address of the load balancer, Proxy when with that of the node or pod. Needs ip.',
    ),
    ports: optional(4, list(PortStatus, { list: 'atomic' }), 'State of each port.'),
  },
)
export interface LoadBalancerIngress extends Infer<typeof LoadBalancerIngress> {}

export const LoadBalancerStatus = object(
  'io.k8s.api.core.v1.LoadBalancerStatus',
  'What is known about a load balancer.',
  {
    ingress: optional(
      1,
      list(LoadBalancerIngress, { list: 'atomic' }),
      'Entrances; traffic sent there reaches the service.',
    ),
  },
)
export interface LoadBalancerStatus extends Infer<typeof LoadBalancerStatus> {}

export const ServiceStatus = object('io.k8s.api.core.v1.ServiceStatus', 'What is known about a service.', {
  loadBalancer: embedded(1, LoadBalancerStatus, 'State of the load balancer, if there is one.'),
  conditions: optional(2, list(Condition, { list: ['type'], merge: 'type' }), 'Aspects of the state.'),
})
export interface ServiceStatus extends Infer<typeof ServiceStatus> {}

export const serviceSchema = object('io.k8s.api.core.v1.Service', 'One name and address for a set of pods.', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
  spec: embedded(2, ServiceSpec, 'What is wished of the service.'),
  status: embedded(3, ServiceStatus, 'What is known about the service; written by the load balancer implementation.'),
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
  subresources: [{ name: 'proxy', kind: 'ServiceProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] }],
  nameRule: labelNameRule,
  defaults: fill,
  prepareCreate(service) {
    service.status = { loadBalancer: {} }
  },
  prepareUpdate(service, old) {
    service.status = structuredClone(old.status) as Mutable<ServiceStatus>
    dropUnfitFields(service, old)
  },
  validate: validateService,
  validateUpdate(service, old, errors) {
    validateAddressChanges(service, old, errors)
    if (service.spec.type === 'LoadBalancer' && old.spec.type === 'LoadBalancer') {
      const { loadBalancerClass } = service.spec
      const isSame = loadBalancerClass === old.spec.loadBalancerClass
      if (!isSame) errors.invalid('spec.loadBalancerClass', loadBalancerClass, 'may not change once set')
    }
    validateService(service, errors)
  },
  warnings,
  status: { validateUpdate: (service, _old, errors) => validateServiceStatus(service, errors) },
  selectableFields: {
    'spec.clusterIP': ({ spec }) => spec.clusterIP ?? '',
    'spec.type': ({ spec }) => spec.type ?? '',
  },
  createOnUpdate: true,
  columns: [
    nameColumn,
    textColumn('Type', 'From where the service can be reached.', ({ spec }) => spec.type ?? ''),
    textColumn('Cluster-IP', 'Its address inside the cluster.', ({ spec }) => spec.clusterIPs?.[0] ?? '<none>'),
    textColumn('External-IP', 'Its address from outside.', externalText),
    textColumn('Port(s)', 'Its ports, with those on the nodes behind them.', portsText),
    ageColumn,
    wideColumn('Selector', 'The labels of the pods behind it.', ({ spec }) => labelsText(spec.selector)),
  ],
})

const defaultAffinitySeconds = 10_800

function fill(service: Mutable<Service>): void {
  const { spec, status } = service
  spec.sessionAffinity ||= 'None'
  if (spec.sessionAffinity === 'None') spec.sessionAffinityConfig = undefined
  if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: defaultAffinitySeconds } }
  }
  spec.type ||= 'ClusterIP'
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP'
    if (port.targetPort === 0 || port.targetPort === '' || port.targetPort === undefined) port.targetPort = port.port
  }
  if (isExternallyAccessible(service as unknown as Service)) spec.externalTrafficPolicy ||= 'Cluster'
  if (spec.type === 'ClusterIP' || spec.type === 'NodePort' || spec.type === 'LoadBalancer') {
    spec.internalTrafficPolicy ??= 'Cluster'
  }
  if (spec.type === 'LoadBalancer') {
    spec.allocateLoadBalancerNodePorts ??= true
    for (const ingress of status.loadBalancer.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP'
  }
}

function warnings({ metadata, spec }: Service): string[] {
  const texts: string[] = []
  const hints = 'service.kubernetes.io/topology-aware-hints'
  if (metadata.annotations?.[hints] !== undefined) {
    texts.push(`annotation ${hints} is deprecated, please use service.kubernetes.io/topology-mode instead`)
  }
  for (const [index, address] of (spec.clusterIPs ?? []).entries()) {
    if (address !== 'None') texts.push(...addressWarnings(`spec.clusterIPs[${index}]`, address))
  }
  for (const [index, address] of (spec.externalIPs ?? []).entries()) {
    texts.push(...addressWarnings(`spec.externalIPs[${index}]`, address))
  }
  if (spec.loadBalancerIP) texts.push(...addressWarnings('spec.loadBalancerIP', spec.loadBalancerIP))
  for (const [index, range] of (spec.loadBalancerSourceRanges ?? []).entries()) {
    texts.push(...cidrWarnings(`spec.loadBalancerSourceRanges[${index}]`, range))
  }
  if (spec.externalIPs?.length) {
    texts.push(
      spec.type === 'ExternalName'
        ? 'spec.externalIPs is ignored when spec.type is "ExternalName"'
        : 'spec.externalIPs is deprecated and may no longer be implemented in some clusters',
    )
  }
  if (spec.type !== 'ExternalName' && spec.externalName) {
    texts.push('spec.externalName is ignored when spec.type is not "ExternalName"')
  }
  if (spec.trafficDistribution === 'PreferClose') {
    texts.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
  }
  return texts
}

function externalText({ spec, status }: Service): string {
  const fixed = spec.externalIPs ?? []
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return fixed.join(',') || '<none>'
    case 'LoadBalancer': {
      const ingress = (status.loadBalancer.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '')
      const balanced = [...new Set(ingress.filter((address) => address !== ''))].sort()
      return [...balanced, ...fixed].join(',') || '<pending>'
    }
    case 'ExternalName':
      return spec.externalName ?? ''
    default:
      return '<unknown>'
  }
}

function portsText({ spec: { ports = [] } }: Service): string {
  const texts = ports.map(
    ({ port, nodePort, protocol }) => `${port}${nodePort ? `:${nodePort}` : ''}/${protocol ?? ''}`,
  )
  return texts.join(',') || '<none>'
}
