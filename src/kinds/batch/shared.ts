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
  'Exit codes of containers to which a rule applies.',
  {
    containerName: explicit(
      1,
      string,
      'Container whose exit code counts; absent means any container or init container.',
    ),
    operator: required(2, oneOf('In', 'NotIn'), 'In or NotIn; only containers that have failed are looked at.'),
    values: required(
      3,
      list(int32, { list: 'set' }),
      'Exit codes in order and without duplicates, 1 to 255 of them; 0 is not allowed with In.',
    ),
  },
)
export interface PodFailurePolicyOnExitCodesRequirement extends Infer<typeof PodFailurePolicyOnExitCodesRequirement> {}

export const PodFailurePolicyOnPodConditionsPattern = object(
  'io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern',
  'A condition of a pod to which a rule applies.',
  {
    type: required(1, string, 'Type of the condition.'),
    status: embedded(2, string, 'Status of the condition; True when absent.'),
  },
)
export interface PodFailurePolicyOnPodConditionsPattern extends Infer<typeof PodFailurePolicyOnPodConditionsPattern> {}

export const PodFailurePolicyRule = object(
  'io.k8s.api.batch.v1.PodFailurePolicyRule',
  'What a failed pod means; either onExitCodes or onPodConditions is set.',
  {
    action: required(
      1,
      oneOf('Count', 'FailIndex', 'FailJob', 'Ignore'),
      'FailJob fails the job, FailIndex the index, Ignore does not count the failure, Count counts it.',
    ),
    onExitCodes: explicit(2, PodFailurePolicyOnExitCodesRequirement, 'Exit codes to which the rule applies.'),
    onPodConditions: optional(
      3,
      list(PodFailurePolicyOnPodConditionsPattern, { list: 'atomic' }),
      'Conditions to which the rule applies; one match is enough. At most 20.',
    ),
  },
)
export interface PodFailurePolicyRule extends Infer<typeof PodFailurePolicyRule> {}

export const PodFailurePolicy = object('io.k8s.api.batch.v1.PodFailurePolicy', 'What failed pods of a job mean.', {
  rules: required(
    1,
    list(PodFailurePolicyRule, { list: 'atomic' }),
    'Rules tried in order, of which the first that matches counts; without a match the failure is counted. At most 20.',
  ),
})
export interface PodFailurePolicy extends Infer<typeof PodFailurePolicy> {}

export const SuccessPolicyRule = object(
  'io.k8s.api.batch.v1.SuccessPolicyRule',
  'When an indexed job counts as succeeded; both conditions must hold where both are set.',
  {
    succeededIndexes: explicit(
      1,
      string,
      'Indexes that must succeed, as 1,3-5; all of them unless succeededCount is set too.',
    ),
    succeededCount: explicit(2, int32, 'How many indexes must succeed, of succeededIndexes where that is set.'),
  },
)
export interface SuccessPolicyRule extends Infer<typeof SuccessPolicyRule> {}

export const SuccessPolicy = object(
  'io.k8s.api.batch.v1.SuccessPolicy',
  'When an indexed job counts as succeeded before all indexes are done.',
  {
    rules: required(1, list(SuccessPolicyRule, { list: 'atomic' }), 'Rules of which one is enough; 1 to 20.'),
  },
)
export interface SuccessPolicy extends Infer<typeof SuccessPolicy> {}

export const JobSpec = object('io.k8s.api.batch.v1.JobSpec', 'What is wished of a job.', {
  parallelism: explicit(1, int32, 'Most pods that run at the same time; 1 when absent.'),
  completions: explicit(
    2,
    int32,
    'How many pods must succeed; absent means that one success ends the job, while parallelism is free.',
  ),
  activeDeadlineSeconds: explicit(
    3,
    int64,
    'Seconds that the job may be active before it is failed; the time while suspended is not counted.',
  ),
  podFailurePolicy: explicit(
    11,
    PodFailurePolicy,
    'What failed pods mean; needs restartPolicy Never. Absent counts them all.',
  ),
  successPolicy: explicit(
    16,
    SuccessPolicy,
    'When the job counts as succeeded early; only for indexed jobs. Cannot be changed.',
  ),
  backoffLimit: explicit(
    7,
    int32,
    'Failures after which the job fails; 6 when absent, unlimited with backoffLimitPerIndex.',
  ),
  backoffLimitPerIndex: explicit(
    12,
    int32,
    'Failures of one index after which the index fails; needs Indexed and restartPolicy Never. Cannot be changed.',
  ),
  maxFailedIndexes: explicit(
    13,
    int32,
    'Failed indexes beyond which the job fails; needs backoffLimitPerIndex. Absent lets the others run on.',
  ),
  selector: explicit(
    4,
    LabelSelector,
    'Labels of the pods; chosen by the server unless manualSelector is set. Cannot be changed.',
  ),
  manualSelector: explicit(
    5,
    bool,
    'Whether the user chooses labels and selector; a wrong choice can take over pods of others.',
  ),
  template: required(6, PodTemplateSpec, 'The pods that are made; restartPolicy must be Never or OnFailure.'),
  ttlSecondsAfterFinished: explicit(
    8,
    int32,
    'Seconds after the end from which the job is deleted; 0 means at once, absent never.',
  ),
  completionMode: explicit(
    9,
    oneOf('Indexed', 'NonIndexed'),
    'NonIndexed, or Indexed for pods numbered from 0 to completions less 1; NonIndexed when absent. Cannot be changed.',
  ),
  suspend: explicit(
    10,
    bool,
    'Whether no pods are to run; true deletes the active ones and later restarts the clock. False when absent.',
  ),
  podReplacementPolicy: explicit(
    14,
    oneOf('Failed', 'TerminatingOrFailed'),
    'TerminatingOrFailed replaces pods as soon as they terminate, Failed only once they have ended. Failed with podFailurePolicy.',
  ),
  managedBy: explicit(
    15,
    string,
    'Controller that is in charge; absent or kubernetes.io/job-controller means the built-in one. Cannot be changed.',
  ),
})
export interface JobSpec extends Infer<typeof JobSpec> {}
