import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  embedded,
  explicit,
  type Infer,
  int32,
  int64,
  intOrString,
  list,
  map,
  object,
  oneOf,
  optional,
  time,
} from '../../schema/types.ts'
import { Condition } from '../meta/condition.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const PodDisruptionBudgetSpec = object('io.k8s.api.policy.v1.PodDisruptionBudgetSpec', '', {
  minAvailable: explicit(1, intOrString, ''),
  selector: explicit(2, LabelSelector, ''),
  maxUnavailable: explicit(3, intOrString, ''),
  unhealthyPodEvictionPolicy: explicit(4, oneOf('AlwaysAllow', 'IfHealthyBudget'), ''),
})
export interface PodDisruptionBudgetSpec extends Infer<typeof PodDisruptionBudgetSpec> {}

export const PodDisruptionBudgetStatus = object('io.k8s.api.policy.v1.PodDisruptionBudgetStatus', '', {
  observedGeneration: optional(1, int64, ''),
  disruptedPods: optional(2, map(time), ''),
  disruptionsAllowed: embedded(3, int32, ''),
  currentHealthy: embedded(4, int32, ''),
  desiredHealthy: embedded(5, int32, ''),
  expectedPods: embedded(6, int32, ''),
  conditions: optional(7, list(Condition, { list: ['type'], merge: 'type' }), ''),
})
export interface PodDisruptionBudgetStatus extends Infer<typeof PodDisruptionBudgetStatus> {}

export const podDisruptionBudgetSchema = object('io.k8s.api.policy.v1.PodDisruptionBudget', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, PodDisruptionBudgetSpec, ''),
  status: embedded(3, PodDisruptionBudgetStatus, ''),
})
export interface PodDisruptionBudget extends Infer<typeof podDisruptionBudgetSchema> {}

export const PodDisruptionBudget: Kind<PodDisruptionBudget> = defineKind<PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  shortNames: ['pdb'],
  namespaced: true,
  storageVersionHash: 'EVWiDmWqyJw=',
  schema: podDisruptionBudgetSchema,
  status: {},
})
