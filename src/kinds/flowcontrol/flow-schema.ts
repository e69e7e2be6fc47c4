import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import {
  bool,
  embedded,
  explicit,
  type Infer,
  int32,
  list,
  object,
  optional,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { validateFlowSchema } from './validation.ts'

export const PriorityLevelConfigurationReference = object(
  'io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationReference',
  'Names a priority level.',
  {
    name: required(1, string, 'Name of the priority level; needed.'),
  },
)
export interface PriorityLevelConfigurationReference extends Infer<typeof PriorityLevelConfigurationReference> {}

export const FlowDistinguisherMethod = object(
  'io.k8s.api.flowcontrol.v1.FlowDistinguisherMethod',
  'How requests that match a schema are split into flows.',
  {
    type: required(1, string, 'ByUser or ByNamespace.'),
  },
)
export interface FlowDistinguisherMethod extends Infer<typeof FlowDistinguisherMethod> {}

export const UserSubject = object('io.k8s.api.flowcontrol.v1.UserSubject', 'A user, by name.', {
  name: required(1, string, 'Name of the user; * means all.'),
})
export interface UserSubject extends Infer<typeof UserSubject> {}

export const GroupSubject = object('io.k8s.api.flowcontrol.v1.GroupSubject', 'A group of users.', {
  name: required(1, string, 'Name of the group; * means all.'),
})
export interface GroupSubject extends Infer<typeof GroupSubject> {}

export const ServiceAccountSubject = object('io.k8s.api.flowcontrol.v1.ServiceAccountSubject', 'A service account.', {
  namespace: required(1, string, 'Namespace of the service account.'),
  name: required(2, string, 'Name of the service account; * means all in the namespace.'),
})
export interface ServiceAccountSubject extends Infer<typeof ServiceAccountSubject> {}

export const Subject = object(
  'io.k8s.api.flowcontrol.v1.Subject',
  'Somebody who sends requests; the member that kind names is set.',
  {
    kind: required(1, string, 'User, Group or ServiceAccount.'),
    user: explicit(2, UserSubject, 'The user; set when kind is User.'),
    group: explicit(3, GroupSubject, 'The group; set when kind is Group.'),
    serviceAccount: explicit(4, ServiceAccountSubject, 'The service account; set when kind is ServiceAccount.'),
  },
  { unions: [{ discriminator: 'kind', fields: { group: 'Group', serviceAccount: 'ServiceAccount', user: 'User' } }] },
)
export interface Subject extends Infer<typeof Subject> {}

export const ResourcePolicyRule = object(
  'io.k8s.api.flowcontrol.v1.ResourcePolicyRule',
  'Requests for resources that match; every part must.',
  {
    verbs: required(1, list(string, { list: 'set' }), 'Verbs; * means all, and then stands alone.'),
    apiGroups: required(2, list(string, { list: 'set' }), 'API groups; * means all, and then stands alone.'),
    resources: required(
      3,
      list(string, { list: 'set' }),
      'Resources or subresources; * means all, and then stands alone.',
    ),
    clusterScope: optional(4, bool, 'Whether requests without a namespace match.'),
    namespaces: optional(
      5,
      list(string, { list: 'set' }),
      'Namespaces; * means all. May be empty only with clusterScope.',
    ),
  },
)
export interface ResourcePolicyRule extends Infer<typeof ResourcePolicyRule> {}

export const NonResourcePolicyRule = object(
  'io.k8s.api.flowcontrol.v1.NonResourcePolicyRule',
  'Requests outside the API that match; both parts must.',
  {
    verbs: required(1, list(string, { list: 'set' }), 'HTTP verbs in lower case; * means all, and then stands alone.'),
    nonResourceURLs: required(
      6,
      list(string, { list: 'set' }),
      'Paths; * as the last part matches the rest, * alone everything.',
    ),
  },
)
export interface NonResourcePolicyRule extends Infer<typeof NonResourcePolicyRule> {}

export const PolicyRulesWithSubjects = object(
  'io.k8s.api.flowcontrol.v1.PolicyRulesWithSubjects',
  'Matches when a subject and a rule match.',
  {
    subjects: required(1, list(Subject, { list: 'atomic' }), 'Those who send the requests; at least one.'),
    resourceRules: optional(2, list(ResourcePolicyRule, { list: 'atomic' }), 'Requests for resources.'),
    nonResourceRules: optional(
      3,
      list(NonResourcePolicyRule, { list: 'atomic' }),
      'Requests outside the API; this or resourceRules must not be empty.',
    ),
  },
)
export interface PolicyRulesWithSubjects extends Infer<typeof PolicyRulesWithSubjects> {}

export const FlowSchemaSpec = object('io.k8s.api.flowcontrol.v1.FlowSchemaSpec', 'What is wished of a flow schema.', {
  priorityLevelConfiguration: required(
    1,
    PriorityLevelConfigurationReference,
    'Priority level of the requests; when it does not exist, the schema does not count.',
  ),
  matchingPrecedence: embedded(
    2,
    int32,
    'Order of the schemas, 1 to 10000; the lowest that matches counts. 1000 when absent.',
  ),
  distinguisherMethod: explicit(
    3,
    FlowDistinguisherMethod,
    'How requests are split into flows; absent makes them one flow.',
  ),
  rules: optional(4, list(PolicyRulesWithSubjects, { list: 'atomic' }), 'Requests that match; one rule is enough.'),
})
export interface FlowSchemaSpec extends Infer<typeof FlowSchemaSpec> {}

export const FlowSchemaCondition = object(
  'io.k8s.api.flowcontrol.v1.FlowSchemaCondition',
  'One aspect of the state of a flow schema.',
  {
    type: optional(1, string, 'Name of the condition, such as Dangling.'),
    status: optional(2, string, 'Whether the condition holds: True, False or Unknown.'),
    lastTransitionTime: embedded(3, time, 'When the status last changed from one value to another.'),
    reason: optional(4, string, 'One CamelCase word that says why the condition last changed, for programs.'),
    message: optional(5, string, 'What happened, in words for people.'),
  },
)
export interface FlowSchemaCondition extends Infer<typeof FlowSchemaCondition> {}

export const FlowSchemaStatus = object(
  'io.k8s.api.flowcontrol.v1.FlowSchemaStatus',
  'What is known about a flow schema.',
  {
    conditions: optional(
      1,
      list(FlowSchemaCondition, { list: ['type'], merge: 'type' }),
      'Aspects of the state, such as Dangling when the priority level is missing.',
    ),
  },
)
export interface FlowSchemaStatus extends Infer<typeof FlowSchemaStatus> {}

export const flowSchemaSchema = object(
  'io.k8s.api.flowcontrol.v1.FlowSchema',
  'Sorts requests to the API server into flows of a priority level.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, FlowSchemaSpec, 'What is wished of the schema.'),
    status: embedded(3, FlowSchemaStatus, 'What is known about the schema.'),
  },
)
export interface FlowSchema extends Infer<typeof flowSchemaSchema> {}

