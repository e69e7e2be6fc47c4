import { bool, explicit, type Infer, list, map, object, optional, required, string } from '../../schema/types.ts'
import { FieldSelectorRequirement } from '../meta/field-selector.ts'
import { LabelSelectorRequirement } from '../meta/label-selector.ts'

export const FieldSelectorAttributes = object('io.k8s.api.authorization.v1.FieldSelectorAttributes', '', {
  rawSelector: optional(1, string, ''),
  requirements: optional(2, list(FieldSelectorRequirement, { list: 'atomic' }), ''),
})
export interface FieldSelectorAttributes extends Infer<typeof FieldSelectorAttributes> {}

export const LabelSelectorAttributes = object('io.k8s.api.authorization.v1.LabelSelectorAttributes', '', {
  rawSelector: optional(1, string, ''),
  requirements: optional(2, list(LabelSelectorRequirement, { list: 'atomic' }), ''),
})
export interface LabelSelectorAttributes extends Infer<typeof LabelSelectorAttributes> {}

export const NonResourceAttributes = object('io.k8s.api.authorization.v1.NonResourceAttributes', '', {
  path: optional(1, string, ''),
  verb: optional(2, string, ''),
})
export interface NonResourceAttributes extends Infer<typeof NonResourceAttributes> {}

export const ResourceAttributes = object('io.k8s.api.authorization.v1.ResourceAttributes', '', {
  namespace: optional(1, string, ''),
  verb: optional(2, string, ''),
  group: optional(3, string, ''),
  version: optional(4, string, ''),
  resource: optional(5, string, ''),
  subresource: optional(6, string, ''),
  name: optional(7, string, ''),
  fieldSelector: explicit(8, FieldSelectorAttributes, ''),
  labelSelector: explicit(9, LabelSelectorAttributes, ''),
})
export interface ResourceAttributes extends Infer<typeof ResourceAttributes> {}

export const SubjectAccessReviewSpec = object('io.k8s.api.authorization.v1.SubjectAccessReviewSpec', '', {
  resourceAttributes: explicit(1, ResourceAttributes, ''),
  nonResourceAttributes: explicit(2, NonResourceAttributes, ''),
  user: optional(3, string, ''),
  groups: optional(4, list(string, { list: 'atomic' }), ''),
  extra: optional(5, map(list(string)), ''),
  uid: optional(6, string, ''),
})
export interface SubjectAccessReviewSpec extends Infer<typeof SubjectAccessReviewSpec> {}

export const SubjectAccessReviewStatus = object('io.k8s.api.authorization.v1.SubjectAccessReviewStatus', '', {
  allowed: required(1, bool, ''),
  denied: optional(4, bool, ''),
  reason: optional(2, string, ''),
  evaluationError: optional(3, string, ''),
})
export interface SubjectAccessReviewStatus extends Infer<typeof SubjectAccessReviewStatus> {}
