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
  '',
  {
    name: optional(1, string, ''),
    number: optional(2, int32, ''),
  },
  { atomic: true },
)
export interface ServiceBackendPort extends Infer<typeof ServiceBackendPort> {}

export const IngressServiceBackend = object('io.k8s.api.networking.v1.IngressServiceBackend', '', {
  name: required(1, string, ''),
  port: embedded(2, ServiceBackendPort, ''),
})
export interface IngressServiceBackend extends Infer<typeof IngressServiceBackend> {}

export const IngressBackend = object('io.k8s.api.networking.v1.IngressBackend', '', {
  service: explicit(4, IngressServiceBackend, ''),
  resource: explicit(3, TypedLocalObjectReference, ''),
})
export interface IngressBackend extends Infer<typeof IngressBackend> {}

export const IngressTLS = object('io.k8s.api.networking.v1.IngressTLS', '', {
  hosts: optional(1, list(string, { list: 'atomic' }), ''),
  secretName: optional(2, string, ''),
})
export interface IngressTLS extends Infer<typeof IngressTLS> {}

export const HTTPIngressPath = object('io.k8s.api.networking.v1.HTTPIngressPath', '', {
  path: optional(1, string, ''),
  pathType: required(3, oneOf('Exact', 'ImplementationSpecific', 'Prefix'), ''),
  backend: required(2, IngressBackend, ''),
})
export interface HTTPIngressPath extends Infer<typeof HTTPIngressPath> {}

export const HTTPIngressRuleValue = object('io.k8s.api.networking.v1.HTTPIngressRuleValue', '', {
  paths: required(1, list(HTTPIngressPath, { list: 'atomic' }), ''),
})
export interface HTTPIngressRuleValue extends Infer<typeof HTTPIngressRuleValue> {}

export const IngressRuleValue = object('io.k8s.api.networking.v1.IngressRuleValue', '', {
  http: explicit(1, HTTPIngressRuleValue, ''),
})
export interface IngressRuleValue extends Infer<typeof IngressRuleValue> {}

export const IngressRule = object('io.k8s.api.networking.v1.IngressRule', '', {
  host: optional(1, string, ''),
  ...inline(2, IngressRuleValue),
})
export interface IngressRule extends Infer<typeof IngressRule> {}

export const IngressSpec = object('io.k8s.api.networking.v1.IngressSpec', '', {
  ingressClassName: explicit(4, string, ''),
  defaultBackend: explicit(1, IngressBackend, ''),
  tls: optional(2, list(IngressTLS, { list: 'atomic' }), ''),
  rules: optional(3, list(IngressRule, { list: 'atomic' }), ''),
})
export interface IngressSpec extends Infer<typeof IngressSpec> {}

export const IngressPortStatus = object('io.k8s.api.networking.v1.IngressPortStatus', '', {
  port: required(1, int32, ''),
  protocol: required(2, oneOf('SCTP', 'TCP', 'UDP'), ''),
  error: explicit(3, string, ''),
})
export interface IngressPortStatus extends Infer<typeof IngressPortStatus> {}

export const IngressLoadBalancerIngress = object('io.k8s.api.networking.v1.IngressLoadBalancerIngress', '', {
  ip: optional(1, string, ''),
  hostname: optional(2, string, ''),
  ports: optional(4, list(IngressPortStatus, { list: 'atomic' }), ''),
})
export interface IngressLoadBalancerIngress extends Infer<typeof IngressLoadBalancerIngress> {}

export const IngressLoadBalancerStatus = object('io.k8s.api.networking.v1.IngressLoadBalancerStatus', '', {
  ingress: optional(1, list(IngressLoadBalancerIngress, { list: 'atomic' }), ''),
})
export interface IngressLoadBalancerStatus extends Infer<typeof IngressLoadBalancerStatus> {}

export const IngressStatus = object('io.k8s.api.networking.v1.IngressStatus', '', {
  loadBalancer: embedded(1, IngressLoadBalancerStatus, ''),
})
export interface IngressStatus extends Infer<typeof IngressStatus> {}

export const ingressSchema = object('io.k8s.api.networking.v1.Ingress', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, IngressSpec, ''),
  status: embedded(3, IngressStatus, ''),
})
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
