import { ApiError } from '../../schema/status.ts'
import type { Authenticator } from './authn.ts'
import { withAuthenticated } from './static-token.ts'

/** A verified client certificate: the common name is the user, the organizations are the groups. */
export const clientCertificates: Authenticator = {
  name: 'x509',
  authenticate({ certificate }) {
    if (!certificate) return undefined
    return {
      name: certificate.commonName,
      groups: withAuthenticated(certificate.organizations),
      extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${certificate.fingerprint}`] },
    }
  },
}

/** Stands last: whoever shows a certificate that does not hold, and nothing else, is refused, not anonymous. */
export const refuseUnverifiedCertificates: Authenticator = {
  name: 'unverified-certificate',
  authenticate({ hasUnverifiedCertificate }) {
    if (hasUnverifiedCertificate) throw new ApiError('Unauthorized', 'Unauthorized')
    return undefined
  },
}
