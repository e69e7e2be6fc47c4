import type { Client } from '../../client/client.ts'
import { LateClient } from '../../client/late.ts'
import { ServiceAccount } from '../../kinds/core/service-account.ts'
import { ApiError, isAlreadyExists, isNotFound } from '../../schema/status.ts'
import type { Clock } from '../../world/world.ts'

export interface ServiceAccountClientsOptions {
  /** Has the right to make service accounts and their tokens. */
  readonly client: Client
  readonly clientOf: (token: string) => Client
  readonly clock: Clock
  readonly signal: AbortSignal
}

interface Held {
  readonly client: Client
  /** Monotonic. */
  readonly renewAtMs: number
}

const lifetimeSeconds = 3600
/** The reference renews a token when a fifth of its time is left. */
const usedPart = 0.8

/**
 * Clients that speak as service accounts, as the reference's controllers do with `--use-service-account-credentials`: each
 * may do what its own role says. An account that is missing is made; tokens are renewed before they end.
 */
export class ServiceAccountClients {
  readonly #options: ServiceAccountClientsOptions
  readonly #clients = new Map<string, Client>()

  constructor(options: ServiceAccountClientsOptions) {
    this.#options = options
  }

  of(namespace: string, name: string): Client {
    const key = `${namespace}/${name}`
    let client = this.#clients.get(key)
    if (client === undefined) {
      client = this.#make(namespace, name)
      this.#clients.set(key, client)
    }
    return client
  }

  #make(namespace: string, name: string): Client {
    const { clock } = this.#options
    let held: Promise<Held> | undefined
    let renewAtMs = 0
    const find = async () => {
      if (held === undefined || clock.monotonic() >= renewAtMs) {
        renewAtMs = Number.POSITIVE_INFINITY
        held = this.#obtain(namespace, name)
        held.then(
          (now) => {
            renewAtMs = now.renewAtMs
          },
          () => {
            held = undefined
          },
        )
      }
      return (await held).client
    }
    // The account has been made anew, or the key that signs: the next call asks for another token.
    const failed = (error: unknown) => {
      if (error instanceof ApiError && error.reason === 'Unauthorized') held = undefined
    }
    return new LateClient(find, (user) => this.#options.client.as(user), failed)
  }

  async #obtain(namespace: string, name: string): Promise<Held> {
    const { clock, clientOf } = this.#options
    const began = clock.monotonic()
    const token = await this.#request(namespace, name)
    return { client: clientOf(token), renewAtMs: began + lifetimeSeconds * 1000 * usedPart }
  }

  async #request(namespace: string, name: string): Promise<string> {
    const { client } = this.#options
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: lifetimeSeconds },
    }
    const ask = () => client.createSubresource(ServiceAccount, { namespace, name }, 'token', body)
    const answer = (await ask().catch(async (error: unknown) => {
      if (!isNotFound(error)) throw error
      await this.#create(namespace, name)
      return ask()
    })) as { readonly status?: { readonly token?: string } }
    const token = answer.status?.token
    if (!token) throw new ApiError('InternalError', `there is no token in the answer for service account ${name}`)
    return token
  }

  async #create(namespace: string, name: string): Promise<void> {
    try {
      await this.#options.client.create(ServiceAccount, { metadata: { namespace, name } })
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
    }
  }
}
