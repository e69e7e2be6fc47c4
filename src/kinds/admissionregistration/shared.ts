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

export const MatchCondition = object(
  'io.k8s.api.admissionregistration.v1.MatchCondition',
  'A CEL condition that a request must fulfil besides the rules.',
  {
    name: required(1, string, 'Name of the condition; a qualified name, unique in the list.'),
    expression: required(2, string, 'CEL expression of type bool over object, oldObject, request and authorizer.'),
  },
)
export interface MatchCondition extends Infer<typeof MatchCondition> {}

export const Rule = object(
  'io.k8s.api.admissionregistration.v1.Rule',
  'Resources to which a webhook or policy applies.',
  {
    apiGroups: optional(1, list(string, { list: 'atomic' }), 'API groups; * means all, and then stands alone.'),
    apiVersions: optional(2, list(string, { list: 'atomic' }), 'API versions; * means all, and then stands alone.'),
    resources: optional(
      3,
      list(string, { list: 'atomic' }),
      'Resources or subresources: pods, pods/log, pods/*, */scale; * means all resources, */* subresources too.',
    ),
    scope: explicit(
      4,
      oneOf('*', 'Cluster', 'Namespaced'),
      'Cluster, Namespaced or *; * when absent. Subresources follow their resource.',
    ),
  },
)
export interface Rule extends Infer<typeof Rule> {}

export const RuleWithOperations = object(
  'io.k8s.api.admissionregistration.v1.RuleWithOperations',
  'Operations and resources to which a webhook applies.',
  {
    operations: optional(
      1,
      list(string, { list: 'atomic' }),
      'CREATE, UPDATE, DELETE, CONNECT; * means all, and then stands alone.',
    ),
    ...inline(2, Rule),
  },
)
export interface RuleWithOperations extends Infer<typeof RuleWithOperations> {}

export const NamedRuleWithOperations = object(
  'io.k8s.api.admissionregistration.v1.NamedRuleWithOperations',
  'Operations, resources and object names to which a policy applies.',
  {
    resourceNames: optional(
      1,
      list(string, { list: 'atomic' }),
      'Names of objects to which the rule is limited; absent means all.',
    ),
    ...inline(2, RuleWithOperations),
  },
  { atomic: true },
)
export interface NamedRuleWithOperations extends Infer<typeof NamedRuleWithOperations> {}

export const MatchResources = object(
  'io.k8s.api.admissionregistration.v1.MatchResources',
  'Requests to which a policy applies.',
  {
    namespaceSelector: explicit(
      1,
      LabelSelector,
      'Labels of the namespace of the object; cluster-scoped objects always match. Absent means all.',
    ),
    objectSelector: explicit(2, LabelSelector, 'Labels of the object or of its old state; absent means all.'),
    resourceRules: optional(
      3,
      list(NamedRuleWithOperations, { list: 'atomic' }),
      'Operations and resources; one matching rule is enough.',
    ),
    excludeResourceRules: optional(
      4,
      list(NamedRuleWithOperations, { list: 'atomic' }),
      'Operations and resources that are left out; they win over resourceRules.',
    ),
    matchPolicy: explicit(
      7,
      oneOf('Equivalent', 'Exact'),
      'Exact takes rules by the word, Equivalent also through other versions of a resource; Equivalent when absent.',
    ),
  },
  { atomic: true },
)
export interface MatchResources extends Infer<typeof MatchResources> {}

export const ParamKind = object(
  'io.k8s.api.admissionregistration.v1.ParamKind',
  'Kind of the objects that hold parameters of a policy.',
  {
    apiVersion: optional(1, string, 'Group and version of the kind.'),
    kind: optional(2, string, 'Name of the kind.'),
  },
  { atomic: true },
)
export interface ParamKind extends Infer<typeof ParamKind> {}

export const ParamRef = object(
  'io.k8s.api.admissionregistration.v1.ParamRef',
  'Says where the parameters of a policy are; either name or selector is set.',
  {
    name: optional(1, string, 'Name of the parameter object; excludes selector.'),
    namespace: optional(
      2,
      string,
      'Namespace of the parameters; absent takes that of the object. Not for cluster-scoped parameters.',
    ),
    selector: explicit(3, LabelSelector, 'Labels of the parameter objects, each of which is evaluated; excludes name.'),
    parameterNotFoundAction: explicit(4, string, 'Allow or Deny: what happens when no parameter object is found.'),
  },
  { atomic: true },
)
export interface ParamRef extends Infer<typeof ParamRef> {}

export const ServiceReference = object(
  'io.k8s.api.admissionregistration.v1.ServiceReference',
  'A service of the cluster that is called.',
  {
    namespace: required(1, string, 'Namespace of the service.'),
    name: required(2, string, 'Name of the service.'),
    path: explicit(3, string, 'Path of the URL; absent sends none.'),
    port: explicit(4, int32, 'Port of the service; 443 when absent.'),
  },
)
export interface ServiceReference extends Infer<typeof ServiceReference> {}

export const Variable = object(
  'io.k8s.api.admissionregistration.v1.Variable',
  'A named expression that other expressions of the policy may use.',
  {
    name: required(1, string, 'Name of the variable; a CEL identifier, used as variables.name.'),
    expression: required(2, string, 'CEL expression of its value; it may use variables that stand before it.'),
  },
  { atomic: true },
)
export interface Variable extends Infer<typeof Variable> {}

export const WebhookClientConfig = object(
  'io.k8s.api.admissionregistration.v1.WebhookClientConfig',
  'How a webhook is reached; either url or service is set.',
  {
    url: explicit(3, string, 'URL of the webhook; https, without user, query and fragment.'),
    service: explicit(1, ServiceReference, 'Service of the cluster that is the webhook.'),
    caBundle: optional(
      2,
      bytes,
      'Certificates in PEM form that verify the webhook; absent takes the trust of the API server.',
    ),
  },
)
export interface WebhookClientConfig extends Infer<typeof WebhookClientConfig> {}
