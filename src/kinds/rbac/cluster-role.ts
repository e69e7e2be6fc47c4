import type { FieldErrors } from '../../schema/field-errors.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { pathSegmentNameRule } from '../../schema/names.ts'
import { embedded, explicit, type Infer, list, object, optional } from '../../schema/types.ts'
import { plainColumns } from '../columns.ts'
import { validateLabelSelector } from '../core/selector-validation.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { PolicyRule } from './shared.ts'
import { validateRules } from './validation.ts'

export const AggregationRule = object('io.k8s.api.rbac.v1.AggregationRule', '', {
  clusterRoleSelectors: optional(1, list(LabelSelector, { list: 'atomic' }), ''),
})
export interface AggregationRule extends Infer<typeof AggregationRule> {}

export const clusterRoleSchema = object('io.k8s.api.rbac.v1.ClusterRole', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  rules: embedded(2, list(PolicyRule, { list: 'atomic' }), ''),
  aggregationRule: explicit(3, AggregationRule, ''),
})
export interface ClusterRole extends Infer<typeof clusterRoleSchema> {}

export const ClusterRole: Kind<ClusterRole> = defineKind<ClusterRole>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  namespaced: false,
  storageVersionHash: 'bYE5ZWDrJ44=',
  schema: clusterRoleSchema,
  nameRule: pathSegmentNameRule,
  validate,
  validateUpdate: (role, _old, errors) => validate(role, errors),
  createOnUpdate: true,
  columns: plainColumns,
})

function validate({ rules, aggregationRule }: ClusterRole, errors: FieldErrors): void {
  validateRules(rules, 'cluster', errors)
  if (aggregationRule === undefined) return
  const path = 'aggregationRule.clusterRoleSelectors'
  const selectors = aggregationRule.clusterRoleSelectors ?? []
  if (selectors.length === 0) {
    errors.required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil')
  }
  for (const [index, selector] of selectors.entries()) validateLabelSelector(selector, `${path}[${index}]`, errors)
}
