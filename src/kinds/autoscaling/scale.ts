import type { FieldErrors } from '../../schema/field-errors.ts'
import type { Column } from '../../schema/kind.ts'
import { embedded, type Infer, int32, object, optional, required, string } from '../../schema/types.ts'
import { ageColumn, integerColumn, nameColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const ScaleSpec = object('io.k8s.api.autoscaling.v1.ScaleSpec', 'What is wished of the number of pods.', {
  replicas: optional(1, int32, 'How many pods there are to be.', { default: 0 }),
})
export interface ScaleSpec extends Infer<typeof ScaleSpec> {}

export const ScaleStatus = object('io.k8s.api.autoscaling.v1.ScaleStatus', 'What is known about the number of pods.', {
  replicas: required(1, int32, 'How many pods there are.'),
  selector: optional(2, string, 'Label selector of the pods, in the form of query parameters.'),
})
export interface ScaleStatus extends Infer<typeof ScaleStatus> {}

export const Scale = object(
  'io.k8s.api.autoscaling.v1.Scale',
  'The number of pods of an object; read and written through its scale subresource.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, ScaleSpec, 'The number of pods that is wished.'),
    status: embedded(3, ScaleStatus, 'The number of pods there are.'),
  },
)
export interface Scale extends Infer<typeof Scale> {}

export function validateScale({ spec }: Scale, errors: FieldErrors): void {
  const { replicas = 0 } = spec
  if (replicas < 0) errors.invalid('spec.replicas', replicas, 'must be greater than or equal to 0')
}

/** How `kubectl get --subresource=scale` shows a scale. */
export const scaleColumns: readonly Column<Scale>[] = [
  { ...nameColumn, format: '' },
  integerColumn('Desired', 'How many replicas are wanted.', ({ spec }) => spec.replicas ?? 0),
  integerColumn('Available', 'How many replicas there are.', ({ status }) => status.replicas),
  ageColumn,
]
