import type { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import { embedded, type Infer, map, object, optional, required, string } from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { nameWithDefault, validateParameters, validateProvisioner } from './validation.ts'

export const volumeAttributesClassSchema = object(
  'io.k8s.api.storage.v1.VolumeAttributesClass',
  'Attributes of volumes that can be changed later, such as throughput.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    driverName: required(2, string, 'CSI driver that the class is for; cannot be changed.'),
    parameters: optional(3, map(string), 'Attributes for the driver; cannot be changed, make another class instead.'),
  },
)
export interface VolumeAttributesClass extends Infer<typeof volumeAttributesClassSchema> {}

export const VolumeAttributesClass: Kind<VolumeAttributesClass> = defineKind<VolumeAttributesClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttributesClass',
  plural: 'volumeattributesclasses',
  shortNames: ['vac'],
  namespaced: false,
  storageVersionHash: 'tIjydgKBC5w=',
  schema: volumeAttributesClassSchema,
  nameRule: subdomainNameRule,
  validate,
  validateUpdate({ driverName, parameters }, old, errors) {
    if (driverName !== old.driverName) errors.forbidden('driverName', 'updates to driverName are forbidden.')
    if (!equalJson(parameters, old.parameters)) errors.forbidden('parameters', 'updates to parameters are forbidden.')
  },
  columns: [
    { ...nameColumn, value: nameWithDefault('volumeattributesclass.alpha.kubernetes.io/is-default-class') },
    textColumn('DriverName', 'The driver that understands the parameters.', ({ driverName }) => driverName),
    ageColumn,
  ],
})

function validate({ driverName, parameters }: VolumeAttributesClass, errors: FieldErrors): void {
  validateProvisioner('driverName', driverName, errors)
  validateParameters('parameters', parameters, 'required', errors)
}
