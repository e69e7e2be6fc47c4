import { VirtualWorld } from './virtual.ts'
import {
  type DetachedProcess,
  type Disk,
  DiskError,
  type Exec,
  type HostWorld,
  type IncomingAnswer,
  type Network,
  NetworkError,
  type OutgoingRequest,
} from './world.ts'

/** A machine that is not there: a disk in memory, programs that are functions, servers that are called by their URL. */
export class VirtualHost extends VirtualWorld implements HostWorld {
  readonly disk = new VirtualDisk()
  readonly network = new VirtualNetwork(this)
  readonly exec = new VirtualExec(this.disk)
}

interface File {
  readonly content: string
  readonly mode: number
}

export class VirtualDisk implements Disk {
  readonly #files = new Map<string, File>()
  /** Bytes that files may take together; a write beyond fails as one on a full disk does. */
  capacityBytes = Number.POSITIVE_INFINITY

  async read(path: string): Promise<string | undefined> {
    if (this.#isFolder(path)) throw cannot('read', path, 'EISDIR: illegal operation on a directory, read')
    return this.#files.get(path)?.content
  }

  async write(path: string, content: string, mode = 0o600): Promise<void> {
    if (this.#isFolder(path)) throw cannot('write', path, 'EISDIR: illegal operation on a directory, rename')
    if (foldersOf(path).some((folder) => this.#files.has(folder))) {
      throw cannot('write', path, `ENOTDIR: not a directory, open '${path}'`)
    }
    // Until the new content is complete the old one is there as well.
    if (this.#usedBytes + Buffer.byteLength(content) > this.capacityBytes) {
      throw cannot('write', path, 'ENOSPC: no space left on device, write')
    }
    this.#files.set(path, { content, mode })
  }

  async append(path: string, content: string): Promise<void> {
    const { content: before = '', mode = 0o600 } = this.#files.get(path) ?? {}
    // What is there already needs no further room.
    const room = this.capacityBytes
    this.capacityBytes += Buffer.byteLength(before)
    try {
      await this.write(path, before + content, mode)
    } finally {
      this.capacityBytes = room
    }
  }

  async size(path: string): Promise<number> {
    return Buffer.byteLength(this.#files.get(path)?.content ?? '')
  }

  async rename(from: string, to: string): Promise<void> {
    const file = this.#files.get(from)
    if (!file) throw cannot('rename', from, `ENOENT: no such file or directory, rename '${from}' -> '${to}'`)
    this.#files.delete(from)
    this.#files.set(to, file)
  }

  async list(folder: string): Promise<string[]> {
    const below = [...this.#files.keys()].filter((path) => path.startsWith(`${folder}/`))
    return [...new Set(below.map((path) => path.slice(folder.length + 1).split('/')[0]!))]
  }

  async remove(path: string): Promise<void> {
    for (const file of this.#files.keys()) if (file === path || file.startsWith(`${path}/`)) this.#files.delete(file)
  }

  /** The permissions of a file. */
  modeOf(path: string): number | undefined {
    return this.#files.get(path)?.mode
  }

  get #usedBytes(): number {
    return [...this.#files.values()].reduce((sum, { content }) => sum + Buffer.byteLength(content), 0)
  }

  #isFolder(path: string): boolean {
    return [...this.#files.keys()].some((file) => file.startsWith(`${path}/`))
  }
}

const cannot = (what: string, path: string, why: string) => new DiskError(`cannot ${what} ${path}: ${why}`)

const foldersOf = (path: string) => {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

/** What a virtual server answers. A server that throws hangs up. */
export interface VirtualAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

export type VirtualServer = (request: OutgoingRequest) => Promise<VirtualAnswer>

export class VirtualNetwork implements Network {
  readonly #world: VirtualWorld
  /** By origin; nothing behind one that was there and is gone. */
  readonly #servers = new Map<string, VirtualServer | undefined>()

  constructor(world: VirtualWorld) {
    this.#world = world
  }

  /** Has `server` answer under an origin (`https://10.0.0.1:6443`) until the returned function is called. */
  serve(origin: string, server: VirtualServer): () => void {
    this.#servers.set(origin, server)
    return () => this.#servers.set(origin, undefined)
  }

  async request(request: OutgoingRequest): Promise<IncomingAnswer> {
    const { protocol, origin, hostname } = new URL(request.url)
    const target = request.connectTo ? `${protocol}//${request.connectTo.host}:${request.connectTo.port}` : origin
    if (!this.#servers.has(target)) throw new NetworkError('lookup', `dial tcp: lookup ${hostname}: no such host`)
    const server = this.#servers.get(target)
    if (!server) throw new NetworkError('refused', `dial tcp ${hostname}: connect: connection refused`)
    const answer = await this.#inTime(request, server(request))
    const body = Buffer.from(answer.body)
    return {
      status: answer.status,
      headers: answer.headers ?? {},
      body: (async function* () {
        yield body
      })(),
      async text(bytesMax) {
        if (body.length > bytesMax) {
          throw new NetworkError('too-large', `the answer is longer than ${bytesMax} bytes`)
        }
        return answer.body
      },
      close() {},
    }
  }

  async #inTime({ timeoutMs, signal }: OutgoingRequest, answer: Promise<VirtualAnswer>): Promise<VirtualAnswer> {
    const done = new AbortController()
    const ends = signal === undefined ? done.signal : AbortSignal.any([signal, done.signal])
    const late = this.#world.clock.after(timeoutMs, ends).then(() => {
      throw new NetworkError('timeout', 'context deadline exceeded')
    })
    late.catch(() => {})
    const heard = answer.catch((error: unknown) => {
      throw new NetworkError('lost', 'EOF', { cause: error })
    })
    try {
      return await Promise.race([heard, late])
    } finally {
      done.abort()
    }
  }
}

/** A program: it says that it is ready, and ends when it returns, throws, or is told to by the signal. */
export type VirtualProgram = (args: readonly string[], process: VirtualProcess) => Promise<void>

export interface VirtualProcess {
  readonly pid: number
  readonly ended: AbortSignal
  /** Its first word to whoever started it. */
  ready(word: unknown): void
  print(line: string): void
}

export class VirtualExec implements Exec {
  readonly ownPid = 1
  /** What `startSelf` starts. */
  self: VirtualProgram = async () => {}
  readonly #disk: Disk
  readonly #running = new Map<number, AbortController>([[1, new AbortController()]])
  #lastPid = 1

  constructor(disk: Disk) {
    this.#disk = disk
  }

  startSelf(args: readonly string[], logFile: string): DetachedProcess {
    const pid = ++this.#lastPid
    const end = new AbortController()
    this.#running.set(pid, end)
    const ready = Promise.withResolvers<unknown>()
    ready.promise.catch(() => {})
    let printed = Promise.resolve()
    const print = (line: string) => {
      printed = printed.then(async () => {
        await this.#disk.write(logFile, `${(await this.#disk.read(logFile)) ?? ''}${line}\n`)
      })
    }
    const ended = (how: string) => {
      this.#running.delete(pid)
      ready.reject(new Error(`it ended with ${how}`))
    }
    end.signal.addEventListener('abort', () => ended(String(end.signal.reason)))
    this.self(args, { pid, ended: end.signal, ready: ready.resolve, print }).then(
      () => ended('exit code 0'),
      () => ended('exit code 1'),
    )
    return { pid, ready: ready.promise, release() {} }
  }

  isAlive(pid: number): boolean {
    return this.#running.has(pid)
  }

  signal(pid: number, signal: 'SIGTERM' | 'SIGKILL'): boolean {
    const process = this.#running.get(pid)
    process?.abort(signal)
    return process !== undefined
  }
}
