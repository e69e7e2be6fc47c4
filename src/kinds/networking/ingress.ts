import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import {
  embedded,
  explicit,
  type Infer,
  inline,
  int32,
  list,
  object,
  oneOf,
  optional,
  required,
  string,
} from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { TypedLocalObjectReference } from '../core/references.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { classAnnotation, validateIngress, validateIngressStatus } from './ingress-validation.ts'

export const ServiceBackendPort = object(
  'io.k8s.api.networking.v1.ServiceBackendPort',
  'A port of a service; either name or number is set.',
  {
    name: optional(1, string, 'Name of the port.'),
    number: optional(2, int32, 'Number of the port.'),
  },
  { atomic: true },
)
export interface ServiceBackendPort extends Infer<typeof ServiceBackendPort> {}

export const IngressServiceBackend = object(
  'io.k8s.api.networking.v1.IngressServiceBackend',
  'A service that takes requests.',
  {
    name: required(1, string, 'Name of the service in the namespace of the ingress.'),
    port: embedded(2, ServiceBackendPort, 'Port of the service; needed.'),
  },
)
export interface IngressServiceBackend extends Infer<typeof IngressServiceBackend> {}

export const IngressBackend = object(
  'io.k8s.api.networking.v1.IngressBackend',
  'Who takes requests; either service or resource is set.',
  {
    service: explicit(4, IngressServiceBackend, 'The service that takes them.'),
    resource: explicit(
      3,
      TypedLocalObjectReference,
      'Another object of the namespace that takes them, as the controller understands it.',
    ),
  },
)
export interface IngressBackend extends Infer<typeof IngressBackend> {}

export const IngressTLS = object('io.k8s.api.networking.v1.IngressTLS', 'A certificate for some hosts.', {
  hosts: optional(
    1,
    list(string, { list: 'atomic' }),
    'Hosts of the certificate; absent leaves them to the controller.',
  ),
  secretName: optional(2, string, 'Secret with certificate and key; absent leaves TLS to others, by SNI alone.'),
})
export interface IngressTLS extends Infer<typeof IngressTLS> {}

export const HTTPIngressPath = object(
  'io.k8s.api.networking.v1.HTTPIngressPath',
  'Sends the requests for a path to a backend.',
  {
    path: optional(1, string, 'Path that begins with a slash; needed for Exact and Prefix.'),
    pathType: required(
      3,
      oneOf('Exact', 'ImplementationSpecific', 'Prefix'),
      'Exact, Prefix by whole path elements, or ImplementationSpecific.',
    ),
    backend: required(2, IngressBackend, 'Who takes the requests.'),
  },
)
export interface HTTPIngressPath extends Infer<typeof HTTPIngressPath> {}

export const HTTPIngressRuleValue = object(
  'io.k8s.api.networking.v1.HTTPIngressRuleValue',
  'Paths of a host and their backends.',
  {
    paths: required(1, list(HTTPIngressPath, { list: 'atomic' }), 'The paths; at least one.'),
  },
)
export interface HTTPIngressRuleValue extends Infer<typeof HTTPIngressRuleValue> {}

export const IngressRuleValue = object('io.k8s.api.networking.v1.IngressRuleValue', 'What a rule does.', {
  http: explicit(1, HTTPIngressRuleValue, 'Paths and their backends; absent sends everything to the default backend.'),
})
export interface IngressRuleValue extends Infer<typeof IngressRuleValue> {}

export const IngressRule = object('io.k8s.api.networking.v1.IngressRule', 'Rule for the requests to one host.', {
  host: optional(1, string, 'DNS name, exact or with * as its first label; absent means all. No port, no IP address.'),
  ...inline(2, IngressRuleValue),
})
export interface IngressRule extends Infer<typeof IngressRule> {}

export const IngressSpec = object('io.k8s.api.networking.v1.IngressSpec', 'What is wished of an ingress.', {
  ingressClassName: explicit(4, string, 'Class of the ingress; says which controller serves it.'),
  defaultBackend: explicit(
    1,
    IngressBackend,
    'Who takes requests that match no rule; absent leaves them to the controller. Needed without rules.',
  ),
  tls: optional(2, list(IngressTLS, { list: 'atomic' }), 'Certificates for the hosts; served on port 443.'),
  rules: optional(
    3,
    list(IngressRule, { list: 'atomic' }),
    'Rules by host; absent sends everything to the default backend.',
  ),
})
export interface IngressSpec extends Infer<typeof IngressSpec> {}

