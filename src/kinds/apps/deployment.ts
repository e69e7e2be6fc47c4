import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import {
  bool,
  embedded,
  explicit,
  type Infer,
  int32,
  int64,
  intOrString,
  list,
  object,
  oneOf,
  optional,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { ageColumn, nameColumn, selectorText, textColumn, wideColumn } from '../columns.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { PodTemplateSpec } from '../core/pod-spec.ts'
import { workloadWarnings } from '../core/pod-warnings.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { validateDeployment, validateDeploymentStatus, validateDeploymentUpdate } from './deployment-validation.ts'
import { templateColumns } from './workload-columns.ts'

export const RollingUpdateDeployment = object(
  'io.k8s.api.apps.v1.RollingUpdateDeployment',
  'How fast a rolling update of a deployment goes.',
  {
    maxUnavailable: explicit(
      1,
      intOrString,
      'Number or percentage of pods that may be missing, rounded down; 25% when absent. Not 0 when maxSurge is 0.',
    ),
    maxSurge: explicit(
      2,
      intOrString,
      'Number or percentage of pods beyond the wished number, rounded up; 25% when absent.',
    ),
  },
)
export interface RollingUpdateDeployment extends Infer<typeof RollingUpdateDeployment> {}

export const DeploymentStrategy = object(
  'io.k8s.api.apps.v1.DeploymentStrategy',
  'How the pods of a deployment are replaced.',
  {
    type: optional(
      1,
      oneOf('Recreate', 'RollingUpdate'),
      'RollingUpdate replaces them step by step, Recreate removes all old ones first; RollingUpdate when absent.',
    ),
    rollingUpdate: explicit(2, RollingUpdateDeployment, 'Settings of the rolling update; only for that type.'),
  },
)
export interface DeploymentStrategy extends Infer<typeof DeploymentStrategy> {}

export const DeploymentSpec = object('io.k8s.api.apps.v1.DeploymentSpec', 'What is wished of a deployment.', {
  replicas: explicit(1, int32, 'How many pods there are to be; 1 when absent.'),
  selector: required(2, LabelSelector, 'Labels of the pods; must match the template, cannot be changed.', {
    nullable: true,
  }),
  template: required(
    3,
    PodTemplateSpec,
    'The pods that are made; restartPolicy must be Always. Changing it starts a rollout.',
  ),
  strategy: embedded(4, DeploymentStrategy, 'How pods are replaced when the template changes.', { retainKeys: true }),
  minReadySeconds: optional(5, int32, 'Seconds that a pod must stay ready to count as available.'),
  revisionHistoryLimit: explicit(6, int32, 'How many old replica sets are kept for rolling back; 10 when absent.'),
  paused: optional(7, bool, 'Whether changes of the template wait instead of starting a rollout.'),
  progressDeadlineSeconds: explicit(
    9,
    int32,
    'Seconds without progress after which the rollout is reported as failed; 600 when absent. Not counted while paused.',
  ),
})
export interface DeploymentSpec extends Infer<typeof DeploymentSpec> {}

export const DeploymentCondition = object(
  'io.k8s.api.apps.v1.DeploymentCondition',
  'One aspect of the state of a deployment.',
  {
    type: required(1, string, 'Name of the condition: Available, Progressing or ReplicaFailure.'),
    status: required(2, string, 'Whether the condition holds: True, False or Unknown.'),
    lastUpdateTime: embedded(6, time, 'When the condition was last written.'),
    lastTransitionTime: embedded(7, time, 'When the status last changed from one value to another.'),
    reason: optional(4, string, 'One CamelCase word that says why the condition last changed, for programs.'),
    message: optional(5, string, 'What happened, in words for people.'),
  },
)
export interface DeploymentCondition extends Infer<typeof DeploymentCondition> {}

export const DeploymentStatus = object('io.k8s.api.apps.v1.DeploymentStatus', 'What is known about a deployment.', {
  observedGeneration: optional(1, int64, 'Generation on which this status is based.'),
  replicas: optional(2, int32, 'How many pods there are, not counting those that end.'),
  updatedReplicas: optional(3, int32, 'How many of them are of the newest template.'),
  readyReplicas: optional(7, int32, 'How many of them are ready.'),
  availableReplicas: optional(4, int32, 'How many of them have been ready for minReadySeconds.'),
  unavailableReplicas: optional(5, int32, 'How many pods are still missing for full availability.'),
  terminatingReplicas: explicit(
    9,
    int32,
    'How many pods are being deleted but have not ended; absent when not counted.',
  ),
  conditions: optional(
    6,
    list(DeploymentCondition, { list: ['type'], merge: 'type' }),
    'Aspects of the state, such as Available and Progressing.',
  ),
  collisionCount: explicit(
    8,
    int32,
    'How often the name of a new replica set was already taken; goes into the hash that makes the name.',
  ),
})
export interface DeploymentStatus extends Infer<typeof DeploymentStatus> {}

export const deploymentSchema = object(
  'io.k8s.api.apps.v1.Deployment',
  'Runs a number of equal pods and replaces them in an orderly way when their template changes.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, DeploymentSpec, 'What is wished of the deployment.'),
    status: embedded(3, DeploymentStatus, 'What is known about the deployment; may lag behind.'),
  },
)
export interface Deployment extends Infer<typeof deploymentSchema> {}

export const Deployment: Kind<Deployment> = defineKind<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  storageVersionHash: '8aSe+NMegvE=',
  schema: deploymentSchema,
  nameRule: subdomainNameRule,
  defaults({ spec }) {
    spec.replicas ??= 1
    spec.strategy.type ??= 'RollingUpdate'
    if (spec.strategy.type === 'RollingUpdate') {
      spec.strategy.rollingUpdate ??= {}
      spec.strategy.rollingUpdate.maxUnavailable ??= '25%'
      spec.strategy.rollingUpdate.maxSurge ??= '25%'
    }
    spec.revisionHistoryLimit ??= 10
    spec.progressDeadlineSeconds ??= 600
    defaultPodTemplate(spec.template)
  },
  prepareCreate(object) {
    object.status = {}
    startGeneration(object)
  },
  prepareUpdate(object, old) {
    object.status = old.status as typeof object.status
    countChange(object, old, ({ spec, metadata }) => ({ spec, annotations: metadata.annotations }))
  },
  validate: validateDeployment,
  validateUpdate: validateDeploymentUpdate,
  warnings: workloadWarnings,
  status: { validateUpdate: validateDeploymentStatus },
  scale: {
    replicas: ({ spec }) => spec.replicas ?? 1,
    setReplicas({ spec }, replicas) {
      spec.replicas = replicas
    },
    currentReplicas: ({ status }) => status.replicas ?? 0,
    selector: ({ spec }) => selectorText(spec.selector),
  },
  columns: [
    nameColumn,
    textColumn('Ready', 'How many pods are ready, of how many are wished for.', ({ spec, status }) => {
      return `${status.readyReplicas ?? 0}/${spec.replicas ?? 1}`
    }),
    textColumn(
      'Up-to-date',
      'How many pods are made from the present template.',
      ({ status }) => status.updatedReplicas ?? 0,
    ),
    textColumn(
      'Available',
      'How many pods have been ready for long enough.',
      ({ status }) => status.availableReplicas ?? 0,
    ),
    ageColumn,
    ...templateColumns<Deployment>(({ spec }) => spec.template),
    wideColumn('Selector', 'The labels by which the pods are found.', ({ spec }) => selectorText(spec.selector)),
  ],
})
