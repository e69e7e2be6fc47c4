import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  embedded,
  explicit,
  type Infer,
  int32,
  list,
  object,
  oneOf,
  optional,
  required,
  string,
} from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { ObjectReference } from './references.ts'

export const EndpointAddress = object(
  'io.k8s.api.core.v1.EndpointAddress',
  '',
  {
    ip: required(1, string, ''),
    hostname: optional(3, string, ''),
    nodeName: explicit(4, string, ''),
    targetRef: explicit(2, ObjectReference, ''),
  },
  { atomic: true },
)
export interface EndpointAddress extends Infer<typeof EndpointAddress> {}

export const EndpointPort = object(
  'io.k8s.api.core.v1.EndpointPort',
  '',
  {
    name: optional(1, string, ''),
    port: required(2, int32, ''),
    protocol: optional(3, oneOf('SCTP', 'TCP', 'UDP'), ''),
    appProtocol: explicit(4, string, ''),
  },
  { atomic: true },
)
export interface EndpointPort extends Infer<typeof EndpointPort> {}

export const EndpointSubset = object('io.k8s.api.core.v1.EndpointSubset', '', {
  addresses: optional(1, list(EndpointAddress, { list: 'atomic' }), ''),
  notReadyAddresses: optional(2, list(EndpointAddress, { list: 'atomic' }), ''),
  ports: optional(3, list(EndpointPort, { list: 'atomic' }), ''),
})
export interface EndpointSubset extends Infer<typeof EndpointSubset> {}

export const endpointsSchema = object('io.k8s.api.core.v1.Endpoints', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  subsets: optional(2, list(EndpointSubset, { list: 'atomic' }), ''),
})
export interface Endpoints extends Infer<typeof endpointsSchema> {}

export const Endpoints: Kind<Endpoints> = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  storageVersionHash: 'fWeeMqaN/OA=',
  storagePrefix: 'services/endpoints',
  schema: endpointsSchema,
})
