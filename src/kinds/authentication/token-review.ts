import { defineKind, type Kind } from '../../schema/kind.ts'
import { bool, embedded, type Infer, list, object, optional, required, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { UserInfo } from './shared.ts'

export const TokenReviewSpec = object('io.k8s.api.authentication.v1.TokenReviewSpec', '', {
  token: required(1, string, ''),
  audiences: optional(2, list(string, { list: 'atomic' }), ''),
})
export interface TokenReviewSpec extends Infer<typeof TokenReviewSpec> {}

export const TokenReviewStatus = object('io.k8s.api.authentication.v1.TokenReviewStatus', '', {
  authenticated: optional(1, bool, ''),
  user: embedded(2, UserInfo, ''),
  audiences: optional(4, list(string, { list: 'atomic' }), ''),
  error: optional(3, string, ''),
})
export interface TokenReviewStatus extends Infer<typeof TokenReviewStatus> {}

export const tokenReviewSchema = object('io.k8s.api.authentication.v1.TokenReview', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: required(2, TokenReviewSpec, ''),
  status: embedded(3, TokenReviewStatus, ''),
})
export interface TokenReview extends Infer<typeof tokenReviewSchema> {}

export const TokenReview: Kind<TokenReview> = defineKind<TokenReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  namespaced: false,
  verbs: ['create'],
  schema: tokenReviewSchema,
})
