import { defineKind, type Kind } from '../../schema/kind.ts'
import { pathSegmentNameRule } from '../../schema/names.ts'
import { embedded, type Infer, list, object, optional, required } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { bindingColumns } from './columns.ts'
import { RoleRef, Subject } from './shared.ts'
import { fillBinding, validateBinding, validateBindingUpdate } from './validation.ts'

export const clusterRoleBindingSchema = object(
  'io.k8s.api.rbac.v1.ClusterRoleBinding',
  'Grants a cluster role to subjects in the whole cluster.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    subjects: optional(2, list(Subject, { list: 'atomic' }), 'Those to whom the role is granted.'),
    roleRef: required(3, RoleRef, 'The cluster role; cannot be changed.'),
  },
)
export interface ClusterRoleBinding extends Infer<typeof clusterRoleBindingSchema> {}

export const ClusterRoleBinding: Kind<ClusterRoleBinding> = defineKind<ClusterRoleBinding>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  namespaced: false,
  storageVersionHash: '48tpQ8gZHFc=',
  schema: clusterRoleBindingSchema,
  nameRule: pathSegmentNameRule,
  defaults: fillBinding,
  validate: (binding, errors) => validateBinding(binding, 'cluster', errors),
  validateUpdate: (binding, old, errors) => validateBindingUpdate(binding, old, 'cluster', errors),
  createOnUpdate: true,
  columns: bindingColumns,
})
