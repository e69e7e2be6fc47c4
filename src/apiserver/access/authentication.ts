import type { Clock, Log, Network } from '../../world/world.ts'
import type { ClusterReader } from '../admission.ts'
import { anyOf } from '../authn/any-of.ts'
import type { Authenticator } from '../authn/authn.ts'
import { bootstrapTokens } from '../authn/bootstrap-tokens.ts'
import { clientCertificates, refuseUnverifiedCertificates } from '../authn/client-certificate.ts'
import { JwtAuthenticator } from '../authn/jwt/jwt-authenticator.ts'
import { requestHeaders } from '../authn/request-header.ts'
import { refuseUnknownTokens, staticTokens } from '../authn/static-token.ts'
import { cachedTokens } from '../authn/token-cache.ts'
import { webhookTokens } from '../authn/webhook-token.ts'
import type { UserInfo } from '../context.ts'
import { askWebhook, type ReadFile, readWebhookTarget, usualBackoffMs, WebhookConfigError } from '../webhook-client.ts'
import type { AccessSettings, TokenWebhookSettings } from './settings.ts'

/** What authenticators are made of. */
export interface AuthenticationParts {
  readonly reader: ClusterReader
  readonly clock: Clock
  readonly log: Log
  readonly serviceAccounts: Authenticator
  /** By digest: see `parseTokenFile`. */
  readonly staticTokens: ReadonlyMap<string, UserInfo>
  readonly network?: Network | undefined
  readonly readFile?: ReadFile | undefined
}

export interface Authentication {
  readonly authenticators: readonly Authenticator[]
  /** Whether somebody without a credential may ask for a path. */
  readonly anonymous: (path: string) => boolean
}

/** How long a signature of somebody else's, or his word, is not looked at again. */
const tokenCacheMs = 10_000
const webhookTimeoutMs = 10_000

/** All ways to find out who asks, in the reference's order. Throws `WebhookConfigError`. */
export async function createAuthentication(
  settings: AccessSettings['authentication'],
  parts: AuthenticationParts,
): Promise<Authentication> {
  const { reader, clock, serviceAccounts } = parts
  const { issuers, anonymous, webhook } = settings
  const authenticators: Authenticator[] = []
  if (settings.requestHeaders) authenticators.push(requestHeaders(settings.requestHeaders))
  authenticators.push(clientCertificates, staticTokens(parts.staticTokens))
  const tokens = [serviceAccounts]
  if (settings.bootstrapTokens) tokens.push(bootstrapTokens(reader, clock))
  if (issuers.length > 0) {
    const jwt = new JwtAuthenticator(issuers, { clock, network: requireNetwork(parts) })
    tokens.push(cachedTokens(jwt, clock, { hitsMs: tokenCacheMs }))
  }
  if (webhook) authenticators.push(anyOf([...tokens, await tokenWebhook(webhook, parts)]))
  else authenticators.push(...tokens)
  authenticators.push(refuseUnknownTokens, refuseUnverifiedCertificates)
  const paths = new Set(anonymous.paths)
  return { authenticators, anonymous: (path) => anonymous.enabled && (paths.size === 0 || paths.has(path)) }
}

function requireNetwork({ network }: AuthenticationParts): Network {
  if (!network) throw new WebhookConfigError('this server has no network, so it can ask nobody about tokens')
  return network
}

async function tokenWebhook(
  { kubeConfigFile, version, cacheMs }: TokenWebhookSettings,
  parts: AuthenticationParts,
): Promise<Authenticator> {
  const network = requireNetwork(parts)
  const { clock, log, readFile } = parts
  if (!readFile) throw new WebhookConfigError('this server has no disk')
  const target = await readWebhookTarget(kubeConfigFile, readFile)
  const asking = { network, clock, timeoutMs: webhookTimeoutMs, backoffMs: usualBackoffMs }
  const ask = (question: object) => askWebhook(target, question, asking)
  return cachedTokens(webhookTokens(ask, version, log), clock, { hitsMs: cacheMs, missesMs: cacheMs })
}

/** An authentication that can be exchanged while it is in use. */
export class ExchangeableAuthentication implements Authentication {
  #current: Authentication
  readonly anonymous = (path: string): boolean => this.#current.anonymous(path)

  constructor(first: Authentication) {
    this.#current = first
  }

  /** Always those that hold now. */
  get authenticators(): readonly Authenticator[] {
    return this.#current.authenticators
  }

  use(next: Authentication): void {
    this.#current = next
  }
}
