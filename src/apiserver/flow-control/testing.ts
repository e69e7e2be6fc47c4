import type { FlowSchema, FlowSchemaSpec } from '../../kinds/flowcontrol/flow-schema.ts'
import type {
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
} from '../../kinds/flowcontrol/priority-level-configuration.ts'

/** Objects for tests, with a uid that follows from the name. */

export const levelObject = (name: string, spec: PriorityLevelConfigurationSpec): PriorityLevelConfiguration =>
  ({ metadata: { name, uid: `level-${name}` }, spec, status: {} }) as PriorityLevelConfiguration

export const schemaObject = (name: string, spec: FlowSchemaSpec): FlowSchema =>
  ({ metadata: { name, uid: `schema-${name}` }, spec, status: {} }) as FlowSchema
