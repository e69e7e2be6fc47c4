import type { FieldErrors } from '../../schema/field-errors.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { validateLabelSelector } from '../../schema/meta-validation.ts'
import type { Mutable } from '../../schema/types.ts'
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
import { validateAmountOrPercent } from '../amount-or-percent.ts'
import { ageColumn, integerColumn, nameColumn, textColumn } from '../columns.ts'
import { goValue } from '../go-value.ts'
import { Condition } from '../meta/condition.ts'
import { validateConditions } from '../meta/condition-validation.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration, validateNotNegative, validateWord } from '../rules.ts'

export const PodDisruptionBudgetSpec = object(
  'io.k8s.api.policy.v1.PodDisruptionBudgetSpec',
  'What is wished of a disruption budget; minAvailable and maxUnavailable exclude each other.',
  {
    minAvailable: explicit(
      1,
      intOrString,
      'Number or percentage of pods that must stay available after an eviction; 100% forbids evictions.',
    ),
    selector: explicit(
      2,
      LabelSelector,
      'Labels of the pods; an empty selector means all pods of the namespace, absent none.',
      { replace: true },
    ),
    maxUnavailable: explicit(
      3,
      intOrString,
      'Number or percentage of pods that may be unavailable after an eviction; 0 forbids evictions.',
    ),
    unhealthyPodEvictionPolicy: explicit(
      4,
      oneOf('AlwaysAllow', 'IfHealthyBudget'),
      'Whether running pods that are not ready may go only when the budget is met; IfHealthyBudget when absent.',
    ),
  },
)
export interface PodDisruptionBudgetSpec extends Infer<typeof PodDisruptionBudgetSpec> {}

export const PodDisruptionBudgetStatus = object(
  'io.k8s.api.policy.v1.PodDisruptionBudgetStatus',
  'What is known about a disruption budget.',
  {
    observedGeneration: optional(
      1,
      int64,
      'Generation on which this status is based; evictions are refused while it is out of date.',
    ),
    disruptedPods: optional(
      2,
      map(time),
      'Pods whose eviction was granted and has not been seen yet, with the time of the grant.',
    ),
    disruptionsAllowed: embedded(3, int32, 'How many pods may be evicted now.'),
    currentHealthy: embedded(4, int32, 'How many pods are healthy.'),
    desiredHealthy: embedded(5, int32, 'How many pods must be healthy at least.'),
    expectedPods: embedded(6, int32, 'How many pods the budget counts in all.'),
    conditions: optional(
      7,
      list(Condition, { list: ['type'], merge: 'type' }),
      'Aspects of the state; DisruptionAllowed says whether evictions are possible.',
    ),
  },
)
export interface PodDisruptionBudgetStatus extends Infer<typeof PodDisruptionBudgetStatus> {}

export const podDisruptionBudgetSchema = object(
  'io.k8s.api.policy.v1.PodDisruptionBudget',
  'Limits how many of a set of pods may be evicted at the same time.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, PodDisruptionBudgetSpec, 'What is wished of the budget.'),
    status: embedded(3, PodDisruptionBudgetStatus, 'What is known about the budget.'),
  },
)
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
  prepareCreate(budget) {
    startGeneration(budget)
    budget.status = noStatus()
  },
  prepareUpdate(budget, old) {
    budget.status = structuredClone(old.status) as Mutable<PodDisruptionBudgetStatus>
    countChange(budget, old, ({ spec }) => spec)
  },
  validate,
  validateUpdate: (budget, _old, errors) => validate(budget, errors),
  status: {
    validateUpdate({ status }, _old, errors) {
      validateConditions('status.conditions', status.conditions, errors)
      validateNotNegative('status.disruptionsAllowed', status.disruptionsAllowed, errors)
      validateNotNegative('status.currentHealthy', status.currentHealthy, errors)
      validateNotNegative('status.desiredHealthy', status.desiredHealthy, errors)
      validateNotNegative('status.expectedPods', status.expectedPods, errors)
    },
  },
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    textColumn('Min Available', 'How many pods must stay up.', ({ spec }) => String(spec.minAvailable ?? 'N/A')),
    textColumn('Max Unavailable', 'How many pods may be down.', ({ spec }) => String(spec.maxUnavailable ?? 'N/A')),
    integerColumn(
      'Allowed Disruptions',
      'How many more pods may be evicted now.',
      ({ status }) => status.disruptionsAllowed,
    ),
    ageColumn,
  ],
})

const noStatus = (): Mutable<PodDisruptionBudgetStatus> => ({
  disruptionsAllowed: 0,
  currentHealthy: 0,
  desiredHealthy: 0,
  expectedPods: 0,
})

function validate({ spec }: PodDisruptionBudget, errors: FieldErrors): void {
  const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy } = spec
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    const detail = 'minAvailable and maxUnavailable cannot be both set'
    errors.invalid('spec', goValue(PodDisruptionBudgetSpec, spec), detail)
  }
  validateAmountOrPercent('spec.minAvailable', minAvailable, errors)
  validateAmountOrPercent('spec.maxUnavailable', maxUnavailable, errors)
  validateLabelSelector(spec.selector, 'spec.selector', errors)
  if (unhealthyPodEvictionPolicy !== undefined) {
    const policies = ['AlwaysAllow', 'IfHealthyBudget']
    validateWord('spec.unhealthyPodEvictionPolicy', unhealthyPodEvictionPolicy, policies, errors)
  }
}
