import type { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { configKeyFaults, subdomainNameRule } from '../../schema/names.ts'
import { bool, bytes, embedded, explicit, type Infer, map, object, optional, string } from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { decodedLength, immutableWhenSet, maxDataBytes } from './data.ts'

export const configMapSchema = object(
  'io.k8s.api.core.v1.ConfigMap',
  'Configuration as key-value pairs that pods read as files, variables or arguments; at most 1 MiB in all.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    immutable: explicit(4, bool, 'When true, the data can no longer be changed, nor this field be taken back.'),
    data: optional(
      2,
      map(string),
      'Values as UTF-8 text. Keys consist of letters, digits, -, _ and dot, and must not occur in binaryData.',
    ),
    binaryData: optional(3, map(bytes), 'Values as arbitrary bytes, base64 in JSON. Keys must not occur in data.'),
  },
)
export interface ConfigMap extends Infer<typeof configMapSchema> {}

export const ConfigMap: Kind<ConfigMap> = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  namespaced: true,
  storageVersionHash: 'qFsyl6wFWjQ=',
  schema: configMapSchema,
  nameRule: subdomainNameRule,
  validate,
  validateUpdate(configMap, old, errors) {
    if (old.immutable) {
      if (!configMap.immutable) errors.forbidden('immutable', immutableWhenSet)
      if (!equalJson(configMap.data, old.data)) errors.forbidden('data', immutableWhenSet)
      if (!equalJson(configMap.binaryData, old.binaryData)) errors.forbidden('binaryData', immutableWhenSet)
    }
    validate(configMap, errors)
  },
  columns: [
    nameColumn,
    textColumn(
      'Data',
      'How many entries it holds, of text and of bytes.',
      ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length,
    ),
    ageColumn,
  ],
})

function validate({ data = {}, binaryData = {} }: ConfigMap, errors: FieldErrors): void {
  let size = 0
  for (const [key, text] of Object.entries(data)) {
    for (const fault of configKeyFaults(key)) errors.invalid(`data[${key}]`, key, fault)
    if (Object.hasOwn(binaryData, key)) errors.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData')
    size += Buffer.byteLength(text)
  }
  for (const [key, base64] of Object.entries(binaryData)) {
    for (const fault of configKeyFaults(key)) errors.invalid(`binaryData[${key}]`, key, fault)
    size += decodedLength(base64)
  }
  // The object as a whole has a path without parts, which the reference prints like this.
  if (size > maxDataBytes) errors.tooLong('[]', maxDataBytes)
}
