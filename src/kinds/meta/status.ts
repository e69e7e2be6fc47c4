import { embedded, explicit, type Infer, int32, list, object, optional, string } from '../../schema/types.ts'
import { ListMeta } from './list-meta.ts'
import { typeMeta } from './type-meta.ts'

export const StatusCause = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.StatusCause',
  'One of several causes of an error.',
  {
    reason: optional(1, string, 'Kind of cause in CamelCase, such as FieldValueInvalid, for programs.'),
    message: optional(2, string, 'The cause in words for people.'),
    field: optional(3, string, 'Path of the field at fault, such as spec.containers[0].name.'),
  },
)
export interface StatusCause extends Infer<typeof StatusCause> {}

export const StatusDetails = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.StatusDetails',
  'What an error is about, for programs.',
  {
    name: optional(1, string, 'Name of the object concerned.'),
    group: optional(2, string, 'API group of the resource concerned.'),
    kind: optional(3, string, 'Kind or resource concerned.'),
    uid: optional(6, string, 'UID of the object concerned.'),
    causes: optional(
      4,
      list(StatusCause, { list: 'atomic' }),
      'The single causes; a validation error states one per fault.',
    ),
    retryAfterSeconds: optional(5, int32, 'Seconds after which it is worth trying again; 0 means no advice.'),
  },
)
export interface StatusDetails extends Infer<typeof StatusDetails> {}

export const Status = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.Status',
  'Outcome of a request that returns no object.',
  {
    ...typeMeta,
    metadata: embedded(1, ListMeta, 'Facts about the answer; usually empty.'),
    status: optional(2, string, 'Success or Failure.'),
    message: optional(3, string, 'The outcome in words for people.'),
    reason: optional(4, string, 'One word that says why the request failed, such as NotFound, for programs.'),
    details: explicit(5, StatusDetails, 'What the error is about.'),
    code: optional(6, int32, 'HTTP status code of the answer.'),
  },
)
export interface Status extends Infer<typeof Status> {}
