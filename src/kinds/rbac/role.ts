import { defineKind, type Kind } from '../../schema/kind.ts'
import { pathSegmentNameRule } from '../../schema/names.ts'
import { embedded, type Infer, list, object } from '../../schema/types.ts'
import { plainColumns } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { PolicyRule } from './shared.ts'
import { validateRules } from './validation.ts'

export const roleSchema = object('io.k8s.api.rbac.v1.Role', 'A set of rules that holds in one namespace.', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
  rules: embedded(2, list(PolicyRule, { list: 'atomic' }), 'What is allowed in the namespace.'),
})
export interface Role extends Infer<typeof roleSchema> {}

export const Role: Kind<Role> = defineKind<Role>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  namespaced: true,
  storageVersionHash: '7FuwZcIIItM=',
  schema: roleSchema,
  nameRule: pathSegmentNameRule,
  validate: ({ rules }, errors) => validateRules(rules, 'namespaced', errors),
  validateUpdate: ({ rules }, _old, errors) => validateRules(rules, 'namespaced', errors),
  createOnUpdate: true,
  columns: plainColumns,
})
