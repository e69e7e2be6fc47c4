import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, type Infer, object, required } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { SubjectAccessReviewSpec, SubjectAccessReviewStatus } from './shared.ts'

export const subjectAccessReviewSchema = object(
  'io.k8s.api.authorization.v1.SubjectAccessReview',
  'Asks whether a user may do something.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: required(2, SubjectAccessReviewSpec, 'Who wants to do what.'),
    status: embedded(3, SubjectAccessReviewStatus, 'The answer, filled in by the server.'),
  },
)
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
