import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import {
  embedded,
  explicit,
  type Infer,
  int32,
  intOrString,
  list,
  object,
  oneOf,
  optional,
  required,
  string,
} from '../../schema/types.ts'
import { ageColumn, nameColumn, selectorText, textColumn } from '../columns.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { validateNetworkPolicy } from './network-policy-validation.ts'

export const NetworkPolicyPort = object('io.k8s.api.networking.v1.NetworkPolicyPort', '', {
  protocol: explicit(1, oneOf('SCTP', 'TCP', 'UDP'), ''),
  port: explicit(2, intOrString, ''),
  endPort: explicit(3, int32, ''),
})
export interface NetworkPolicyPort extends Infer<typeof NetworkPolicyPort> {}

export const IPBlock = object('io.k8s.api.networking.v1.IPBlock', '', {
  cidr: required(1, string, ''),
  except: optional(2, list(string, { list: 'atomic' }), ''),
})
export interface IPBlock extends Infer<typeof IPBlock> {}

export const NetworkPolicyPeer = object('io.k8s.api.networking.v1.NetworkPolicyPeer', '', {
  podSelector: explicit(1, LabelSelector, ''),
  namespaceSelector: explicit(2, LabelSelector, ''),
  ipBlock: explicit(3, IPBlock, ''),
})
export interface NetworkPolicyPeer extends Infer<typeof NetworkPolicyPeer> {}

export const NetworkPolicyIngressRule = object('io.k8s.api.networking.v1.NetworkPolicyIngressRule', '', {
  ports: optional(1, list(NetworkPolicyPort, { list: 'atomic' }), ''),
  from: optional(2, list(NetworkPolicyPeer, { list: 'atomic' }), ''),
})
export interface NetworkPolicyIngressRule extends Infer<typeof NetworkPolicyIngressRule> {}

export const NetworkPolicyEgressRule = object('io.k8s.api.networking.v1.NetworkPolicyEgressRule', '', {
  ports: optional(1, list(NetworkPolicyPort, { list: 'atomic' }), ''),
  to: optional(2, list(NetworkPolicyPeer, { list: 'atomic' }), ''),
})
export interface NetworkPolicyEgressRule extends Infer<typeof NetworkPolicyEgressRule> {}

export const NetworkPolicySpec = object('io.k8s.api.networking.v1.NetworkPolicySpec', '', {
  podSelector: embedded(1, LabelSelector, ''),
  ingress: optional(2, list(NetworkPolicyIngressRule, { list: 'atomic' }), ''),
  egress: optional(3, list(NetworkPolicyEgressRule, { list: 'atomic' }), ''),
  policyTypes: optional(4, list(string, { list: 'atomic' }), ''),
})
export interface NetworkPolicySpec extends Infer<typeof NetworkPolicySpec> {}

export const networkPolicySchema = object('io.k8s.api.networking.v1.NetworkPolicy', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, NetworkPolicySpec, ''),
})
export interface NetworkPolicy extends Infer<typeof networkPolicySchema> {}

export const NetworkPolicy: Kind<NetworkPolicy> = defineKind<NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  shortNames: ['netpol'],
  namespaced: true,
  storageVersionHash: 'YpfwF18m1G8=',
  schema: networkPolicySchema,
  nameRule: subdomainNameRule,
  defaults({ spec }) {
    for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
      for (const port of rule.ports ?? []) port.protocol ??= 'TCP'
    }
    spec.policyTypes ??= spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress']
  },
  prepareCreate: startGeneration,
  prepareUpdate: (policy, old) => countChange(policy, old, ({ spec }) => spec),
  validate: validateNetworkPolicy,
  validateUpdate: (policy, _old, errors) => validateNetworkPolicy(policy, errors),
  columns: [
    nameColumn,
    textColumn('Pod-Selector', 'The pods that it protects.', ({ spec }) => selectorText(spec.podSelector)),
    ageColumn,
  ],
})
