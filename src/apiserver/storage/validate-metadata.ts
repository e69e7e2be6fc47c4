import type { FieldErrors } from '../../schema/field-errors.ts'
import type { Kind, ObjectMetaLike } from '../../schema/kind.ts'
import { checksKubeFinalizers, validateObjectMeta, validateObjectMetaUpdate } from '../../schema/meta-validation.ts'
import { pathSegmentNameRule } from '../../schema/names.ts'

/** What is wrong with the metadata of a new object. */
export function validateMetadata(kind: Kind, metadata: ObjectMetaLike, errors: FieldErrors): void {
  const { namespaced, nameRule } = kind
  const kubeFinalizers = metadata.finalizers !== undefined && checksKubeFinalizers(kind)
  validateObjectMeta(metadata, { namespaced, nameRule, kubeFinalizers }, 'metadata', errors)
}

/** Kinds whose own update rules begin with all the rules for a new object, metadata included. */
const repeatCreateRules: ReadonlySet<string> = new Set([
  'configmaps.',
  'pods.',
  'secrets.',
  'serviceaccounts.',
  'clusterrolebindings.rbac.authorization.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
  'roles.rbac.authorization.k8s.io',
])

/** Kinds whose own update rules leave the metadata alone. */
const leaveMetadata: ReadonlySet<string> = new Set(['poddisruptionbudgets.policy'])

/**
 * What is wrong with a change of metadata. The reference checks it for all kinds (`validateCommonFields`), and once
 * more within most kinds' own rules, so that a fault is there several times; clients see each cause.
 */
export function validateMetadataUpdate(
  kind: Kind,
  metadata: ObjectMetaLike,
  old: ObjectMetaLike,
  errors: FieldErrors,
): void {
  const { namespaced, nameRule } = kind
  const changed = { ...metadata, resourceVersion: old.resourceVersion! }
  validateObjectMeta(changed, { namespaced, nameRule: pathSegmentNameRule }, 'metadata', errors)
  validateObjectMetaUpdate(changed, old, 'metadata', errors)
  const kubeFinalizers = metadata.finalizers !== undefined && checksKubeFinalizers(kind)
  if (errors.length === 0 && !kubeFinalizers) return
  const resource = `${kind.plural}.${kind.group}`
  if (!leaveMetadata.has(resource)) validateObjectMetaUpdate(changed, old, 'metadata', errors, { kubeFinalizers })
  if (repeatCreateRules.has(resource)) validateObjectMeta(changed, { namespaced, nameRule }, 'metadata', errors)
}
