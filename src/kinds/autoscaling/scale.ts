import type { FieldErrors } from '../../schema/field-errors.ts'
import type { Column } from '../../schema/kind.ts'
import { embedded, type Infer, int32, object, optional, required, string } from '../../schema/types.ts'
import { ageColumn, integerColumn, nameColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const ScaleSpec = object('io.k8s.api.autoscaling.v1.ScaleSpec', '', {
  replicas: optional(1, int32, ''),
})
export interface ScaleSpec extends Infer<typeof ScaleSpec> {}

export const ScaleStatus = object('io.k8s.api.autoscaling.v1.ScaleStatus', '', {
  replicas: required(1, int32, ''),
  selector: optional(2, string, ''),
})
export interface ScaleStatus extends Infer<typeof ScaleStatus> {}

export const Scale = object('io.k8s.api.autoscaling.v1.Scale', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, ScaleSpec, ''),
  status: embedded(3, ScaleStatus, ''),
})
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
