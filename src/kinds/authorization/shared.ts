import { bool, explicit, type Infer, list, map, object, optional, required, string } from '../../schema/types.ts'
import { FieldSelectorRequirement } from '../meta/field-selector.ts'
import { LabelSelectorRequirement } from '../meta/label-selector.ts'

export const FieldSelectorAttributes = object(
  'io.k8s.api.authorization.v1.FieldSelectorAttributes',
  'The field selector of a list, watch or deletecollection.',
  {
    rawSelector: optional(1, string, 'The selector as in the query; excludes requirements.'),
    requirements: optional(
      2,
      list(FieldSelectorRequirement, { list: 'atomic' }),
      'The parsed requirements, all of which hold; excludes rawSelector.',
    ),
  },
)
export interface FieldSelectorAttributes extends Infer<typeof FieldSelectorAttributes> {}

export const LabelSelectorAttributes = object(
  'io.k8s.api.authorization.v1.LabelSelectorAttributes',
  'The label selector of a list, watch or deletecollection.',
  {
    rawSelector: optional(1, string, 'The selector as in the query; excludes requirements.'),
    requirements: optional(
      2,
      list(LabelSelectorRequirement, { list: 'atomic' }),
      'The parsed requirements, all of which hold; excludes rawSelector.',
    ),
  },
)
export interface LabelSelectorAttributes extends Infer<typeof LabelSelectorAttributes> {}

export const NonResourceAttributes = object(
  'io.k8s.api.authorization.v1.NonResourceAttributes',
  'An action on a path outside the API.',
  {
    path: optional(1, string, 'Path of the URL.'),
    verb: optional(2, string, 'HTTP verb in lower case.'),
  },
)
export interface NonResourceAttributes extends Infer<typeof NonResourceAttributes> {}

export const ResourceAttributes = object('io.k8s.api.authorization.v1.ResourceAttributes', 'An action on a resource.', {
  namespace: optional(1, string, 'Namespace of the action; empty means all, or a cluster-scoped resource.'),
  verb: optional(2, string, 'Verb such as get, list or create; * means all.'),
  group: optional(3, string, 'API group of the resource; * means all.'),
  version: optional(4, string, 'API version of the resource; * means all.'),
  resource: optional(5, string, 'The resource, such as pods; * means all.'),
  subresource: optional(6, string, 'The subresource, such as log; empty means the resource itself.'),
  name: optional(7, string, 'Name of the object; empty means all.'),
  fieldSelector: explicit(8, FieldSelectorAttributes, 'Field selector by which the action is limited.'),
  labelSelector: explicit(9, LabelSelectorAttributes, 'Label selector by which the action is limited.'),
})
export interface ResourceAttributes extends Infer<typeof ResourceAttributes> {}

export const SubjectAccessReviewSpec = object(
  'io.k8s.api.authorization.v1.SubjectAccessReviewSpec',
  'Who wants to do what; exactly one of the two kinds of attributes is set.',
  {
    resourceAttributes: explicit(1, ResourceAttributes, 'An action on a resource.'),
    nonResourceAttributes: explicit(2, NonResourceAttributes, 'An action on a path outside the API.'),
    user: optional(
      3,
      string,
      'Name of the user; with groups absent it must be set, and then it is taken to be in no group.',
    ),
    groups: optional(4, list(string, { list: 'atomic' }), 'Groups of the user.'),
    extra: optional(5, map(list(string)), 'Further facts about the user, as the authenticator states them.'),
    uid: optional(6, string, 'UID of the user.'),
  },
)
export interface SubjectAccessReviewSpec extends Infer<typeof SubjectAccessReviewSpec> {}

export const SubjectAccessReviewStatus = object(
  'io.k8s.api.authorization.v1.SubjectAccessReviewStatus',
  'Whether the action is allowed.',
  {
    allowed: required(1, bool, 'Whether the action is allowed.'),
    denied: optional(
      4,
      bool,
      'Whether an authorizer denied it; when neither this nor allowed is true, none had an opinion.',
    ),
    reason: optional(2, string, 'Why it is allowed or denied.'),
    evaluationError: optional(3, string, 'What went wrong; the decision may still have been made.'),
  },
)
export interface SubjectAccessReviewStatus extends Infer<typeof SubjectAccessReviewStatus> {}
