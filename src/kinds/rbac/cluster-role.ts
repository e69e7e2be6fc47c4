import type { FieldErrors } from '../../schema/field-errors.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { validateLabelSelector } from '../../schema/meta-validation.ts'
import { pathSegmentNameRule } from '../../schema/names.ts'
import { embedded, explicit, type Infer, list, object, optional } from '../../schema/types.ts'
import { plainColumns } from '../columns.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { PolicyRule } from './shared.ts'
import { validateRules } from './validation.ts'

export const AggregationRule = object(
  'io.k8s.api.rbac.v1.AggregationRule',
  'Builds the rules of a cluster role from other cluster roles.',
  {
    clusterRoleSelectors: optional(
      1,
      list(LabelSelector, { list: 'atomic' }),
      'Labels of cluster roles whose rules are added; one matching selector is enough.',
    ),
  },
)
export interface AggregationRule extends Infer<typeof AggregationRule> {}

export const clusterRoleSchema = object(
  'io.k8s.api.rbac.v1.ClusterRole',
  'A set of rules that holds in the whole cluster, or in a namespace through a role binding.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    rules: embedded(
      2,
      list(PolicyRule, { list: 'atomic' }),
      'What is allowed; written by a controller when aggregationRule is set.',
    ),
    aggregationRule: explicit(
      3,
      AggregationRule,
      'Cluster roles from which the rules are taken; absent means that the rules are written by hand.',
    ),
  },
)
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
