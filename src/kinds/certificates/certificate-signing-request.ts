import { humanDuration } from '../../base/duration.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import type { Mutable } from '../../schema/types.ts'
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
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { validateConditions, validateRequest, validateRequestStatus } from './validation.ts'

export const CertificateSigningRequestSpec = object(
  'io.k8s.api.certificates.v1.CertificateSigningRequestSpec',
  'What is wished of a certificate; cannot be changed.',
  {
    request: required(1, bytes, 'The PKCS 10 request in PEM form, base64 in JSON.'),
    signerName: required(7, string, 'Signer that is asked, such as kubernetes.io/kube-apiserver-client.'),
    expirationSeconds: explicit(
      8,
      int32,
      'Wished life in seconds, at least 600; the signer may give another. Absent leaves it to the signer.',
    ),
    usages: optional(5, list(string, { list: 'atomic' }), 'Key usages that are wished, such as client auth.'),
    username: optional(2, string, 'User who made the request; set by the server.'),
    uid: optional(3, string, 'UID of that user; set by the server.'),
    groups: optional(4, list(string, { list: 'atomic' }), 'Groups of that user; set by the server.'),
    extra: optional(6, map(list(string)), 'Further facts about that user; set by the server.'),
  },
)
export interface CertificateSigningRequestSpec extends Infer<typeof CertificateSigningRequestSpec> {}

export const CertificateSigningRequestCondition = object(
  'io.k8s.api.certificates.v1.CertificateSigningRequestCondition',
  'One decision about a request.',
  {
    type: required(1, string, 'Approved, Denied or Failed; the first two exclude each other and are never taken back.'),
    status: required(6, string, 'True, False or Unknown; Approved and Denied can only be True.'),
    reason: optional(2, string, 'One CamelCase word that says why the condition last changed, for programs.'),
    message: optional(3, string, 'What happened, in words for people.'),
    lastUpdateTime: embedded(4, time, 'When the condition was last written.'),
    lastTransitionTime: embedded(5, time, 'When the status last changed from one value to another.'),
  },
)
export interface CertificateSigningRequestCondition extends Infer<typeof CertificateSigningRequestCondition> {}

export const CertificateSigningRequestStatus = object(
  'io.k8s.api.certificates.v1.CertificateSigningRequestStatus',
  'What has become of a request.',
  {
    conditions: optional(
      1,
      list(CertificateSigningRequestCondition, { list: ['type'] }),
      'Decisions about the request.',
    ),
    certificate: optional(
      2,
      bytes,
      'The issued certificate chain in PEM form, base64 in JSON; once set it cannot be changed.',
    ),
  },
)
export interface CertificateSigningRequestStatus extends Infer<typeof CertificateSigningRequestStatus> {}

export const certificateSigningRequestSchema = object(
  'io.k8s.api.certificates.v1.CertificateSigningRequest',
  'Asks a signer for a certificate; somebody must approve it first.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: required(2, CertificateSigningRequestSpec, 'What is wished of the certificate.'),
    status: embedded(3, CertificateSigningRequestStatus, 'Decision and certificate.'),
  },
)
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
  subresources: [{ name: 'approval', kind: 'CertificateSigningRequest', verbs: ['get', 'patch', 'update'] }],
  prepareCreate(request) {
    request.status = {}
  },
  prepareUpdate(request, old) {
    request.spec = structuredClone(old.spec) as Mutable<CertificateSigningRequestSpec>
    request.status = structuredClone(old.status) as Mutable<CertificateSigningRequestStatus>
  },
  validate: validateRequest,
  validateUpdate: () => {},
  status: {
    prepareUpdate(request, old) {
      // Only `/approval` may approve or deny.
      const decides = ({ type }: { readonly type: string }) => type === 'Approved' || type === 'Denied'
      const kept = (old.status.conditions ?? []).filter(decides)
      const given = (request.status.conditions ?? []).filter((condition) => !decides(condition))
      request.status.conditions = structuredClone([...kept, ...given]) as typeof given
    },
    validateUpdate: validateRequestStatus,
  },
  sides: {
    approval: {
      prepareUpdate(request, old) {
        const { conditions } = request.status
        request.spec = structuredClone(old.spec) as Mutable<CertificateSigningRequestSpec>
        request.status = structuredClone(old.status) as Mutable<CertificateSigningRequestStatus>
        if (conditions === undefined) delete request.status.conditions
        else request.status.conditions = conditions
      },
      validateUpdate: validateConditions,
    },
  },
  selectableFields: { 'spec.signerName': ({ spec }) => spec.signerName },
  columns: [
    nameColumn,
    ageColumn,
    textColumn('SignerName', 'Who is asked to sign.', ({ spec }) => spec.signerName || '<none>'),
    textColumn('Requestor', 'Who asks.', ({ spec }) => spec.username ?? ''),
    textColumn('RequestedDuration', 'How long the certificate is to be valid.', ({ spec }) =>
      spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000),
    ),
    textColumn('Condition', 'How far the request has come.', conditionText),
  ],
})

function conditionText({ status }: CertificateSigningRequest): string {
  const types = new Set((status.conditions ?? []).map(({ type }) => type))
  const decision = types.has('Denied') ? 'Denied' : types.has('Approved') ? 'Approved' : 'Pending'
  const words = [decision, ...(types.has('Failed') ? ['Failed'] : []), ...(status.certificate ? ['Issued'] : [])]
  return words.join(',')
}
