import { DecodeError, decode, zeroOf } from '../../schema/decode.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import type { Infer, Mutable, ObjectType } from '../../schema/types.ts'
import { type ComponentConfiguration, kubeletConfiguration, kubeProxyConfiguration } from './component-defaults.ts'
import { isComponentConfiguration, unknownComponentFields } from './component-fields.ts'
import { clusterArguments, nodeArguments } from './component-flags.ts'
import { convertOld } from './convert.ts'
import {
  type DefaultTools,
  defaultCluster,
  defaultCriSocket,
  defaultInit,
  defaultJoin,
  defaultReset,
  defaultUpgrade,
  fillCluster,
  fillInit,
  fillJoin,
  requireBindAddress,
  withScheme,
} from './defaults.ts'
import { apiVersionParts, type ConfigDocument, ConfigError, fault, goKind, splitDocuments } from './documents.ts'
import { oldTypes } from './old-types.ts'
import {
  ClusterConfiguration,
  currentApiVersion,
  currentTypes,
  currentVersion,
  group,
  InitConfiguration,
  JoinConfiguration,
  ResetConfiguration,
  UpgradeConfiguration,
} from './types.ts'
import { validateCluster, validateInit, validateJoin, validateReset } from './validation.ts'

/** Everything that `init` goes by. */
export interface InitSettings {
  readonly init: InitConfiguration
  readonly cluster: ClusterConfiguration
  readonly kubelet: ComponentConfiguration
  readonly kubeProxy: ComponentConfiguration
}

/** Our documents of a file, in the current version, without defaults; and those of other components. */
export interface ReadDocuments {
  readonly kinds: readonly string[]
  readonly init: Mutable<InitConfiguration>
  readonly cluster: Mutable<ClusterConfiguration>
  readonly join: Mutable<JoinConfiguration>
  readonly reset: Mutable<ResetConfiguration>
  readonly upgrade: Mutable<UpgradeConfiguration>
  readonly kubelet: ComponentConfiguration | undefined
  readonly kubeProxy: ComponentConfiguration | undefined
}

/**
 * Reads a file of configurations; `''` is one that says nothing.
 * @throws ConfigError for what is malformed or unknown, with document and line
 */
export function readDocuments(text: string, warn: (line: string) => void): ReadDocuments {
  const found = new Map<string, Readonly<Record<string, unknown>>>()
  let initTimeouts: Readonly<Record<string, unknown>> | undefined
  for (const document of splitDocuments(text)) {
    const { kind } = document
    if (isComponentConfiguration(document.apiVersion, kind)) {
      found.set(kind, componentDocument(document))
    } else if (apiVersionParts(document.apiVersion)[0] === group) {
      const converted = ownDocument(document, warn)
      found.set(kind, converted.value)
      initTimeouts ??= converted.initTimeouts
    } else {
      warn(`[config] WARNING: Ignored configuration document with GroupVersionKind ${shortKind(document)}`)
    }
  }
  const kinds = [...found.keys()]
  if (initTimeouts) {
    const value = found.get('InitConfiguration')
    const given = value?.['timeouts'] as object | undefined
    found.set('InitConfiguration', { ...value, timeouts: { ...initTimeouts, ...given } })
  }
  const own = <S extends ObjectType>(kind: string, type: S): Mutable<Infer<S>> => {
    const value = found.get(kind)
    return value === undefined ? zeroOf(type) : decode(type, value).object
  }
  const init = own('InitConfiguration', InitConfiguration)
  const join = own('JoinConfiguration', JoinConfiguration)
  keepEmptyTaints(init, found.get('InitConfiguration'))
  keepEmptyTaints(join, found.get('JoinConfiguration'))
  return {
    kinds,
    init,
    cluster: own('ClusterConfiguration', ClusterConfiguration),
    join,
    reset: own('ResetConfiguration', ResetConfiguration),
    upgrade: own('UpgradeConfiguration', UpgradeConfiguration),
    kubelet: found.get('KubeletConfiguration'),
    kubeProxy: found.get('KubeProxyConfiguration'),
  }
}

/** No taints at all are wished by an empty list; where it is absent there are the usual ones. Decoding takes both for one. */
function keepEmptyTaints(
  configuration: Mutable<InitConfiguration | JoinConfiguration>,
  value: Readonly<Record<string, unknown>> | undefined,
): void {
  const node = value?.['nodeRegistration'] as { readonly taints?: unknown } | null | undefined
  if (Array.isArray(node?.taints) && node.taints.length === 0) configuration.nodeRegistration.taints = []
}

const shortKind = ({ apiVersion, kind }: ConfigDocument) => {
  const [name, version] = apiVersionParts(apiVersion)
  return `${name}/${version}, Kind=${kind}`
}

function componentDocument(document: ConfigDocument): ComponentConfiguration {
  const unknown = unknownComponentFields(document.apiVersion, document.kind, document.value)
  if (unknown.length > 0) throw strictFault(document, unknown)
  return document.value
}

function ownDocument(document: ConfigDocument, warn: (line: string) => void) {
  const [, version] = apiVersionParts(document.apiVersion)
  const old = Object.hasOwn(oldTypes, version) ? oldTypes[version] : undefined
  const types = version === currentVersion ? currentTypes : old
  if (!types) throw fault(document, unknownVersion(document.apiVersion), 'apiVersion')
  const type = Object.hasOwn(types, document.kind) ? types[document.kind]! : undefined
  if (!type) throw fault(document, `unknown configuration APIs: [${goKind(document)}]`, 'kind')
  if (old) warn(deprecated(document))
  checkStrictly(type, document)
  return old ? convertOld(document.kind, document.value) : { value: document.value, initTimeouts: undefined }
}

