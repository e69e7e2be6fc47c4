import { formatTime } from '../../base/go-time.ts'
import type { Client } from '../../client/client.ts'
import { Secret } from '../../kinds/core/secret.ts'
import { isAlreadyExists, isNotFound } from '../../schema/status.ts'
import type { Clock } from '../../world/world.ts'
import { LifecycleError } from '../failure.ts'
import type { Token } from './token.ts'

/** Bootstrap tokens as secrets of kube-system: what kubeadm's `token` makes, lists and deletes. */
export interface BootstrapToken {
  readonly token: Token
  readonly description?: string
  /** Milliseconds since 1970; absent: never. */
  readonly expiresAtMs?: number
  /** `authentication`, `signing`; may be none. */
  readonly usages: readonly string[]
  readonly groups: readonly string[]
}

export const tokenNamespace = 'kube-system'
export const tokenSecretName = (id: string): string => `bootstrap-token-${id}`
export const tokenSecretType = 'bootstrap.kubernetes.io/token'
export const defaultTokenGroup = 'system:bootstrappers:kubeadm:default-node-token'
export const defaultTokenUsages = ['signing', 'authentication'] as const
export const defaultTokenTtlMs = 24 * 3_600_000

const groupPattern = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/

/**
 * Stores tokens. One that is there already is an error, unless `replace` says otherwise (`init` may be run again).
 * @throws LifecycleError when it is there, or cannot be
 */
export async function createTokens(
  client: Client,
  tokens: readonly BootstrapToken[],
  options: { readonly replace?: boolean; readonly dryRun?: boolean } = {},
): Promise<void> {
  for (const token of tokens) {
    checkToken(token)
    const secret = tokenSecret(token)
    try {
      await client.create(Secret, secret, options.dryRun ? { dryRun: true } : {})
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
      if (!options.replace) {
        throw new LifecycleError(`a token with id ${JSON.stringify(token.token.id)} already exists`, {
          hint: `delete it first: coracle token delete ${token.token.id}`,
        })
      }
      await client.update(Secret, secret, options.dryRun ? { dryRun: true } : {})
    }
  }
}

/** What `usages` and `groups` may hold. */
function checkToken({ usages, groups }: BootstrapToken): void {
  const unknown = usages.find((usage) => usage !== 'signing' && usage !== 'authentication')
  if (unknown !== undefined) {
    throw new LifecycleError(
      `usages: Invalid value: "${unknown}": valid bootstrap token usages: signing,authentication`,
    )
  }
  const foreign = groups.find((group) => !groupPattern.test(group))
  if (foreign !== undefined) {
    throw new LifecycleError(
      `bootstrap group ${JSON.stringify(foreign)} is invalid (must match \\Asystem:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]\\z)`,
    )
  }
}

/** The secret that is a token. */
export function tokenSecret(token: BootstrapToken) {
  const { description, expiresAtMs, usages, groups } = token
  const texts: Record<string, string> = {
    'token-id': token.token.id,
    'token-secret': token.token.secret,
    ...(description && { description }),
    ...(expiresAtMs !== undefined && { expiration: formatTime(expiresAtMs) }),
    ...Object.fromEntries(usages.map((usage) => [`usage-bootstrap-${usage}`, 'true'])),
    ...(groups.length > 0 && { 'auth-extra-groups': groups.join(',') }),
  }
  return {
    metadata: { name: tokenSecretName(token.token.id), namespace: tokenNamespace },
    type: tokenSecretType,
    data: Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
  }
}

/** All tokens, and what is wrong with secrets that should be some. */
export async function listTokens(
  client: Client,
): Promise<{ readonly tokens: readonly BootstrapToken[]; readonly faults: readonly string[] }> {
  const fieldSelector = `type=${tokenSecretType}`
  const { items } = await client.list(Secret, { namespace: tokenNamespace, fieldSelector })
  const read = items.map(fromSecret)
  return {
    tokens: read.filter((each) => typeof each !== 'string'),
    faults: read.filter((each) => typeof each === 'string'),
  }
}

/** A token from its secret; what is wrong with it, when it is none. */
export function fromSecret({ metadata, data = {} }: Secret): BootstrapToken | string {
  const text = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString()
  const id = text('token-id')
  const name = metadata.name ?? ''
  if (id === '') return `bootstrap Token Secret has no token-id data: ${name}`
  if (name !== tokenSecretName(id)) {
    return `bootstrap token name is not of the form 'bootstrap-token-(token-id)'. Actual: ${JSON.stringify(name)}. Expected: ${JSON.stringify(tokenSecretName(id))}`
  }
  const secret = text('token-secret')
  if (secret === '') return `bootstrap Token Secret has no token-secret data: ${name}`
  const expiration = text('expiration')
  const expiresAtMs = Date.parse(expiration)
  if (expiration !== '' && Number.isNaN(expiresAtMs)) {
    return `can't parse expiration time of bootstrap token ${JSON.stringify(name)}: ${expiration}`
  }
  const description = text('description')
  const groups = text('auth-extra-groups')
  return {
    token: { id, secret },
    usages: usagesOf(Object.keys(data), text),
    groups: groups === '' ? [] : groups.split(','),
    ...(description && { description }),
    ...(expiration !== '' && { expiresAtMs }),
  }
}

const usagePrefix = 'usage-bootstrap-'

const usagesOf = (keys: readonly string[], text: (key: string) => string): readonly string[] =>
  keys
    .filter((key) => key.startsWith(usagePrefix) && text(key) === 'true')
    .map((key) => key.slice(usagePrefix.length))
    .sort()

/** @throws LifecycleError when there is none of that ID */
export async function deleteToken(client: Client, id: string): Promise<void> {
  try {
    await client.delete(Secret, { namespace: tokenNamespace, name: tokenSecretName(id) })
  } catch (error) {
    if (!isNotFound(error)) throw error
    throw new LifecycleError(
      `failed to delete bootstrap token ${JSON.stringify(id)}: secrets "${tokenSecretName(id)}" not found`,
      { hint: 'see those that there are: coracle token list', cause: error },
    )
  }
}

/** When a token ends that is made now; `0` is never. */
export const expiryAfter = (clock: Clock, ttlMs: number): { readonly expiresAtMs?: number } =>
  ttlMs > 0 ? { expiresAtMs: clock.now() + ttlMs } : {}
