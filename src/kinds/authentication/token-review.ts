import { defineKind, type Kind } from '../../schema/kind.ts'
import { bool, embedded, type Infer, list, object, optional, required, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { UserInfo } from './shared.ts'

export const TokenReviewSpec = object('io.k8s.api.authentication.v1.TokenReviewSpec', 'The token that is checked.', {
  token: required(1, string, 'The token itself.'),
  audiences: optional(
    2,
    list(string, { list: 'atomic' }),
    'Audiences of whoever asks; one must be an audience of the token. Absent means the API server.',
  ),
})
export interface TokenReviewSpec extends Infer<typeof TokenReviewSpec> {}

export const TokenReviewStatus = object(
  'io.k8s.api.authentication.v1.TokenReviewStatus',
  'What the server knows about a token.',
  {
    authenticated: optional(1, bool, 'Whether the token belongs to a user.'),
    user: embedded(2, UserInfo, 'The user to whom the token belongs.'),
    audiences: optional(
      4,
      list(string, { list: 'atomic' }),
      'Audiences that the token and whoever asks have in common.',
    ),
    error: optional(3, string, 'Why the token could not be checked.'),
  },
)
export interface TokenReviewStatus extends Infer<typeof TokenReviewStatus> {}

export const tokenReviewSchema = object(
  'io.k8s.api.authentication.v1.TokenReview',
  'Asks the server to whom a token belongs.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: required(2, TokenReviewSpec, 'The token that is checked.'),
    status: embedded(3, TokenReviewStatus, 'The answer, filled in by the server.'),
  },
)
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
