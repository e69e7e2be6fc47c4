import type { FieldErrors } from '../../schema/field-errors.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import {
  bool,
  embedded,
  explicit,
  type Infer,
  list,
  map,
  object,
  oneOf,
  optional,
  required,
  string,
} from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { TopologySelectorTerm } from '../core/scheduling.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { keepsValue } from '../rules.ts'
import { nameWithDefault, validateParameters, validateProvisioner, validateTopologies } from './validation.ts'

export const storageClassSchema = object(
  'io.k8s.api.storage.v1.StorageClass',
  'A class of storage, from which volumes are provisioned.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    provisioner: required(2, string, 'Who makes the volumes, such as the name of a CSI driver; cannot be changed.'),
    parameters: optional(3, map(string), 'Parameters for the provisioner; cannot be changed.'),
    reclaimPolicy: explicit(
      4,
      oneOf('Delete', 'Recycle', 'Retain'),
      'What happens to a volume when its claim has gone: Delete or Retain; Delete when absent. Cannot be changed.',
    ),
    mountOptions: optional(
      5,
      list(string, { list: 'atomic' }),
      'Mount options of the volumes; not validated, so a wrong one makes mounting fail.',
    ),
    allowVolumeExpansion: explicit(6, bool, 'Whether claims may grow; false when absent.'),
    volumeBindingMode: explicit(
      7,
      oneOf('Immediate', 'WaitForFirstConsumer'),
      'Immediate, or WaitForFirstConsumer to wait for a pod; Immediate when absent. Cannot be changed.',
    ),
    allowedTopologies: optional(
      8,
      list(TopologySelectorTerm, { list: 'atomic' }),
      'Where volumes may be provisioned; absent means anywhere.',
    ),
  },
)
export interface StorageClass extends Infer<typeof storageClassSchema> {}

export const StorageClass: Kind<StorageClass> = defineKind<StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  shortNames: ['sc'],
  namespaced: false,
  storageVersionHash: 'K+m6uJwbjGY=',
  schema: storageClassSchema,
  nameRule: subdomainNameRule,
  defaults(storageClass) {
    storageClass.reclaimPolicy ??= 'Delete'
    storageClass.volumeBindingMode ??= 'Immediate'
  },
  validate,
  validateUpdate(storageClass, old, errors) {
    keepsValue('parameters', storageClass.parameters, old.parameters, errors)
    keepsValue('provisioner', storageClass.provisioner, old.provisioner, errors)
    keepsValue('reclaimPolicy', storageClass.reclaimPolicy, old.reclaimPolicy, errors)
    keepsValue('volumeBindingMode', storageClass.volumeBindingMode, old.volumeBindingMode, errors)
  },
  columns: [
    { ...nameColumn, value: nameWithDefault('storageclass.kubernetes.io/is-default-class') },
    textColumn('Provisioner', 'Who makes the volumes.', ({ provisioner }) => provisioner),
    textColumn(
      'ReclaimPolicy',
      'What becomes of a volume after use.',
      ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete',
    ),
    textColumn(
      'VolumeBindingMode',
      'When a claim gets its volume.',
      ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate',
    ),
    textColumn(
      'AllowVolumeExpansion',
      'Whether volumes may grow.',
      ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false,
    ),
    ageColumn,
  ],
})

function validate(storageClass: StorageClass, errors: FieldErrors): void {
  const { provisioner, parameters, reclaimPolicy, volumeBindingMode, allowedTopologies } = storageClass
  validateProvisioner('provisioner', provisioner, errors)
  validateParameters('parameters', parameters, 'optional', errors)
  const policies = ['Delete', 'Retain']
  if (reclaimPolicy && !policies.includes(reclaimPolicy)) {
    errors.notSupported('reclaimPolicy', reclaimPolicy, policies)
  }
  const modes = ['Immediate', 'WaitForFirstConsumer']
  if (volumeBindingMode === undefined) errors.required('volumeBindingMode')
  else if (!modes.includes(volumeBindingMode)) errors.notSupported('volumeBindingMode', volumeBindingMode, modes)
  validateTopologies('allowedTopologies', allowedTopologies ?? [], errors)
}
