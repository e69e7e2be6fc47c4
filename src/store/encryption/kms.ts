import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { formatTime } from '../../base/go-time.ts'
import { decodeMessage, encodeMessage } from '../../schema/protobuf.ts'
import type { Infer } from '../../schema/types.ts'
import type { Clock, Log, Random } from '../../world/world.ts'
import { aesGcm, extendedNonceAesGcm } from './aes.ts'
import { KmsClient } from './kms-client.ts'
import { EncryptedObject, type StatusResponse, sourceType } from './kms-messages.ts'
import { KeyNotFetched, type Opened, type ValueTransformer } from './transformer.ts'

export interface KmsSettings {
  readonly name: string
  readonly endpoint: string
  readonly timeoutMs: number
}

export interface KmsTools {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** How often a plugin is asked how it is: while it is well, and while it is not. */
const probeMs = { well: 60_000, ill: 10_000 } as const
/** How long an answer counts for those who ask for health. */
const answerMs = { well: 20_000, ill: 3_000 } as const
/** How long a plugin may be ill before nothing is written any more. */
const writableMs = 3 * 60_000
const keyIdBytesMax = 1024
const sourceBytesMax = 1024
const annotationsBytesMax = 32 * 1024
const seedBytes = 32

type Sealed = Infer<typeof EncryptedObject>

/** With what is written now. */
interface Current {
  /** All of what is stored but the data. */
  readonly head: Sealed
  readonly transformer: ValueTransformer
  readonly writableUntil: number
}

/**
 * Envelope encryption with a KMS plugin (v2, KEP-3299): values are sealed here, with keys that come of a seed; the plugin
 * encrypts the seed, and the encrypted seed is stored with each value. So the plugin is asked once for each seed, not for
 * each value. A new seed is made when the process starts and whenever the plugin says that it has a new key.
 *
 * Reading is at once for seeds that are known, and `KeyNotFetched` for others. While the plugin is away, what has a known
 * seed can be read for ever and written for three minutes.
 */
export class KmsProvider implements ValueTransformer, Disposable {
  readonly name: string
  readonly #client: KmsClient
  readonly #tools: KmsTools
  /** By what their encrypted form is. */
  readonly #known = new Map<string, ValueTransformer>()
  readonly #fetching = new Map<string, Promise<void>>()
  #current: Current | undefined
  #version: string | undefined
  #checking: Promise<void> | undefined
  #answered: { readonly fault: Error | undefined; readonly until: number } | undefined
  #cancelProbe = () => {}
  #isClosed = false

  constructor({ name, endpoint, timeoutMs }: KmsSettings, tools: KmsTools) {
    this.name = name
    this.#tools = tools
    this.#client = new KmsClient({ endpoint, timeoutMs, clock: tools.clock })
  }

  /** Asks the plugin for the first time, and from now on regularly. A plugin that is not there yet is no error. */
  async start(): Promise<void> {
    await this.#probe()
  }

