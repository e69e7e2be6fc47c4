import { parseIp } from '../../base/cidr.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import {
  dnsLabelFaults,
  dnsSubdomainFaults,
  labelValueFaults,
  legacyCidrFaults,
  legacyIpFaults,
  portNameFaults,
  qualifiedNameFaults,
} from '../../schema/names.ts'
import { endpointIpFaults } from '../ip-rules.ts'
import { invalidAll, portRange, validatePort } from '../rules.ts'
import type { Service, ServicePort } from './service.ts'
import { validateAddressFields } from './service-address-validation.ts'
import { isExternallyAccessible, isHeadless, needsHealthCheckPort } from './service-fields.ts'

const kubeletPort = 10_250
const maxAffinitySeconds = 86_400
const onlyForLoadBalancers = "may only be used when `type` is 'LoadBalancer'"

export function validateService(service: Service, errors: FieldErrors): void {
  const { spec } = service
  const ports = spec.ports ?? []
  if (ports.length === 0 && !isHeadless(service) && spec.type !== 'ExternalName') errors.required('spec.ports')
  validateByType(service, errors)
  validatePorts(ports, errors)
  validateSelector(service, errors)
  validateAffinity(service, errors)
  validateAddressFields(service, errors)
  for (const [index, address] of (spec.externalIPs ?? []).entries()) {
    invalidAll(`spec.externalIPs[${index}]`, address, endpointIpFaults(address), errors)
  }
  validateType(service, errors)
  validateDuplicatePorts(ports, errors)
  validateSourceRanges(service, errors)
  if (spec.allocateLoadBalancerNodePorts !== undefined && spec.type !== 'LoadBalancer') {
    errors.forbidden('spec.allocateLoadBalancerNodePorts', onlyForLoadBalancers)
  }
  validateLoadBalancerClass(service, errors)
  validateTrafficPolicies(service, errors)
}

function validateByType(service: Service, errors: FieldErrors): void {
  const { type, ports = [], clusterIPs = [] } = service.spec
  if (type === 'LoadBalancer') {
    for (const [index, { port }] of ports.entries()) {
      if (port !== kubeletPort) continue
      const detail = `may not expose port ${kubeletPort} externally since it is used by kubelet`
      errors.invalid(`spec.ports[${index}]`, port, detail)
    }
  }
  if ((type === 'LoadBalancer' || type === 'NodePort') && isHeadless(service)) {
    errors.invalid('spec.clusterIPs[0]', clusterIPs[0], `may not be set to 'None' for ${type} services`)
  }
  if (type === 'ExternalName') validateExternalName(service, errors)
}

function validateExternalName({ spec }: Service, errors: FieldErrors): void {
  const notForExternalNames = 'may not be set for ExternalName services'
  if (spec.clusterIPs?.length) errors.forbidden('spec.clusterIPs', notForExternalNames)
  if (spec.ipFamilies?.length) errors.forbidden('spec.ipFamilies', notForExternalNames)
  if (spec.ipFamilyPolicy !== undefined) errors.forbidden('spec.ipFamilyPolicy', notForExternalNames)
  const name = (spec.externalName ?? '').replace(/\.$/, '')
  if (name === '') errors.required('spec.externalName')
  else invalidAll('spec.externalName', name, dnsSubdomainFaults(name), errors)
}

function validatePorts(ports: readonly ServicePort[], errors: FieldErrors): void {
  const names = new Set<string>()
  for (const [index, port] of ports.entries()) {
    const path = `spec.ports[${index}]`
    const { name, protocol, appProtocol, targetPort } = port
    if (name) {
      invalidAll(`${path}.name`, name, dnsLabelFaults(name), errors)
      if (names.has(name)) errors.duplicate(`${path}.name`, name)
      names.add(name)
    } else if (ports.length > 1) {
      errors.required(`${path}.name`)
    }
    validatePort(`${path}.port`, port.port, errors)
    const protocols = ['SCTP', 'TCP', 'UDP']
    if (!protocol) errors.required(`${path}.protocol`)
    else if (!protocols.includes(protocol)) errors.notSupported(`${path}.protocol`, protocol, protocols)
    validateTargetPort(`${path}.targetPort`, targetPort, errors)
    if (appProtocol !== undefined) {
      invalidAll(`${path}.appProtocol`, appProtocol, qualifiedNameFaults(appProtocol), errors)
    }
  }
}

