import { defineKind, type Kind } from '../../schema/kind.ts'
import { duration, embedded, type Infer, map, object, quantity, required, time } from '../../schema/types.ts'
import { nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const nodeMetricsSchema = object(
  'io.k8s.metrics.pkg.apis.metrics.v1beta1.NodeMetrics',
  'What everything on a node used in a span of time.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name and labels of the node.'),
    timestamp: required(2, time, 'End of the span of time.'),
    window: required(3, duration, 'Its length.'),
    usage: required(4, map(quantity), 'Processors used on average over the window, and memory at its end.'),
  },
)
export interface NodeMetrics extends Infer<typeof nodeMetricsSchema> {}

/** Not stored: made when somebody asks. Served where something measures, as metrics-server does. */
export const NodeMetrics: Kind<NodeMetrics> = defineKind<NodeMetrics>({
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  kind: 'NodeMetrics',
  plural: 'nodes',
  singular: 'node',
  namespaced: false,
  verbs: ['get', 'list'],
  storagePrefix: 'metrics.k8s.io/nodes',
  schema: nodeMetricsSchema,
  columns: [
    nameColumn,
    textColumn('cpu', 'Processors that the node used.', ({ usage }) => usage['cpu'] ?? '0'),
    textColumn('memory', 'Memory that the node used.', ({ usage }) => usage['memory'] ?? '0'),
    textColumn('Window', 'The span of time that was measured.', ({ window }) => window),
  ],
})
