import { X509Certificate } from 'node:crypto'
import type { FieldErrors } from '../../schema/field-errors.ts'
import { dnsSubdomainFaults } from '../../schema/names.ts'
import type { CertificateSigningRequest } from './certificate-signing-request.ts'

const usages: readonly string[] = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
]
const minExpirationSeconds = 600

export function validateRequest({ spec }: CertificateSigningRequest, errors: FieldErrors): void {
  const pem = Buffer.from(spec.request ?? '', 'base64').toString('latin1')
  if (!/-----BEGIN CERTIFICATE REQUEST-----\s[^-]*-----END CERTIFICATE REQUEST-----/.test(pem)) {
    errors.invalid('spec.request', spec.request || null, 'PEM block type must be CERTIFICATE REQUEST')
  }
  validateUsages(spec.usages ?? [], errors)
  validateSignerName(spec.signerName, errors)
  const { expirationSeconds } = spec
  if (expirationSeconds !== undefined && expirationSeconds < minExpirationSeconds) {
    const detail = `may not specify a duration less than ${minExpirationSeconds} seconds (10 minutes)`
    errors.invalid('spec.expirationSeconds', expirationSeconds, detail)
  }
}

function validateUsages(given: readonly string[], errors: FieldErrors): void {
  if (given.length === 0) errors.required('spec.usages')
  const seen = new Set<string>()
  for (const [index, usage] of given.entries()) {
    if (!usages.includes(usage)) errors.notSupported(`spec.usages[${index}]`, usage, usages)
    if (seen.has(usage)) errors.duplicate(`spec.usages[${index}]`, usage)
    seen.add(usage)
  }
}

function validateSignerName(name: string, errors: FieldErrors): void {
  const path = 'spec.signerName'
  if (name === '') {
    errors.required(path)
    return
  }
  const slash = name.indexOf('/')
  const isWhole = slash > 0 && slash < name.length - 1 && name.indexOf('/', slash + 1) < 0
  if (!isWhole) {
    const detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
    errors.invalid(path, name, detail)
    return
  }
  const domain = name.slice(0, slash)
  for (const fault of dnsSubdomainFaults(domain)) errors.invalid(path, domain, `validating label "${domain}": ${fault}`)
  if (!domain.includes('.')) {
    errors.invalid(path, name, 'should be a domain with at least two segments separated by dots')
  }
  if (name === 'kubernetes.io/legacy-unknown') {
    errors.invalid(path, name, 'the legacy signerName is not allowed via this API version')
  }
}

/** A certificate that was given out stays, and so does what was decided. */
export function validateRequestStatus(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
  errors: FieldErrors,
): void {
  const { certificate } = request.status
  const fault = certificate && certificate !== old.status.certificate ? certificateFault(certificate) : undefined
  if (fault !== undefined) errors.invalid('status.certificate', '<certificate data>', fault)
  validateConditions(request, old, errors)
  if (old.status.certificate && certificate !== old.status.certificate) {
    errors.forbidden('status.certificate', 'updates may not modify existing certificate content')
  }
}

/** What `/approval` may not do. */
export function validateConditions(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
  errors: FieldErrors,
): void {
  const { conditions = [] } = request.status
  const seen = new Set<string>()
  // Requests that have it from an older server can still be changed.
  const excludes = !(has(old, 'Approved') && has(old, 'Denied'))
  for (const [index, { type, status }] of conditions.entries()) {
    const path = `status.conditions[${index}]`
    if (!type) errors.required(`${path}.type`)
    const allowed = lasting.includes(type) ? ['True'] : ['False', 'True', 'Unknown']
    if (!status) errors.required(`${path}.status`)
    else if (!allowed.includes(status)) errors.notSupported(`${path}.status`, status, allowed)
    const other = opposites[type]
    if (excludes && other !== undefined && seen.has(other)) {
      errors.invalid('status.conditions', type, 'Approved and Denied conditions are mutually exclusive')
    }
    if (seen.has(type)) errors.duplicate(`${path}.type`, type)
    seen.add(type)
  }
  for (const type of lasting) {
    if (countOf(request, type) >= countOf(old, type)) continue
    errors.forbidden('status.conditions', `updates may not remove a condition of type "${type}"`)
  }
}

const lasting: readonly string[] = ['Approved', 'Denied', 'Failed']
const opposites: Readonly<Record<string, string | undefined>> = { Approved: 'Denied', Denied: 'Approved' }

const countOf = ({ status }: CertificateSigningRequest, name: string) =>
  (status.conditions ?? []).filter(({ type }) => type === name).length
const has = (request: CertificateSigningRequest, type: string) => countOf(request, type) > 0

/** What is wrong with a chain of certificates in PEM, base64 as the API has it. */
function certificateFault(base64: string): string | undefined {
  const pem = Buffer.from(base64, 'base64').toString('latin1')
  const blocks = [...pem.matchAll(/-----BEGIN ([^-]+)-----\s([^-]*)-----END \1-----/g)]
  if (blocks.length === 0) return 'must contain at least one CERTIFICATE PEM block'
  for (const [block, label, content] of blocks) {
    if (label !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(label)}`
    if (content!.includes(':')) return 'no PEM block headers are permitted'
    try {
      new X509Certificate(block)
    } catch {
      return 'x509: malformed certificate'
    }
  }
  return undefined
}
