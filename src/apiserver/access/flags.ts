import { createPublicKey, X509Certificate } from 'node:crypto'
import { dirname, isAbsolute, join } from 'node:path'
import { DurationError, parseDuration } from '../../base/duration.ts'
import { ConfigurationError, type Fields, readPluginConfigurations } from '../admission/configuration.ts'
import { type AdmissionOptions, selectPlugins } from '../admission/selection.ts'
import { AuditFlagError, auditFlags, readAuditFlags } from '../audit/settings.ts'
import { AuthenticationConfigError, issuerOfFlags, readAuthenticationConfiguration } from '../authn/configuration.ts'
import { signingAlgorithms } from '../authn/jwt/jws.ts'
import type { RequestHeaderOptions } from '../authn/request-header.ts'
import { type Policy, PolicyFileError, readPolicies } from '../authz/abac.ts'
import {
  AuthorizationConfigError,
  type AuthorizerSettings,
  isPlain,
  readAuthorizationConfiguration,
} from '../authz/configuration.ts'
import { readEncryptionConfiguration } from '../encryption/configuration.ts'
import type { EncryptionSettings } from '../encryption/start.ts'
import { SettingError } from '../feature-gates.ts'
import { FlowFlagError, flowFlags, readFlowFlags } from '../flow-control/settings.ts'
import type { ReadFile } from '../webhook-client.ts'
import { type AccessSettings, type TokenWebhookSettings, usualSettings } from './settings.ts'

/** Flags that do not go together, or name something that cannot be used. */
export class AccessFlagError extends SettingError {}

/** kube-apiserver's flags by name, without dashes: those of this list are read here. */
export type AccessFlags = Readonly<Partial<Record<AccessFlag, string>>>

export type AccessFlag = keyof typeof accessFlags

const knownFaults = [
  AuditFlagError,
  FlowFlagError,
  ConfigurationError,
  AuthenticationConfigError,
  AuthorizationConfigError,
  PolicyFileError,
  DurationError,
]

/** Every flag that is read here, and what it says. */
export const accessFlags = {
  'anonymous-auth': 'whether requests without a credential are let through as system:anonymous (true)',
  'enable-bootstrap-token-auth': 'whether bootstrap tokens are known (true)',
  'authentication-config': 'file with an AuthenticationConfiguration',
  'oidc-issuer-url': 'issuer whose tokens are believed',
  'oidc-client-id': 'the audience that they must have',
  'oidc-ca-file': 'file with the authority of the issuer',
  'oidc-username-claim': 'the claim that is the name (sub)',
  'oidc-username-prefix': 'what is put before names; - for nothing',
  'oidc-groups-claim': 'the claim with the groups',
  'oidc-groups-prefix': 'what is put before groups',
  'oidc-signing-algs': 'algorithms by which tokens may be signed (RS256)',
  'oidc-required-claim': 'claim=value, several with commas between: what tokens must say besides',
  'authentication-token-webhook-config-file': 'kubeconfig of a webhook that judges tokens',
  'authentication-token-webhook-version': 'version of the TokenReview that it is sent (v1beta1)',
  'authentication-token-webhook-cache-ttl': 'how long its answers count (2m0s)',
  'requestheader-client-ca-file': 'file with the authority of front proxies',
  'requestheader-allowed-names': 'names that their certificates may have; empty means all of them',
  'requestheader-username-headers': 'headers with the name of the user',
  'requestheader-uid-headers': 'headers with the UID of the user',
  'requestheader-group-headers': 'headers with the groups of the user',
  'requestheader-extra-headers-prefix': 'beginnings of headers with further facts',
  'service-account-key-file': 'files with further keys whose service account tokens hold',
  'authorization-mode':
    'AlwaysAllow, AlwaysDeny, ABAC, Node, RBAC, Webhook: in the order in which they are asked (Node,RBAC)',
  'authorization-policy-file': 'file with the policies of the mode ABAC, one a line',
  'authorization-config': 'file with an AuthorizationConfiguration',
  'authorization-webhook-config-file': 'kubeconfig of the webhook of the mode Webhook',
  'authorization-webhook-version': 'version of the SubjectAccessReview that it is sent (v1beta1)',
  'authorization-webhook-cache-authorized-ttl': 'how long its yes counts (5m0s)',
  'authorization-webhook-cache-unauthorized-ttl': 'how long its no counts (30s)',
  'enable-admission-plugins': 'admission plugins besides those that are on by default',
  'disable-admission-plugins': 'admission plugins that do not run',
  'admission-control-config-file': 'file with an AdmissionConfiguration',
  'default-not-ready-toleration-seconds': 'how long pods stay on a node that is not ready (300)',
  'default-unreachable-toleration-seconds': 'how long pods stay on a node that cannot be reached (300)',
  ...auditFlags,
  'encryption-provider-config': 'file with an EncryptionConfiguration: what is encrypted in the store',
  'encryption-provider-config-automatic-reload': 'whether that file is read again when it changes (false)',
  ...flowFlags,
} as const

