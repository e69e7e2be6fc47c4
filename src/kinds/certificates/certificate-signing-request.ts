import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  bytes,
  embedded,
  explicit,
  type Infer,
  int32,
  list,
  map,
  object,
  optional,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const CertificateSigningRequestSpec = object('io.k8s.api.certificates.v1.CertificateSigningRequestSpec', '', {
  request: required(1, bytes, ''),
  signerName: required(7, string, ''),
  expirationSeconds: explicit(8, int32, ''),
  usages: optional(5, list(string, { list: 'atomic' }), ''),
  username: optional(2, string, ''),
  uid: optional(3, string, ''),
  groups: optional(4, list(string, { list: 'atomic' }), ''),
  extra: optional(6, map(list(string)), ''),
})
export interface CertificateSigningRequestSpec extends Infer<typeof CertificateSigningRequestSpec> {}

export const CertificateSigningRequestCondition = object(
  'io.k8s.api.certificates.v1.CertificateSigningRequestCondition',
  '',
  {
    type: required(1, string, ''),
    status: required(6, string, ''),
    reason: optional(2, string, ''),
    message: optional(3, string, ''),
    lastUpdateTime: embedded(4, time, ''),
    lastTransitionTime: embedded(5, time, ''),
  },
)
export interface CertificateSigningRequestCondition extends Infer<typeof CertificateSigningRequestCondition> {}

export const CertificateSigningRequestStatus = object(
  'io.k8s.api.certificates.v1.CertificateSigningRequestStatus',
  '',
  {
    conditions: optional(1, list(CertificateSigningRequestCondition, { list: ['type'] }), ''),
    certificate: optional(2, bytes, ''),
  },
)
export interface CertificateSigningRequestStatus extends Infer<typeof CertificateSigningRequestStatus> {}

export const certificateSigningRequestSchema = object('io.k8s.api.certificates.v1.CertificateSigningRequest', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: required(2, CertificateSigningRequestSpec, ''),
  status: embedded(3, CertificateSigningRequestStatus, ''),
})
export interface CertificateSigningRequest extends Infer<typeof certificateSigningRequestSchema> {}

export const CertificateSigningRequest: Kind<CertificateSigningRequest> = defineKind<CertificateSigningRequest>({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  shortNames: ['csr'],
  namespaced: false,
  storageVersionHash: '95fRKMXA+00=',
  schema: certificateSigningRequestSchema,
  status: {},
  subresources: [{ name: 'approval', kind: 'CertificateSigningRequest', verbs: ['get', 'patch', 'update'] }],
})
