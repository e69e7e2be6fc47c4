import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, type Infer, list, object, optional, string } from '../../schema/types.ts'
import { Condition } from '../meta/condition.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const ServiceCIDRSpec = object('io.k8s.api.networking.v1.ServiceCIDRSpec', '', {
  cidrs: optional(1, list(string, { list: 'atomic' }), ''),
})
export interface ServiceCIDRSpec extends Infer<typeof ServiceCIDRSpec> {}

export const ServiceCIDRStatus = object('io.k8s.api.networking.v1.ServiceCIDRStatus', '', {
  conditions: optional(1, list(Condition, { list: ['type'], merge: 'type' }), ''),
})
export interface ServiceCIDRStatus extends Infer<typeof ServiceCIDRStatus> {}

export const serviceCIDRSchema = object('io.k8s.api.networking.v1.ServiceCIDR', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, ServiceCIDRSpec, ''),
  status: embedded(3, ServiceCIDRStatus, ''),
})
export interface ServiceCIDR extends Infer<typeof serviceCIDRSchema> {}

export const ServiceCIDR: Kind<ServiceCIDR> = defineKind<ServiceCIDR>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  namespaced: false,
  storageVersionHash: 'gNLvruQhW2g=',
  schema: serviceCIDRSchema,
  status: {},
})
