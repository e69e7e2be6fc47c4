import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import {
  embedded,
  explicit,
  type Infer,
  int32,
  int64,
  list,
  object,
  optional,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { ageColumn, integerColumn, nameColumn, selectorText, wideColumn } from '../columns.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { PodTemplateSpec } from '../core/pod-spec.ts'
import { workloadWarnings } from '../core/pod-warnings.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { validateReplicaCounts, validateReplicaSet, validateReplicaSetUpdate } from './replica-set-validation.ts'
import { templateColumns } from './workload-columns.ts'

export const ReplicaSetSpec = object('io.k8s.api.apps.v1.ReplicaSetSpec', 'What is wished of a replica set.', {
  replicas: explicit(1, int32, 'How many pods there are to be; 1 when absent.'),
  minReadySeconds: optional(4, int32, 'Seconds that a pod must stay ready to count as available.'),
  selector: required(2, LabelSelector, 'Labels of the pods; must match the template, cannot be changed.', {
    nullable: true,
  }),
  template: embedded(
    3,
    PodTemplateSpec,
    'The pods that are made; restartPolicy must be Always. A change holds only for later pods.',
  ),
})
export interface ReplicaSetSpec extends Infer<typeof ReplicaSetSpec> {}

export const ReplicaSetCondition = object(
  'io.k8s.api.apps.v1.ReplicaSetCondition',
  'One aspect of the state of a replica set.',
  {
    type: required(1, string, 'Name of the condition, such as ReplicaFailure.'),
    status: required(2, string, 'Whether the condition holds: True, False or Unknown.'),
    lastTransitionTime: embedded(3, time, 'When the status last changed from one value to another.'),
    reason: optional(4, string, 'One CamelCase word that says why the condition last changed, for programs.'),
    message: optional(5, string, 'What happened, in words for people.'),
  },
)
export interface ReplicaSetCondition extends Infer<typeof ReplicaSetCondition> {}

export const ReplicaSetStatus = object('io.k8s.api.apps.v1.ReplicaSetStatus', 'What is known about a replica set.', {
  replicas: required(1, int32, 'How many pods there are, not counting those that end.'),
  fullyLabeledReplicas: optional(2, int32, 'How many of them have all labels of the template.'),
  readyReplicas: optional(4, int32, 'How many of them are ready.'),
  availableReplicas: optional(5, int32, 'How many of them have been ready for minReadySeconds.'),
  terminatingReplicas: explicit(
    7,
    int32,
    'How many pods are being deleted but have not ended; absent when not counted.',
  ),
  observedGeneration: optional(3, int64, 'Generation on which this status is based.'),
  conditions: optional(
    6,
    list(ReplicaSetCondition, { list: ['type'], merge: 'type' }),
    'Aspects of the state, such as ReplicaFailure.',
  ),
})
export interface ReplicaSetStatus extends Infer<typeof ReplicaSetStatus> {}

export const replicaSetSchema = object(
  'io.k8s.api.apps.v1.ReplicaSet',
  'Keeps a number of equal pods running; usually made by a deployment.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, ReplicaSetSpec, 'What is wished of the set.'),
    status: embedded(3, ReplicaSetStatus, 'What is known about the set; may lag behind.'),
  },
)
export interface ReplicaSet extends Infer<typeof replicaSetSchema> {}

export const ReplicaSet: Kind<ReplicaSet> = defineKind<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  shortNames: ['rs'],
  categories: ['all'],
  namespaced: true,
  storageVersionHash: 'P1RzHs8/mWQ=',
  schema: replicaSetSchema,
  nameRule: subdomainNameRule,
  defaults({ spec }) {
    spec.replicas ??= 1
    defaultPodTemplate(spec.template)
  },
  prepareCreate(object) {
    object.status = { replicas: 0 }
    startGeneration(object)
  },
  prepareUpdate(object, old) {
    object.status = old.status as typeof object.status
    countChange(object, old, ({ spec }) => spec)
  },
  validate: validateReplicaSet,
  validateUpdate: validateReplicaSetUpdate,
  warnings: workloadWarnings,
  status: { validateUpdate: ({ status }, _old, errors) => validateReplicaCounts(status, errors) },
  scale: {
    replicas: ({ spec }) => spec.replicas ?? 1,
    setReplicas({ spec }, replicas) {
      spec.replicas = replicas
    },
    currentReplicas: ({ status }) => status.replicas,
    selector: ({ spec }) => selectorText(spec.selector),
  },
  columns: [
    nameColumn,
    integerColumn('Desired', 'How many pods are wished for.', ({ spec }) => spec.replicas ?? 1),
    integerColumn('Current', 'How many pods there are.', ({ status }) => status.replicas),
    integerColumn('Ready', 'How many pods are ready.', ({ status }) => status.readyReplicas ?? 0),
    ageColumn,
    ...templateColumns<ReplicaSet>(({ spec }) => spec.template),
    wideColumn('Selector', 'The labels by which the pods are found.', ({ spec }) => selectorText(spec.selector)),
  ],
  selectableFields: { 'status.replicas': ({ status }) => String(status.replicas) },
})
