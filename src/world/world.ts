import type { Duplex } from 'node:stream'

/**
 * Everything that makes two runs of the same program differ comes in through here: time, chance, the network,
 * the disk, other programs, and where the log goes. Code outside `world/` takes what it needs of this as an
 * argument and calls nothing of the sort itself; `test/tidy.test.ts` lists what is banned and what replaces it.
 *
 * `real.ts` is the machine's own world, `virtual.ts` one whose clock moves only when it is told to.
 */
export interface World {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** A world with a machine around it: what command-line tools and node agents need beyond the clock. */
export interface HostWorld extends World {
  readonly disk: Disk
  readonly exec: Exec
  readonly network: Network
  readonly machine: Machine
}

/** What the operating system says about the host. */
export interface Machine {
  readonly hostName: string
  /** Of all interfaces that are up, in the system's order. */
  readonly addresses: readonly MachineAddress[]
  readonly cpus: number
  readonly memoryBytes: number
  /** 0 is root. */
  readonly userId: number
}

export interface MachineAddress {
  readonly interface: string
  readonly address: string
  readonly family: 4 | 6
  /** Of the loopback interface. */
  readonly internal: boolean
}

export interface Clock {
  /** Wall-clock time in milliseconds since 1970. May jump. */
  now(): number

  /** Milliseconds since an arbitrary start; never goes backwards. For measuring and deadlines. */
  monotonic(): number

  /** Calls `run` once after `delayMs`; the returned function calls it off. A timer never keeps the process alive. */
  timer(delayMs: number, run: () => void): () => void

  /** Resolves after `delayMs`. Rejects with the signal's reason when it is aborted first. */
  after(delayMs: number, signal?: AbortSignal): Promise<void>
}

export interface Random {
  /** The next number in [0, 1). */
  next(): number

  /** A whole number in [0, below). */
  int(below: number): number

  /** `length` random bytes; from the operating system in the real world, so good enough for keys. */
  bytes(length: number): Uint8Array

  /** A random version 4 UUID. */
  uuid(): string

  /** A stream of its own that depends on this one's seed and `name` alone, so that consumers do not disturb each other. */
  fork(name: string): Random
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** A structured log. Values of `fields` must not hold secrets. */
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void

/** Files of the host. Paths are absolute. What cannot be done is a `DiskError`. */
export interface Disk {
  /** The content, or nothing when there is no such file. */
  read(path: string): Promise<string | undefined>
  /**
   * Replaces the file in one step: readers see the old content or the new, never half of it, also after a crash.
   * Folders on the way are made (0700). `mode` is 0600 unless said otherwise.
   */
  write(path: string, content: string, mode?: number): Promise<void>
  remove(path: string): Promise<void>
  /** Adds to the end of a file, which is made (0600) when it is not there. */
  append(path: string, content: string): Promise<void>
  /** In bytes; 0 when there is no such file. */
  size(path: string): Promise<number>
  /** Gives a file another name in the same file system; what has that name already is replaced. */
  rename(from: string, to: string): Promise<void>
  /** Makes `path` a symbolic link to `target`, in one step; what has that name already is replaced. */
  link(target: string, path: string): Promise<void>
  /** The names in a folder; none when there is no such folder. */
  list(folder: string): Promise<string[]>
  /** As `read` and `write`, for what is no text. */
  readBytes(path: string): Promise<Uint8Array | undefined>
  writeBytes(path: string, content: Uint8Array, mode?: number): Promise<void>
  /** The content piece by piece, for files that may be larger than memory. Throws a `DiskError` when there is no such file. */
  readPieces(path: string): AsyncIterable<Uint8Array>
  /**
   * As `writeBytes`, for what comes piece by piece. Nothing is left of it when there is no room, or when `pieces` throws,
   * whose error this throws then.
   */
  writePieces(path: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, mode?: number): Promise<void>
  /** Opens a file whose parts are read in any order; nothing when there is no such file. */
  openParts(path: string): Promise<FileParts | undefined>
  /** Makes a folder, and those above it that are missing; one that is there stays as it is. `mode` is 0700 unless said otherwise. */
  makeFolder(path: string, mode?: number): Promise<void>
  /** What there is under a path; nothing when there is nothing. */
  stat(path: string): Promise<FileStat | undefined>
  /**
   * Calls `changed` some time after a file may have changed, also when another takes its place; the returned function
   * ends that. It may call once too often, and the file may be gone. Absent: nobody can tell.
   */
  watch?(path: string, changed: () => void): () => void
}

/** An open file. `read` gives exactly so many bytes, which must lie within the size; they are not changed later. */
export interface FileParts extends Disposable {
  readonly size: number
  read(offset: number, length: number): Buffer
}

export interface FileStat {
  readonly isFolder: boolean
  readonly size: number
  /** Permissions alone. */
  readonly mode: number
  readonly modifiedMs: number
}

/** A file that cannot be read or written. The message names it and says why. */
export class DiskError extends Error {}

/** Other processes of the host. */
export interface Exec {
  /** Starts this program again with other arguments, detached from the terminal, its output appended to `logFile`. */
  startSelf(args: readonly string[], logFile: string): DetachedProcess
  /** How a process of this program begins: what to give `start` or `run` in front of arguments of one's own. */
  readonly self: readonly [program: string, ...args: string[]]
  /** Runs a program to its end. Rejects with an `ExecError` when there is no such program. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<Finished>
  /** Starts a program that goes on. It ends with this process unless it is `detached`. */
  start(program: string, args: readonly string[], options?: StartOptions): ChildProcess
  /** Where a program of this name lies on the search path; nothing when there is none. */
  which(program: string): Promise<string | undefined>
  /** Whether a process with this id exists. */
  isAlive(pid: number): boolean
  /** Sends a signal; false when there is no such process. */
  signal(pid: number, signal: 'SIGTERM' | 'SIGKILL'): boolean
  readonly ownPid: number
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string | Uint8Array
  /** Then it is killed, and `signal` says so. Default: no limit. */
  readonly timeoutMs?: number
}

export interface Finished {
  /** Absent when a signal ended it. */
  readonly code: number | undefined
  readonly signal: string | undefined
  readonly stdout: string
  readonly stderr: string
}

export interface StartOptions {
  /** Besides the variables of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** To which its output is added; default: this process's own standard error. */
  readonly logFile?: string
  readonly detached?: boolean
}

export interface ChildProcess {
  /** 0 when it could not be started: `exited` says why. */
  readonly pid: number
  /** Resolves when it has ended; never rejects. */
  readonly exited: Promise<{
    readonly code: number | undefined
    readonly signal: string | undefined
    readonly error?: Error
  }>
  signal(signal: 'SIGTERM' | 'SIGKILL' | 'SIGHUP'): void
}

/** A program that cannot be run. */
export class ExecError extends Error {}

export interface DetachedProcess {
  readonly pid: number
  /** What it says first through its channel; rejects when it ends before. */
  readonly ready: Promise<unknown>
  /** Lets it live on by itself. */
  release(): void
}

export interface Network {
  /**
   * Sends a request over HTTP/1.1 and TLS (`http:` URLs go without), and resolves when the head of the answer is
   * there. Redirects are not followed. Rejects with a `NetworkError`, or with the signal's reason.
   */
  request(request: OutgoingRequest): Promise<IncomingAnswer>