const words = (text: string | undefined): readonly string[] =>
  (text ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')

/**
 * Reads the flags and the files that they name.
 * @param ownIssuers of whose tokens nobody else may say what they mean
 * @throws AccessFlagError in kube-apiserver's words
 */
export async function readAccessFlags(
  flags: AccessFlags,
  readFile: ReadFile,
  ownIssuers: readonly string[],
): Promise<AccessSettings> {
  try {
    const audit = await readAuditFlags(flags, readFile)
    const encryption = await encryptionOf(flags, readFile)
    return {
      ...(audit && { audit }),
      ...(encryption && { encryption }),
      flow: readFlowFlags(flags),
      authentication: await authentication(flags, readFile, ownIssuers),
      authorization: await authorization(flags, readFile),
      admission: await admission(flags, readFile),
    }
  } catch (error) {
    const isKnown = knownFaults.some((known) => error instanceof known)
    throw isKnown ? new AccessFlagError((error as Error).message, { cause: error }) : error
  }
}

async function contentOf(path: string, readFile: ReadFile): Promise<string> {
  const text = await readFile(path)
  if (text === undefined) throw new AccessFlagError(`open ${path}: no such file or directory`)
  return text
}

async function encryptionOf(flags: AccessFlags, readFile: ReadFile): Promise<EncryptionSettings | undefined> {
  const path = flags['encryption-provider-config']
  const reloads = isTrue(flags, 'encryption-provider-config-automatic-reload', false)
  if (!path) {
    if (!reloads) return undefined
    throw new AccessFlagError(
      '--encryption-provider-config-automatic-reload must be set with --encryption-provider-config',
    )
  }
  const text = await readFile(path)
  if (text === undefined) {
    const named = `encryption provider configuration file ${JSON.stringify(path)}`
    const why = `open ${path}: no such file or directory`
    throw new AccessFlagError(`error while parsing file: error while loading file: error reading ${named}: ${why}`)
  }
  readEncryptionConfiguration(text, path)
  return { file: { path, text }, reloads }
}

async function authentication(
  flags: AccessFlags,
  readFile: ReadFile,
  ownIssuers: readonly string[],
): Promise<AccessSettings['authentication']> {
  const path = flags['authentication-config']
  const hasOidc = Object.keys(flags).some((name) => name.startsWith('oidc-'))
  if (path && hasOidc) throw new AccessFlagError('authentication-config file and oidc-* flags are mutually exclusive')
  const anonymousFlag = flags['anonymous-auth']
  const anonymous = { enabled: isTrue(flags, 'anonymous-auth', true), paths: [] }
  const common = {
    issuers: hasOidc ? await oidcIssuers(flags, readFile, ownIssuers) : [],
    anonymous,
    bootstrapTokens: isTrue(flags, 'enable-bootstrap-token-auth', true),
    serviceAccountKeys: await serviceAccountKeys(flags, readFile),
    ...(await requestHeaders(flags, readFile)),
    ...tokenWebhook(flags),
  }
  if (!path) return common
  const text = await contentOf(path, readFile)
  const settings = readAuthenticationConfiguration(text, ownIssuers)
  if (settings.anonymous && anonymousFlag !== undefined) {
    throw new AccessFlagError(
      '--anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file',
    )
  }
  return { ...common, ...settings, anonymous: settings.anonymous ?? anonymous, file: { path, text } }
}

function isTrue(flags: AccessFlags, name: AccessFlag, usual: boolean): boolean {
  const text = flags[name]
  if (text === undefined) return usual
  if (text === 'true' || text === '') return true
  if (text === 'false') return false
  throw new AccessFlagError(
    `invalid argument ${JSON.stringify(text)} for "--${name}" flag: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`,
  )
}

async function oidcIssuers(flags: AccessFlags, readFile: ReadFile, ownIssuers: readonly string[]) {
  const issuerUrl = flags['oidc-issuer-url'] ?? ''
  const clientId = flags['oidc-client-id'] ?? ''
  if (issuerUrl === '' || clientId === '') {
    throw new AccessFlagError(
      'oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set',
    )
  }
  const algorithms = words(flags['oidc-signing-algs'] ?? 'RS256')
  const unknown = algorithms.find((name) => !signingAlgorithms.includes(name))
  if (unknown !== undefined) throw new AccessFlagError(`oidc: unsupported signing alg: ${JSON.stringify(unknown)}`)
  const file = flags['oidc-ca-file']
  const certificateAuthority = file ? await contentOf(file, readFile) : undefined
  return issuerOfFlags(
    {
      issuerUrl,
      clientId,
      ...(certificateAuthority && { certificateAuthority }),
      usernameClaim: flags['oidc-username-claim'] ?? 'sub',
      usernamePrefix: flags['oidc-username-prefix'] ?? '',
      groupsClaim: flags['oidc-groups-claim'] ?? '',
      groupsPrefix: flags['oidc-groups-prefix'] ?? '',
      requiredClaims: words(flags['oidc-required-claim']),
      algorithms,
    },
    ownIssuers,
  )
}

async function serviceAccountKeys(flags: AccessFlags, readFile: ReadFile): Promise<readonly string[]> {
  const found: string[] = []
  for (const path of words(flags['service-account-key-file'])) {
    const text = await contentOf(path, readFile)
    const keys = text.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? []
    if (keys.length === 0)
      throw new AccessFlagError(`${path}: data does not contain any valid RSA or ECDSA public keys`)
    for (const key of keys)
      found.push(readable(path, () => createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()))
  }
  return found
}

function readable<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new AccessFlagError(`${path}: ${(error as Error).message}`)
  }
}

