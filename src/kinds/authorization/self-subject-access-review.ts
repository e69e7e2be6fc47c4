import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, explicit, type Infer, object, required } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { NonResourceAttributes, ResourceAttributes, SubjectAccessReviewStatus } from './shared.ts'

export const SelfSubjectAccessReviewSpec = object('io.k8s.api.authorization.v1.SelfSubjectAccessReviewSpec', '', {
  resourceAttributes: explicit(1, ResourceAttributes, ''),
  nonResourceAttributes: explicit(2, NonResourceAttributes, ''),
})
export interface SelfSubjectAccessReviewSpec extends Infer<typeof SelfSubjectAccessReviewSpec> {}

export const selfSubjectAccessReviewSchema = object('io.k8s.api.authorization.v1.SelfSubjectAccessReview', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: required(2, SelfSubjectAccessReviewSpec, ''),
  status: embedded(3, SubjectAccessReviewStatus, ''),
})
export interface SelfSubjectAccessReview extends Infer<typeof selfSubjectAccessReviewSchema> {}

export const SelfSubjectAccessReview: Kind<SelfSubjectAccessReview> = defineKind<SelfSubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  namespaced: false,
  verbs: ['create'],
  schema: selfSubjectAccessReviewSchema,
})
