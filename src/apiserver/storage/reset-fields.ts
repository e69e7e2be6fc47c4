import type { Kind } from '../../schema/kind.ts'
import { emptySet, type FieldSet, leaf } from '../../schema/managed-fields/field-set.ts'
import { fieldElement } from '../../schema/managed-fields/path-element.ts'
import type { ObjectType } from '../../schema/types.ts'

/**
 * The fields that a write to an object or to one of its sides leaves as they are, whatever is sent (`GetResetFields` of
 * the reference's strategies): nobody comes to own them by it.
 */
export function resetFields(kind: Kind, subresource: string): FieldSet {
  const resource = `${kind.plural}.${kind.group}`
  const special = exceptions[subresource === '' ? resource : `${resource}/${subresource}`]
  if (special !== undefined) return special
  if (subresource === '') return kind.status === undefined ? emptySet : status
  if (subresource !== 'status') return emptySet
  return kind.schema.options.structure === undefined ? spec : allButStatus(kind.schema)
}

const spec: FieldSet = { 'f:spec': leaf }
const status: FieldSet = { 'f:status': leaf }

const allButStatusOf = new WeakMap<ObjectType, FieldSet>()

/** The status of a custom resource is all that is written through its sub-resource. */
function allButStatus(type: ObjectType): FieldSet {
  let set = allButStatusOf.get(type)
  if (set === undefined) {
    const names = [...Object.keys(type.options.structure?.().fields ?? {}), 'spec', 'metadata']
    set = Object.fromEntries(names.filter((name) => name !== 'status').map((name) => [fieldElement(name), leaf]))
    allButStatusOf.set(type, set)
  }
  return set
}

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
