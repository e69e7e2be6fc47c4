import { defineKind, type Kind } from '../../schema/kind.ts'
import { bool, embedded, type Infer, list, object, optional, required, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const SelfSubjectRulesReviewSpec = object(
  'io.k8s.api.authorization.v1.SelfSubjectRulesReviewSpec',
  'Where whoever asks wants to know their rights.',
  {
    namespace: optional(1, string, 'The namespace; needed.'),
  },
)
export interface SelfSubjectRulesReviewSpec extends Infer<typeof SelfSubjectRulesReviewSpec> {}

export const ResourceRule = object(
  'io.k8s.api.authorization.v1.ResourceRule',
  'Verbs that are allowed on certain resources.',
  {
    verbs: required(1, list(string, { list: 'atomic' }), 'Verbs that are allowed; * means all.'),
    apiGroups: optional(2, list(string, { list: 'atomic' }), 'API groups of the resources; * means all.'),
    resources: optional(
      3,
      list(string, { list: 'atomic' }),
      'Resources and subresources; * means all, */name a subresource of all.',
    ),
    resourceNames: optional(
      4,
      list(string, { list: 'atomic' }),
      'Names of objects to which the rule is limited; absent means all.',
    ),
  },
)
export interface ResourceRule extends Infer<typeof ResourceRule> {}

export const NonResourceRule = object(
  'io.k8s.api.authorization.v1.NonResourceRule',
  'Verbs that are allowed on certain paths outside the API.',
  {
    verbs: required(1, list(string, { list: 'atomic' }), 'HTTP verbs in lower case that are allowed; * means all.'),
    nonResourceURLs: optional(2, list(string, { list: 'atomic' }), 'Paths; * as the last part matches the rest.'),
  },
)
export interface NonResourceRule extends Infer<typeof NonResourceRule> {}

export const SubjectRulesReviewStatus = object(
  'io.k8s.api.authorization.v1.SubjectRulesReviewStatus',
  'What somebody may do in a namespace.',
  {
    resourceRules: required(
      1,
      list(ResourceRule, { list: 'atomic' }),
      'Actions on resources that are allowed, in no particular order.',
    ),
    nonResourceRules: required(
      2,
      list(NonResourceRule, { list: 'atomic' }),
      'Actions on paths outside the API that are allowed, in no particular order.',
    ),
    incomplete: required(3, bool, 'Whether rules may be missing, as when an authorizer cannot list its own.'),
    evaluationError: optional(4, string, 'What went wrong; the rules that are there still hold.'),
  },
)
export interface SubjectRulesReviewStatus extends Infer<typeof SubjectRulesReviewStatus> {}

export const selfSubjectRulesReviewSchema = object(
  'io.k8s.api.authorization.v1.SelfSubjectRulesReview',
  'Lists what whoever asks may do in a namespace; for display, not for decisions.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: required(2, SelfSubjectRulesReviewSpec, 'The namespace in question.'),
    status: embedded(3, SubjectRulesReviewStatus, 'The answer, filled in by the server.'),
  },
)
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
