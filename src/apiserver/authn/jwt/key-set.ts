import type { Clock, Network } from '../../../world/world.ts'
import { isSignedBy, keysOfSet, type UnverifiedToken, type VerificationKey } from './jws.ts'

/** Where an issuer's keys are found. */
export interface KeySource {
  readonly issuer: string
  /** The discovery document, where it is not at the usual place below the issuer. */
  readonly discoveryUrl?: string
  /** PEM; absent: the authorities of the host. */
  readonly certificateAuthority?: string
}

/** An issuer whose keys cannot be had. */
export class KeySetError extends Error {}

const timeoutMs = 30_000
const documentBytes = 1024 * 1024
/** No more often are keys asked for, however many tokens name keys that nobody knows. */
const leastBetweenMs = 10_000
/** Keys are asked for again after this long even when nobody needs others: an issuer may have taken one back. */
const freshMs = 24 * 3_600_000

/**
 * The public keys of an issuer (OpenID Connect Discovery 1.0). They are fetched when the first token comes, and again
 * when one names a key that is not there, as issuers change their keys. While an issuer cannot be reached, the keys that
 * are known still hold.
 */
export class KeySet {
  readonly #source: KeySource
  readonly #network: Network
  readonly #clock: Clock
  #keys: readonly VerificationKey[] = []
  #fetchedMs = Number.NEGATIVE_INFINITY
  #triedMs = Number.NEGATIVE_INFINITY
  #fetching: Promise<void> | undefined
  #fault: string | undefined

  constructor(source: KeySource, tools: { readonly network: Network; readonly clock: Clock }) {
    this.#source = source
    this.#network = tools.network
    this.#clock = tools.clock
  }

  /** Whether one of the issuer's keys signed a token. Rejects with `KeySetError` when no keys can be had. */
  async verifies(token: UnverifiedToken): Promise<boolean> {
    const isStale = this.#clock.monotonic() - this.#fetchedMs > freshMs
    if (!isStale && this.#holds(token)) return true
    await this.#refresh()
    if (this.#keys.length === 0) throw new KeySetError(this.#fault ?? 'the issuer has no keys')
    return this.#holds(token)
  }

  /** Why keys could not be fetched the last time, if they could not. */
  get fault(): string | undefined {
    return this.#fault
  }

  #holds(token: UnverifiedToken): boolean {
    return this.#keys.some((key) => {
      const isNamed = token.keyId === undefined || key.id === undefined || key.id === token.keyId
      return isNamed && isSignedBy(token, key)
    })
  }

  async #refresh(): Promise<void> {
    if (this.#fetching === undefined) {
      if (this.#clock.monotonic() - this.#triedMs < leastBetweenMs) return
      this.#triedMs = this.#clock.monotonic()
      this.#fetching = this.#fetch().finally(() => {
        this.#fetching = undefined
      })
    }
    await this.#fetching
  }

  async #fetch(): Promise<void> {
    try {
      const { issuer, discoveryUrl } = this.#source
      const url = discoveryUrl ?? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
      const document = (await this.#get(url)) as { readonly issuer?: unknown; readonly jwks_uri?: unknown }
      if (document.issuer !== issuer) {
        throw new KeySetError(
          `oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(issuer)} got ${JSON.stringify(document.issuer)}`,
        )
      }
      if (typeof document.jwks_uri !== 'string') throw new KeySetError('the discovery document names no keys')
      const keys = keysOfSet(await this.#get(document.jwks_uri))
      this.#keys = keys
      this.#fetchedMs = this.#clock.monotonic()
      this.#fault = undefined
    } catch (error) {
      this.#fault = (error as Error).message
    }
  }

  async #get(url: string): Promise<object> {
    // Nobody in between may put in keys of his own.
    if (!url.startsWith('https://')) throw new KeySetError(`${url} is no https URL`)
    const { certificateAuthority: ca } = this.#source
    const tls = ca === undefined ? {} : { ca }
    const answer = await this.#network.request({ url, timeoutMs, tls, headers: { accept: 'application/json' } })
    const text = await answer.text(documentBytes)
    if (answer.status !== 200) throw new KeySetError(`GET ${url}: ${answer.status}`)
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) throw new KeySetError(`${url} is no JSON object`)
    return value
  }
}
