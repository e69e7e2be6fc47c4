import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  bool,
  embedded,
  explicit,
  type Infer,
  int64,
  list,
  object,
  optional,
  required,
  string,
} from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const TokenRequest = object('io.k8s.api.storage.v1.TokenRequest', '', {
  audience: required(1, string, ''),
  expirationSeconds: explicit(2, int64, ''),
})
export interface TokenRequest extends Infer<typeof TokenRequest> {}

export const CSIDriverSpec = object('io.k8s.api.storage.v1.CSIDriverSpec', '', {
  attachRequired: explicit(1, bool, ''),
  podInfoOnMount: explicit(2, bool, ''),
  volumeLifecycleModes: optional(3, list(string, { list: 'set' }), ''),
  storageCapacity: explicit(4, bool, ''),
  fsGroupPolicy: explicit(5, string, ''),
  tokenRequests: optional(6, list(TokenRequest, { list: 'atomic' }), ''),
  requiresRepublish: explicit(7, bool, ''),
  seLinuxMount: explicit(8, bool, ''),
  nodeAllocatableUpdatePeriodSeconds: explicit(9, int64, ''),
  serviceAccountTokenInSecrets: explicit(10, bool, ''),
  preventPodSchedulingIfMissing: explicit(11, bool, ''),
})
export interface CSIDriverSpec extends Infer<typeof CSIDriverSpec> {}

export const csiDriverSchema = object('io.k8s.api.storage.v1.CSIDriver', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: required(2, CSIDriverSpec, ''),
})
export interface CSIDriver extends Infer<typeof csiDriverSchema> {}

export const CSIDriver: Kind<CSIDriver> = defineKind<CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  namespaced: false,
  storageVersionHash: 'hL6j/rwBV5w=',
  schema: csiDriverSchema,
})
