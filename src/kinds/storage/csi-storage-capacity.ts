import { parseQuantity } from '../../base/quantity.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { validateLabelSelector } from '../../schema/meta-validation.ts'
import { dnsSubdomainFaults, subdomainNameRule } from '../../schema/names.ts'
import { embedded, explicit, type Infer, object, quantity, required, string } from '../../schema/types.ts'
import { plainColumns } from '../columns.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { invalidAll, keepsValue, notNegative } from '../rules.ts'

export const csiStorageCapacitySchema = object(
  'io.k8s.api.storage.v1.CSIStorageCapacity',
  'How much storage of a class there is within a part of the cluster.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    nodeTopology: explicit(
      2,
      LabelSelector,
      'Labels of the nodes that can reach the storage; an empty selector means all, absent none. Cannot be changed.',
    ),
    storageClassName: required(3, string, 'Storage class to which the capacity applies; cannot be changed.'),
    capacity: explicit(4, quantity, 'How much storage is left; absent means not known.'),
    maximumVolumeSize: explicit(5, quantity, 'Size of the largest volume that can be made; absent means not known.'),
  },
)
export interface CSIStorageCapacity extends Infer<typeof csiStorageCapacitySchema> {}

export const CSIStorageCapacity: Kind<CSIStorageCapacity> = defineKind<CSIStorageCapacity>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  plural: 'csistoragecapacities',
  namespaced: true,
  storageVersionHash: 'xeVl+2Ly1kE=',
  schema: csiStorageCapacitySchema,
  nameRule: subdomainNameRule,
  validate,
  validateUpdate(capacity, old, errors) {
    keepsValue('nodeTopology', capacity.nodeTopology, old.nodeTopology, errors)
    keepsValue('storageClassName', capacity.storageClassName, old.storageClassName, errors)
    validate(capacity, errors)
  },
  unconditionalUpdate: false,
  columns: plainColumns,
})

function validate(object: CSIStorageCapacity, errors: FieldErrors): void {
  const { storageClassName } = object
  validateLabelSelector(object.nodeTopology, 'nodeTopology', errors)
  invalidAll('storageClassName', storageClassName, dnsSubdomainFaults(storageClassName), errors)
  for (const field of ['capacity', 'maximumVolumeSize'] as const) {
    const amount = object[field]
    if (amount !== undefined && parseQuantity(amount).sign < 0) errors.invalid(field, amount, notNegative)
  }
}