  /** Rejects with what is wrong with the plugin. An answer counts for some seconds. */
  check(): Promise<void> {
    if (this.#answered !== undefined && this.#tools.clock.monotonic() < this.#answered.until) {
      return this.#answered.fault === undefined ? Promise.resolve() : Promise.reject(this.#answered.fault)
    }
    this.#checking ??= this.#checkNow().finally(() => {
      this.#checking = undefined
    })
    return this.#checking
  }

  fromStorage(stored: Buffer, key: string): Opened {
    const sealed = parse(stored)
    const id = idOf(sealed)
    const transformer = this.#known.get(id)
    if (transformer === undefined) throw new KeyNotFetched(() => this.#fetch(id, sealed))
    const head = this.#current?.head
    try {
      const { value } = transformer.fromStorage(Buffer.from(sealed.encryptedData!), key)
      const isCurrent = sealed.keyId === head?.keyId && (sealed.sourceType ?? sourceType.key) === head?.sourceType
      const stale = head !== undefined && !isCurrent
      return { value, stale }
    } catch (error) {
      // A plugin that gave a wrong seed may give the right one next time.
      if (transformer !== this.#current?.transformer) this.#known.delete(id)
      throw error
    }
  }

  toStorage(value: Uint8Array, key: string): Buffer {
    const { head, transformer, writableUntil } = this.#writing()
    const now = this.#tools.clock.now()
    if (now > writableUntil) {
      throw new Error(
        `encryptedDEKSource with keyID hash "${hashOf(head.keyId)}" expired at ${formatTime(writableUntil)} ` +
          `(current time is ${formatTime(now)})`,
      )
    }
    return encodeMessage(EncryptedObject, { ...head, encryptedData: transformer.toStorage(value, key) })
  }

  prepare(stored: Buffer): Promise<void> | undefined {
    try {
      const sealed = parse(stored)
      const id = idOf(sealed)
      return this.#known.has(id) ? undefined : this.#fetch(id, sealed)
    } catch {
      // Who reads it is told.
      return undefined
    }
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    this.#cancelProbe()
    this.#client[Symbol.dispose]()
  }

  #writing(): Current {
    if (this.#current === undefined) throw new Error('got unexpected nil transformer')
    return this.#current
  }

  async #probe(): Promise<void> {
    let delayMs: number = probeMs.well
    try {
      await this.#checkNow()
    } catch (error) {
      delayMs = probeMs.ill
      if (this.#isClosed) return
      this.#tools.log('error', 'a KMS plugin is not well', { name: this.name, error: (error as Error).message })
    }
    if (!this.#isClosed) this.#cancelProbe = this.#tools.clock.timer(delayMs, () => void this.#probe())
  }

  async #checkNow(): Promise<void> {
    const remember = (fault: Error | undefined) => {
      const until = this.#tools.clock.monotonic() + (fault === undefined ? answerMs.well : answerMs.ill)
      this.#answered = { fault, until }
    }
    try {
      await this.#askHealth()
      remember(undefined)
    } catch (error) {
      remember(error as Error)
      throw error
    }
  }

  async #askHealth(): Promise<void> {
    const status = await this.#client.status().catch((error: Error) => {
      const text = `failed to perform status section of the healthz check for KMS Provider ${this.name}`
      throw new Error(`${text}, error: ${error.message}`)
    })
    const faults = this.#faultsOf(status)
    const keyId = status.keyId ?? ''
    const keyFault = keyIdFault(keyId)
    if (keyFault !== undefined) faults.push(`got invalid KMSv2 KeyID hash "${hashOf(keyId)}": ${keyFault}`)
    else await this.#useKey(keyId).catch((error: Error) => void faults.push(error.message))
    if (faults.length === 0) return
    const list = faults.length === 1 ? faults[0] : `[${faults.join(', ')}]`
    throw new Error(`kmsv2 Provider ${this.name} is not healthy, error: ${list}`)
  }

  #faultsOf({ healthz = '', version = '' }: Infer<typeof StatusResponse>): string[] {
    const faults: string[] = []
    if (healthz !== 'ok') faults.push(`got unexpected healthz status: ${healthz}`)
    if (version !== 'v2' && version !== 'v2beta1') faults.push(`expected KMSv2 API version v2, got ${version}`)
    else {
      this.#version ??= version
      if (this.#version !== version) {
        faults.push(
          `KMSv2 API version should not change after the initial status response version ${this.#version}, got ${version}`,
        )
      }
    }
    return faults
  }

  /** From now on is written under this key of the plugin's. Rejects, and leaves all as it was, when that cannot be. */
  async #useKey(keyId: string): Promise<void> {
    const writableUntil = this.#tools.clock.now() + writableMs
    const before = this.#current
    if (before?.head.keyId === keyId) {
      this.#current = { ...before, writableUntil }
      return
    }
    const uid = this.#tools.random.uuid()
    let head: Sealed | undefined
    try {
      const seed = this.#tools.random.bytes(seedBytes)
      head = await this.#encrypt(seed, uid)
      if (head.keyId !== keyId) throw undefined
      await this.#requireSame(head, seed, uid)
      const transformer = extendedNonceAesGcm(seed, this.#tools.random)
      this.#known.set(idOf(head), transformer)
      this.#current = { head, transformer, writableUntil }
    } catch (error) {
      const fault = error === undefined ? '<nil>' : (error as Error).message
      const state = before === undefined ? 'got unexpected nil transformer' : '<nil>'
      throw new Error(
        `failed to rotate DEK uid="${uid}", useSeed=true, errState=${state}, errGen=${fault}, ` +
          `statusKeyIDHash="${hashOf(keyId)}", encryptKeyIDHash="${hashOf(head?.keyId)}", ` +
          `stateKeyIDHash="${hashOf(before?.head.keyId)}", ` +
          `expirationTimestamp=${before === undefined ? '0001-01-01T00:00:00Z' : formatTime(before.writableUntil)}`,
      )
    }
  }

  async #encrypt(seed: Uint8Array, uid: string): Promise<Sealed> {
    const answer = await this.#client.encrypt({ plaintext: seed, uid }).catch((error: Error) => {
      throw new Error(`failed to encrypt DEK, error: ${error.message}`)
    })
    const head = {
      keyId: answer.keyId ?? '',
      encryptedSource: answer.ciphertext ?? Buffer.alloc(0),
      ...(Object.keys(answer.annotations ?? {}).length > 0 && { annotations: answer.annotations }),
      sourceType: sourceType.seed,
    }
    requireSound({ ...head, encryptedData: Buffer.of(0) })
    return head
  }

  /** The reference does not ask. But what is written under a seed that nobody can decrypt is lost at the next start. */
  async #requireSame(head: Sealed, seed: Uint8Array, uid: string): Promise<void> {
    const same = await this.#decrypt(head, uid)
    if (!Buffer.from(same).equals(seed)) throw new Error('the plugin does not decrypt what it has encrypted')
  }

  async #decrypt({ encryptedSource, keyId, annotations }: Sealed, uid: string): Promise<Uint8Array> {
    const request = { ciphertext: encryptedSource, uid, keyId, ...(annotations && { annotations }) }
    const answer = await this.#client.decrypt(request).catch((error: Error) => {
      throw new Error(`failed to decrypt DEK, error: ${error.message}`)
    })
    return answer.plaintext ?? Buffer.alloc(0)
  }

  /** Many who need the same seed ask once. */
  #fetch(id: string, sealed: Sealed): Promise<void> {
    let fetching = this.#fetching.get(id)
    if (fetching === undefined) {
      fetching = this.#fetchNow(id, sealed).finally(() => this.#fetching.delete(id))
      this.#fetching.set(id, fetching)
    }
    return fetching
  }

  async #fetchNow(id: string, sealed: Sealed): Promise<void> {
    const secret = await this.#decrypt(sealed, this.#tools.random.uuid())
    this.#known.set(id, transformerOf(sealed.sourceType ?? sourceType.key, secret, this.#tools.random))
  }
}

