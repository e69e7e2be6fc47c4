import type { FieldErrors } from '../../schema/field-errors.ts'
import { clone } from '../../schema/freeze.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import {
  embedded,
  explicit,
  type Infer,
  int32,
  int64,
  list,
  map,
  object,
  optional,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { validateReplicaCounts } from '../apps/replica-set-validation.ts'
import { templateColumns } from '../apps/workload-columns.ts'
import { labelsMismatch, validateLastingTemplate } from '../apps/workload-validation.ts'
import { ageColumn, integerColumn, labelsText, nameColumn, wideColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration, validateNotNegative } from '../rules.ts'
import { defaultPodTemplate } from './pod-defaults.ts'
import { PodTemplateSpec } from './pod-spec.ts'
import { workloadWarnings } from './pod-warnings.ts'
import { selectorMatches } from './selector-validation.ts'

export const ReplicationControllerSpec = object(
  'io.k8s.api.core.v1.ReplicationControllerSpec',
  'What is wished of a replication controller.',
  {
    replicas: explicit(1, int32, 'How many pods there are to be; 1 when absent.', { default: 1 }),
    minReadySeconds: optional(4, int32, 'Seconds that a pod must stay ready to count as available.'),
    selector: optional(
      2,
      map(string, { atomic: true }),
      'Labels of the pods that are counted; absent takes those of the template.',
    ),
    template: explicit(3, PodTemplateSpec, 'The pods that are made; its restartPolicy must be Always.'),
  },
)
export interface ReplicationControllerSpec extends Infer<typeof ReplicationControllerSpec> {}

export const ReplicationControllerCondition = object(
  'io.k8s.api.core.v1.ReplicationControllerCondition',
  'One aspect of the state of a replication controller.',
  {
    type: required(1, string, 'Name of the condition, such as ReplicaFailure.'),
    status: required(2, string, 'Whether the condition holds: True, False or Unknown.'),
    lastTransitionTime: embedded(3, time, 'When the status last changed from one value to another.'),
    reason: optional(4, string, 'One CamelCase word that says why the condition last changed, for programs.'),
    message: optional(5, string, 'What happened, in words for people.'),
  },
)
export interface ReplicationControllerCondition extends Infer<typeof ReplicationControllerCondition> {}

export const ReplicationControllerStatus = object(
  'io.k8s.api.core.v1.ReplicationControllerStatus',
  'What is known about a replication controller.',
  {
    replicas: required(1, int32, 'How many pods there are.'),
    fullyLabeledReplicas: optional(2, int32, 'How many of them have all labels of the template.'),
    readyReplicas: optional(4, int32, 'How many of them are ready.'),
    availableReplicas: optional(5, int32, 'How many of them have been ready for minReadySeconds.'),
    observedGeneration: optional(3, int64, 'Generation on which this status is based.'),
    conditions: optional(
      6,
      list(ReplicationControllerCondition, { list: ['type'], merge: 'type' }),
      'Aspects of the state, such as ReplicaFailure.',
    ),
  },
)
export interface ReplicationControllerStatus extends Infer<typeof ReplicationControllerStatus> {}

export const replicationControllerSchema = object(
  'io.k8s.api.core.v1.ReplicationController',
  'Keeps a number of pods running; Deployment and ReplicaSet have taken its place.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, ReplicationControllerSpec, 'What is wished of it.'),
    status: embedded(3, ReplicationControllerStatus, 'What is known about it; may lag behind.'),
  },
)
export interface ReplicationController extends Infer<typeof replicationControllerSchema> {}

function validate({ spec }: ReplicationController, errors: FieldErrors): void {
  validateNotNegative('spec.minReadySeconds', spec.minReadySeconds, errors)
  const selector = spec.selector ?? {}
  if (Object.keys(selector).length === 0) errors.required('spec.selector')
  validateNotNegative('spec.replicas', spec.replicas, errors)
  const { template } = spec
  if (!template) return errors.required('spec.template')
  const { labels } = template.metadata
  if (Object.keys(selector).length > 0 && !selectorMatches({ matchLabels: selector }, labels ?? {})) {
    errors.invalid('spec.template.metadata.labels', labels, labelsMismatch)
  }
  validateLastingTemplate(template, 'spec.template', 'ReplicationController', errors)
}

export const ReplicationController: Kind<ReplicationController> = defineKind<ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  shortNames: ['rc'],
  categories: ['all'],
  namespaced: true,
  storageVersionHash: 'Jond2If31h0=',
  storagePrefix: 'controllers',
  schema: replicationControllerSchema,
  nameRule: subdomainNameRule,
  defaults({ metadata, spec }) {
    const labels = spec.template?.metadata.labels
    if (labels && Object.keys(labels).length > 0) {
      spec.selector ??= { ...labels }
      metadata.labels ??= { ...labels }
    }
    spec.replicas ??= 1
    defaultPodTemplate(spec.template)
  },
  prepareCreate(object) {
    object.status = { replicas: 0 }
    startGeneration(object)
  },
  prepareUpdate(object, old) {
    object.status = clone(old.status)
    countChange(object, old, ({ spec }) => spec)
  },
  validate,
  validateUpdate: (controller, _old, errors) => validate(controller, errors),
  warnings: workloadWarnings,
  status: { validateUpdate: ({ status }, _old, errors) => validateReplicaCounts(status, errors) },
  scale: {
    replicas: ({ spec }) => spec.replicas ?? 1,
    setReplicas({ spec }, replicas) {
      spec.replicas = replicas
    },
    currentReplicas: ({ status }) => status.replicas,
    selector: ({ spec }) => (spec.selector ? labelsText(spec.selector) : ''),
  },
  columns: [
    nameColumn,
    integerColumn('Desired', 'How many pods are wished for.', ({ spec }) => spec.replicas ?? 1),
    integerColumn('Current', 'How many pods there are.', ({ status }) => status.replicas),
    integerColumn('Ready', 'How many pods are ready.', ({ status }) => status.readyReplicas ?? 0),
    ageColumn,
    ...templateColumns<ReplicationController>(({ spec }) => spec.template),
    wideColumn('Selector', 'The labels by which the pods are found.', ({ spec }) => labelsText(spec.selector)),
  ],
  selectableFields: { 'status.replicas': ({ status }) => String(status.replicas) },
  defaultPropagation: 'Orphan',
})
