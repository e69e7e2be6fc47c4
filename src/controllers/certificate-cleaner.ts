import { X509Certificate } from 'node:crypto'
import {
  CertificateSigningRequest,
  type CertificateSigningRequestCondition,
} from '../kinds/certificates/certificate-signing-request.ts'
import { again, remove } from '../reconciler/changes.ts'
import { type Controller, defineController } from '../reconciler/controller.ts'
import { timeOf } from './shared/owner.ts'

const hourMs = 3_600_000
/** How long a request stays that was answered, and one that nobody has looked at or signed. */
const decidedMs = hourMs
const pendingMs = 24 * hourMs

/** Deletes certificate signing requests that have served their purpose, or never will. */
export const certificateCleaner: Controller = defineController<CertificateSigningRequest>({
  name: 'certificatesigningrequest-cleaner-controller',
  serviceAccount: 'certificate-controller',
  reconciles: CertificateSigningRequest,
  wakes: ({ object }) => object !== undefined,

  *reconcile(request, { now }) {
    const at = endOf(request)
    if (at === undefined) return
    if (at > now) yield again(at - now)
    else yield remove(CertificateSigningRequest, request)
  },
})

/** Nothing where somebody has said what nobody here understands. */
function endOf({ metadata, status }: CertificateSigningRequest): number | undefined {
  const { conditions = [], certificate } = status
  const created = timeOf(metadata.creationTimestamp)
  const ends = conditions.length > 0 ? [] : [created + pendingMs]
  ends.push(...conditions.flatMap((condition) => endAfter(condition, created, certificate !== undefined)))
  if (certificate !== undefined) ends.push(endOfCertificate(certificate))
  return ends.length > 0 ? Math.min(...ends) : undefined
}

function endAfter(
  { type, lastUpdateTime }: CertificateSigningRequestCondition,
  created: number,
  isIssued: boolean,
): readonly number[] {
  const decidedAt = lastUpdateTime ? timeOf(lastUpdateTime) : created
  if (type === 'Denied' || type === 'Failed') return [decidedAt + decidedMs]
  return type === 'Approved' ? [decidedAt + (isIssued ? decidedMs : pendingMs)] : []
}

function endOfCertificate(base64: string): number {
  return new X509Certificate(Buffer.from(base64, 'base64')).validToDate.getTime()
}
