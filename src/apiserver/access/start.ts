import type { Clock, Disk, Log, Network } from '../../world/world.ts'
import type { ClusterReader } from '../admission.ts'
import { readAuthenticationConfiguration } from '../authn/configuration.ts'
import type { ServiceAccountTokens } from '../authn/service-account-tokens.ts'
import { AbacAuthorizer } from '../authz/abac.ts'
import { nodeRules } from '../authz/bootstrap-policy.ts'
import { readAuthorizationConfiguration } from '../authz/configuration.ts'
import { NodeAuthorizer } from '../authz/node.ts'
import type { FindNodeGraph } from '../authz/node-sync.ts'
import type { RbacAuthorizer } from '../authz/rbac.ts'
import type { UserInfo } from '../context.ts'
import { createAuthentication, ExchangeableAuthentication } from './authentication.ts'
import { createAuthorization, ExchangeableAuthorization } from './authorization.ts'
import { followFile } from './follow-file.ts'
import type { AccessSettings } from './settings.ts'

/** What both work with. */
export interface AccessParts {
  readonly reader: ClusterReader
  readonly clock: Clock
  readonly log: Log
  readonly network: Network | undefined
  readonly disk: Disk | undefined
  readonly signal: AbortSignal
}

/** Puts together who decides, and keeps it at what the configuration file says. Throws `WebhookConfigError`. */
export async function startAuthorization(
  { authorization: { authorizers, policies = [], file } }: AccessSettings,
  access: AccessParts,
  rbac: RbacAuthorizer,
  findNodeGraph: FindNodeGraph,
): Promise<ExchangeableAuthorization> {
  const node = new NodeAuthorizer(findNodeGraph, nodeRules)
  const parts = { ...access, ...filesOf(access), rbac, node, abac: new AbacAuthorizer(policies) }
  const current = new ExchangeableAuthorization(await createAuthorization(authorizers, parts))
  const { disk } = access
  if (file && disk) {
    const apply = async (text: string) =>
      current.use(await createAuthorization(readAuthorizationConfiguration(text), parts))
    followFile(file.path, file.text, apply, { ...access, disk })
  }
  return current
}

/** Puts together who finds out who asks, and keeps it at what the configuration file says. Throws `WebhookConfigError`. */
export async function startAuthentication(
  { authentication: settings }: AccessSettings,
  access: AccessParts,
  serviceAccounts: ServiceAccountTokens,
  staticTokens: ReadonlyMap<string, UserInfo> = new Map(),
): Promise<ExchangeableAuthentication> {
  const parts = { ...access, ...filesOf(access), serviceAccounts, staticTokens }
  const current = new ExchangeableAuthentication(await createAuthentication(settings, parts))
  const { disk } = access
  const { file } = settings
  if (file && disk) {
    const apply = async (text: string) => {
      const read = readAuthenticationConfiguration(text, [serviceAccounts.issuer])
      const next = { ...settings, issuers: read.issuers, ...(read.anonymous && { anonymous: read.anonymous }) }
      current.use(await createAuthentication(next, parts))
    }
    followFile(file.path, file.text, apply, { ...access, disk })
  }
  return current
}

const filesOf = ({ disk }: AccessParts) => (disk ? { readFile: (path: string) => disk.read(path) } : {})
