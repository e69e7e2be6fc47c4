import { parse } from 'yaml'
import { DurationError, parseDuration } from '../../base/duration.ts'
import { type Address, AddressError, parseAddress } from './address.ts'

/** How a balancer works. What a file does not say is as `defaults` says. */
export interface BalancerConfiguration {
  readonly listen: Address
  readonly backends: readonly Address[]
  readonly balance: Balance
  readonly check: Check
  /** How long a connection to a backend may take to come about before the next one is tried. */
  readonly connectTimeoutMs: number
  /** How long one side may go on sending after the other has said that it is done. */
  readonly halfOpenTimeoutMs: number
  /** How long connections to a backend that was taken out of the configuration may go on. */
  readonly drainTimeoutMs: number
  /** Of all clients together. */
  readonly maxConnections: number
  /** Of one client address; 0: no limit of its own. */
  readonly maxConnectionsPerClient: number
  /** Where the status page and the metrics are; absent: nowhere. */
  readonly status?: Address
}

export const balances = ['leastconn', 'roundrobin'] as const
/** To the backend with the fewest connections, or to each in turn. */
export type Balance = (typeof balances)[number]

/** How it is found out whether a backend serves. */
export interface Check {
  readonly path: string
  readonly intervalMs: number
  readonly timeoutMs: number
  /** So many checks in a row must succeed before a backend that was down is used again. */
  readonly rise: number
  /** So many must fail before one that was up is no longer used. */
  readonly fall: number
  /** Plain HTTP instead of TLS. */
  readonly plain: boolean
  /** File with the authorities (PEM) that may have signed the backends' certificates; absent: any certificate will do. */
  readonly caFile?: string
  /** The name that certificates must hold for, where there are authorities. */
  readonly serverName?: string
}

export const defaults: Omit<BalancerConfiguration, 'listen' | 'backends'> = {
  balance: 'leastconn',
  check: { path: '/readyz', intervalMs: 1_000, timeoutMs: 1_000, rise: 2, fall: 2, plain: false },
  connectTimeoutMs: 1_000,
  halfOpenTimeoutMs: 30_000,
  drainTimeoutMs: 5_000,
  maxConnections: 20_000,
  maxConnectionsPerClient: 0,
}

/** A configuration that cannot be used; the message says what is wrong with it. */
export class ConfigurationError extends Error {}

/** What flags say, as texts: it goes before what the file says. */
export interface BalancerFlags {
  readonly listen?: string
  readonly backends?: readonly string[]
  readonly balance?: string
  readonly status?: string
  readonly check?: Readonly<Partial<Record<keyof Check, string>>>
  readonly maxConnections?: string
}

/** Puts file and flags together. Throws `ConfigurationError`. */
export function readConfiguration(file: string | undefined, flags: BalancerFlags): BalancerConfiguration {
  const content = new Section(file === undefined ? {} : contentOf(file), '')
  const check = content.section('check')
  const { status: statusFlag, listen: listenFlag } = flags
  const listen = listenFlag ?? content.text('listen')
  if (listen === undefined) throw new ConfigurationError('listen is missing: where clients connect to')
  const backends = flags.backends?.length ? flags.backends : content.list('backends')
  if (backends.length === 0) throw new ConfigurationError('backends are missing: the API servers')
  const status = statusFlag ?? content.text('status')
  const given = new Section(flags.check ?? {}, 'check.')
  const number = (key: 'rise' | 'fall') => given.number(key) ?? check.number(key) ?? defaults.check[key]
  const time = (key: 'interval' | 'timeout') =>
    given.durationNamed(key, `${key}Ms`) ?? check.duration(key) ?? defaults.check[`${key}Ms`]
  const caFile = given.text('caFile') ?? check.text('caFile')
  const serverName = given.text('serverName') ?? check.text('serverName')
  const configuration: BalancerConfiguration = {
    listen: addressOf('listen', listen),
    backends: backends.map((text) => addressOf('backends', text, 6443)),
    balance: balanceOf(flags.balance ?? content.text('balance') ?? defaults.balance),
    check: {
      path: given.text('path') ?? check.text('path') ?? defaults.check.path,
      intervalMs: time('interval'),
      timeoutMs: time('timeout'),
      rise: number('rise'),
      fall: number('fall'),
      plain: (given.text('plain') ?? check.text('plain')) === 'true',
      ...(caFile !== undefined && { caFile }),
      ...(serverName !== undefined && { serverName }),
    },
    connectTimeoutMs: content.duration('connectTimeout') ?? defaults.connectTimeoutMs,
    halfOpenTimeoutMs: content.duration('halfOpenTimeout') ?? defaults.halfOpenTimeoutMs,
    drainTimeoutMs: content.duration('drainTimeout') ?? defaults.drainTimeoutMs,
    maxConnections:
      new Section(flags, '').number('maxConnections') ?? content.number('maxConnections') ?? defaults.maxConnections,
    maxConnectionsPerClient: content.number('maxConnectionsPerClient') ?? defaults.maxConnectionsPerClient,
    ...(status !== undefined && { status: loopback(addressOf('status', status)) }),
  }
  content.requireKnown(
    ...['listen', 'backends', 'balance', 'check', 'connectTimeout', 'halfOpenTimeout', 'drainTimeout'],
    ...['maxConnections', 'maxConnectionsPerClient', 'status'],
  )
  check.requireKnown('path', 'interval', 'timeout', 'rise', 'fall', 'plain', 'caFile', 'serverName')
  return configuration
}

