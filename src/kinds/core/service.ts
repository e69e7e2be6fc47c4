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
  if (spec.type === 'ExternalName' && spec.externalIPs?.length) {
    texts.push('spec.externalIPs is ignored when spec.type is "ExternalName"')
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