async function requestHeaders(
  flags: AccessFlags,
  readFile: ReadFile,
): Promise<{ readonly requestHeaders?: RequestHeaderOptions; readonly requestHeaderCa?: string }> {
  const path = flags['requestheader-client-ca-file']
  if (!path) return {}
  const requestHeaderCa = await contentOf(path, readFile)
  readable(path, () => new X509Certificate(requestHeaderCa))
  const names = (flag: AccessFlag, usual: string) => words((flags[flag] ?? usual).toLowerCase())
  return {
    requestHeaderCa,
    requestHeaders: {
      allowedNames: words(flags['requestheader-allowed-names']),
      usernameHeaders: names('requestheader-username-headers', 'x-remote-user'),
      uidHeaders: names('requestheader-uid-headers', 'x-remote-uid'),
      groupHeaders: names('requestheader-group-headers', 'x-remote-group'),
      extraHeadersPrefixes: names('requestheader-extra-headers-prefix', 'x-remote-extra-'),
    },
  }
}

function tokenWebhook(flags: AccessFlags): { readonly webhook?: TokenWebhookSettings } {
  const kubeConfigFile = flags['authentication-token-webhook-config-file']
  if (!kubeConfigFile) return {}
  const version = flags['authentication-token-webhook-version'] ?? 'v1beta1'
  const cacheMs = parseDuration(flags['authentication-token-webhook-cache-ttl'] ?? '2m0s')
  return { webhook: { kubeConfigFile, version, cacheMs } }
}

