import type { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { qualifiedNameFaults, subdomainNameRule } from '../../schema/names.ts'
import { embedded, explicit, type Infer, int32, list, object, required, string } from '../../schema/types.ts'
import { ageColumn, integerColumn, nameColumn } from '../columns.ts'
import { goValue } from '../go-value.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { immutable, invalidAll, validateNotNegative } from '../rules.ts'
import { validateDriverName } from './validation.ts'

export const VolumeNodeResources = object(
  'io.k8s.api.storage.v1.VolumeNodeResources',
  'Limits of a driver on a node.',
  {
    count: explicit(1, int32, 'Most volumes that can be attached; absent means no limit.'),
  },
)
export interface VolumeNodeResources extends Infer<typeof VolumeNodeResources> {}

export const CSINodeDriver = object('io.k8s.api.storage.v1.CSINodeDriver', 'A CSI driver on a node.', {
  name: required(1, string, 'Name of the driver.'),
  nodeID: required(2, string, 'Name by which the driver knows the node; it may differ from the name of the node here.'),
  topologyKeys: embedded(
    3,
    list(string, { list: 'atomic' }),
    'Labels of the node by which the driver tells where volumes can be reached.',
  ),
  allocatable: explicit(4, VolumeNodeResources, 'Limits of the driver on the node.'),
})
export interface CSINodeDriver extends Infer<typeof CSINodeDriver> {}

export const CSINodeSpec = object('io.k8s.api.storage.v1.CSINodeSpec', 'CSI drivers of a node.', {
  drivers: required(
    1,
    list(CSINodeDriver, { list: ['name'], merge: 'name' }),
    'The drivers that are installed; empty when there are none.',
  ),
})
export interface CSINodeSpec extends Infer<typeof CSINodeSpec> {}

export const csiNodeSchema = object(
  'io.k8s.api.storage.v1.CSINode',
  'CSI drivers on the node of the same name; its kubelet writes it.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: required(2, CSINodeSpec, 'The drivers of the node.'),
  },
)
export interface CSINode extends Infer<typeof csiNodeSchema> {}

export const CSINode: Kind<CSINode> = defineKind<CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  namespaced: false,
  storageVersionHash: 'Pe62DkZtjuo=',
  schema: csiNodeSchema,
  nameRule: subdomainNameRule,
  validate,
  validateUpdate,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    integerColumn('Drivers', 'How many drivers run on the node.', ({ spec }) => (spec.drivers ?? []).length),
    ageColumn,
  ],
})

const maxNodeIdLength = 192

function validate({ spec }: CSINode, errors: FieldErrors): void {
  const seen = new Set<string>()
  for (const [index, driver] of (spec.drivers ?? []).entries()) {
    const path = `spec.drivers[${index}]`
    validateDriver(path, driver, errors)
    if (seen.has(driver.name)) errors.duplicate(`${path}.name`, driver.name)
    seen.add(driver.name)
    validateTopologyKeys(path, driver.topologyKeys ?? [], errors)
  }
}

function validateDriver(path: string, { name, nodeID, allocatable }: CSINodeDriver, errors: FieldErrors): void {
  validateDriverName(`${path}.name`, name, errors)
  if (nodeID === '') errors.required(`${path}.nodeID`)
  else if (Buffer.byteLength(nodeID) > maxNodeIdLength) {
    errors.invalid(`${path}.nodeID`, nodeID, `must be ${maxNodeIdLength} characters or less`)
  }
  validateNotNegative(`${path}.allocatable.count`, allocatable?.count, errors)
}

function validateTopologyKeys(path: string, keys: readonly string[], errors: FieldErrors): void {
  const seen = new Set<string>()
  for (const key of keys) {
    if (key === '') errors.required(path, key)
    if (seen.has(key)) errors.duplicate(path, key)
    seen.add(key)
    invalidAll(path, key, qualifiedNameFaults(key), errors)
  }
}

/** A driver may come, go, or say anew how many volumes it can attach; all else about it stays. */
function validateUpdate(node: CSINode, old: CSINode, errors: FieldErrors): void {
  validate(node, errors)
  const identity = ({ allocatable: _, ...rest }: CSINodeDriver) => rest
  for (const before of old.spec.drivers ?? []) {
    const driver = (node.spec.drivers ?? []).find(({ name }) => name === before.name)
    if (driver === undefined || equalJson(identity(driver), identity(before))) continue
    errors.invalid('spec.drivers', goValue(CSINodeDriver, driver), immutable)
  }
}
