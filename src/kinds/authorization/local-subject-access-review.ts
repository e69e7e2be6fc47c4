import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, type Infer, object, required } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { SubjectAccessReviewSpec, SubjectAccessReviewStatus } from './shared.ts'

export const localSubjectAccessReviewSchema = object(
  'io.k8s.api.authorization.v1.LocalSubjectAccessReview',
  'Asks whether a user may do something in one namespace.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: required(2, SubjectAccessReviewSpec, 'The question; its namespace must be that of the review.'),
    status: embedded(3, SubjectAccessReviewStatus, 'The answer, filled in by the server.'),
  },
)
export interface LocalSubjectAccessReview extends Infer<typeof localSubjectAccessReviewSchema> {}

export const LocalSubjectAccessReview: Kind<LocalSubjectAccessReview> = defineKind<LocalSubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'LocalSubjectAccessReview',
  plural: 'localsubjectaccessreviews',
  namespaced: true,
  verbs: ['create'],
  schema: localSubjectAccessReviewSchema,
})
