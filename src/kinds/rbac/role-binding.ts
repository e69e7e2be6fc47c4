import { defineKind, type Kind } from '../../schema/kind.ts'
import { pathSegmentNameRule } from '../../schema/names.ts'
import { embedded, type Infer, list, object, optional, required } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { bindingColumns } from './columns.ts'
import { RoleRef, Subject } from './shared.ts'
import { fillBinding, validateBinding, validateBindingUpdate } from './validation.ts'

export const roleBindingSchema = object(
  'io.k8s.api.rbac.v1.RoleBinding',
  'Grants a role, or a cluster role, to subjects in one namespace.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    subjects: optional(
      2,
      list(Subject, { list: 'atomic' }),
      'Those to whom the role is granted; they may come from other namespaces.',
    ),
    roleRef: required(3, RoleRef, 'The role of this namespace, or a cluster role; cannot be changed.'),
  },
)
export interface RoleBinding extends Infer<typeof roleBindingSchema> {}

export const RoleBinding: Kind<RoleBinding> = defineKind<RoleBinding>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  namespaced: true,
  storageVersionHash: 'eGsCzGH6b1g=',
  schema: roleBindingSchema,
  nameRule: pathSegmentNameRule,
  defaults: fillBinding,
  validate: (binding, errors) => validateBinding(binding, 'namespaced', errors),
  validateUpdate: (binding, old, errors) => validateBindingUpdate(binding, old, 'namespaced', errors),
  createOnUpdate: true,
  columns: bindingColumns,
})
