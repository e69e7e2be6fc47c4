import type { AdmissionOptions } from '../admission/selection.ts'
import type { AuditSettings } from '../audit/settings.ts'
import type { AuthenticationSettings } from '../authn/configuration.ts'
import type { RequestHeaderOptions } from '../authn/request-header.ts'
import type { Policy } from '../authz/abac.ts'
import type { AuthorizerSettings } from '../authz/configuration.ts'
import type { EncryptionSettings } from '../encryption/start.ts'
import type { FlowSettings } from '../flow-control/settings.ts'

/** Who is let in, what they may do, and what is checked of what they write: kube-apiserver's flags, read. */
export interface AccessSettings {
  readonly authentication: AuthenticationSettings & {
    /** Read again when it changes. */
    readonly file?: ConfigurationFile
    readonly bootstrapTokens: boolean
    /** Whether somebody without a credential is somebody at all. */
    readonly anonymous: NonNullable<AuthenticationSettings['anonymous']>
    readonly webhook?: TokenWebhookSettings
    readonly requestHeaders?: RequestHeaderOptions
    /** PEM of the authority of front proxies, for the server's socket. */
    readonly requestHeaderCa?: string
    /** PEM of further keys whose service account tokens hold. */
    readonly serviceAccountKeys: readonly string[]
  }
  readonly authorization: {
    readonly authorizers: readonly AuthorizerSettings[]
    /** For the mode ABAC. */
    readonly policies?: readonly Policy[]
    readonly file?: ConfigurationFile
  }
  readonly admission: AdmissionOptions
  /** What is written down of requests; absent: nothing. */
  readonly audit?: AuditSettings
  /** What is encrypted in the store; absent: nothing. */
  readonly encryption?: EncryptionSettings
  /** How many requests are answered at once; absent: as many as kube-apiserver does. */
  readonly flow?: FlowSettings
}

export interface ConfigurationFile {
  readonly path: string
  /** What the settings were made of. */
  readonly text: string
}

export interface TokenWebhookSettings {
  readonly kubeConfigFile: string
  readonly version: string
  readonly cacheMs: number
}

/** How kubeadm lets front proxies say for whom they ask. */
export const usualRequestHeaders: RequestHeaderOptions = {
  allowedNames: ['front-proxy-client'],
  usernameHeaders: ['x-remote-user'],
  uidHeaders: ['x-remote-uid'],
  groupHeaders: ['x-remote-group'],
  extraHeadersPrefixes: ['x-remote-extra-'],
}

/** What holds without any flag: as kubeadm sets a server up, but for its admission plugins. */
export const usualSettings: AccessSettings = {
  authentication: {
    issuers: [],
    anonymous: { enabled: true, paths: [] },
    bootstrapTokens: true,
    serviceAccountKeys: [],
  },
  authorization: {
    authorizers: [
      { type: 'Node', name: 'node' },
      { type: 'RBAC', name: 'rbac' },
    ],
  },
  admission: {},
}
