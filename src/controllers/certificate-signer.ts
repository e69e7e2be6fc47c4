import type { KeyObject } from 'node:crypto'
import { secondsTime } from '../base/seconds-time.ts'
import {
  CertificateSigningRequest,
  type CertificateSigningRequestStatus,
} from '../kinds/certificates/certificate-signing-request.ts'
import { type Steps, setStatus } from '../reconciler/changes.ts'
import { type Controller, defineController } from '../reconciler/controller.ts'
import type { Draft } from '../schema/types.ts'
import { type ParsedRequest, parseRequest } from './certificates/request.ts'
import { signerRules } from './certificates/rules.ts'
import { usagesIn } from './certificates/usages.ts'

/** A certificate that is to be made of an approved request. */
export interface CertificateToSign {
  /** DER. */
  readonly subject: Buffer
  readonly publicKey: KeyObject
  /** DER, RFC 5280 GeneralNames. */
  readonly alternativeNames: Buffer | undefined
  /** Positions in the extension "key usage". */
  readonly keyUsages: readonly number[]
  /** Object identifiers of the extension "extended key usage". */
  readonly purposes: readonly string[]
  /** Milliseconds since 1970. It is the authority that knows when it ends itself: what it makes ends no later. */
  readonly notBefore: number
  readonly notAfter: number
}

export interface CertificateSignerOptions {
  /** Makes certificates with the authority's key, in PEM; without it nothing is signed. */
  readonly signCertificate?: (certificate: CertificateToSign) => string
  /** How long certificates are valid at most; default: a year. */
  readonly certificateValidityMs?: number
}

const yearMs = 365 * 24 * 3_600_000
const shortestMs = 600_000
const backdateMs = 300_000
/** Certificates that live shorter than this do not end earlier for having begun earlier. */
const shortMs = 8 * 3_600_000

/** Makes certificates of requests that were approved, for the signers that belong to the cluster itself. */
export function certificateSigner(
  signCertificate: NonNullable<CertificateSignerOptions['signCertificate']>,
  validityMs: number = yearMs,
): Controller {
  return defineController<CertificateSigningRequest>({
    name: 'certificatesigningrequest-signing-controller',
    serviceAccount: 'certificate-controller',
    reconciles: CertificateSigningRequest,
    wakes: ({ object }) => object !== undefined && isToBeSigned(object),

    *reconcile(request, { now }) {
      if (!isToBeSigned(request)) return
      const { signerName, usages = [], expirationSeconds } = request.spec
      const parsed = parseRequest(request.spec.request)
      if (!parsed?.isSigned) return
      const fault = signerRules[signerName]!(parsed, usages)
      if (fault !== undefined) return yield* refuse(request, fault, now)
      const livesMs = lifeOf(expirationSeconds, validityMs)
      const certificate = signCertificate({ ...parts(parsed, usages), ...periodOf(livesMs, now) })
      yield* tell(request, { certificate: Buffer.from(certificate).toString('base64') })
    },
  })
}

function isToBeSigned({ spec, status }: CertificateSigningRequest): boolean {
  const types = (status.conditions ?? []).filter((each) => each.status === 'True').map(({ type }) => type)
  const isDecided = types.includes('Approved') && !types.includes('Denied') && !types.includes('Failed')
  return isDecided && !status.certificate && Object.hasOwn(signerRules, spec.signerName)
}

const parts = ({ subject, publicKey, alternativeNames }: ParsedRequest, usages: readonly string[]) => ({
  subject,
  publicKey,
  alternativeNames,
  ...usagesIn(usages),
})

/** What was asked for, within limits. */
const lifeOf = (expirationSeconds: number | undefined, longestMs: number): number =>
  expirationSeconds === undefined ? longestMs : Math.min(longestMs, Math.max(shortestMs, expirationSeconds * 1000))

function periodOf(livesMs: number, now: number) {
  const notBefore = now - backdateMs
  return { notBefore, notAfter: (livesMs < shortMs ? now : notBefore) + livesMs }
}

function* refuse(request: CertificateSigningRequest, message: string, now: number): Steps {
  const time = secondsTime(now)
  const failed = {
    type: 'Failed',
    status: 'True',
    reason: 'SignerValidationFailure',
    message,
    lastUpdateTime: time,
    lastTransitionTime: time,
  }
  yield* tell(request, { conditions: [...(request.status.conditions ?? []), failed] })
}

function* tell(request: CertificateSigningRequest, status: Draft<CertificateSigningRequestStatus>): Steps {
  yield setStatus(CertificateSigningRequest, request, { ...request.status, ...status })
}
