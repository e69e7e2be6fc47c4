import type { Duplex } from 'node:stream'
import type { UserInfo } from './context.ts'

/**
 * The small request and response that the whole server works with. Sockets exist in `server.ts` alone; tests and
 * the in-process client hand requests in as they are. (The platform's own `Request` costs more than a whole GET here.)
 */
export interface ApiRequest {
  readonly method: string
  /** Path and query as they came, still escaped. */
  readonly url: string
  /** Lower-case names. A header that came several times is joined with `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /**
   * Names and values in turn, as they came: for headers of which each may come several times and hold commas. Absent:
   * `headers` is all there is.
   */
  readonly rawHeaders?: readonly string[]
  /** The whole body; rejects with a 413 `ApiError` when it is longer than `limit` bytes. */
  body(limit: number): Promise<Buffer>
  /** Aborted when the client is gone or the server stops. */
  readonly signal: AbortSignal
  /** The client's address without the port. */
  readonly remoteAddress: string
  /** The client certificate that was verified against the client CA, if any. */
  readonly certificate?: ClientCertificate
  /** The client certificate that was verified against the authority of front proxies, if any. */
  readonly frontProxy?: ClientCertificate
  /** The client showed a certificate that nobody known has signed, or whose time is over or still to come. */
  readonly hasUnverifiedCertificate?: boolean
  /** Set by who asks from within this process, and is trusted. What came over a socket never has it. */
  readonly user?: UserInfo
}

/** Every value of a header, in order. Without the raw headers, a joined value is taken apart at its commas. */
export function headerValues({ headers, rawHeaders }: ApiRequest, name: string): readonly string[] {
  const joined = headers[name]
  if (joined === undefined) return []
  if (rawHeaders === undefined) return joined === '' ? [] : joined.split(',').map((value) => value.trim())
  const values: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]!.toLowerCase() === name) values.push(rawHeaders[at + 1]!)
  }
  return values
}

export interface ClientCertificate {
  readonly commonName: string
  readonly organizations: readonly string[]
  /** SHA-256 of the certificate, hex, for `authentication.kubernetes.io/credential-id`. */
  readonly fingerprint: string
  /** When it ends to be valid, in milliseconds since 1970. */
  readonly expiresAt?: number
}

export interface ApiResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: ResponseBody
  /** Of a body that is written as it goes: it is sent compressed to clients that take it so. */
  readonly isCompressible?: true
  /** With status 101: takes the connection once the head is sent; `head` is what the client has said already. */
  readonly takeOver?: (connection: Duplex, head: Buffer) => void
}

/** Everything at once, or a function that writes as it goes and resolves when it has said all. */
export type ResponseBody = Uint8Array | string | ((sink: Sink) => Promise<void>)

export interface Sink {
  /**
   * Sends a chunk. What the client has not taken yet is kept in memory: see `backlog`. `written` is called, if at all,
   * once the chunk's memory may be used for something else.
   */
  write(chunk: Uint8Array | string, written?: () => void): void
  /** Bytes that are written but not yet taken by the client. */
  readonly backlog: number
  /** Resolves when the backlog is small and other requests have had their turn; rejects when the client is gone. */
  drained(): Promise<void>
  /** Aborted when the client is gone or the server stops. */
  readonly signal: AbortSignal
}
