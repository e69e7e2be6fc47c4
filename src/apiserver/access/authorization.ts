import type { Clock, Log, Network } from '../../world/world.ts'
import type { AbacAuthorizer } from '../authz/abac.ts'
import type { Authorizer } from '../authz/authz.ts'
import type { AuthorizerSettings, PlainMode } from '../authz/configuration.ts'
import type { NodeAuthorizer } from '../authz/node.ts'
import type { RbacAuthorizer } from '../authz/rbac.ts'
import { type RuleResolver, resolveAll } from '../authz/rules.ts'
import { alwaysAllow, alwaysDeny, firstThatDecides, privilegedGroup } from '../authz/simple.ts'
import { WebhookAuthorizer } from '../authz/webhook.ts'
import { askWebhook, type ReadFile, readWebhookTarget, usualBackoffMs, WebhookConfigError } from '../webhook-client.ts'

/** What authorizers are made of. */
export interface AuthorizationParts {
  readonly abac: AbacAuthorizer
  readonly node: NodeAuthorizer
  readonly rbac: RbacAuthorizer
  readonly clock: Clock
  readonly log: Log
  /** By which webhooks are asked. Absent: there can be none. */
  readonly network?: Network | undefined
  readonly readFile?: ReadFile | undefined
}

export interface Authorization {
  readonly authorizer: Authorizer
  readonly rules: RuleResolver
}

/** All authorizers in their order, behind the group that may do everything. Throws `WebhookConfigError`. */
export async function createAuthorization(
  settings: readonly AuthorizerSettings[],
  parts: AuthorizationParts,
): Promise<Authorization> {
  const plain: Readonly<Record<PlainMode, Authorizer & RuleResolver>> = {
    ABAC: parts.abac,
    AlwaysAllow: alwaysAllow,
    AlwaysDeny: alwaysDeny,
    Node: parts.node,
    RBAC: parts.rbac,
  }
  const authorizers: (Authorizer & RuleResolver)[] = []
  for (const each of settings) authorizers.push(each.type === 'Webhook' ? await webhook(each, parts) : plain[each.type])
  return { authorizer: firstThatDecides([privilegedGroup, ...authorizers]), rules: resolveAll(authorizers) }
}

async function webhook(
  { name, webhook: settings }: Extract<AuthorizerSettings, { readonly type: 'Webhook' }>,
  { clock, log, network, readFile }: AuthorizationParts,
): Promise<WebhookAuthorizer> {
  if (!network || !readFile) throw new WebhookConfigError('this server has no network, so it cannot ask a webhook')
  const target = await readWebhookTarget(settings.kubeConfigFile, readFile)
  const asking = { network, clock, timeoutMs: settings.timeoutMs, backoffMs: usualBackoffMs }
  return new WebhookAuthorizer(
    { ...settings, name, ask: (question) => askWebhook(target, question, asking) },
    { clock, log },
  )
}

/** An authorization that can be exchanged while it is in use. */
export class ExchangeableAuthorization implements Authorization {
  #current: Authorization
  readonly authorizer: Authorizer = { authorize: (attributes) => this.#current.authorizer.authorize(attributes) }
  readonly rules: RuleResolver = {
    resolveRules: (user, namespace) => this.#current.rules.resolveRules(user, namespace),
  }

  constructor(first: Authorization) {
    this.#current = first
  }

  use(next: Authorization): void {
    this.#current = next
  }
}
