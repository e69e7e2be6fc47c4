import { defineKind, type Kind } from '../../schema/kind.ts'
import { labelNameRule } from '../../schema/names.ts'
import {
  embedded,
  explicit,
  type Infer,
  int32,
  int64,
  intOrString,
  list,
  type Mutable,
  object,
  oneOf,
  optional,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { ageColumn, nameColumn, selectorText, textColumn } from '../columns.ts'
import { type PersistentVolumeClaim, persistentVolumeClaimSchema } from '../core/persistent-volume-claim.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { PodTemplateSpec } from '../core/pod-spec.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { defaultClaimSpec } from '../core/volume-defaults.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { validateStatefulSet, validateStatefulSetStatus, validateStatefulSetUpdate } from './stateful-set-validation.ts'
import { templateColumns } from './workload-columns.ts'

export const RollingUpdateStatefulSetStrategy = object(
  'io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy',
  'Which pods a rolling update of a stateful set replaces, and how fast.',
  {
    partition: explicit(
      1,
      int32,
      'Ordinal from which on pods are replaced; those below keep their revision. 0 when absent.',
    ),
    maxUnavailable: explicit(
      2,
      intOrString,
      'Number or percentage of pods that may be down during the update, rounded up; 1 when absent, never 0.',
    ),
  },
)
export interface RollingUpdateStatefulSetStrategy extends Infer<typeof RollingUpdateStatefulSetStrategy> {}

export const StatefulSetUpdateStrategy = object(
  'io.k8s.api.apps.v1.StatefulSetUpdateStrategy',
  'How the pods of a stateful set are replaced.',
  {
    type: optional(
      1,
      oneOf('OnDelete', 'RollingUpdate'),
      'RollingUpdate replaces them from the highest ordinal down, OnDelete only when somebody deletes them.',
    ),
    rollingUpdate: explicit(2, RollingUpdateStatefulSetStrategy, 'Settings of the rolling update; only for that type.'),
  },
)
export interface StatefulSetUpdateStrategy extends Infer<typeof StatefulSetUpdateStrategy> {}

export const StatefulSetPersistentVolumeClaimRetentionPolicy = object(
  'io.k8s.api.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy',
  'What happens to claims that were made from volumeClaimTemplates.',
  {
    whenDeleted: optional(1, string, 'Retain or Delete, when the set is deleted; Retain when absent.'),
    whenScaled: optional(2, string, 'Retain or Delete, when scaling down leaves a claim over; Retain when absent.'),
  },
)
export interface StatefulSetPersistentVolumeClaimRetentionPolicy
  extends Infer<typeof StatefulSetPersistentVolumeClaimRetentionPolicy> {}

export const StatefulSetOrdinals = object(
  'io.k8s.api.apps.v1.StatefulSetOrdinals',
  'The numbers of the pods of a stateful set.',
  {
    start: embedded(1, int32, 'Number of the first pod; 0 when absent.'),
  },
)
export interface StatefulSetOrdinals extends Infer<typeof StatefulSetOrdinals> {}

export const StatefulSetSpec = object('io.k8s.api.apps.v1.StatefulSetSpec', 'What is wished of a stateful set.', {
  replicas: explicit(1, int32, 'How many pods there are to be; 1 when absent.'),
  selector: required(2, LabelSelector, 'Labels of the pods; must match the template, cannot be changed.', {
    nullable: true,
  }),
  template: required(
    3,
    PodTemplateSpec,
    'The pods that are made, each named after the set and its ordinal; restartPolicy must be Always.',
  ),
  volumeClaimTemplates: optional(
    4,
    list(persistentVolumeClaimSchema, { list: 'atomic' }),
    'Claims that are made for each pod; they win over volumes of the template of the same name.',
  ),
  serviceName: embedded(
    5,
    string,
    'Headless service that gives the pods their DNS names; must exist already. Cannot be changed.',
  ),
  podManagementPolicy: optional(
    6,
    oneOf('OrderedReady', 'Parallel'),
    'OrderedReady makes and removes pods one by one, Parallel all at once; OrderedReady when absent.',
  ),
  updateStrategy: embedded(7, StatefulSetUpdateStrategy, 'How pods are replaced when the template changes.'),
  revisionHistoryLimit: explicit(8, int32, 'How many old revisions are kept for rolling back; 10 when absent.'),
  minReadySeconds: optional(9, int32, 'Seconds that a pod must stay ready to count as available.'),
  persistentVolumeClaimRetentionPolicy: explicit(
    10,
    StatefulSetPersistentVolumeClaimRetentionPolicy,
    'What happens to the claims of the set; all are kept when absent.',
  ),
  ordinals: explicit(11, StatefulSetOrdinals, 'The numbers of the pods; they begin at 0 when absent.'),
})
export interface StatefulSetSpec extends Infer<typeof StatefulSetSpec> {}

export const StatefulSetCondition = object(
  'io.k8s.api.apps.v1.StatefulSetCondition',
  'One aspect of the state of a stateful set.',
  {
    type: required(1, string, 'Name of the condition in CamelCase.'),
    status: required(2, string, 'Whether the condition holds: True, False or Unknown.'),
    lastTransitionTime: embedded(3, time, 'When the status last changed from one value to another.'),
    reason: optional(4, string, 'One CamelCase word that says why the condition last changed, for programs.'),
    message: optional(5, string, 'What happened, in words for people.'),
  },
)
export interface StatefulSetCondition extends Infer<typeof StatefulSetCondition> {}

export const StatefulSetStatus = object('io.k8s.api.apps.v1.StatefulSetStatus', 'What is known about a stateful set.', {
  observedGeneration: optional(1, int64, 'Generation on which this status is based.'),
  replicas: required(2, int32, 'How many pods there are.'),
  readyReplicas: optional(3, int32, 'How many of them are ready.'),
  currentReplicas: optional(4, int32, 'How many of them are of the current revision.'),
  updatedReplicas: optional(5, int32, 'How many of them are of the update revision.'),
  currentRevision: optional(6, string, 'Revision of the pods that are not updated yet.'),
  updateRevision: optional(7, string, 'Revision of the pods that are updated.'),
  collisionCount: explicit(
    9,
    int32,
    'How often the name of a new revision was already taken; goes into the hash that makes the name.',
  ),
  conditions: optional(10, list(StatefulSetCondition, { list: ['type'], merge: 'type' }), 'Aspects of the state.'),
  availableReplicas: embedded(11, int32, 'How many pods have been ready for minReadySeconds.'),
})
export interface StatefulSetStatus extends Infer<typeof StatefulSetStatus> {}

export const statefulSetSchema = object(
  'io.k8s.api.apps.v1.StatefulSet',
  'Runs pods with a lasting identity: stable names, DNS names and storage.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, StatefulSetSpec, 'What is wished of the set.'),
    status: embedded(3, StatefulSetStatus, 'What is known about the set; may lag behind.'),
  },
)
export interface StatefulSet extends Infer<typeof statefulSetSchema> {}

