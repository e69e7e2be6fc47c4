import { embedded, type Infer, list, object, optional, required, string } from '../../schema/types.ts'

export const PolicyRule = object(
  'io.k8s.api.rbac.v1.PolicyRule',
  'Allows certain verbs on certain resources or URLs; rules only ever allow.',
  {
    verbs: required(1, list(string, { list: 'atomic' }), 'Verbs that are allowed, such as get and list; * means all.'),
    apiGroups: optional(
      2,
      list(string, { list: 'atomic' }),
      'API groups of the resources; empty string is the core group, * means all.',
    ),
    resources: optional(3, list(string, { list: 'atomic' }), 'Resources, or subresources as pods/log; * means all.'),
    resourceNames: optional(
      4,
      list(string, { list: 'atomic' }),
      'Names of objects to which the rule is limited; absent means all.',
    ),
    nonResourceURLs: optional(
      5,
      list(string, { list: 'atomic' }),
      'Paths outside the API, such as /healthz; * as the last part matches the rest. Only in cluster roles.',
    ),
  },
)
export interface PolicyRule extends Infer<typeof PolicyRule> {}

export const RoleRef = object(
  'io.k8s.api.rbac.v1.RoleRef',
  'Names the role that a binding grants; cannot be changed.',
  {
    apiGroup: embedded(1, string, 'API group of the role; rbac.authorization.k8s.io.'),
    kind: required(2, string, 'Role or ClusterRole.'),
    name: required(3, string, 'Name of the role.'),
  },
  { atomic: true },
)
export interface RoleRef extends Infer<typeof RoleRef> {}

export const Subject = object(
  'io.k8s.api.rbac.v1.Subject',
  'Somebody to whom a role is granted.',
  {
    kind: required(1, string, 'User, Group or ServiceAccount.'),
    apiGroup: optional(
      2,
      string,
      'API group of the subject; empty for ServiceAccount, else rbac.authorization.k8s.io.',
    ),
    name: required(3, string, 'Name of the subject.'),
    namespace: optional(4, string, 'Namespace of a service account; not allowed for users and groups.'),
  },
  { atomic: true },
)
export interface Subject extends Infer<typeof Subject> {}
