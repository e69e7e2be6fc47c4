import { X509Certificate } from 'node:crypto'
import type { ClientCertificate } from './request.ts'

/** What the certificate that a client showed is good for. */
export interface PeerCertificate {
  readonly isShown: boolean
  /** An authority of clients signed it. */
  readonly ofClient: ClientCertificate | undefined
  /** An authority of front proxies signed it. */
  readonly ofFrontProxy: ClientCertificate | undefined
}

/** Whose signatures count for what, in PEM: each may be several certificates. */
export interface Authorities {
  readonly clientCa?: string
  readonly requestHeaderCa?: string
}

/** What is asked of a connection; node's own `TLSSocket` has it. */
export interface PeerSocket {
  readonly authorized: boolean
  getPeerCertificate(): {
    readonly subject?: { readonly CN?: string | readonly string[]; readonly O?: string | readonly string[] }
    readonly fingerprint256: string
    readonly valid_to?: string
  }
  getPeerX509Certificate(): X509Certificate | undefined
}

const none: PeerCertificate = { isShown: false, ofClient: undefined, ofFrontProxy: undefined }

/**
 * Who the verified certificate of a connection names, and as what. The handshake has checked it against all authorities
 * together; which of them has signed it is looked at here, because being a client does not make anybody a front proxy.
 */
export function readCertificate(socket: PeerSocket, { clientCa, requestHeaderCa }: Authorities): PeerCertificate {
  if (clientCa === undefined && requestHeaderCa === undefined) return none
  const { subject, fingerprint256, valid_to: validTo } = socket.getPeerCertificate()
  if (subject === undefined) return none
  if (!socket.authorized) return { ...none, isShown: true }
  // Node reads the name part by part, so no value can pose as two.
  const values = (part: string | readonly string[] | undefined) => (part === undefined ? [] : [part].flat())
  const certificate = {
    commonName: values(subject.CN)[0] ?? '',
    organizations: values(subject.O),
    fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
    ...(validTo !== undefined && { expiresAt: Date.parse(validTo) }),
  }
  if (requestHeaderCa === undefined) return { isShown: true, ofClient: certificate, ofFrontProxy: undefined }
  const shown = socket.getPeerX509Certificate()
  return {
    isShown: true,
    ofClient: isSignedBy(shown, clientCa) ? certificate : undefined,
    ofFrontProxy: isSignedBy(shown, requestHeaderCa) ? certificate : undefined,
  }
}

/** Whether one of the authorities stands behind a certificate, itself or over intermediate ones. */
function isSignedBy(certificate: X509Certificate | undefined, bundle: string | undefined): boolean {
  const authorities = (bundle?.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (pem) => new X509Certificate(pem),
  )
  for (let each = certificate; each !== undefined; each = each.issuerCertificate) {
    const current = each
    if (authorities.some((authority) => current.checkIssued(authority) && current.verify(authority.publicKey)))
      return true
    if (each.issuerCertificate === each) return false
  }
  return false
}
