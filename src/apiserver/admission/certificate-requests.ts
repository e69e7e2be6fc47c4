import { formatTime } from '../../base/go-time.ts'
import type { CertificateSigningRequest } from '../../kinds/certificates/certificate-signing-request.ts'
import { forbidden } from '../../schema/status.ts'
import type { Mutable } from '../../schema/types.ts'
import type { Clock } from '../../world/world.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.ts'
import type { Authorizer } from '../authz/authz.ts'
import { certificateSubject } from './certificate-subject.ts'
import { isAllowedForSigner } from './signer-access.ts'

const isRequest = ({ kind }: AdmissionAttributes) =>
  kind.plural === 'certificatesigningrequests' && kind.group === 'certificates.k8s.io'

/** A request says who made it, whatever its maker wrote there: signers decide by it. */
export const certificateRequester: AdmissionPlugin = {
  name: 'CertificateRequester',
  handles: (attributes) => isRequest(attributes) && attributes.operation === 'CREATE' && attributes.subresource === '',
  admit({ object, context: { user } }) {
    const { spec } = object as Mutable<CertificateSigningRequest>
    spec.username = user.name
    spec.groups = [...user.groups]
    if (user.uid) spec.uid = user.uid
    else delete spec.uid
    const extra = Object.entries(user.extra ?? {})
    if (extra.length > 0) spec.extra = Object.fromEntries(extra.map(([key, values]) => [key, [...values]]))
    else delete spec.extra
  },
}

/** Conditions say since when they are as they are; whoever writes them need not. */
export function certificateTimes(clock: Clock): AdmissionPlugin {
  return {
    name: 'CertificateTimes',
    handles: (attributes) =>
      isRequest(attributes) &&
      attributes.operation === 'UPDATE' &&
      (attributes.subresource === 'approval' || attributes.subresource === 'status'),
    admit({ object, oldObject }) {
      const now = formatTime(clock.now())
      const before = (oldObject as CertificateSigningRequest).status.conditions ?? []
      const { status } = object as Mutable<CertificateSigningRequest>
      status.conditions &&= status.conditions.map((condition) => {
        const same = before.find(({ type, status }) => type === condition.type && status === condition.status)
        return {
          ...condition,
          lastUpdateTime: condition.lastUpdateTime ?? now,
          lastTransitionTime: condition.lastTransitionTime ?? same?.lastTransitionTime ?? now,
        }
      })
    },
  }
}

/** The signer that every client trusts signs for nobody who would be above all rules (`CertificateSubjectRestriction`). */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  handles: certificateRequester.handles,
  validate(attributes) {
    const { spec } = attributes.object as CertificateSigningRequest
    if (spec.signerName !== 'kubernetes.io/kube-apiserver-client') return
    const groups = certificateSubject(spec.request)?.organizations ?? []
    if (groups.includes('system:masters')) {
      throw refuse(attributes, `use of ${spec.signerName} signer with system:masters group is not allowed`)
    }
  },
}

/** Who approves must be allowed to `approve` for the signer (`CertificateApproval`). */
export function certificateApproval(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    handles: (attributes) =>
      isRequest(attributes) && attributes.operation === 'UPDATE' && attributes.subresource === 'approval',
    async validate(attributes) {
      const { signerName } = (attributes.oldObject as CertificateSigningRequest).spec
      if (await isAllowed(authorizer, attributes, 'approve', signerName)) return
      throw refuse(attributes, `user not permitted to approve requests with signerName "${signerName}"`)
    },
  }
}

/** Who puts a certificate or a failure into a request must be allowed to `sign` for the signer (`CertificateSigning`). */
export function certificateSigning(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    handles: (attributes) =>
      isRequest(attributes) && attributes.operation === 'UPDATE' && attributes.subresource === 'status',
    async validate(attributes) {
      const old = attributes.oldObject as CertificateSigningRequest
      const { status } = attributes.object as CertificateSigningRequest
      const isSigning = status.certificate !== old.status.certificate
      if (!isSigning && failures({ status }) === failures(old)) return
      const { signerName } = old.spec
      if (await isAllowed(authorizer, attributes, 'sign', signerName)) return
      throw refuse(attributes, `user not permitted to sign requests with signerName "${signerName}"`)
    },
  }
}

const failures = ({ status }: Pick<CertificateSigningRequest, 'status'>) =>
  (status.conditions ?? []).filter(({ type }) => type === 'Failed').length

const refuse = ({ name, object }: AdmissionAttributes, why: string) =>
  forbidden(
    { group: 'certificates.k8s.io', resource: 'certificatesigningrequests' },
    object?.metadata.name ?? name,
    why,
  )

const isAllowed = (
  authorizer: Authorizer,
  { context: { user } }: AdmissionAttributes,
  verb: string,
  signerName: string,
): Promise<boolean> => isAllowedForSigner(authorizer, user, verb, signerName)
