import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, type Infer, object, required } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { SubjectAccessReviewSpec, SubjectAccessReviewStatus } from './shared.ts'

export const subjectAccessReviewSchema = object('io.k8s.api.authorization.v1.SubjectAccessReview', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: required(2, SubjectAccessReviewSpec, ''),
  status: embedded(3, SubjectAccessReviewStatus, ''),
})
export interface SubjectAccessReview extends Infer<typeof subjectAccessReviewSchema> {}

export const SubjectAccessReview: Kind<SubjectAccessReview> = defineKind<SubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  namespaced: false,
  verbs: ['create'],
  schema: subjectAccessReviewSchema,
})
