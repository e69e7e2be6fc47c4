import type { Kind } from '../../schema/kind.ts'
import { emptySet, type FieldSet, leaf } from '../../schema/managed-fields/field-set.ts'

/**
 * The fields that a write to an object or to one of its sides leaves as they are, whatever is sent (`GetResetFields` of
 * the reference's strategies): nobody comes to own them by it.
 */
export function resetFields(kind: Kind, subresource: string): FieldSet {
  const resource = `${kind.plural}.${kind.group}`
  const special = exceptions[subresource === '' ? resource : `${resource}/${subresource}`]
  if (special !== undefined) return special
  if (subresource === '') return kind.status === undefined ? emptySet : status
  return subresource === 'status' ? spec : emptySet
}

const spec: FieldSet = { 'f:spec': leaf }
const status: FieldSet = { 'f:status': leaf }

const exceptions: Readonly<Record<string, FieldSet>> = {
  'deployments.apps/status': { 'f:metadata': { 'f:labels': leaf }, 'f:spec': leaf },
  'pods./status': { 'f:metadata': { 'f:deletionTimestamp': leaf, 'f:ownerReferences': leaf }, 'f:spec': leaf },
  'certificatesigningrequests.certificates.k8s.io': { 'f:spec': leaf, 'f:status': leaf },
  'certificatesigningrequests.certificates.k8s.io/status': {
    'f:spec': leaf,
    'f:status': { 'f:conditions': leaf },
  },
  'certificatesigningrequests.certificates.k8s.io/approval': {
    'f:spec': leaf,
    'f:status': { 'f:certificate': leaf },
  },
  'flowschemas.flowcontrol.apiserver.k8s.io/status': { 'f:metadata': leaf, 'f:spec': leaf },
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io/status': { 'f:metadata': leaf, 'f:spec': leaf },
  'volumeattachments.storage.k8s.io/status': { 'f:metadata': leaf, 'f:spec': leaf },
  'validatingadmissionpolicies.admissionregistration.k8s.io/status': { 'f:metadata': leaf, 'f:spec': leaf },
}
