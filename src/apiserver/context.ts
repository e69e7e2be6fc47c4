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
  /** May be made when it is asked for, since most never are: a copy of a context takes it along by its name. */
  readonly signal: AbortSignal
  /** Adds a line to the request's audit event. */
  readonly annotate?: ((key: string, value: string) => void) | undefined
  /** Admission has let the request in already: what it comes to is not asked about again. */
  readonly admitted?: boolean
}

/** Of the server's own writes. */
export const serverContext: RequestContext = {
  user: systemMaster,
  dryRun: false,
  fieldManager: 'kube-apiserver',
  userAgent: 'kube-apiserver',
  fieldValidation: 'Ignore',
  warn: () => {},
  signal: new AbortController().signal,
}