function validateTargetPort(path: string, port: number | string, errors: FieldErrors): void {
  if (typeof port === 'string') invalidAll(path, port, portNameFaults(port), errors)
  else if (port < 1 || port > 65535) errors.invalid(path, port, portRange)
}

function validateSelector({ spec: { selector = {} } }: Service, errors: FieldErrors): void {
  for (const [key, value] of Object.entries(selector)) {
    invalidAll('spec.selector', key, qualifiedNameFaults(key), errors)
    invalidAll('spec.selector', value, labelValueFaults(value), errors)
  }
}

function validateAffinity({ spec }: Service, errors: FieldErrors): void {
  const { sessionAffinity, sessionAffinityConfig: config } = spec
  const kinds = ['ClientIP', 'None']
  if (!sessionAffinity) errors.required('spec.sessionAffinity')
  else if (!kinds.includes(sessionAffinity)) errors.notSupported('spec.sessionAffinity', sessionAffinity, kinds)
  const path = 'spec.sessionAffinityConfig'
  if (sessionAffinity === 'None' && config !== undefined) {
    errors.forbidden(path, 'must not be set when session affinity is None')
  }
  if (sessionAffinity !== 'ClientIP') return
  const seconds = config?.clientIP?.timeoutSeconds
  const whenByAddress = 'when session affinity type is ClientIP'
  if (config === undefined) errors.required(path, whenByAddress)
  else if (config.clientIP === undefined) errors.required(`${path}.clientIP`, whenByAddress)
  else if (seconds === undefined) errors.required(`${path}.clientIP.timeoutSeconds`, whenByAddress)
  else if (seconds <= 0 || seconds > maxAffinitySeconds) {
    const detail = `must be greater than 0 and less than ${maxAffinitySeconds}`
    errors.invalid(`${path}.clientIP.timeoutSeconds`, seconds, detail)
  }
}

function validateType({ spec: { type, ports = [] } }: Service, errors: FieldErrors): void {
  const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
  if (!type) errors.required('spec.type')
  else if (!types.includes(type)) errors.notSupported('spec.type', type, types)
  if (type !== 'ClusterIP') return
  for (const [index, { nodePort }] of ports.entries()) {
    if (nodePort) errors.forbidden(`spec.ports[${index}].nodePort`, "may not be used when `type` is 'ClusterIP'")
  }
}

/** A port, and a node port, may be there once for each protocol. */
function validateDuplicatePorts(ports: readonly ServicePort[], errors: FieldErrors): void {
  const nodePorts = new Set<string>()
  for (const [index, { protocol, nodePort }] of ports.entries()) {
    if (!nodePort) continue
    const identity = `${protocol}/${nodePort}`
    if (nodePorts.has(identity)) errors.duplicate(`spec.ports[${index}].nodePort`, nodePort)
    nodePorts.add(identity)
  }
  const seen = new Set<string>()
  for (const [index, { protocol, port }] of ports.entries()) {
    const identity = `${protocol}/${port}`
    const shown = { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 }
    if (seen.has(identity)) errors.duplicate(`spec.ports[${index}]`, shown)
    seen.add(identity)
  }
}

const sourceRangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges'

function validateSourceRanges({ spec, metadata }: Service, errors: FieldErrors): void {
  const ranges = spec.loadBalancerSourceRanges ?? []
  const annotation = metadata.annotations?.[sourceRangesAnnotation]
  if (ranges.length > 0) {
    const path = 'spec.LoadBalancerSourceRanges'
    if (spec.type !== 'LoadBalancer') errors.forbidden(path, onlyForLoadBalancers)
    for (const [index, range] of ranges.entries()) {
      invalidAll(`${path}[${index}]`, range.trim(), legacyCidrFaults(range.trim()), errors)
    }
  } else if (annotation !== undefined) {
    const path = `metadata.annotations[${sourceRangesAnnotation}]`
    if (spec.type !== 'LoadBalancer') errors.forbidden(path, onlyForLoadBalancers)
    const isRight = annotation.split(',').every((range) => legacyCidrFaults(range.trim()).length === 0)
    if (annotation.trim() !== '' && !isRight) {
      errors.invalid(path, annotation, 'must be a list of IP ranges. For example, 10.240.0.0/24,10.250.0.0/24')
    }
  }
}

