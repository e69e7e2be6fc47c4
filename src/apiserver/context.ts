/** Who asks, as authentication found out. */
export interface UserInfo {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** The loopback identity: what the server does on its own behalf, and in-process clients that are not given another. */
export const systemMaster: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }

/** What is known about a request beyond the object it concerns. */
export interface RequestContext {
  readonly user: UserInfo
  /** Persist nothing, answer as if. */
  readonly dryRun: boolean
  /** `fieldManager`, or the first part of the user agent: who owns the fields that are written. */
  readonly fieldManager: string
  readonly userAgent: string
  /** What becomes of fields that the type does not have. */
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore'
  /** Collects warnings for the client; each becomes a `Warning` header. Repeats are dropped when they are sent. */
  readonly warn: (message: string) => void
  readonly signal: AbortSignal
}
