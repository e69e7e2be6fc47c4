import { Buffer } from 'node:buffer'

/**
 * How a value is changed on its way to the store and back. `key` is where it lies: what is authenticated is bound to
 * it, so that a sealed value cannot be moved to another key. Formats and errors are kube-apiserver's.
 */
export interface ValueTransformer {
  /** Throws with the reason when the value cannot be read, or `KeyNotFetched` when it can be read in a moment. */
  fromStorage(stored: Buffer, key: string): Opened
  /** Throws with the reason when nothing can be written now. */
  toStorage(value: Uint8Array, key: string): Buffer
  /** Fetches what is needed to read this value. Undefined: nothing is. */
  prepare?(stored: Buffer): Promise<void> | undefined
}

export interface Opened {
  readonly value: Buffer
  /** Whether it would be stored in another way today: under another provider, or another key. */
  readonly stale: boolean
}

/** The key of a value lies elsewhere and has to be asked for. */
export class KeyNotFetched extends Error {
  /** Asks for it. Rejects with the reason why it cannot be had. */
  readonly fetch: () => Promise<void>
  constructor(fetch: () => Promise<void>) {
    super('the key of this value has not been fetched yet')
    this.fetch = fetch
  }
}

export interface PrefixedTransformer {
  readonly prefix: Buffer
  readonly transformer: ValueTransformer
}

/**
 * Several ways to store, told apart by how the values begin. The first one writes, all read; several may begin alike, and
 * then each is tried. `unknown` is said of a value that belongs to none.
 */
export function prefixTransformers(candidates: readonly PrefixedTransformer[], unknown: string): ValueTransformer {
  const [first] = candidates
  if (first === undefined) throw new Error('a value must be stored in some way')
  return {
    fromStorage(stored, key) {
      const faults = new Set<string>()
      for (const [index, { prefix, transformer }] of candidates.entries()) {
        if (!startsWith(stored, prefix)) continue
        try {
          const { value, stale } = transformer.fromStorage(stored.subarray(prefix.length), key)
          return { value, stale: stale || index > 0 }
        } catch (error) {
          if (error instanceof KeyNotFetched) throw error
          // Without a prefix everything seems to fit: that it does not is no fault of the value.
          if (prefix.length > 0) faults.add((error as Error).message)
        }
      }
      if (faults.size === 0) throw new Error(unknown)
      throw new Error(faults.size === 1 ? [...faults][0]! : `[${[...faults].join(', ')}]`)
    },
    toStorage: (value, key) => joined(first.prefix, first.transformer.toStorage(value, key)),
    prepare(stored) {
      for (const { prefix, transformer } of candidates) {
        if (!transformer.prepare || !startsWith(stored, prefix)) continue
        const fetching = transformer.prepare(stored.subarray(prefix.length))
        if (fetching !== undefined) return fetching
      }
      return undefined
    },
  }
}

/** Both in a buffer of its own: values are kept for long, and small buffers of Node's share a slab. */
function joined(prefix: Buffer, rest: Buffer): Buffer {
  const whole = Buffer.allocUnsafeSlow(prefix.length + rest.length)
  prefix.copy(whole)
  rest.copy(whole, prefix.length)
  return whole
}

const startsWith = (stored: Buffer, prefix: Buffer) => stored.subarray(0, prefix.length).equals(prefix)

const encryptedPrefix = Buffer.from('k8s:enc:')

/** Stores values as they are, and knows those that are not. */
export const identity: ValueTransformer = {
  fromStorage(stored) {
    if (startsWith(stored, encryptedPrefix)) throw new Error('identity transformer tried to read encrypted data')
    return { value: stored, stale: false }
  },
  toStorage: (value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength),
}

export const tooShort = 'the stored data was shorter than the required size'
