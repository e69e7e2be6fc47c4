import {
  bool,
  embedded,
  explicit,
  type Infer,
  int32,
  int64,
  list,
  object,
  oneOf,
  optional,
  required,
  string,
} from '../../schema/types.ts'
import { PodTemplateSpec } from '../core/pod-spec.ts'
import { LabelSelector } from '../meta/label-selector.ts'

export const PodFailurePolicyOnExitCodesRequirement = object(
  'io.k8s.api.batch.v1.PodFailurePolicyOnExitCodesRequirement',
  '',
  {
    containerName: explicit(1, string, ''),
    operator: required(2, oneOf('In', 'NotIn'), ''),
    values: required(3, list(int32, { list: 'set' }), ''),
  },
)
export interface PodFailurePolicyOnExitCodesRequirement extends Infer<typeof PodFailurePolicyOnExitCodesRequirement> {}

export const PodFailurePolicyOnPodConditionsPattern = object(
  'io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern',
  '',
  {
    type: required(1, string, ''),
    status: embedded(2, string, ''),
  },
)
export interface PodFailurePolicyOnPodConditionsPattern extends Infer<typeof PodFailurePolicyOnPodConditionsPattern> {}

export const PodFailurePolicyRule = object('io.k8s.api.batch.v1.PodFailurePolicyRule', '', {
  action: required(1, oneOf('Count', 'FailIndex', 'FailJob', 'Ignore'), ''),
  onExitCodes: explicit(2, PodFailurePolicyOnExitCodesRequirement, ''),
  onPodConditions: optional(3, list(PodFailurePolicyOnPodConditionsPattern, { list: 'atomic' }), ''),
})
export interface PodFailurePolicyRule extends Infer<typeof PodFailurePolicyRule> {}

export const PodFailurePolicy = object('io.k8s.api.batch.v1.PodFailurePolicy', '', {
  rules: required(1, list(PodFailurePolicyRule, { list: 'atomic' }), ''),
})
export interface PodFailurePolicy extends Infer<typeof PodFailurePolicy> {}

export const SuccessPolicyRule = object('io.k8s.api.batch.v1.SuccessPolicyRule', '', {
  succeededIndexes: explicit(1, string, ''),
  succeededCount: explicit(2, int32, ''),
})
export interface SuccessPolicyRule extends Infer<typeof SuccessPolicyRule> {}

export const SuccessPolicy = object('io.k8s.api.batch.v1.SuccessPolicy', '', {
  rules: required(1, list(SuccessPolicyRule, { list: 'atomic' }), ''),
})
export interface SuccessPolicy extends Infer<typeof SuccessPolicy> {}

export const JobSpec = object('io.k8s.api.batch.v1.JobSpec', '', {
  parallelism: explicit(1, int32, ''),
  completions: explicit(2, int32, ''),
  activeDeadlineSeconds: explicit(3, int64, ''),
  podFailurePolicy: explicit(11, PodFailurePolicy, ''),
  successPolicy: explicit(16, SuccessPolicy, ''),
  backoffLimit: explicit(7, int32, ''),
  backoffLimitPerIndex: explicit(12, int32, ''),
  maxFailedIndexes: explicit(13, int32, ''),
  selector: explicit(4, LabelSelector, ''),
  manualSelector: explicit(5, bool, ''),
  template: required(6, PodTemplateSpec, ''),
  ttlSecondsAfterFinished: explicit(8, int32, ''),
  completionMode: explicit(9, oneOf('Indexed', 'NonIndexed'), ''),
  suspend: explicit(10, bool, ''),
  podReplacementPolicy: explicit(14, oneOf('Failed', 'TerminatingOrFailed'), ''),
  managedBy: explicit(15, string, ''),
})
export interface JobSpec extends Infer<typeof JobSpec> {}
