import { parseIp } from '../../base/cidr.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import {
  dnsLabelFaults,
  dnsSubdomainFaults,
  legacyIpFaults,
  portNameFaults,
  wildcardSubdomainFaults,
} from '../../schema/names.ts'
import { invalidAll, validatePort } from '../rules.ts'
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressTLS } from './ingress.ts'
import { validateTypedReference } from './typed-reference.ts'

/** How the class was said before `ingressClassName`. */
export const classAnnotation = 'kubernetes.io/ingress.class'

export function validateIngress(
  { metadata, spec }: Ingress,
  errors: FieldErrors,
  operation: 'create' | 'update' = 'create',
): void {
  const { rules = [], defaultBackend, tls = [], ingressClassName } = spec
  if (rules.length === 0 && defaultBackend === undefined) {
    errors.invalid('spec', null, 'either `defaultBackend` or `rules` must be specified')
  }
  if (defaultBackend !== undefined) validateBackend('spec.defaultBackend', defaultBackend, errors)
  for (const [index, rule] of rules.entries()) validateRule(`spec.rules[${index}]`, rule, errors)
  for (const [index, entry] of tls.entries()) validateTls(`spec.tls[${index}]`, entry, errors)
  if (ingressClassName === undefined) return
  invalidAll('spec.ingressClassName', ingressClassName, dnsSubdomainFaults(ingressClassName), errors)
  const annotation = metadata.annotations?.[classAnnotation]
  if (operation === 'update' || annotation === undefined || annotation === ingressClassName) return
  const detail = 'must match `ingressClassName` when both are specified'
  errors.invalid(`annotations.${classAnnotation}`, annotation, detail)
}

function validateRule(path: string, { host, http }: IngressRule, errors: FieldErrors): void {
  if (host) {
    if (parseIp(host, 'sloppy') !== undefined) {
      errors.invalid(`${path}.host`, host, 'must be a DNS name, not an IP address')
    }
    invalidAll(`${path}.host`, host, hostFaults(host), errors)
  }
  if (http === undefined) return
  const paths = http.paths ?? []
  if (paths.length === 0) errors.required(`${path}.http.paths`)
  for (const [index, entry] of paths.entries()) validatePath(`${path}.http.paths[${index}]`, entry, errors)
}

function hostFaults(host: string): readonly string[] {
  return host.includes('*') ? wildcardSubdomainFaults(host) : dnsSubdomainFaults(host)
}

const wrongSequences = ['//', '/./', '/../', '%2f', '%2F']
const wrongEnds = ['/..', '/.']

function validatePath(where: string, entry: HTTPIngressPath, errors: FieldErrors): void {
  const pathType = entry.pathType as string
  const { path = '', backend } = entry
  if (pathType === '') {
    errors.required(`${where}.pathType`, 'pathType must be specified')
    return
  }
  const refuse = (detail: string) => errors.invalid(`${where}.path`, path, detail)
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!path.startsWith('/')) refuse('must be an absolute path')
    for (const sequence of wrongSequences) if (path.includes(sequence)) refuse(`must not contain '${sequence}'`)
    for (const end of wrongEnds) if (path.endsWith(end)) refuse(`cannot end with '${end}'`)
  } else if (pathType === 'ImplementationSpecific') {
    if (path !== '' && !path.startsWith('/')) refuse('must be an absolute path')
  } else {
    errors.notSupported(`${where}.pathType`, pathType, ['Exact', 'ImplementationSpecific', 'Prefix'])
  }
  validateBackend(`${where}.backend`, backend, errors)
}

function validateBackend(path: string, { service, resource }: IngressBackend, errors: FieldErrors): void {
  if (service !== undefined && resource !== undefined) {
    errors.invalid(path, '', 'cannot set both resource and service backends')
  } else if (resource !== undefined) {
    validateTypedReference(`${path}.resource`, resource, errors)
  } else if (service !== undefined) {
    validateService(path, service, errors)
  } else {
    errors.invalid(path, '', 'resource or service backend is required')
  }
}

function validateService(path: string, service: NonNullable<IngressBackend['service']>, errors: FieldErrors): void {
  const { name, port } = service
  if (!name) errors.required(`${path}.service.name`)
  else invalidAll(`${path}.service.name`, name, dnsLabelFaults(name), errors)
  if (port.name && port.number) errors.invalid(path, '', 'cannot set both port name & port number')
  else if (port.name) invalidAll(`${path}.service.port.name`, port.name, portNameFaults(port.name), errors)
  else if (port.number) validatePort(`${path}.service.port.number`, port.number, errors)
  else errors.required(path, 'port name or number is required')
}

function validateTls(path: string, { hosts = [], secretName }: IngressTLS, errors: FieldErrors): void {
  for (const [index, host] of hosts.entries()) invalidAll(`${path}.hosts[${index}]`, host, hostFaults(host), errors)
  if (secretName) invalidAll(`${path}.secretName`, secretName, dnsSubdomainFaults(secretName), errors)
}

/** The rules for what an ingress controller reports. */
export function validateIngressStatus({ status }: Ingress, errors: FieldErrors): void {
  for (const [index, { ip, hostname }] of (status.loadBalancer.ingress ?? []).entries()) {
    const path = `status.loadBalancer.ingress[${index}]`
    if (ip) invalidAll(`${path}.ip`, ip, legacyIpFaults(ip), errors)
    if (!hostname) continue
    invalidAll(`${path}.hostname`, hostname, dnsSubdomainFaults(hostname), errors)
    if (parseIp(hostname, 'sloppy') !== undefined) {
      errors.invalid(`${path}.hostname`, hostname, 'must be a DNS name, not an IP address')
    }
  }
}
