import { equalJson } from '../../schema/freeze.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
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
import { ageColumn, integerColumn, labelsText, nameColumn, selectorText, textColumn, wideColumn } from '../columns.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { PodTemplateSpec } from '../core/pod-spec.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { validateDaemonSet, validateDaemonSetStatus, validateDaemonSetUpdate } from './daemon-set-validation.ts'
import { templateColumns } from './workload-columns.ts'

export const RollingUpdateDaemonSet = object(
  'io.k8s.api.apps.v1.RollingUpdateDaemonSet',
  'How fast a rolling update of a daemon set goes.',
  {
    maxUnavailable: explicit(
      1,
      intOrString,
      'Number or percentage of pods that may be down, rounded up; 1 when absent. Not 0 when maxSurge is 0.',
    ),
    maxSurge: explicit(
      2,
      intOrString,
      'Number or percentage of nodes that may run old and new pod together, rounded up; 0 when absent.',
    ),
  },
)
export interface RollingUpdateDaemonSet extends Infer<typeof RollingUpdateDaemonSet> {}

export const DaemonSetUpdateStrategy = object(
  'io.k8s.api.apps.v1.DaemonSetUpdateStrategy',
  'How the pods of a daemon set are replaced.',
  {
    type: optional(
      1,
      oneOf('OnDelete', 'RollingUpdate'),
      'RollingUpdate replaces them step by step, OnDelete only when somebody deletes them; RollingUpdate when absent.',
    ),
    rollingUpdate: explicit(2, RollingUpdateDaemonSet, 'Settings of the rolling update; only for that type.'),
  },
)
export interface DaemonSetUpdateStrategy extends Infer<typeof DaemonSetUpdateStrategy> {}

export const DaemonSetSpec = object('io.k8s.api.apps.v1.DaemonSetSpec', 'What is wished of a daemon set.', {
  selector: required(1, LabelSelector, 'Labels of the pods; must match the template, cannot be changed.', {
    nullable: true,
  }),
  template: required(
    2,
    PodTemplateSpec,
    'The pods that are made, one on every node they fit; restartPolicy must be Always.',
  ),
  updateStrategy: embedded(3, DaemonSetUpdateStrategy, 'How pods are replaced when the template changes.'),
  minReadySeconds: optional(4, int32, 'Seconds that a pod must stay ready to count as available.'),
  revisionHistoryLimit: explicit(6, int32, 'How many old revisions are kept for rolling back; 10 when absent.'),
})
export interface DaemonSetSpec extends Infer<typeof DaemonSetSpec> {}

export const DaemonSetCondition = object(
  'io.k8s.api.apps.v1.DaemonSetCondition',
  'One aspect of the state of a daemon set.',
  {
    type: required(1, string, 'Name of the condition in CamelCase.'),
    status: required(2, string, 'Whether the condition holds: True, False or Unknown.'),
    lastTransitionTime: embedded(3, time, 'When the status last changed from one value to another.'),
    reason: optional(4, string, 'One CamelCase word that says why the condition last changed, for programs.'),
    message: optional(5, string, 'What happened, in words for people.'),
  },
)
export interface DaemonSetCondition extends Infer<typeof DaemonSetCondition> {}

export const DaemonSetStatus = object('io.k8s.api.apps.v1.DaemonSetStatus', 'What is known about a daemon set.', {
  currentNumberScheduled: required(1, int32, 'Nodes that run a pod of the set and are meant to.'),
  numberMisscheduled: required(2, int32, 'Nodes that run a pod of the set and are not meant to.'),
  desiredNumberScheduled: required(3, int32, 'Nodes that are meant to run a pod of the set.'),
  numberReady: required(4, int32, 'Nodes whose pod of the set is ready.'),
  observedGeneration: optional(5, int64, 'Generation on which this status is based.'),
  updatedNumberScheduled: optional(6, int32, 'Nodes that run a pod of the newest template.'),
  numberAvailable: optional(7, int32, 'Nodes whose pod has been ready for minReadySeconds.'),
  numberUnavailable: optional(8, int32, 'Nodes that are meant to have an available pod and have none.'),
  collisionCount: explicit(
    9,
    int32,
    'How often the name of a new revision was already taken; goes into the hash that makes the name.',
  ),
  conditions: optional(10, list(DaemonSetCondition, { list: ['type'], merge: 'type' }), 'Aspects of the state.'),
})
export interface DaemonSetStatus extends Infer<typeof DaemonSetStatus> {}

