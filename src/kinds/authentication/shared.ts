import { type Infer, list, map, object, optional, string } from '../../schema/types.ts'

export const UserInfo = object('io.k8s.api.authentication.v1.UserInfo', '', {
  username: optional(1, string, ''),
  uid: optional(2, string, ''),
  groups: optional(3, list(string, { list: 'atomic' }), ''),
  extra: optional(4, map(list(string)), ''),
})
export interface UserInfo extends Infer<typeof UserInfo> {}
