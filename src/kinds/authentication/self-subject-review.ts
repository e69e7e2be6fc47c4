import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, type Infer, object } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { UserInfo } from './shared.ts'

export const SelfSubjectReviewStatus = object(
  'io.k8s.api.authentication.v1.SelfSubjectReviewStatus',
  'What the server knows about who asks.',
  {
    userInfo: embedded(1, UserInfo, 'The user who asks.'),
  },
)
export interface SelfSubjectReviewStatus extends Infer<typeof SelfSubjectReviewStatus> {}

export const selfSubjectReviewSchema = object(
  'io.k8s.api.authentication.v1.SelfSubjectReview',
  'Tells who asks what the server takes them for, impersonation included.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    status: embedded(2, SelfSubjectReviewStatus, 'The answer, filled in by the server.'),
  },
)
export interface SelfSubjectReview extends Infer<typeof selfSubjectReviewSchema> {}

export const SelfSubjectReview: Kind<SelfSubjectReview> = defineKind<SelfSubjectReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  namespaced: false,
  verbs: ['create'],
  schema: selfSubjectReviewSchema,
})
