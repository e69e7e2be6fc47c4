import { defineKind, type Kind } from '../../schema/kind.ts'
import { pathSegmentNameRule } from '../../schema/names.ts'
import { embedded, type Infer, list, object, optional, required } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { bindingColumns } from './columns.ts'
import { RoleRef, Subject } from './shared.ts'
import { fillBinding, validateBinding, validateBindingUpdate } from './validation.ts'

export const roleBindingSchema = object('io.k8s.api.rbac.v1.RoleBinding', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  subjects: optional(2, list(Subject, { list: 'atomic' }), ''),
  roleRef: required(3, RoleRef, ''),
})
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
