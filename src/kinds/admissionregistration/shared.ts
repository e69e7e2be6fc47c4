import {
  bytes,
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
import { LabelSelector } from '../meta/label-selector.ts'

export const MatchCondition = object('io.k8s.api.admissionregistration.v1.MatchCondition', '', {
  name: required(1, string, ''),
  expression: required(2, string, ''),
})
export interface MatchCondition extends Infer<typeof MatchCondition> {}

export const Rule = object('io.k8s.api.admissionregistration.v1.Rule', '', {
  apiGroups: optional(1, list(string, { list: 'atomic' }), ''),
  apiVersions: optional(2, list(string, { list: 'atomic' }), ''),
  resources: optional(3, list(string, { list: 'atomic' }), ''),
  scope: explicit(4, oneOf('*', 'Cluster', 'Namespaced'), ''),
})
export interface Rule extends Infer<typeof Rule> {}

export const RuleWithOperations = object('io.k8s.api.admissionregistration.v1.RuleWithOperations', '', {
  operations: optional(1, list(string, { list: 'atomic' }), ''),
  ...inline(2, Rule),
})
export interface RuleWithOperations extends Infer<typeof RuleWithOperations> {}

export const NamedRuleWithOperations = object(
  'io.k8s.api.admissionregistration.v1.NamedRuleWithOperations',
  '',
  {
    resourceNames: optional(1, list(string, { list: 'atomic' }), ''),
    ...inline(2, RuleWithOperations),
  },
  { atomic: true },
)
export interface NamedRuleWithOperations extends Infer<typeof NamedRuleWithOperations> {}

export const MatchResources = object(
  'io.k8s.api.admissionregistration.v1.MatchResources',
  '',
  {
    namespaceSelector: explicit(1, LabelSelector, ''),
    objectSelector: explicit(2, LabelSelector, ''),
    resourceRules: optional(3, list(NamedRuleWithOperations, { list: 'atomic' }), ''),
    excludeResourceRules: optional(4, list(NamedRuleWithOperations, { list: 'atomic' }), ''),
    matchPolicy: explicit(7, oneOf('Equivalent', 'Exact'), ''),
  },
  { atomic: true },
)
export interface MatchResources extends Infer<typeof MatchResources> {}

export const ParamKind = object(
  'io.k8s.api.admissionregistration.v1.ParamKind',
  '',
  {
    apiVersion: optional(1, string, ''),
    kind: optional(2, string, ''),
  },
  { atomic: true },
)
export interface ParamKind extends Infer<typeof ParamKind> {}

export const ParamRef = object(
  'io.k8s.api.admissionregistration.v1.ParamRef',
  '',
  {
    name: optional(1, string, ''),
    namespace: optional(2, string, ''),
    selector: explicit(3, LabelSelector, ''),
    parameterNotFoundAction: explicit(4, string, ''),
  },
  { atomic: true },
)
export interface ParamRef extends Infer<typeof ParamRef> {}

export const ServiceReference = object('io.k8s.api.admissionregistration.v1.ServiceReference', '', {
  namespace: required(1, string, ''),
  name: required(2, string, ''),
  path: explicit(3, string, ''),
  port: explicit(4, int32, ''),
})
export interface ServiceReference extends Infer<typeof ServiceReference> {}

export const Variable = object(
  'io.k8s.api.admissionregistration.v1.Variable',
  '',
  {
    name: required(1, string, ''),
    expression: required(2, string, ''),
  },
  { atomic: true },
)
export interface Variable extends Infer<typeof Variable> {}

export const WebhookClientConfig = object('io.k8s.api.admissionregistration.v1.WebhookClientConfig', '', {
  url: explicit(3, string, ''),
  service: explicit(1, ServiceReference, ''),
  caBundle: optional(2, bytes, ''),
})
export interface WebhookClientConfig extends Infer<typeof WebhookClientConfig> {}
