import { VirtualWorld } from './virtual.ts'
import {
  type ChildProcess,
  type DetachedProcess,
  type Disk,
  DiskError,
  type Exec,
  ExecError,
  type FileParts,
  type FileStat,
  type Finished,
  type HostWorld,
  type IncomingAnswer,
  type Machine,
  type Network,
  NetworkError,
  type OutgoingRequest,
  type RunOptions,
} from './world.ts'

/** A machine that is not there: a disk in memory, programs that are functions, servers that are called by their URL. */
export class VirtualHost extends VirtualWorld implements HostWorld {
  readonly disk = new VirtualDisk()
  readonly network = new VirtualNetwork(this)
  readonly exec = new VirtualExec(this.disk)
  /** May be replaced by another. */
  machine: Machine = {
    hostName: 'host',
    addresses: [
      { interface: 'lo', address: '127.0.0.1', family: 4, internal: true },
      { interface: 'eth0', address: '10.0.0.1', family: 4, internal: false },
    ],
    cpus: 2,
    memoryBytes: 4 * 1024 ** 3,
    userId: 0,
  }
}

interface File {
  readonly content: string
  readonly mode: number
}

export class VirtualDisk implements Disk {
  readonly #files = new Map<string, File>()
  readonly #bytes = new Map<string, Uint8Array>()
  /** Symbolic links, and what they lead to. */
  readonly #links = new Map<string, string>()
  /** Those that were made; others are there because a file is in them. */
  readonly #folders = new Set<string>()
  /** Bytes that files may take together; a write beyond fails as one on a full disk does. */
  capacityBytes = Number.POSITIVE_INFINITY

  async read(path: string): Promise<string | undefined> {
    if (this.#isFolder(path)) throw cannot('read', path, 'EISDIR: illegal operation on a directory, read')
    return this.#files.get(this.#behind(path))?.content
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
    this.#links.delete(path)
    this.#files.set(path, { content, mode })
    this.#bytes.delete(path)
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

  async readBytes(path: string): Promise<Uint8Array | undefined> {
    const content = await this.read(path)
    return content === undefined ? undefined : (this.#bytes.get(this.#behind(path)) ?? Buffer.from(content))
  }

  async writeBytes(path: string, content: Uint8Array, mode?: number): Promise<void> {
    const bytes = Buffer.from(content)
    await this.write(path, bytes.toString(), mode)
    // What is no text would not survive as one.
    this.#bytes.set(path, bytes)
  }

  async *readPieces(path: string): AsyncGenerator<Uint8Array> {
    const bytes = await this.readBytes(path)
    if (bytes === undefined) throw cannot('read', path, `ENOENT: no such file or directory, open '${path}'`)
    yield bytes
  }

  async writePieces(
    path: string,
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    mode?: number,
  ): Promise<void> {
    const parts: Uint8Array[] = []
    for await (const piece of pieces) parts.push(piece)
    await this.writeBytes(path, Buffer.concat(parts), mode)
  }

  async openParts(path: string): Promise<FileParts | undefined> {
    const bytes = await this.readBytes(path)
    if (bytes === undefined) return undefined
    const content = Buffer.from(bytes)
    return {
      size: content.length,
      read: (offset, length) => content.subarray(offset, offset + length),
      [Symbol.dispose]() {},
    }
  }

  async makeFolder(path: string): Promise<void> {
    this.#folders.add(path)
  }

  async stat(path: string): Promise<FileStat | undefined> {
    const file = this.#files.get(this.#behind(path))
    if (file) return { isFolder: false, size: await this.size(path), mode: file.mode, modifiedMs: 0 }
    if (this.#isFolder(path) || this.#folders.has(path)) {
      return { isFolder: true, size: 0, mode: 0o700, modifiedMs: 0 }
    }
    return undefined
  }

  async size(path: string): Promise<number> {
    const file = this.#behind(path)
    return this.#bytes.get(file)?.length ?? Buffer.byteLength(this.#files.get(file)?.content ?? '')
  }

  async link(target: string, path: string): Promise<void> {
    await this.remove(path)
    this.#links.set(path, target.startsWith('/') ? target : `${path.slice(0, path.lastIndexOf('/'))}/${target}`)
  }

  #behind(path: string): string {
    return this.#links.get(path) ?? path
  }

  async rename(from: string, to: string): Promise<void> {
    const file = this.#files.get(from)
    if (!file) throw cannot('rename', from, `ENOENT: no such file or directory, rename '${from}' -> '${to}'`)
    this.#files.delete(from)
    this.#files.set(to, file)
    const bytes = this.#bytes.get(from)
    this.#bytes.delete(from)
    if (bytes) this.#bytes.set(to, bytes)
    else this.#bytes.delete(to)
  }

  async list(folder: string): Promise<string[]> {
    const below = [...this.#files.keys(), ...this.#links.keys()].filter((path) => path.startsWith(`${folder}/`))
    return [...new Set(below.map((path) => path.slice(folder.length + 1).split('/')[0]!))]
  }

  async remove(path: string): Promise<void> {
    for (const names of [this.#files, this.#bytes, this.#links, this.#folders]) {
      for (const name of names.keys()) if (name === path || name.startsWith(`${path}/`)) names.delete(name)
    }
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
  program: VirtualProgram = async () => {}
  /** What `run` finds, by name. */
  readonly programs = new Map<
    string,
    (args: readonly string[], options: RunOptions) => Promise<Partial<Omit<Finished, 'signal'>>>
  >()
  readonly #disk: Disk
  readonly #running = new Map<number, AbortController>([[1, new AbortController()]])
  #lastPid = 1

  constructor(disk: Disk) {
    this.#disk = disk
  }

  readonly self: Exec['self'] = ['coracle']

  async which(program: string): Promise<string | undefined> {
    return this.programs.has(program) ? `/usr/bin/${program}` : undefined
  }

  async run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const found = this.programs.get(program.split('/').at(-1)!)
    if (!found) throw new ExecError(`cannot run ${program}: spawn ${program} ENOENT`)
    const { code = 0, stdout = '', stderr = '' } = await found(args, options)
    return { code, signal: undefined, stdout, stderr }
  }

  start(program: string): ChildProcess {
    const error = new ExecError(`cannot run ${program}: programs of a virtual host do not go on`)
    return { pid: 0, exited: Promise.resolve({ code: undefined, signal: undefined, error }), signal() {} }
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
    this.program(args, { pid, ended: end.signal, ready: ready.resolve, print }).then(
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
