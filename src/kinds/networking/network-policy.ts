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

export const NetworkPolicyPort = object(
  'io.k8s.api.networking.v1.NetworkPolicyPort',
  'Ports on which traffic is allowed.',
  {
    protocol: explicit(1, oneOf('SCTP', 'TCP', 'UDP'), 'Transport protocol; TCP when absent.'),
    port: explicit(2, intOrString, 'Number or name of a port of the pod; absent means all.'),
    endPort: explicit(3, int32, 'Last port of a range that begins at port; port must then be a number, not above it.'),
  },
)
export interface NetworkPolicyPort extends Infer<typeof NetworkPolicyPort> {}

export const IPBlock = object('io.k8s.api.networking.v1.IPBlock', 'A range of addresses, with exceptions.', {
  cidr: required(1, string, 'The range, such as 192.168.1.0/24.'),
  except: optional(2, list(string, { list: 'atomic' }), 'Ranges within cidr that are left out.'),
})
export interface IPBlock extends Infer<typeof IPBlock> {}

export const NetworkPolicyPeer = object(
  'io.k8s.api.networking.v1.NetworkPolicyPeer',
  'Other side of the traffic; ipBlock excludes the selectors.',
  {
    podSelector: explicit(
      1,
      LabelSelector,
      'Labels of pods, in the namespaces of namespaceSelector or, without it, in that of the policy.',
    ),
    namespaceSelector: explicit(
      2,
      LabelSelector,
      'Labels of namespaces; without podSelector all their pods. An empty selector means all namespaces.',
    ),
    ipBlock: explicit(3, IPBlock, 'Range of addresses.'),
  },
)
export interface NetworkPolicyPeer extends Infer<typeof NetworkPolicyPeer> {}

export const NetworkPolicyIngressRule = object(
  'io.k8s.api.networking.v1.NetworkPolicyIngressRule',
  'Incoming traffic that is allowed; ports and from must both match.',
  {
    ports: optional(1, list(NetworkPolicyPort, { list: 'atomic' }), 'Ports of the pods; absent means all.'),
    from: optional(
      2,
      list(NetworkPolicyPeer, { list: 'atomic' }),
      'Where the traffic comes from; absent means anywhere.',
    ),
  },
)
export interface NetworkPolicyIngressRule extends Infer<typeof NetworkPolicyIngressRule> {}

export const NetworkPolicyEgressRule = object(
  'io.k8s.api.networking.v1.NetworkPolicyEgressRule',
  'Outgoing traffic that is allowed; ports and to must both match.',
  {
    ports: optional(
      1,
      list(NetworkPolicyPort, { list: 'atomic' }),
      'Ports to which the traffic goes; absent means all.',
    ),
    to: optional(2, list(NetworkPolicyPeer, { list: 'atomic' }), 'Where the traffic goes; absent means anywhere.'),
  },
)
export interface NetworkPolicyEgressRule extends Infer<typeof NetworkPolicyEgressRule> {}

export const NetworkPolicySpec = object('io.k8s.api.networking.v1.NetworkPolicySpec', 'What is wished of a policy.', {
  podSelector: embedded(
    1,
    LabelSelector,
    'Labels of the pods to which the policy applies; empty means all of the namespace.',
  ),
  ingress: optional(
    2,
    list(NetworkPolicyIngressRule, { list: 'atomic' }),
    'Incoming traffic that is allowed; none when empty. The rules of all policies add up.',
  ),
  egress: optional(
    3,
    list(NetworkPolicyEgressRule, { list: 'atomic' }),
    'Outgoing traffic that is allowed; none when empty and policyTypes has Egress. The rules of all policies add up.',
  ),
  policyTypes: optional(
    4,
    list(string, { list: 'atomic' }),
    'Ingress, Egress or both; absent means Ingress, and Egress when there are egress rules.',
  ),
})
export interface NetworkPolicySpec extends Infer<typeof NetworkPolicySpec> {}

export const networkPolicySchema = object(
  'io.k8s.api.networking.v1.NetworkPolicy',
  'Says which traffic pods may have; pods without a policy may have any.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, NetworkPolicySpec, 'What is wished of the policy.'),
  },
)
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
