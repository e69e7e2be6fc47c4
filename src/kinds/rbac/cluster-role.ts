import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, explicit, type Infer, list, object, optional } from '../../schema/types.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { PolicyRule } from './shared.ts'

export const AggregationRule = object('io.k8s.api.rbac.v1.AggregationRule', '', {
  clusterRoleSelectors: optional(1, list(LabelSelector, { list: 'atomic' }), ''),
})
export interface AggregationRule extends Infer<typeof AggregationRule> {}

export const clusterRoleSchema = object('io.k8s.api.rbac.v1.ClusterRole', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  rules: optional(2, list(PolicyRule, { list: 'atomic' }), ''),
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
})