function transformerOf(type: number, secret: Uint8Array, random: Random): ValueTransformer {
  if (type === sourceType.seed) return extendedNonceAesGcm(secret, random)
  if (![16, 24, 32].includes(secret.length)) throw new Error(`crypto/aes: invalid key size ${secret.length}`)
  return aesGcm(secret, random)
}

function parse(stored: Buffer): Sealed {
  const sealed = decodeMessage(EncryptedObject, stored)
  requireSound(sealed)
  return sealed
}

function requireSound({ sourceType: type = 0, encryptedData, encryptedSource, keyId = '', annotations = {} }: Sealed) {
  if (type !== sourceType.key && type !== sourceType.seed) throw new Error(`unknown encryptedDEKSourceType: ${type}`)
  if ((encryptedData?.length ?? 0) === 0) throw new Error('encrypted data is empty')
  const size = encryptedSource?.length ?? 0
  const failed = 'failed to validate encrypted DEK source'
  if (size === 0) throw new Error(`${failed}: encrypted DEK source is empty`)
  if (size > sourceBytesMax) {
    throw new Error(`${failed}: encrypted DEK source is ${size} bytes, which exceeds the max size of ${sourceBytesMax}`)
  }
  const fault = keyIdFault(keyId)
  if (fault !== undefined) throw new Error(`failed to validate key id: ${fault}`)
  const total = Object.entries(annotations).reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  if (total > annotationsBytesMax) {
    const exceeds = `total size of annotations is ${total}, which exceeds the max size of ${annotationsBytesMax}`
    throw new Error(`failed to validate annotations: ${exceeds}`)
  }
}

function keyIdFault(keyId: string): string | undefined {
  const size = Buffer.byteLength(keyId)
  if (size === 0) return 'keyID is empty'
  return size > keyIdBytesMax ? `keyID is ${size} bytes, which exceeds the max size of ${keyIdBytesMax}` : undefined
}

function idOf({ sourceType: type = 0, encryptedSource, keyId, annotations = {} }: Sealed): string {
  const notes = Object.entries(annotations).map(([name, value]) => [name, Buffer.from(value).toString('latin1')])
  const sorted = notes.sort(([a], [b]) => (a! < b! ? -1 : 1))
  return JSON.stringify([type, Buffer.from(encryptedSource!).toString('latin1'), keyId, sorted])
}

const hashOf = (text: string | undefined) => (text ? `sha256:${createHash('sha256').update(text).digest('hex')}` : '')