/** Part of what was read, with its path for messages. */
class Section {
  readonly #content: Readonly<Record<string, unknown>>
  readonly #path: string

  constructor(content: object, path: string) {
    this.#content = content as Readonly<Record<string, unknown>>
    this.#path = path
  }

  text(key: string): string | undefined {
    const value = this.#content[key]
    if (value === undefined || value === null) return undefined
    if (typeof value === 'object') throw this.#fault(key, 'is not a text')
    return String(value)
  }

  number(key: string): number | undefined {
    const text = this.text(key)
    if (text !== undefined && !/^\d+$/.test(text)) throw this.#fault(key, `is not a whole number: ${text}`)
    return text === undefined ? undefined : Number(text)
  }

  duration(key: string): number | undefined {
    return this.durationNamed(key, key)
  }

  durationNamed(name: string, key: string): number | undefined {
    const text = this.text(key)
    if (text === undefined) return undefined
    try {
      const milliseconds = parseDuration(text)
      if (milliseconds > 0) return milliseconds
    } catch (error) {
      if (!(error instanceof DurationError)) throw error
    }
    throw this.#fault(name, `is not a time such as 2s or 500ms: ${text}`)
  }

  list(key: string): readonly string[] {
    const value = this.#content[key] ?? []
    if (!Array.isArray(value) || value.some((one) => typeof one !== 'string'))
      throw this.#fault(key, 'is not a list of texts')
    return value as string[]
  }

  section(key: string): Section {
    const value = this.#content[key] ?? {}
    if (typeof value !== 'object' || Array.isArray(value)) throw this.#fault(key, 'is not a mapping')
    return new Section(value, `${this.#path}${key}.`)
  }

  requireKnown(...keys: readonly string[]): void {
    for (const key of Object.keys(this.#content)) if (!keys.includes(key)) throw this.#fault(key, 'is not known')
  }

  #fault(key: string, what: string): ConfigurationError {
    return new ConfigurationError(`${this.#path}${key} ${what}`)
  }
}

function contentOf(file: string): object {
  try {
    const content: unknown = parse(file) ?? {}
    if (typeof content === 'object' && !Array.isArray(content)) return content as object
  } catch (error) {
    throw new ConfigurationError((error as Error).message.split('\n')[0], { cause: error })
  }
  throw new ConfigurationError('it holds no mapping')
}

function addressOf(key: string, text: string, defaultPort?: number): Address {
  try {
    return parseAddress(text, defaultPort)
  } catch (error) {
    if (error instanceof AddressError) throw new ConfigurationError(`${key}: ${error.message}`, { cause: error })
    throw error
  }
}

function balanceOf(text: string): Balance {
  const known = balances.find((name) => name === text)
  if (known) return known
  throw new ConfigurationError(`balance is ${balances.join(' or ')}, not ${JSON.stringify(text)}`)
}

/** The page says who is connected and cannot ask who looks. */
function loopback(address: Address): Address {
  if (/^(127\.|::1$|localhost$)/.test(address.host)) return address
  throw new ConfigurationError(`status must be on a loopback address, not ${address.host || 'all addresses'}`)
}
