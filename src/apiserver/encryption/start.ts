import type { Kind } from '../../schema/kind.ts'
import { EncryptedStore } from '../../store/encrypted.ts'
import type { Store } from '../../store/store.ts'
import type { Clock, Disk, Log, Random } from '../../world/world.ts'
import { followFile } from '../access/follow-file.ts'
import type { ConfigurationFile } from '../access/settings.ts'
import type { HealthCheck } from '../routes/health.ts'
import { readEncryptionConfiguration } from './configuration.ts'
import { EncryptionKeyRing } from './key-ring.ts'

export interface EncryptionSettings {
  readonly file: ConfigurationFile
  /** Whether the file is read again when it changes. */
  readonly reloads: boolean
}

interface EncryptionParts {
  readonly kinds: readonly Kind[]
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly disk: Disk
}

export interface StartedEncryption {
  /** Disposing of it disposes of the store below. */
  readonly store: Store
  /** What `/healthz` asks besides. */
  readonly healthChecks: Readonly<Record<string, HealthCheck>>
}

/**
 * Puts encryption in front of a store: what the settings name is encrypted from now on, and everything is read that they
 * have a key for. Throws `EncryptionConfigError`.
 */
export async function startEncryption(
  { file, reloads }: EncryptionSettings,
  inner: Store,
  { kinds, disk, ...world }: EncryptionParts,
): Promise<StartedEncryption> {
  const tools = { ...world, random: world.random.fork('encryption') }
  const ring = await EncryptionKeyRing.open(readEncryptionConfiguration(file.text, file.path), kinds, tools)
  await ring.prepare(inner)
  const stop = new AbortController()
  if (reloads) {
    const apply = (text: string) => ring.use(readEncryptionConfiguration(text, file.path), inner)
    followFile(file.path, file.text, apply, { ...world, disk, signal: stop.signal })
  }
  const owned = {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ring[Symbol.asyncDispose]()
    },
  }
  const store = new EncryptedStore(inner, ring, owned)
  return { store, healthChecks: reloads || ring.asksPlugins ? { 'kms-providers': () => ring.check() } : {} }
}
