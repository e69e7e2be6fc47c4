import { type Infer, list, object, optional, required, string } from '../../schema/types.ts'

export const PolicyRule = object('io.k8s.api.rbac.v1.PolicyRule', '', {
  verbs: required(1, list(string, { list: 'atomic' }), ''),
  apiGroups: optional(2, list(string, { list: 'atomic' }), ''),
  resources: optional(3, list(string, { list: 'atomic' }), ''),
  resourceNames: optional(4, list(string, { list: 'atomic' }), ''),
  nonResourceURLs: optional(5, list(string, { list: 'atomic' }), ''),
})
export interface PolicyRule extends Infer<typeof PolicyRule> {}

export const RoleRef = object(
  'io.k8s.api.rbac.v1.RoleRef',
  '',
  {
    apiGroup: optional(1, string, ''),
    kind: required(2, string, ''),
    name: required(3, string, ''),
  },
  { atomic: true },
)
export interface RoleRef extends Infer<typeof RoleRef> {}

export const Subject = object(
  'io.k8s.api.rbac.v1.Subject',
  '',
  {
    kind: required(1, string, ''),
    apiGroup: optional(2, string, ''),
    name: required(3, string, ''),
    namespace: optional(4, string, ''),
  },
  { atomic: true },
)
export interface Subject extends Infer<typeof Subject> {}