  /**
   * The same for a request that asks to leave HTTP (`Connection: Upgrade`). When the server agrees (101), the connection
   * is what `stream` is, and `answer` has no body; otherwise there is no stream. Absent: none leaves HTTP.
   */
  upgrade?(request: OutgoingRequest): Promise<UpgradeAnswer>

  /**
   * Answers GET requests on a plain HTTP port, by their path; `type` is plain text unless said otherwise. Rejects when the address is taken. Absent: nobody can be
   * listened to.
   */
  serveText?(
    at: { readonly host: string; readonly port: number },
    answer: (path: string) => { readonly status: number; readonly body: string; readonly type?: string },
  ): Promise<{ close(): Promise<void> }>

  /**
   * Answers messages as they come: datagrams (UDP), and on the same port those of a connection (TCP), each behind its
   * length in two bytes (RFC 1035, 4.2.2). Port 0: one that is free for both. To some there is nothing to say. Rejects when
   * the address is taken. Absent: nobody can be listened to.
   */
  serveMessages?(
    at: { readonly host: string; readonly port: number },
    answer: (message: Uint8Array, isStream: boolean) => Uint8Array | undefined,
  ): Promise<MessageServer>
}

export interface MessageServer extends AsyncDisposable {
  readonly port: number
}

export interface UpgradeAnswer {
  readonly answer: IncomingAnswer
  readonly stream?: Duplex
}

export interface OutgoingRequest {
  readonly url: string
  /** `GET` unless said otherwise. */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>
  readonly tls?: OutgoingTls
  /** Where to connect to, for names that only the cluster knows. The URL's own host and port unless said otherwise. */
  readonly connectTo?: { readonly host: string; readonly port: number }
  /** For the head of the answer; and, when `text` is called, for all of it. */
  readonly timeoutMs: number
  /** Ends the request and the answer, wherever they are. */
  readonly signal?: AbortSignal
  /** It must not be sent again when a kept connection is lost under it: the server may have done what it asks. */
  readonly once?: boolean
}

export interface OutgoingTls {
  /** PEM of the authorities that may have signed the server's certificate; those of the host unless said otherwise. */
  readonly ca?: string
  /** The name that the certificate must hold for; the URL's host unless said otherwise. */
  readonly serverName?: string
  /** PEM, both or neither. */
  readonly clientCertificate?: string
  readonly clientKey?: string
  readonly skipServerVerification?: boolean
}

export interface IncomingAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** As it comes in. Whoever has an answer reads it to its end, or closes it. Throws a `NetworkError` when it is cut off. */
  readonly body: AsyncIterable<Uint8Array>
  /** All of it. A `NetworkError` when it is longer than `bytesMax` or comes too late. */
  text(bytesMax: number): Promise<string>
  close(): void
}

/** Why a server could not be asked. `message` says it as Go's client does, as texts that clients compare hold it. */
export class NetworkError extends Error {
  readonly reason: 'refused' | 'unreachable' | 'lookup' | 'tls' | 'timeout' | 'lost' | 'too-large'

  constructor(reason: NetworkError['reason'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}
