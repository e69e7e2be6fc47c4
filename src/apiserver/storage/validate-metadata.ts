import type { FieldErrors } from '../../schema/field-errors.ts'
import type { Kind, ObjectMetaLike } from '../../schema/kind.ts'
import { checksKubeFinalizers, validateObjectMeta, validateObjectMetaUpdate } from '../../schema/meta-validation.ts'

/** What is wrong with the metadata of a new object. */
export function validateMetadata(kind: Kind, metadata: ObjectMetaLike, errors: FieldErrors): void {
  const { namespaced, nameRule } = kind
  const kubeFinalizers = metadata.finalizers !== undefined && checksKubeFinalizers(kind)
  validateObjectMeta(metadata, { namespaced, nameRule, kubeFinalizers }, 'metadata', errors)
}

/**
 * What is wrong with a change of metadata. The reference checks it for all kinds, and once more within each kind's own
 * rules: every fault is there twice.
 */
export function validateMetadataUpdate(
  kind: Kind,
  metadata: ObjectMetaLike,
  old: ObjectMetaLike,
  errors: FieldErrors,
): void {
  const changed = { ...metadata, resourceVersion: old.resourceVersion! }
  validateObjectMetaUpdate(changed, old, 'metadata', errors)
  const twice = [...errors.causes]
  errors.causes.length = 0
  validateObjectMetaUpdate(changed, old, 'metadata', errors, { kubeFinalizers: checksKubeFinalizers(kind) })
  errors.causes.unshift(...twice)
}
