/** Volumes into which several sources are written side by side. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { validateLabelSelector } from '../../schema/meta-validation.ts'
import { dnsSubdomainFaults } from '../../schema/names.ts'
import { goValue } from '../go-value.ts'
import { addFaults, checkLocalNonReservedPath, checkQualifiedName } from './field-checks.ts'
import { isEmptySelector } from './selector-validation.ts'
import { checkMode, validateFile, validateItems } from './volume-file-validation.ts'
import type {
  ClusterTrustBundleProjection,
  KeyToPath,
  PodCertificateProjection,
  ProjectedVolumeSource,
  ServiceAccountTokenProjection,
  VolumeProjection,
} from './volumes.ts'
import { ClusterTrustBundleProjection as ClusterTrustBundleType } from './volumes.ts'

export function validateProjected(
  { defaultMode, sources }: ProjectedVolumeSource,
  path: string,
  errors: FieldErrors,
): void {
  checkMode(defaultMode, `${path}.defaultMode`, errors)
  const taken = new Set<string>()
  sources?.forEach((source, index) => {
    validateProjection(source, `${path}.sources[${index}]`, { errors, taken, volume: path })
  })
}

interface Projecting {
  readonly errors: FieldErrors
  /** The paths that sources before this one have taken. */
  readonly taken: Set<string>
  readonly volume: string
}

function validateProjection(source: VolumeProjection, path: string, projecting: Projecting): void {
  const { errors } = projecting
  let found = 0
  const isFirst = (name: string, part: unknown): boolean => {
    if (part === undefined) return false
    if (found++ === 0) return true
    errors.forbidden(`${path}.${name}`, 'may not specify more than 1 volume type')
    return false
  }
  const { secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source
  if (isFirst('secret', secret) && secret) validateNamed(secret, `${path}.secret`, projecting)
  if (isFirst('configMap', configMap) && configMap) validateNamed(configMap, `${path}.configMap`, projecting)
  if (isFirst('downwardAPI', downwardAPI) && downwardAPI) {
    for (const file of downwardAPI.items ?? []) {
      validateFile(file, `${path}.downwardAPI`, errors)
      takePath(file.path, file.path, projecting)
    }
  }
  if (isFirst('serviceAccountToken', serviceAccountToken) && serviceAccountToken) {
    validateToken(serviceAccountToken, `${path}.serviceAccountToken`, projecting)
  }
  if (isFirst('clusterTrustBundle', clusterTrustBundle) && clusterTrustBundle) {
    validateTrustBundle(clusterTrustBundle, `${path}.clusterTrustBundle`, projecting)
  }
  if (isFirst('podCertificate', podCertificate) && podCertificate) {
    validateCertificate(podCertificate, `${path}.podCertificate`, projecting)
  }
}

function takePath(path: string, shown: string, { errors, taken, volume }: Projecting): void {
  if (path === '') return
  if (taken.has(path)) errors.invalid(volume, shown, 'conflicting duplicate paths')
  taken.add(path)
}

interface NamedProjection {
  readonly name?: string
  readonly items?: readonly KeyToPath[]
}

function validateNamed({ name = '', items }: NamedProjection, path: string, projecting: Projecting): void {
  if (name === '') projecting.errors.required(`${path}.name`)
  validateItems(items, `${path}.items`, projecting.errors)
  for (const item of items ?? []) takePath(item.path, name, projecting)
}

function validateToken(token: ServiceAccountTokenProjection, path: string, projecting: Projecting): void {
  const { errors } = projecting
  const seconds = token.expirationSeconds ?? 0
  if (seconds < 600) {
    errors.invalid(`${path}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes')
  }
  if (seconds > 2 ** 32) {
    errors.invalid(`${path}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds')
  }
  if (token.path === '') return errors.required(`${path}.path`)
  checkLocalNonReservedPath(errors, `${path}.path`, token.path)
  takePath(token.path, token.path, projecting)
}

function validateTrustBundle(bundle: ClusterTrustBundleProjection, path: string, projecting: Projecting): void {
  const { errors } = projecting
  const { name, signerName, labelSelector } = bundle
  if (name === undefined && signerName === undefined) {
    errors.required(path, 'either name or signerName must be specified')
  } else if (name !== undefined && signerName !== undefined) {
    const shown = goValue(ClusterTrustBundleType, bundle)
    errors.invalid(path, shown, 'only one of name and signerName may be used')
  } else if (name !== undefined) {
    if (name === '') errors.required(`${path}.name`, 'must be a valid object name')
    else addFaults(errors, `${path}.name`, name, dnsSubdomainFaults(name.replaceAll(':', '.')))
    if (labelSelector)
      errors.invalid(`${path}.labelSelector`, labelSelector, 'labelSelector must be unset if name is specified')
  } else {
    if (signerName === '') errors.required(`${path}.signerName`, 'must be a valid signer name')
    if (labelSelector && !isEmptySelector(labelSelector))
      validateLabelSelector(labelSelector, `${path}.labelSelector`, errors)
  }
  if (bundle.path === '') return errors.required(`${path}.path`)
  checkLocalNonReservedPath(errors, `${path}.path`, bundle.path)
  takePath(bundle.path, bundle.path, projecting)
}

const keyTypes = ['ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519', 'RSA3072', 'RSA4096']
const hour = 3600

function validateCertificate(certificate: PodCertificateProjection, path: string, projecting: Projecting): void {
  const { errors } = projecting
  const { signerName, keyType, maxExpirationSeconds, userAnnotations } = certificate
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/.+$/.test(signerName)) {
    errors.invalid(
      `${path}.signerName`,
      signerName,
      "must be a fully qualified domain and path of the form 'example.com/signer-name'",
    )
  }
  if (!keyTypes.includes(keyType)) errors.notSupported(`${path}.keyType`, keyType, keyTypes)
  if (maxExpirationSeconds !== undefined && maxExpirationSeconds < hour) {
    errors.invalid(`${path}.maxExpirationSeconds`, maxExpirationSeconds, `must be at least ${hour}`)
  }
  if (maxExpirationSeconds !== undefined && maxExpirationSeconds > 91 * 24 * hour) {
    errors.invalid(`${path}.maxExpirationSeconds`, maxExpirationSeconds, `must be no more than ${91 * 24 * hour}`)
  }
  for (const key of Object.keys(userAnnotations ?? {})) checkQualifiedName(errors, `${path}.userAnnotations`, key)
  const paths = { ...pathsOf(certificate) }
  if (Object.keys(paths).length === 0) {
    errors.required(path, 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath')
  }
  for (const [name, value] of Object.entries(paths)) {
    checkLocalNonReservedPath(errors, `${path}.${name}`, value)
    takePath(value, value, projecting)
  }
}

function pathsOf({ credentialBundlePath, keyPath, certificateChainPath }: PodCertificateProjection) {
  return {
    ...(credentialBundlePath && { credentialBundlePath }),
    ...(keyPath && { keyPath }),
    ...(certificateChainPath && { certificateChainPath }),
  }
}
