import { type Infer, list, map, object, optional, string } from '../../schema/types.ts'

export const UserInfo = object('io.k8s.api.authentication.v1.UserInfo', 'An authenticated user.', {
  username: optional(1, string, 'Name of the user, unique among all active users.'),
  uid: optional(2, string, 'Identifier that differs when a later user has the same name.'),
  groups: optional(3, list(string, { list: 'atomic' }), 'Groups to which the user belongs.'),
  extra: optional(4, map(list(string)), 'Further facts from the authenticator, for the authorizer.'),
})
export interface UserInfo extends Infer<typeof UserInfo> {}
