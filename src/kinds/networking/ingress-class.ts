import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, explicit, type Infer, object, optional, required, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const IngressClassParametersReference = object('io.k8s.api.networking.v1.IngressClassParametersReference', '', {
  apiGroup: explicit(1, string, ''),
  kind: required(2, string, ''),
  name: required(3, string, ''),
  scope: explicit(4, string, ''),
  namespace: explicit(5, string, ''),
})
export interface IngressClassParametersReference extends Infer<typeof IngressClassParametersReference> {}

export const IngressClassSpec = object('io.k8s.api.networking.v1.IngressClassSpec', '', {
  controller: optional(1, string, ''),
  parameters: explicit(2, IngressClassParametersReference, ''),
})
export interface IngressClassSpec extends Infer<typeof IngressClassSpec> {}

export const ingressClassSchema = object('io.k8s.api.networking.v1.IngressClass', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, IngressClassSpec, ''),
})
export interface IngressClass extends Infer<typeof ingressClassSchema> {}

export const IngressClass: Kind<IngressClass> = defineKind<IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  namespaced: false,
  storageVersionHash: 'l/iqIbDgFyQ=',
  schema: ingressClassSchema,
})
