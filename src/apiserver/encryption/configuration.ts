import { DurationError, parseDuration } from '../../base/duration.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import { ConfigurationError, type Fields, fieldsOf } from '../admission/configuration.ts'
import { SettingError } from '../feature-gates.ts'
import { fields as anyIn, type Shape, strictFault } from '../strict-fields.ts'

/** An `EncryptionConfiguration` that cannot be used. Never shows a secret. */
export class EncryptionConfigError extends SettingError {}

/** What `--encryption-provider-config` says of some resources: the first provider writes, all read. */
export interface ResourceEncryption {
  /** `secrets`, `deployments.apps`, `*.apps`, `*.` for those without a group, `*.*` for all. */
  readonly resources: readonly GroupResourceName[]
  readonly providers: readonly ProviderSettings[]
}

export interface GroupResourceName {
  readonly resource: string
  readonly group: string
}

export type ProviderSettings =
  | { readonly type: 'identity' }
  | { readonly type: 'aesgcm' | 'aescbc' | 'secretbox'; readonly keys: readonly EncryptionKey[] }
  | { readonly type: 'kms'; readonly name: string; readonly endpoint: string; readonly timeoutMs: number }

export interface EncryptionKey {
  readonly name: string
  readonly secret: Uint8Array
}

/**
 * Reads the text of the file `path`.
 * @throws EncryptionConfigError with all faults, in kube-apiserver's words
 */
export function readEncryptionConfiguration(text: string, path: string): readonly ResourceEncryption[] {
  try {
    return read(text, path)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw new EncryptionConfigError(`error while parsing file: ${error.message}`)
  }
}

class Fault extends Error {}

function read(text: string, path: string): readonly ResourceEncryption[] {
  const named = `encryption provider configuration file ${JSON.stringify(path)}`
  if (text === '') throw new Fault(`error while loading file: ${named} is empty`)
  const file = decode(text, named)
  const errors = new FieldErrors()
  const entries = listOf(file['resources'])
  if (entries.length === 0) errors.required('resources', 'at least one resources is required')
  const kmsNames = new Set<string>()
  const settings = entries.map((entry, index) => {
    const at = `resources[${index}]`
    const resources = namesOf(entry['resources'], `${at}.resources`, errors)
    const providers = listOf(entry['providers'])
    if (providers.length === 0) {
      errors.required(`${at}.providers`, `at least one ${at}.providers is required`)
    }
    return {
      resources,
      providers: providers.flatMap((provider, place) =>
        providerOf(provider, `${at}.providers[${place}]`, kmsNames, errors),
      ),
    }
  })
  throwFaults(errors)
  requireNoMasks(settings)
  return settings
}

function decode(text: string, named: string): Fields {
  const failed = `error decoding ${named}`
  let file: Fields
  try {
    file = fieldsOf(text)
  } catch (error) {
    // What the parser quotes of the file could be a secret.
    if (error instanceof ConfigurationError) throw new Fault(`${failed}: it is not a YAML object`)
    throw error
  }
  const { kind, apiVersion } = file
  if (kind !== 'EncryptionConfiguration' || apiVersion !== 'apiserver.config.k8s.io/v1') {
    throw new Fault(`${failed}: no kind "${kind ?? ''}" is registered for version "${apiVersion ?? ''}"`)
  }
  const fault = strictFault(file, shape)
  if (fault !== undefined) throw new Fault(`${failed}: ${fault}`)
  return file
}

const keysShape: Shape = { keys: [anyIn('name secret')] }
const shape: Shape = {
  ...anyIn('kind apiVersion'),
  resources: [
    {
      ...anyIn('resources'),
      providers: [
        {
          ...{ aesgcm: keysShape, aescbc: keysShape, secretbox: keysShape, identity: {} },
          kms: anyIn('apiVersion name cachesize endpoint timeout'),
        },
      ],
    },
  ],
}

// Resources.

function namesOf(value: unknown, path: string, errors: FieldErrors): readonly GroupResourceName[] {
  const names = Array.isArray(value) ? value.map(String) : []
  if (names.length === 0) errors.required(path, `at least one ${path} is required`)
  const parsed = names.map(parseName)
  checkOverlap(names, parsed, path, errors)
  for (const [index, name] of names.entries()) {
    const fault = nameFault(name, parsed[index]!)
    if (fault !== undefined) errors.invalid(`${path}[${index}]`, name, fault)
  }
  return parsed
}