export const IngressPortStatus = object(
  'io.k8s.api.networking.v1.IngressPortStatus',
  'State of one port of a load balancer.',
  {
    port: required(1, int32, 'Port number of the ingress.'),
    protocol: required(2, oneOf('SCTP', 'TCP', 'UDP'), 'Transport protocol of the port.'),
    error: explicit(3, string, 'What went wrong, as one CamelCase or prefixed word; absent when nothing did.'),
  },
)
export interface IngressPortStatus extends Infer<typeof IngressPortStatus> {}

export const IngressLoadBalancerIngress = object(
  'io.k8s.api.networking.v1.IngressLoadBalancerIngress',
  'One entrance of a load balancer; an address or a host name.',
  {
    ip: optional(1, string, 'IP address, for load balancers that have one.'),
    hostname: optional(2, string, 'Host name, for load balancers that have one.'),
    ports: optional(4, list(IngressPortStatus, { list: 'atomic' }), 'State of each port.'),
  },
)
export interface IngressLoadBalancerIngress extends Infer<typeof IngressLoadBalancerIngress> {}

export const IngressLoadBalancerStatus = object(
  'io.k8s.api.networking.v1.IngressLoadBalancerStatus',
  'What is known about a load balancer.',
  {
    ingress: optional(
      1,
      list(IngressLoadBalancerIngress, { list: 'atomic' }),
      'Entrances; requests sent there reach the ingress.',
    ),
  },
)
export interface IngressLoadBalancerStatus extends Infer<typeof IngressLoadBalancerStatus> {}

export const IngressStatus = object('io.k8s.api.networking.v1.IngressStatus', 'What is known about an ingress.', {
  loadBalancer: embedded(1, IngressLoadBalancerStatus, 'State of the load balancer, if there is one.'),
})
export interface IngressStatus extends Infer<typeof IngressStatus> {}

export const ingressSchema = object(
  'io.k8s.api.networking.v1.Ingress',
  'Leads HTTP requests from outside to services, by host and path.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, IngressSpec, 'What is wished of the ingress.'),
    status: embedded(3, IngressStatus, 'What is known about the ingress.'),
  },
)
export interface Ingress extends Infer<typeof ingressSchema> {}

export const Ingress: Kind<Ingress> = defineKind<Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  shortNames: ['ing'],
  namespaced: true,
  storageVersionHash: '39NQlfNR+bo=',
  storagePrefix: 'ingress',
  schema: ingressSchema,
  nameRule: subdomainNameRule,
  prepareCreate(ingress) {
    startGeneration(ingress)
    ingress.status = { loadBalancer: {} }
  },
  prepareUpdate(ingress, old) {
    ingress.status = structuredClone(old.status) as Mutable<IngressStatus>
    countChange(ingress, old, ({ spec }) => spec)
  },
  validate: validateIngress,
  validateUpdate: (ingress, _old, errors) => validateIngress(ingress, errors, 'update'),
  warnings({ metadata }, old) {
    if (old !== undefined || metadata.annotations?.[classAnnotation] === undefined) return []
    return [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`]
  },
  status: { validateUpdate: (ingress, _old, errors) => validateIngressStatus(ingress, errors) },
  columns: [
    nameColumn,
    textColumn('Class', 'The class, which says who serves it.', ({ spec }) => spec.ingressClassName ?? '<none>'),
    textColumn('Hosts', 'The first of the host names.', ({ spec }) => hostsText(spec.rules ?? [])),
    textColumn('Address', 'Where it is served.', ({ status }) => addressText(status)),
    textColumn('Ports', 'The ports on which it is served.', ({ spec }) => (spec.tls?.length ? '80, 443' : '80')),
    ageColumn,
  ],
})

function hostsText(rules: readonly IngressRule[]): string {
  const hosts = rules.flatMap(({ host }) => (host ? [host] : []))
  const shown = hosts.slice(0, 3)
  if (shown.length === 0) return '*'
  const thirdAt = shown.length < 3 ? -1 : rules.findIndex(({ host }) => host === shown[2])
  const hasMore = thirdAt >= 0 && thirdAt < rules.length - 1
  return hasMore ? `${shown.join(',')} + ${rules.length - 3} more...` : shown.join(',')
}

function addressText({ loadBalancer }: IngressStatus): string {
  const addresses = (loadBalancer.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '')
  return [...new Set(addresses.filter((address) => address !== ''))].sort().join(',')
}