async function authorization(flags: AccessFlags, readFile: ReadFile): Promise<AccessSettings['authorization']> {
  const path = flags['authorization-config']
  const modes = flags['authorization-mode']
  if (path) {
    const others = Object.keys(flags).filter(
      (name) => name === 'authorization-mode' || name.startsWith('authorization-webhook-'),
    )
    if (others.length > 0)
      throw new AccessFlagError(
        `--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined`,
      )
    const text = await contentOf(path, readFile)
    return {
      authorizers: readAuthorizationConfiguration(text),
      ...(await policies(flags, readFile)),
      file: { path, text },
    }
  }
  const isUsual = ['authorization-webhook-config-file', 'authorization-policy-file'].every(
    (name) => !flags[name as AccessFlag],
  )
  if (modes === undefined && isUsual) return usualSettings.authorization
  return { authorizers: authorizersOf(words(modes ?? 'Node,RBAC'), flags), ...(await policies(flags, readFile)) }
}

async function policies(flags: AccessFlags, readFile: ReadFile): Promise<{ readonly policies?: readonly Policy[] }> {
  const path = flags['authorization-policy-file']
  return path ? { policies: readPolicies(await contentOf(path, readFile), path) } : {}
}

function authorizersOf(modes: readonly string[], flags: AccessFlags): readonly AuthorizerSettings[] {
  const kubeConfigFile = flags['authorization-webhook-config-file']
  const faults: string[] = []
  if (modes.length === 0) faults.push('at least one authorization-mode must be passed')
  for (const mode of new Set(modes)) {
    if (mode !== 'Webhook' && !isPlain(mode)) faults.push(`authorization-mode "${mode}" is not a valid mode`)
    if (modes.filter((each) => each === mode).length > 1)
      faults.push(`authorization-mode ${JSON.stringify(modes)} has mode specified more than once`)
  }
  const policyFile = flags['authorization-policy-file']
  if (modes.includes('ABAC') && !policyFile) {
    faults.push("authorization-mode ABAC's authorization policy file not passed")
  }
  if (!modes.includes('ABAC') && policyFile) faults.push('cannot specify --authorization-policy-file without mode ABAC')
  if (modes.includes('Webhook') && !kubeConfigFile) {
    faults.push("authorization-mode Webhook's authorization config file not passed")
  }
  if (!modes.includes('Webhook') && kubeConfigFile) {
    faults.push('cannot specify --authorization-webhook-config-file without mode Webhook')
  }
  if (faults.length > 0) throw new AccessFlagError(faults.length === 1 ? faults[0] : `[${faults.join(', ')}]`)
  return modes.map((mode) => {
    if (isPlain(mode)) return { type: mode, name: mode.toLowerCase() }
    const webhook = {
      kubeConfigFile: kubeConfigFile!,
      version: flags['authorization-webhook-version'] ?? 'v1beta1',
      timeoutMs: 30_000,
      allowedForMs: parseDuration(flags['authorization-webhook-cache-authorized-ttl'] ?? '5m0s'),
      refusedForMs: parseDuration(flags['authorization-webhook-cache-unauthorized-ttl'] ?? '30s'),
      failurePolicy: 'NoOpinion',
    } as const
    return { type: 'Webhook', name: 'default', webhook }
  })
}

async function admission(flags: AccessFlags, readFile: ReadFile): Promise<AdmissionOptions> {
  const path = flags['admission-control-config-file']
  const options = {
    enable: words(flags['enable-admission-plugins']),
    disable: words(flags['disable-admission-plugins']),
  }
  selectPlugins(options)
  const ofFlags = tolerationSeconds(flags)
  if (!path) return { ...options, configurations: new Map(ofFlags) }
  const relative = (name: string) => readFile(isAbsolute(name) ? name : join(dirname(path), name))
  const ofFile = await readPluginConfigurations(await contentOf(path, readFile), relative)
  return { ...options, configurations: new Map([...ofFlags, ...ofFile]) }
}

/** The one plugin that has flags of its own. */
function tolerationSeconds(flags: AccessFlags): [string, Fields][] {
  const names = ['default-not-ready-toleration-seconds', 'default-unreachable-toleration-seconds'] as const
  const given = names.flatMap((name) => {
    const text = flags[name]
    if (text === undefined) return []
    if (/^-?\d+$/.test(text)) return [[name, Number(text)]]
    const shown = JSON.stringify(text)
    throw new AccessFlagError(
      `invalid argument ${shown} for "--${name}" flag: strconv.ParseInt: parsing ${shown}: invalid syntax`,
    )
  })
  return given.length === 0 ? [] : [['DefaultTolerationSeconds', Object.fromEntries(given)]]
}
