import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import {
  embedded,
  explicit,
  type Infer,
  int32,
  list,
  object,
  optional,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { validatePriorityLevel } from './validation.ts'

export const QueuingConfiguration = object(
  'io.k8s.api.flowcontrol.v1.QueuingConfiguration',
  'Queues of a priority level.',
  {
    queues: embedded(1, int32, 'How many queues there are; 64 when absent.'),
    handSize: embedded(2, int32, 'How many queues a flow may use, of which the shortest is taken; 8 when absent.'),
    queueLengthLimit: embedded(
      3,
      int32,
      'Most requests that wait in one queue; further ones are refused. 50 when absent.',
    ),
  },
)
export interface QueuingConfiguration extends Infer<typeof QueuingConfiguration> {}

export const LimitResponse = object(
  'io.k8s.api.flowcontrol.v1.LimitResponse',
  'What happens to requests that cannot run at once.',
  {
    type: required(1, string, 'Queue lets them wait, Reject refuses them.'),
    queuing: explicit(2, QueuingConfiguration, 'The queues; only for type Queue.'),
  },
  { unions: [{ discriminator: 'type', fields: { queuing: 'Queuing' } }] },
)
export interface LimitResponse extends Infer<typeof LimitResponse> {}

export const LimitedPriorityLevelConfiguration = object(
  'io.k8s.api.flowcontrol.v1.LimitedPriorityLevelConfiguration',
  'A priority level whose requests are limited.',
  {
    nominalConcurrencyShares: explicit(
      1,
      int32,
      'Share of the concurrency of the server, relative to other levels; 30 when absent.',
    ),
    limitResponse: embedded(2, LimitResponse, 'What happens to requests beyond the limit.'),
    lendablePercent: explicit(
      3,
      int32,
      'Percentage of its limit that other levels may borrow, 0 to 100; 0 when absent.',
    ),
    borrowingLimitPercent: explicit(
      4,
      int32,
      'Percentage of its limit that it may borrow from others; absent means any.',
    ),
  },
)
export interface LimitedPriorityLevelConfiguration extends Infer<typeof LimitedPriorityLevelConfiguration> {}

export const ExemptPriorityLevelConfiguration = object(
  'io.k8s.api.flowcontrol.v1.ExemptPriorityLevelConfiguration',
  'A priority level whose requests are never held up.',
  {
    nominalConcurrencyShares: explicit(
      1,
      int32,
      'Share of the concurrency of the server that it can lend; 0 when absent.',
    ),
    lendablePercent: explicit(
      2,
      int32,
      'Percentage of its share that other levels may borrow, 0 to 100; 0 when absent.',
    ),
  },
)
export interface ExemptPriorityLevelConfiguration extends Infer<typeof ExemptPriorityLevelConfiguration> {}

export const PriorityLevelConfigurationSpec = object(
  'io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec',
  'What is wished of a priority level; the member that type names is set.',
  {
    type: required(1, string, 'Limited or Exempt; Exempt ones are never held up.'),
    limited: explicit(2, LimitedPriorityLevelConfiguration, 'How requests are limited; only for type Limited.'),
    exempt: explicit(3, ExemptPriorityLevelConfiguration, 'What the level lends to others; only for type Exempt.'),
  },
  { unions: [{ discriminator: 'type', fields: { exempt: 'Exempt', limited: 'Limited' } }] },
)
export interface PriorityLevelConfigurationSpec extends Infer<typeof PriorityLevelConfigurationSpec> {}

export const PriorityLevelConfigurationCondition = object(
  'io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationCondition',
  'One aspect of the state of a priority level.',
  {
    type: optional(1, string, 'Name of the condition in CamelCase.'),
    status: optional(2, string, 'Whether the condition holds: True, False or Unknown.'),
    lastTransitionTime: embedded(3, time, 'When the status last changed from one value to another.'),
    reason: optional(4, string, 'One CamelCase word that says why the condition last changed, for programs.'),
    message: optional(5, string, 'What happened, in words for people.'),
  },
)
export interface PriorityLevelConfigurationCondition extends Infer<typeof PriorityLevelConfigurationCondition> {}

export const PriorityLevelConfigurationStatus = object(
  'io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationStatus',
  'What is known about a priority level.',
  {
    conditions: optional(
      1,
      list(PriorityLevelConfigurationCondition, { list: ['type'], merge: 'type' }),
      'Aspects of the state.',
    ),
  },
)
export interface PriorityLevelConfigurationStatus extends Infer<typeof PriorityLevelConfigurationStatus> {}

export const priorityLevelConfigurationSchema = object(
  'io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration',
  'Limits how many requests of one priority the API server works on at the same time.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, PriorityLevelConfigurationSpec, 'What is wished of the level.'),
    status: embedded(3, PriorityLevelConfigurationStatus, 'What is known about the level.'),
  },
)
export interface PriorityLevelConfiguration extends Infer<typeof priorityLevelConfigurationSchema> {}

export const PriorityLevelConfiguration: Kind<PriorityLevelConfiguration> = defineKind<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  plural: 'prioritylevelconfigurations',
  namespaced: false,
  storageVersionHash: 'Kir5PVfvNeI=',
  schema: priorityLevelConfigurationSchema,
  nameRule: subdomainNameRule,
  defaults: ({ spec }) => fill(spec),
  prepareCreate(level) {
    startGeneration(level)
    level.status = {}
  },
  prepareUpdate(level, old) {
    level.status = structuredClone(old.status) as Mutable<PriorityLevelConfigurationStatus>
    countChange(level, old, ({ spec }) => spec)
  },
  validate: validatePriorityLevel,
  validateUpdate: (level, _old, errors) => validatePriorityLevel(level, errors),
  status: {},
  columns: [
    nameColumn,
    textColumn('Type', 'Limited, or Exempt from limits.', ({ spec }) => spec.type),
    textColumn(
      'NominalConcurrencyShares',
      'Its share of what the server does at once.',
      ({ spec }) => (spec.limited ?? spec.exempt)?.nominalConcurrencyShares ?? '<none>',
    ),
    textColumn('Queues', 'How many queues it has.', ({ spec }) => queuing(spec)?.queues ?? '<none>'),
    textColumn(
      'HandSize',
      'Among how many queues a flow may choose.',
      ({ spec }) => queuing(spec)?.handSize ?? '<none>',
    ),
    textColumn(
      'QueueLengthLimit',
      'How many requests wait in one queue.',
      ({ spec }) => queuing(spec)?.queueLengthLimit ?? '<none>',
    ),
    ageColumn,
  ],
})

const queuing = ({ limited }: PriorityLevelConfigurationSpec): QueuingConfiguration | undefined =>
  limited?.limitResponse.queuing

function fill({ limited, exempt }: Mutable<PriorityLevelConfigurationSpec>): void {
  if (exempt !== undefined) {
    exempt.nominalConcurrencyShares ??= 0
    exempt.lendablePercent ??= 0
  }
  if (limited === undefined) return
  limited.nominalConcurrencyShares ??= 30
  limited.lendablePercent ??= 0
  const { queuing: queues } = limited.limitResponse
  if (queues === undefined) return
  queues.queues ||= 64
  queues.handSize ||= 8
  queues.queueLengthLimit ||= 50
}