/** Versions of kubeadm that read what nobody reads any more. */
const lastReaders: Readonly<Record<string, string>> = {
  v1alpha1: 'v1.11',
  v1alpha2: 'v1.12',
  v1alpha3: 'v1.14',
  v1beta1: 'v1.15',
}

function unknownVersion(apiVersion: string): string {
  const [, version] = apiVersionParts(apiVersion)
  const reader = Object.hasOwn(lastReaders, version) ? lastReaders[version] : undefined
  if (reader === undefined)
    return `no kind of configuration is known of version ${JSON.stringify(apiVersion)}: want ${currentApiVersion}`
  return `your configuration file uses an old API spec: ${JSON.stringify(apiVersion)}. Please use kubeadm ${reader} instead and run 'kubeadm config migrate --old-config old-config-file --new-config new-config-file', which will write the new, similar spec using a newer API version.`
}

const deprecated = ({ apiVersion, kind }: ConfigDocument) =>
  `your configuration file uses a deprecated API spec: ${JSON.stringify(apiVersion)} (kind: ${JSON.stringify(kind)}). Please use 'coracle config migrate --old-config old-config-file --new-config new-config-file', which will write the new, similar spec using a newer API version.`

function checkStrictly(type: ObjectType, document: ConfigDocument): void {
  try {
    decode(type, document.value, { mode: 'Strict' })
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    const [, path] =
      /unknown field "([^"]*)"/.exec(error.message) ?? /struct field [^. ]*\.(\S+) of/.exec(error.message) ?? []
    throw fault(document, `error unmarshaling configuration ${goKind(document)}: ${error.message}`, path)
  }
}

function strictFault(document: ConfigDocument, unknown: readonly string[]): ConfigError {
  const problems = unknown.map((path) => `unknown field ${JSON.stringify(path)}`).join(', ')
  return fault(
    document,
    `error unmarshaling configuration ${goKind(document)}: strict decoding error: ${problems}`,
    unknown[0],
  )
}

/**
 * What `init` goes by: the documents with `override` applied (from flags), defaults, and everything checked.
 * @throws ConfigError
 */
export async function initSettings(
  documents: ReadDocuments,
  tools: DefaultTools,
  override: (documents: ReadDocuments) => void = () => {},
): Promise<InitSettings> {
  const { init, cluster } = documents
  override(documents)
  defaultInit(init)
  defaultCluster(cluster)
  await fillInit(init, tools)
  await fillCluster(cluster, tools)
  init.kind = 'InitConfiguration'
  cluster.kind = 'ClusterConfiguration'
  init.apiVersion = cluster.apiVersion = currentApiVersion
  const errors = new FieldErrors()
  validateInit(init, errors)
  validateCluster(cluster, errors, tools.warn)
  if (tools.knownFlags) {
    nodeArguments(init.nodeRegistration, tools.knownFlags, errors)
    clusterArguments(cluster, tools.knownFlags, errors)
  }
  throwAll(errors)
  requireBindAddress(init.localAPIEndpoint.advertiseAddress)
  return {
    init,
    cluster,
    kubelet: kubeletConfiguration(documents.kubelet, cluster, tools.warn),
    kubeProxy: kubeProxyConfiguration(documents.kubeProxy, cluster, init.localAPIEndpoint.advertiseAddress, tools.warn),
  }
}

/** The same for `join`. */
export async function joinSettings(
  documents: ReadDocuments,
  tools: DefaultTools,
  override: (join: Mutable<JoinConfiguration>) => void = () => {},
): Promise<JoinConfiguration> {
  const { join } = documents
  override(join)
  defaultJoin(join)
  await fillJoin(join, tools)
  join.kind = 'JoinConfiguration'
  join.apiVersion = currentApiVersion
  const errors = new FieldErrors()
  validateJoin(join, errors)
  if (tools.knownFlags) nodeArguments(join.nodeRegistration, tools.knownFlags, errors)
  const path = join.discovery.file?.kubeConfigPath
  if (path !== undefined && !/^[a-z]+:/i.test(path) && !(await tools.world.disk.stat(path)))
    errors.invalid('discovery.file.kubeConfigPath', path, 'not a valid HTTPS URL or a file on disk')
  throwAll(errors)
  if (join.controlPlane) requireBindAddress(join.controlPlane.localAPIEndpoint.advertiseAddress)
  return join
}

/** The same for `reset`. */
export function resetSettings(
  documents: ReadDocuments,
  tools: DefaultTools,
  override: (reset: Mutable<ResetConfiguration>) => void = () => {},
): ResetConfiguration {
  const { reset } = documents
  override(reset)
  defaultReset(reset)
  reset.criSocket = withScheme(reset.criSocket || defaultCriSocket, tools.warn)
  reset.kind = 'ResetConfiguration'
  reset.apiVersion = currentApiVersion
  const errors = new FieldErrors()
  validateReset(reset, errors)
  throwAll(errors)
  return reset
}

/** The same for `upgrade`. */
export function upgradeSettings(
  documents: ReadDocuments,
  override: (upgrade: Mutable<UpgradeConfiguration>) => void = () => {},
): UpgradeConfiguration {
  const { upgrade } = documents
  override(upgrade)
  defaultUpgrade(upgrade)
  upgrade.kind = 'UpgradeConfiguration'
  upgrade.apiVersion = currentApiVersion
  return upgrade
}

/** As Go prints several errors: one alone, more in brackets. */
export function throwAll({ causes }: FieldErrors): void {
  const texts = [...new Set(causes.map(({ field, message }) => `${field}: ${message}`))]
  if (texts.length > 0) throw new ConfigError(texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`)
}
