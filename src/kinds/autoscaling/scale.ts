import { embedded, type Infer, int32, object, optional, required, string } from '../../schema/types.ts'
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
