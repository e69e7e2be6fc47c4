import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  bool,
  bytes,
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

export const ServiceReference = object('io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference', '', {
  namespace: optional(1, string, ''),
  name: optional(2, string, ''),
  port: explicit(3, int32, ''),
})
export interface ServiceReference extends Infer<typeof ServiceReference> {}

export const APIServiceSpec = object('io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec', '', {
  service: explicit(1, ServiceReference, ''),
  group: optional(2, string, ''),
  version: optional(3, string, ''),
  insecureSkipTLSVerify: optional(4, bool, ''),
  caBundle: optional(5, bytes, ''),
  groupPriorityMinimum: required(7, int32, ''),
  versionPriority: required(8, int32, ''),
})
export interface APIServiceSpec extends Infer<typeof APIServiceSpec> {}

export const APIServiceCondition = object(
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceCondition',
  '',
  {
    type: required(1, string, ''),
    status: required(2, string, ''),
    lastTransitionTime: embedded(3, time, ''),
    reason: optional(4, string, ''),
    message: optional(5, string, ''),
  },
)
export interface APIServiceCondition extends Infer<typeof APIServiceCondition> {}

export const APIServiceStatus = object('io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceStatus', '', {
  conditions: optional(1, list(APIServiceCondition, { list: ['type'], merge: 'type' }), ''),
})
export interface APIServiceStatus extends Infer<typeof APIServiceStatus> {}

export const apiServiceSchema = object('io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, APIServiceSpec, ''),
  status: embedded(3, APIServiceStatus, ''),
})
export interface APIService extends Infer<typeof apiServiceSchema> {}

export const APIService: Kind<APIService> = defineKind<APIService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  categories: ['api-extensions'],
  namespaced: false,
  storageVersionHash: 'InPBPD7+PqM=',
  storagePrefix: 'apiregistration.k8s.io/apiservices',
  schema: apiServiceSchema,
  status: {},
})
