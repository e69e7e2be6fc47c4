import type { Event } from '../../kinds/core/event.ts'
import { ApiError } from '../../schema/status.ts'
import type { Clock } from '../../world/world.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.ts'
import { ConfigurationError, type Fields } from './configuration.ts'
import { isFor, isWrite } from './is.ts'

type LimitType = 'Server' | 'Namespace' | 'User' | 'SourceAndObject'

interface Limit {
  readonly type: LimitType
  /** Events a second in the long run, and so many at once. */
  readonly qps: number
  readonly burst: number
  /** How many namespaces, users or sources are told apart. */
  readonly cacheSize: number
}

/** Refuses events that come faster than its configuration lets them (`EventRateLimit`). */
export function eventRateLimit(configuration: Fields | undefined, clock: Clock): AdmissionPlugin {
  const limiters = limitsOf(configuration).map((limit) => new Limiter(limit, clock))
  return {
    name: 'EventRateLimit',
    handles: (attributes) => isFor(attributes, 'events') && isWrite(attributes) && !attributes.context.dryRun,
    validate(attributes) {
      // Everyone of them counts the event, whatever the others say.
      const refusals = limiters.flatMap((limiter) => limiter.refusal(attributes) ?? [])
      if (refusals.length === 0) return
      const message = refusals.length === 1 ? refusals[0]! : `[${refusals.join(', ')}]`
      throw new ApiError('TooManyRequests', message)
    },
  }
}

const keyOf: Readonly<Record<LimitType, (attributes: AdmissionAttributes) => string>> = {
  Server: () => '',
  Namespace: ({ namespace }) => namespace,
  User: ({ context: { user } }) => user.name,
  SourceAndObject({ object }) {
    const { source, involvedObject } = object as Event
    const { kind, namespace, name, uid, apiVersion } = involvedObject
    return [source?.component, source?.host, kind, namespace, name, uid, apiVersion].map((part) => part ?? '').join('')
  },
}

interface Bucket {
  tokens: number
  atMs: number
}

/** A bucket of tokens for each key; those that were not used for longest make room for new ones. */
class Limiter {
  readonly #limit: Limit
  readonly #clock: Clock
  readonly #buckets = new Map<string, Bucket>()

  constructor(limit: Limit, clock: Clock) {
    this.#limit = limit
    this.#clock = clock
  }

  refusal(attributes: AdmissionAttributes): string | undefined {
    const { type, cacheSize } = this.#limit
    const key = keyOf[type](attributes)
    const bucket = this.#filled(key)
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size > cacheSize) this.#buckets.delete(this.#buckets.keys().next().value!)
    if (bucket.tokens < 1) return `limit reached on type ${type} for key ${key}`
    bucket.tokens--
    return undefined
  }

  #filled(key: string): Bucket {
    const { qps, burst } = this.#limit
    const now = this.#clock.monotonic()
    const bucket = this.#buckets.get(key) ?? { tokens: burst, atMs: now }
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.atMs) * qps) / 1000)
    bucket.atMs = now
    return bucket
  }
}

function limitsOf(configuration: Fields | undefined): readonly Limit[] {
  const limits = configuration?.['limits']
  if (!Array.isArray(limits) || limits.length === 0)
    throw new ConfigurationError('limits: Invalid value: []: must not be empty')
  return limits.map((each: Fields, index) => {
    const { type, qps, burst, cacheSize } = each
    const fault = (field: string, value: unknown, why: string) =>
      new ConfigurationError(`limits[${index}].${field}: Invalid value: ${JSON.stringify(value ?? 0)}: ${why}`)
    if (typeof type !== 'string' || !Object.hasOwn(keyOf, type)) {
      throw new ConfigurationError(
        `limits[${index}].type: Unsupported value: ${JSON.stringify(type ?? '')}: supported values: "Namespace", "Server", "SourceAndObject", "User"`,
      )
    }
    if (!isPositive(burst)) throw fault('burst', burst, 'must be positive')
    if (!isPositive(qps)) throw fault('qps', qps, 'must be positive')
    if (cacheSize !== undefined && !(typeof cacheSize === 'number' && cacheSize >= 0)) {
      throw fault('cacheSize', cacheSize, 'must not be negative')
    }
    return { type: type as LimitType, qps, burst, cacheSize: cacheSize || 4096 }
  })
}

const isPositive = (value: unknown): value is number => typeof value === 'number' && value > 0
