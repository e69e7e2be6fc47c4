import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, explicit, type Infer, object, required } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { NonResourceAttributes, ResourceAttributes, SubjectAccessReviewStatus } from './shared.ts'

export const SelfSubjectAccessReviewSpec = object(
  'io.k8s.api.authorization.v1.SelfSubjectAccessReviewSpec',
  'What whoever asks wants to do; exactly one member is set.',
  {
    resourceAttributes: explicit(1, ResourceAttributes, 'An action on a resource.'),
    nonResourceAttributes: explicit(2, NonResourceAttributes, 'An action on a path outside the API.'),
  },
)
export interface SelfSubjectAccessReviewSpec extends Infer<typeof SelfSubjectAccessReviewSpec> {}

export const selfSubjectAccessReviewSchema = object(
  'io.k8s.api.authorization.v1.SelfSubjectAccessReview',
  'Asks whether whoever asks may do something.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: required(2, SelfSubjectAccessReviewSpec, 'Who wants to do what.'),
    status: embedded(3, SubjectAccessReviewStatus, 'The answer, filled in by the server.'),
  },
)
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
