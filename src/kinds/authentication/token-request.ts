import { embedded, explicit, type Infer, int64, list, object, optional, string, time } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const BoundObjectReference = object(
  'io.k8s.api.authentication.v1.BoundObjectReference',
  'The object without which a token is no longer valid.',
  {
    kind: optional(1, string, 'Kind of the object: Pod, Secret or Node.'),
    apiVersion: optional(2, string, 'API version of the object; v1.'),
    name: optional(3, string, 'Name of the object.'),
    uid: optional(4, string, 'UID of the object; filled in when absent.'),
  },
)
export interface BoundObjectReference extends Infer<typeof BoundObjectReference> {}

export const TokenRequestSpec = object('io.k8s.api.authentication.v1.TokenRequestSpec', 'What is wished of a token.', {
  audiences: optional(
    1,
    list(string, { list: 'atomic' }),
    'For whom the token is meant; each checks that it is named. Absent means the API server.',
  ),
  expirationSeconds: explicit(
    4,
    int64,
    'Wished life in seconds, at least 600; 3600 when absent. The server may give another.',
  ),
  boundObjectRef: explicit(
    3,
    BoundObjectReference,
    'Object with whose deletion the token becomes invalid; absent binds it to the service account alone.',
  ),
})
export interface TokenRequestSpec extends Infer<typeof TokenRequestSpec> {}

export const TokenRequestStatus = object(
  'io.k8s.api.authentication.v1.TokenRequestStatus',
  'The token that was issued.',
  {
    token: embedded(1, string, 'The token itself.'),
    expirationTimestamp: embedded(2, time, 'When the token expires.'),
  },
)
export interface TokenRequestStatus extends Infer<typeof TokenRequestStatus> {}

export const TokenRequest = object(
  'io.k8s.api.authentication.v1.TokenRequest',
  'Asks for a token of a service account; written to its token subresource.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, TokenRequestSpec, 'What is wished of the token.'),
    status: embedded(3, TokenRequestStatus, 'The answer, filled in by the server.'),
  },
)
export interface TokenRequest extends Infer<typeof TokenRequest> {}