/** A template of a claim is a whole object, and says what it is. */
function defaultClaim(claim: Mutable<PersistentVolumeClaim>): void {
  claim.apiVersion ||= 'v1'
  claim.kind ||= 'PersistentVolumeClaim'
  claim.status.phase ??= 'Pending'
  defaultClaimSpec(claim.spec)
}

function statefulSetWarnings({ metadata, spec }: StatefulSet, old: StatefulSet | undefined): readonly string[] {
  if (old && metadata.generation === old.metadata.generation) return []
  const limit =
    (spec.revisionHistoryLimit ?? 0) < 0
      ? ['spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended']
      : []
  return [...templateWarnings(spec.template, 'spec.template'), ...limit]
}

/** The reference has switched this field off by default (MaxUnavailableStatefulSet): what nobody uses yet is not taken. */
function dropMaxUnavailable({ spec }: Mutable<StatefulSet>): void {
  delete spec.updateStrategy.rollingUpdate?.maxUnavailable
}

export const StatefulSet: Kind<StatefulSet> = defineKind<StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  shortNames: ['sts'],
  categories: ['all'],
  namespaced: true,
  storageVersionHash: 'H+vl74LkKdo=',
  schema: statefulSetSchema,
  nameRule: labelNameRule,
  defaults({ spec }) {
    spec.podManagementPolicy ??= 'OrderedReady'
    spec.updateStrategy.type ??= 'RollingUpdate'
    if (spec.updateStrategy.type === 'RollingUpdate') {
      spec.updateStrategy.rollingUpdate ??= {}
      spec.updateStrategy.rollingUpdate.partition ??= 0
    }
    spec.persistentVolumeClaimRetentionPolicy ??= {}
    spec.persistentVolumeClaimRetentionPolicy.whenDeleted ??= 'Retain'
    spec.persistentVolumeClaimRetentionPolicy.whenScaled ??= 'Retain'
    spec.replicas ??= 1
    spec.revisionHistoryLimit ??= 10
    defaultPodTemplate(spec.template)
    for (const claim of spec.volumeClaimTemplates ?? []) defaultClaim(claim)
  },
  prepareCreate(object) {
    dropMaxUnavailable(object)
    object.status = { replicas: 0, availableReplicas: 0 }
    startGeneration(object)
  },
  prepareUpdate(object, old) {
    if (old.spec.updateStrategy.rollingUpdate?.maxUnavailable === undefined) dropMaxUnavailable(object)
    object.status = old.status as typeof object.status
    countChange(object, old, ({ spec }) => spec)
  },
  validate: validateStatefulSet,
  validateUpdate: validateStatefulSetUpdate,
  warnings: statefulSetWarnings,
  status: { validateUpdate: validateStatefulSetStatus },
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
    textColumn('Ready', 'How many pods are ready, of how many are wished for.', ({ spec, status }) => {
      return `${status.readyReplicas ?? 0}/${spec.replicas ?? 1}`
    }),
    ageColumn,
    ...templateColumns<StatefulSet>(({ spec }) => spec.template),
  ],
})