function validateLoadBalancerClass({ spec }: Service, errors: FieldErrors): void {
  const path = 'spec.loadBalancerClass'
  if (spec.loadBalancerClass === undefined) return
  if (spec.type !== 'LoadBalancer') errors.forbidden(path, onlyForLoadBalancers)
  else invalidAll(path, spec.loadBalancerClass, qualifiedNameFaults(spec.loadBalancerClass), errors)
}

function validateTrafficPolicies(service: Service, errors: FieldErrors): void {
  const { type = '', externalTrafficPolicy, internalTrafficPolicy, trafficDistribution } = service.spec
  const policies = ['Cluster', 'Local']
  if (!isExternallyAccessible(service)) {
    const detail = 'may only be set for externally-accessible services'
    if (externalTrafficPolicy) errors.invalid('spec.externalTrafficPolicy', externalTrafficPolicy, detail)
  } else if (!externalTrafficPolicy) {
    errors.required('spec.externalTrafficPolicy')
  } else if (!policies.includes(externalTrafficPolicy)) {
    errors.notSupported('spec.externalTrafficPolicy', externalTrafficPolicy, policies)
  }
  validateHealthCheckPort(service, errors)
  if (internalTrafficPolicy === undefined) {
    const hasClusterIp = ['ClusterIP', 'NodePort', 'LoadBalancer'].includes(type)
    if (hasClusterIp) errors.required('spec.internalTrafficPolicy')
  } else if (!policies.includes(internalTrafficPolicy)) {
    errors.notSupported('spec.internalTrafficPolicy', internalTrafficPolicy, policies)
  }
  const distributions = ['PreferClose', 'PreferSameNode', 'PreferSameZone']
  if (trafficDistribution !== undefined && !distributions.includes(trafficDistribution)) {
    errors.notSupported('spec.trafficDistribution', trafficDistribution, distributions)
  }
}

function validateHealthCheckPort(service: Service, errors: FieldErrors): void {
  const { healthCheckNodePort = 0 } = service.spec
  const path = 'spec.healthCheckNodePort'
  if (!needsHealthCheckPort(service)) {
    if (healthCheckNodePort === 0) return
    const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
    errors.invalid(path, healthCheckNodePort, detail)
  } else if (healthCheckNodePort === 0) {
    errors.required(path)
  } else {
    validatePort(path, healthCheckNodePort, errors)
  }
}

/** The rules for what a load balancer's controller reports. */
export function validateServiceStatus({ spec, status }: Service, errors: FieldErrors): void {
  const ingress = status.loadBalancer.ingress ?? []
  if (spec.type !== 'LoadBalancer' && ingress.length > 0) {
    errors.forbidden('status.loadBalancer.ingress', 'may only be used when `spec.type` is LoadBalancer')
    return
  }
  for (const [index, { ip, ipMode, hostname }] of ingress.entries()) {
    const path = `status.loadBalancer.ingress[${index}]`
    if (ip) invalidAll(`${path}.ip`, ip, legacyIpFaults(ip), errors)
    if (ip && ipMode === undefined) errors.required(`${path}.ipMode`, 'must be specified when `ip` is set')
    if (!ip && ipMode !== undefined) errors.forbidden(`${path}.ipMode`, 'may not be specified when `ip` is not set')
    else if (ipMode !== undefined && ipMode !== 'VIP' && ipMode !== 'Proxy') {
      errors.notSupported(`${path}.ipMode`, ipMode, ['Proxy', 'VIP'])
    }
    if (!hostname) continue
    invalidAll(`${path}.hostname`, hostname, dnsSubdomainFaults(hostname), errors)
    if (parseIp(hostname, 'sloppy') !== undefined) {
      errors.invalid(`${path}.hostname`, hostname, 'must be a DNS name, not an IP address')
    }
  }
}
