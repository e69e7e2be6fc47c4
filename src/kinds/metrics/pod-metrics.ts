import { parseQuantity, Quantity } from '../../base/quantity.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  duration,
  embedded,
  type Infer,
  list,
  map,
  object,
  quantity,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const ContainerMetrics = object(
  'io.k8s.metrics.pkg.apis.metrics.v1beta1.ContainerMetrics',
  'What a container used.',
  {
    name: required(1, string, 'Name of the container.'),
    usage: required(2, map(quantity), 'Processors used on average over the window, and memory at its end.'),
  },
)
export interface ContainerMetrics extends Infer<typeof ContainerMetrics> {}

export const podMetricsSchema = object(
  'io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics',
  'What the containers of a pod used in a span of time.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, namespace and labels of the pod.'),
    timestamp: required(2, time, 'End of the span of time.'),
    window: required(3, duration, 'Its length.'),
    containers: required(4, list(ContainerMetrics, { list: 'atomic' }), 'The containers, in the order of the pod.'),
  },
)
export interface PodMetrics extends Infer<typeof podMetricsSchema> {}

/** Not stored: made when somebody asks. Served where something measures, as metrics-server does. */
export const PodMetrics: Kind<PodMetrics> = defineKind<PodMetrics>({
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  kind: 'PodMetrics',
  plural: 'pods',
  singular: 'pod',
  namespaced: true,
  verbs: ['get', 'list'],
  storagePrefix: 'metrics.k8s.io/pods',
  schema: podMetricsSchema,
  columns: [
    nameColumn,
    textColumn('cpu', 'Processors that the pod used.', ({ containers }) => sumOf(containers, 'cpu')),
    textColumn('memory', 'Memory that the pod used.', ({ containers }) => sumOf(containers, 'memory')),
    textColumn('Window', 'The span of time that was measured.', ({ window }) => window),
  ],
})

function sumOf(containers: readonly ContainerMetrics[], resource: string): string {
  return containers.reduce((sum, { usage }) => sum.add(parseQuantity(usage[resource] ?? '0')), Quantity.zero).toString()
}
