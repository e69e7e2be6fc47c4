import { defineKind, type Kind } from '../../schema/kind.ts'
import { bool, embedded, type Infer, list, object, optional, required, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const SelfSubjectRulesReviewSpec = object('io.k8s.api.authorization.v1.SelfSubjectRulesReviewSpec', '', {
  namespace: optional(1, string, ''),
})
export interface SelfSubjectRulesReviewSpec extends Infer<typeof SelfSubjectRulesReviewSpec> {}

export const ResourceRule = object('io.k8s.api.authorization.v1.ResourceRule', '', {
  verbs: required(1, list(string, { list: 'atomic' }), ''),
  apiGroups: optional(2, list(string, { list: 'atomic' }), ''),
  resources: optional(3, list(string, { list: 'atomic' }), ''),
  resourceNames: optional(4, list(string, { list: 'atomic' }), ''),
})
export interface ResourceRule extends Infer<typeof ResourceRule> {}

export const NonResourceRule = object('io.k8s.api.authorization.v1.NonResourceRule', '', {
  verbs: required(1, list(string, { list: 'atomic' }), ''),
  nonResourceURLs: optional(2, list(string, { list: 'atomic' }), ''),
})
export interface NonResourceRule extends Infer<typeof NonResourceRule> {}

export const SubjectRulesReviewStatus = object('io.k8s.api.authorization.v1.SubjectRulesReviewStatus', '', {
  resourceRules: required(1, list(ResourceRule, { list: 'atomic' }), ''),
  nonResourceRules: required(2, list(NonResourceRule, { list: 'atomic' }), ''),
  incomplete: required(3, bool, ''),
  evaluationError: optional(4, string, ''),
})
export interface SubjectRulesReviewStatus extends Infer<typeof SubjectRulesReviewStatus> {}

export const selfSubjectRulesReviewSchema = object('io.k8s.api.authorization.v1.SelfSubjectRulesReview', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: required(2, SelfSubjectRulesReviewSpec, ''),
  status: embedded(3, SubjectRulesReviewStatus, ''),
})
export interface SelfSubjectRulesReview extends Infer<typeof selfSubjectRulesReviewSchema> {}

export const SelfSubjectRulesReview: Kind<SelfSubjectRulesReview> = defineKind<SelfSubjectRulesReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  namespaced: false,
  verbs: ['create'],
  schema: selfSubjectRulesReviewSchema,
})