/** The group is what stands behind the first dot. */
function parseName(name: string): GroupResourceName {
  const dot = name.indexOf('.')
  return dot < 0 ? { resource: name, group: '' } : { resource: name.slice(0, dot), group: name.slice(dot + 1) }
}

function checkOverlap(
  names: readonly string[],
  parsed: readonly GroupResourceName[],
  path: string,
  errors: FieldErrors,
): void {
  const ids = parsed.map(({ resource, group }) => `${resource}.${group}`)
  if (new Set(ids).size < ids.length) {
    errors.invalid(path, names, 'the same resource cannot be specified multiple times')
  }
  const others = (id: string) => ids.some((other) => other !== id)
  const overlaps = parsed.some(({ resource, group }) => {
    if (resource !== '*') return false
    if (group === '*') return others('*.*')
    return parsed.some((other) => other.group === group && other.resource !== '*')
  })
  if (!overlaps) return
  errors.invalid(
    path,
    names,
    "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked",
  )
}

const withoutApi: ReadonlySet<string> = new Set([
  ...['apiserveripinfo', 'serviceipallocations', 'servicenodeportallocations'],
])

function nameFault(name: string, { resource, group }: GroupResourceName): string | undefined {
  if (name.toLowerCase() !== name) return 'resource name should not contain capital letters'
  if (name === '*') {
    return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"
  }
  if (withoutApi.has(name)) return 'resources which do not have REST API/s cannot be encrypted'
  if (group === 'events.k8s.io') {
    return "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file"
  }
  if (group === 'extensions') return "'extensions' group has been removed and cannot be used for encryption"
  const isAcross = group === '*' && resource !== '*'
  return isAcross ? 'encrypting the same resource across groups is not supported' : undefined
}

/** What an earlier wildcard covers can say nothing any more. */
function requireNoMasks(settings: readonly ResourceEncryption[]): void {
  const seen = new Set<string>()
  for (const { resources } of settings) {
    for (const { resource, group } of resources) {
      for (const wildcard of [`*.${group}`, '*.*']) {
        if (!seen.has(wildcard)) continue
        const name = resource !== '*' && group === '' ? resource : `${resource}.${group}`
        throw new EncryptionConfigError(
          `error while building transformers: resource "${name}" is masked by earlier rule "${wildcard}"`,
        )
      }
      seen.add(`${resource}.${group}`)
    }
  }
}

// Providers.

const providerNames = ['aesgcm', 'aescbc', 'secretbox', 'identity', 'kms'] as const
const keySizes = { aesgcm: [16, 24, 32], aescbc: [16, 24, 32], secretbox: [32] } as const

function providerOf(
  provider: Fields,
  path: string,
  kmsNames: Set<string>,
  errors: FieldErrors,
): readonly ProviderSettings[] {
  const given = providerNames.filter((name) => provider[name] !== undefined && provider[name] !== null)
  const [type] = given
  if (type === undefined || given.length > 1) {
    const fault =
      type === undefined
        ? 'provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity'
        : 'more than one provider specified in a single element, should split into different list elements'
    errors.invalid(path, shownProvider(provider), fault)
  }
  if (type === undefined) return []
  if (type === 'identity') return [{ type }]
  const fields = objectOf(provider[type])
  if (type === 'kms') return [kmsOf(fields, `${path}.kms`, kmsNames, errors)]
  return [{ type, keys: keysOf(fields, `${path}.${type}.keys`, keySizes[type], errors) }]
}

/** Names only: the reference would print the secrets as well. */
function shownProvider(provider: Fields): object {
  const shown = (name: string) => (provider[name] === undefined || provider[name] === null ? null : 'REDACTED')
  return {
    ...{ AESGCM: shown('aesgcm'), AESCBC: shown('aescbc'), Secretbox: shown('secretbox') },
    ...{ Identity: shown('identity'), KMS: shown('kms') },
  }
}

