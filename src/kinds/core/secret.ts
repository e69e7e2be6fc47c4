import type { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { configKeyFaults, subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import { bool, bytes, embedded, explicit, type Infer, map, object, optional, string } from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { decodedLength, immutableWhenSet, maxDataBytes } from './data.ts'
import { jsonObjectFault } from './json-object-fault.ts'

export const secretSchema = object(
  'io.k8s.api.core.v1.Secret',
  'Confidential data as key-value pairs, for pods and other users; at most 1 MiB in all.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    immutable: explicit(5, bool, 'When true, the data can no longer be changed, nor this field be taken back.'),
    data: optional(
      2,
      map(bytes),
      'Values as arbitrary bytes, base64 in JSON. Keys consist of letters, digits, -, _ and dot.',
    ),
    stringData: optional(4, map(string), 'Values as plain text, written into data and over it; never returned.'),
    type: optional(
      3,
      string,
      'What the secret is for, which decides the keys that must be there; Opaque when absent. Cannot be changed.',
    ),
  },
)
export interface Secret extends Infer<typeof secretSchema> {}

export const Secret: Kind<Secret> = defineKind<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
  storageVersionHash: 'S6u1pOWzb84=',
  schema: secretSchema,
  nameRule: subdomainNameRule,
  defaults(secret) {
    secret.type ||= 'Opaque'
    moveText(secret)
  },
  validate,
  validateUpdate(secret, old, errors) {
    if (secret.type !== old.type) errors.invalid('type', secret.type ?? '', 'field is immutable')
    if (old.immutable) {
      if (!secret.immutable) errors.forbidden('immutable', immutableWhenSet)
      if (!equalJson(secret.data, old.data)) errors.forbidden('data', immutableWhenSet)
    }
    validate(secret, errors)
  },
  selectableFields: { type: (secret) => secret.type ?? '' },
  columns: [
    nameColumn,
    textColumn('Type', 'What kind of secret it is; says which entries must be there.', ({ type }) => type ?? ''),
    textColumn('Data', 'How many entries it holds.', ({ data }) => Object.keys(data ?? {}).length),
    ageColumn,
  ],
})

/** `stringData` is for writing only: its entries become entries of `data`. */
function moveText(secret: Mutable<Secret>): void {
  if (secret.stringData === undefined) return
  const data = { ...secret.data }
  for (const [key, text] of Object.entries(secret.stringData)) data[key] = Buffer.from(text).toString('base64')
  secret.data = data
  secret.stringData = undefined
}

function validate(secret: Secret, errors: FieldErrors): void {
  let size = 0
  for (const [key, base64] of Object.entries(secret.data ?? {})) {
    for (const fault of configKeyFaults(key)) errors.invalid(`data[${key}]`, key, fault)
    size += decodedLength(base64)
  }
  if (size > maxDataBytes) errors.tooLong('data', maxDataBytes)
  validateType(secret, errors)
}

/** Well-known types promise entries that their readers rely on. */
function validateType({ type = '', data = {}, metadata }: Secret, errors: FieldErrors): void {
  const needs = (key: string) => {
    if (!Object.hasOwn(data, key)) errors.required(`data[${key}]`)
  }
  switch (type) {
    case 'kubernetes.io/service-account-token':
      if (!metadata.annotations?.['kubernetes.io/service-account.name']) {
        errors.required('metadata.annotations[kubernetes.io/service-account.name]')
      }
      break
    case 'kubernetes.io/dockercfg':
      validateDockerConfig('.dockercfg', data, errors)
      break
    case 'kubernetes.io/dockerconfigjson':
      validateDockerConfig('.dockerconfigjson', data, errors)
      break
    case 'kubernetes.io/basic-auth':
      if (Object.hasOwn(data, 'username') || Object.hasOwn(data, 'password')) break
      needs('username')
      needs('password')
      break
    case 'kubernetes.io/ssh-auth':
      if (!data['ssh-privatekey']) errors.required('data[ssh-privatekey]')
      break
    case 'kubernetes.io/tls':
      needs('tls.crt')
      needs('tls.key')
      break
  }
}

function validateDockerConfig(key: string, data: NonNullable<Secret['data']>, errors: FieldErrors): void {
  if (!Object.hasOwn(data, key)) {
    errors.required(`data[${key}]`)
    return
  }
  const fault = jsonObjectFault(Buffer.from(data[key]!, 'base64'))
  if (fault !== undefined) errors.invalid(`data[${key}]`, '<secret contents redacted>', fault)
}