export const FlowSchema: Kind<FlowSchema> = defineKind<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  plural: 'flowschemas',
  namespaced: false,
  storageVersionHash: 'GJVAJZSZBIw=',
  schema: flowSchemaSchema,
  nameRule: subdomainNameRule,
  defaults({ spec }) {
    spec.matchingPrecedence ||= 1000
  },
  prepareCreate(schema) {
    startGeneration(schema)
    schema.status = {}
  },
  prepareUpdate(schema, old) {
    schema.status = structuredClone(old.status) as Mutable<FlowSchemaStatus>
    countChange(schema, old, ({ spec }) => spec)
  },
  validate: validateFlowSchema,
  validateUpdate: (schema, _old, errors) => validateFlowSchema(schema, errors),
  status: {},
  columns: [
    nameColumn,
    textColumn(
      'PriorityLevel',
      'The level that its requests get.',
      ({ spec }) => spec.priorityLevelConfiguration.name || '<none>',
    ),
    textColumn('MatchingPrecedence', 'Its place in the order of trying.', ({ spec }) => spec.matchingPrecedence),
    textColumn(
      'DistinguisherMethod',
      'What tells its flows apart.',
      ({ spec }) => spec.distinguisherMethod?.type ?? '<none>',
    ),
    ageColumn,
    textColumn(
      'MissingPL',
      'Whether the level that it names is missing.',
      ({ status }) => status.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?',
    ),
  ],
})
