import { defineKind, type Kind } from '../../schema/kind.ts'
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
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const QueuingConfiguration = object('io.k8s.api.flowcontrol.v1.QueuingConfiguration', '', {
  queues: embedded(1, int32, ''),
  handSize: embedded(2, int32, ''),
  queueLengthLimit: embedded(3, int32, ''),
})
export interface QueuingConfiguration extends Infer<typeof QueuingConfiguration> {}

export const LimitResponse = object(
  'io.k8s.api.flowcontrol.v1.LimitResponse',
  '',
  {
    type: required(1, string, ''),
    queuing: explicit(2, QueuingConfiguration, ''),
  },
  { unions: [{ discriminator: 'type', fields: { queuing: 'Queuing' } }] },
)
export interface LimitResponse extends Infer<typeof LimitResponse> {}

export const LimitedPriorityLevelConfiguration = object(
  'io.k8s.api.flowcontrol.v1.LimitedPriorityLevelConfiguration',
  '',
  {
    nominalConcurrencyShares: explicit(1, int32, ''),
    limitResponse: embedded(2, LimitResponse, ''),
    lendablePercent: explicit(3, int32, ''),
    borrowingLimitPercent: explicit(4, int32, ''),
  },
)
export interface LimitedPriorityLevelConfiguration extends Infer<typeof LimitedPriorityLevelConfiguration> {}

export const ExemptPriorityLevelConfiguration = object(
  'io.k8s.api.flowcontrol.v1.ExemptPriorityLevelConfiguration',
  '',
  {
    nominalConcurrencyShares: explicit(1, int32, ''),
    lendablePercent: explicit(2, int32, ''),
  },
)
export interface ExemptPriorityLevelConfiguration extends Infer<typeof ExemptPriorityLevelConfiguration> {}

export const PriorityLevelConfigurationSpec = object(
  'io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec',
  '',
  {
    type: required(1, string, ''),
    limited: explicit(2, LimitedPriorityLevelConfiguration, ''),
    exempt: explicit(3, ExemptPriorityLevelConfiguration, ''),
  },
  { unions: [{ discriminator: 'type', fields: { exempt: 'Exempt', limited: 'Limited' } }] },
)
export interface PriorityLevelConfigurationSpec extends Infer<typeof PriorityLevelConfigurationSpec> {}

export const PriorityLevelConfigurationCondition = object(
  'io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationCondition',
  '',
  {
    type: optional(1, string, ''),
    status: optional(2, string, ''),
    lastTransitionTime: embedded(3, time, ''),
    reason: optional(4, string, ''),
    message: optional(5, string, ''),
  },
)
export interface PriorityLevelConfigurationCondition extends Infer<typeof PriorityLevelConfigurationCondition> {}

export const PriorityLevelConfigurationStatus = object(
  'io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationStatus',
  '',
  {
    conditions: optional(1, list(PriorityLevelConfigurationCondition, { list: ['type'], merge: 'type' }), ''),
  },
)
export interface PriorityLevelConfigurationStatus extends Infer<typeof PriorityLevelConfigurationStatus> {}

export const priorityLevelConfigurationSchema = object('io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, PriorityLevelConfigurationSpec, ''),
  status: embedded(3, PriorityLevelConfigurationStatus, ''),
})
export interface PriorityLevelConfiguration extends Infer<typeof priorityLevelConfigurationSchema> {}

export const PriorityLevelConfiguration: Kind<PriorityLevelConfiguration> = defineKind<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  plural: 'prioritylevelconfigurations',
  namespaced: false,
  storageVersionHash: 'Kir5PVfvNeI=',
  schema: priorityLevelConfigurationSchema,
  status: {},
})
