import { defineKind, type Kind } from '../../schema/kind.ts'
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
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const PriorityLevelConfigurationReference = object(
  'io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationReference',
  '',
  {
    name: required(1, string, ''),
  },
)
export interface PriorityLevelConfigurationReference extends Infer<typeof PriorityLevelConfigurationReference> {}

export const FlowDistinguisherMethod = object('io.k8s.api.flowcontrol.v1.FlowDistinguisherMethod', '', {
  type: required(1, string, ''),
})
export interface FlowDistinguisherMethod extends Infer<typeof FlowDistinguisherMethod> {}

export const UserSubject = object('io.k8s.api.flowcontrol.v1.UserSubject', '', {
  name: required(1, string, ''),
})
export interface UserSubject extends Infer<typeof UserSubject> {}

export const GroupSubject = object('io.k8s.api.flowcontrol.v1.GroupSubject', '', {
  name: required(1, string, ''),
})
export interface GroupSubject extends Infer<typeof GroupSubject> {}

export const ServiceAccountSubject = object('io.k8s.api.flowcontrol.v1.ServiceAccountSubject', '', {
  namespace: required(1, string, ''),
  name: required(2, string, ''),
})
export interface ServiceAccountSubject extends Infer<typeof ServiceAccountSubject> {}

export const Subject = object(
  'io.k8s.api.flowcontrol.v1.Subject',
  '',
  {
    kind: required(1, string, ''),
    user: explicit(2, UserSubject, ''),
    group: explicit(3, GroupSubject, ''),
    serviceAccount: explicit(4, ServiceAccountSubject, ''),
  },
  { unions: [{ discriminator: 'kind', fields: { group: 'Group', serviceAccount: 'ServiceAccount', user: 'User' } }] },
)
export interface Subject extends Infer<typeof Subject> {}

export const ResourcePolicyRule = object('io.k8s.api.flowcontrol.v1.ResourcePolicyRule', '', {
  verbs: required(1, list(string, { list: 'set' }), ''),
  apiGroups: required(2, list(string, { list: 'set' }), ''),
  resources: required(3, list(string, { list: 'set' }), ''),
  clusterScope: optional(4, bool, ''),
  namespaces: optional(5, list(string, { list: 'set' }), ''),
})
export interface ResourcePolicyRule extends Infer<typeof ResourcePolicyRule> {}

export const NonResourcePolicyRule = object('io.k8s.api.flowcontrol.v1.NonResourcePolicyRule', '', {
  verbs: required(1, list(string, { list: 'set' }), ''),
  nonResourceURLs: required(6, list(string, { list: 'set' }), ''),
})
export interface NonResourcePolicyRule extends Infer<typeof NonResourcePolicyRule> {}

export const PolicyRulesWithSubjects = object('io.k8s.api.flowcontrol.v1.PolicyRulesWithSubjects', '', {
  subjects: required(1, list(Subject, { list: 'atomic' }), ''),
  resourceRules: optional(2, list(ResourcePolicyRule, { list: 'atomic' }), ''),
  nonResourceRules: optional(3, list(NonResourcePolicyRule, { list: 'atomic' }), ''),
})
export interface PolicyRulesWithSubjects extends Infer<typeof PolicyRulesWithSubjects> {}

export const FlowSchemaSpec = object('io.k8s.api.flowcontrol.v1.FlowSchemaSpec', '', {
  priorityLevelConfiguration: required(1, PriorityLevelConfigurationReference, ''),
  matchingPrecedence: embedded(2, int32, ''),
  distinguisherMethod: explicit(3, FlowDistinguisherMethod, ''),
  rules: optional(4, list(PolicyRulesWithSubjects, { list: 'atomic' }), ''),
})
export interface FlowSchemaSpec extends Infer<typeof FlowSchemaSpec> {}

export const FlowSchemaCondition = object('io.k8s.api.flowcontrol.v1.FlowSchemaCondition', '', {
  type: optional(1, string, ''),
  status: optional(2, string, ''),
  lastTransitionTime: embedded(3, time, ''),
  reason: optional(4, string, ''),
  message: optional(5, string, ''),
})
export interface FlowSchemaCondition extends Infer<typeof FlowSchemaCondition> {}

export const FlowSchemaStatus = object('io.k8s.api.flowcontrol.v1.FlowSchemaStatus', '', {
  conditions: optional(1, list(FlowSchemaCondition, { list: ['type'], merge: 'type' }), ''),
})
export interface FlowSchemaStatus extends Infer<typeof FlowSchemaStatus> {}

export const flowSchemaSchema = object('io.k8s.api.flowcontrol.v1.FlowSchema', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, FlowSchemaSpec, ''),
  status: embedded(3, FlowSchemaStatus, ''),
})
export interface FlowSchema extends Infer<typeof flowSchemaSchema> {}

export const FlowSchema: Kind<FlowSchema> = defineKind<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  plural: 'flowschemas',
  namespaced: false,
  storageVersionHash: 'GJVAJZSZBIw=',
  schema: flowSchemaSchema,
  status: {},
})
