import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, type Infer, list, object, optional, required, string } from '../../schema/types.ts'
import { nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const ComponentCondition = object(
  'io.k8s.api.core.v1.ComponentCondition',
  'State of one part of the control plane.',
  {
    type: required(1, string, 'Kind of condition; always Healthy.'),
    status: required(2, string, 'Whether the condition holds: True, False or Unknown.'),
    message: optional(3, string, 'What the health check answered.'),
    error: optional(4, string, 'Error of the health check; empty when there was none.'),
  },
)
export interface ComponentCondition extends Infer<typeof ComponentCondition> {}

export const componentStatusSchema = object(
  'io.k8s.api.core.v1.ComponentStatus',
  'Health of one part of the control plane; long deprecated.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    conditions: optional(
      2,
      list(ComponentCondition, { list: ['type'], merge: 'type' }),
      'What is known about the health of the component.',
    ),
  },
)
export interface ComponentStatus extends Infer<typeof componentStatusSchema> {}

export const ComponentStatus: Kind<ComponentStatus> = defineKind<ComponentStatus>({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  plural: 'componentstatuses',
  shortNames: ['cs'],
  namespaced: false,
  verbs: ['get', 'list'],
  schema: componentStatusSchema,
  columns: [
    nameColumn,
    textColumn('Status', 'Healthy, Unhealthy or Unknown.', (component) => {
      const health = healthOf(component)
      return health === undefined ? 'Unknown' : health.status === 'True' ? 'Healthy' : 'Unhealthy'
    }),
    textColumn('Message', 'What the component said about itself.', (component) => healthOf(component)?.message ?? ''),
    textColumn('Error', 'Why the component could not be asked.', (component) => healthOf(component)?.error ?? ''),
  ],
})

function healthOf({ conditions }: ComponentStatus): ComponentCondition | undefined {
  return conditions?.find(({ type }) => type === 'Healthy')
}