export const daemonSetSchema = object('io.k8s.api.apps.v1.DaemonSet', 'Runs one pod on every node that fits.', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
  spec: embedded(2, DaemonSetSpec, 'What is wished of the set.'),
  status: embedded(3, DaemonSetStatus, 'What is known about the set; may lag behind.'),
})
export interface DaemonSet extends Infer<typeof daemonSetSchema> {}

/** A count of the template's versions that old clients know; it outlived its field in this annotation. */
const generationAnnotation = 'deprecated.daemonset.template.generation'

const templateGeneration = ({ metadata }: DaemonSet): number =>
  Number.parseInt(metadata.annotations?.[generationAnnotation] ?? '', 10) || 0

function setTemplateGeneration({ metadata }: Mutable<DaemonSet>, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [generationAnnotation]: `${generation}` }
}

export const DaemonSet: Kind<DaemonSet> = defineKind<DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  shortNames: ['ds'],
  categories: ['all'],
  namespaced: true,
  storageVersionHash: 'dd7pWHUlMKQ=',
  schema: daemonSetSchema,
  nameRule: subdomainNameRule,
  shownAnnotations: [generationAnnotation],
  defaults({ spec }) {
    const { updateStrategy } = spec
    updateStrategy.type ??= 'RollingUpdate'
    if (updateStrategy.type === 'RollingUpdate') {
      updateStrategy.rollingUpdate ??= {}
      updateStrategy.rollingUpdate.maxUnavailable ??= 1
      updateStrategy.rollingUpdate.maxSurge ??= 0
    }
    spec.revisionHistoryLimit ??= 10
    defaultPodTemplate(spec.template)
  },
  prepareCreate(object) {
    object.status = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 }
    startGeneration(object)
    setTemplateGeneration(object, Math.max(templateGeneration(object), 1))
  },
  prepareUpdate(object, old) {
    object.status = old.status as typeof object.status
    countChange(object, old, ({ spec }) => spec)
    const changed = !equalJson(object.spec.template, old.spec.template)
    setTemplateGeneration(object, templateGeneration(old) + (changed ? 1 : 0))
  },
  validate: validateDaemonSet,
  validateUpdate: validateDaemonSetUpdate,
  warnings: ({ metadata, spec }, old) =>
    old && metadata.generation === old.metadata.generation ? [] : templateWarnings(spec.template, 'spec.template'),
  status: {
    prepareUpdate(object, old) {
      object.spec = old.spec as typeof object.spec
      setTemplateGeneration(object, templateGeneration(old))
    },
    validateUpdate: validateDaemonSetStatus,
  },
  columns: [
    nameColumn,
    integerColumn('Desired', 'How many nodes should run the pod.', ({ status }) => status.desiredNumberScheduled),
    integerColumn('Current', 'How many of them run it.', ({ status }) => status.currentNumberScheduled),
    integerColumn('Ready', 'How many pods are ready.', ({ status }) => status.numberReady),
    integerColumn(
      'Up-to-date',
      'How many pods are made from the present template.',
      ({ status }) => status.updatedNumberScheduled ?? 0,
    ),
    integerColumn(
      'Available',
      'How many pods have been ready for long enough.',
      ({ status }) => status.numberAvailable ?? 0,
    ),
    textColumn('Node Selector', 'The labels that a node must have.', ({ spec }) =>
      labelsText(spec.template.spec.nodeSelector),
    ),
    ageColumn,
    ...templateColumns<DaemonSet>(({ spec }) => spec.template),
    wideColumn('Selector', 'The labels by which the pods are found.', ({ spec }) => selectorText(spec.selector)),
  ],
})