function keysOf(fields: Fields, path: string, sizes: readonly number[], errors: FieldErrors): readonly EncryptionKey[] {
  const keys = listOf(fields['keys'])
  if (keys.length === 0) errors.required(path, 'at least one keys is required')
  return keys.map((key, index) => {
    const at = `${path}[${index}]`
    const name = textOf(key, 'name')
    const text = textOf(key, 'secret')
    if (name === '') errors.required(`${at}.name`, 'name is a mandatory field for a key')
    const secret = fromBase64(text)
    if (text === '') errors.required(`${at}.secret`, 'secret is a mandatory field for a key')
    else if (secret === undefined) errors.invalid(`${at}.secret`, 'REDACTED', 'secrets must be base64 encoded')
    else if (!sizes.includes(secret.length)) {
      const expected = `expected one of [${sizes.join(' ')}]`
      errors.invalid(
        `${at}.secret`,
        'REDACTED',
        `secret is not of the expected length, got ${secret.length}, ${expected}`,
      )
    }
    return { name, secret: secret ?? new Uint8Array() }
  })
}

/** As Go's decoder has it: padded, in the plain alphabet; line breaks do not count. */
function fromBase64(text: string): Uint8Array | undefined {
  const letters = text.replace(/[\r\n]/g, '')
  const isPlain = letters.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(letters)
  return isPlain ? Buffer.from(letters, 'base64') : undefined
}

function kmsOf(fields: Fields, path: string, names: Set<string>, errors: FieldErrors): ProviderSettings {
  const name = textOf(fields, 'name')
  const apiVersion = textOf(fields, 'apiVersion') || 'v1'
  const endpoint = textOf(fields, 'endpoint')
  if (name === '') errors.required(`${path}.name`, 'name is a mandatory field for a provider')
  if (apiVersion !== 'v1' && name.includes(':')) {
    errors.invalid(`${path}.name`, name, `invalid KMS provider name ${name}, must not contain ':'`)
  }
  if (names.has(name)) {
    errors.invalid(`${path}.name`, name, `duplicate KMS provider name ${name}, names must be unique`)
  }
  names.add(name)
  const timeoutMs = timeoutOf(fields['timeout'], `${path}.timeout`, errors)
  checkEndpoint(endpoint, `${path}.endpoint`, errors)
  const cacheSize = fields['cachesize']
  if (apiVersion !== 'v1' && cacheSize !== undefined) {
    errors.invalid(`${path}.cachesize`, cacheSize, 'cachesize is not supported in v2')
  }
  if (apiVersion !== 'v1' && apiVersion !== 'v2') {
    const fault = 'unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported'
    errors.invalid(`${path}.apiVersion`, apiVersion, fault)
  }
  if (errors.length === 0 && apiVersion === 'v1') {
    throw new EncryptionConfigError(
      'error while building transformers: KMSv1 is deprecated and will only receive security updates going forward. ' +
        'Use KMSv2 instead.  Set --feature-gates=KMSv1=true to use the deprecated KMSv1 feature.',
    )
  }
  return { type: 'kms', name, endpoint, timeoutMs }
}

function timeoutOf(value: unknown, path: string, errors: FieldErrors): number {
  if (value === undefined || value === null) return 3_000
  let timeoutMs = 0
  try {
    timeoutMs = parseDuration(String(value))
  } catch (error) {
    if (!(error instanceof DurationError)) throw error
    throw new Fault(error.message)
  }
  if (timeoutMs <= 0) errors.invalid(path, String(value), 'timeout should be a positive value')
  return timeoutMs
}

function checkEndpoint(endpoint: string, path: string, errors: FieldErrors): void {
  if (endpoint === '') errors.invalid(path, '', 'endpoint is a mandatory field for a kms')
  else if (!endpoint.startsWith('unix:')) {
    const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(endpoint)?.[1]?.toLowerCase() ?? ''
    errors.invalid(path, endpoint, `unsupported scheme "${scheme}" for KMS provider, only unix is supported`)
  }
}

// Helpers.

const objectOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}

const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(objectOf) : [])

function textOf(fields: Fields, name: string): string {
  const value = fields[name]
  return typeof value === 'string' ? value : ''
}

function throwFaults(errors: FieldErrors): void {
  if (errors.length === 0) return
  const lines = [...new Set(errors.causes.map(({ field, message }) => `${field}: ${message}`))]
  throw new Fault(lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`)
}
