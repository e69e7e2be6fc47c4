import { spawn } from 'node:child_process'
import {
  closeSync,
  createReadStream,
  fchmodSync,
  fstatSync,
  fsync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { access, appendFile, constants, open, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { availableParallelism, hostname, networkInterfaces, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { realNetwork } from './network.ts'
import { realWorld } from './real.ts'
import {
  type ChildProcess,
  type DetachedProcess,
  type Disk,
  DiskError,
  type Exec,
  ExecError,
  type Finished,
  type HostWorld,
  type Log,
  type Machine,
  type RunOptions,
  type StartOptions,
} from './world.ts'

/** The machine that this process runs on. */
export function hostWorld(log?: Log): HostWorld {
  return { ...realWorld(log), disk: realDisk, exec: realExec, network: realNetwork, machine: realMachine }
}

const realMachine: Machine = {
  get hostName() {
    return hostname()
  },
  get addresses() {
    return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
      addresses.map(({ address, family, internal }) => ({
        interface: name,
        address,
        family: family === 'IPv4' ? (4 as const) : (6 as const),
        internal,
      })),
    )
  },
  get cpus() {
    return availableParallelism()
  },
  get memoryBytes() {
    return totalmem()
  },
  get userId() {
    return process.getuid?.() ?? -1
  },
}

/** Large enough that files are read at the disk's speed. */
const pieceBytes = 1 << 20

const realDisk: Disk = {
  async read(path) {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw cannot('read', path, error)
    }
  },
  async write(path, content, mode) {
    await realDisk.writeBytes(path, Buffer.from(content), mode)
  },
  async readBytes(path) {
    try {
      return await readFile(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw cannot('read', path, error)
    }
  },
  async makeFolder(path, mode) {
    try {
      makeFolder(path, mode)
    } catch (error) {
      throw cannot('make', path, error)
    }
  },
  async stat(path) {
    try {
      const about = statSync(path)
      return { isFolder: about.isDirectory(), size: about.size, mode: about.mode & 0o7777, modifiedMs: about.mtimeMs }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw cannot('read', path, error)
    }
  },
  async writeBytes(path, content, mode = 0o600) {
    const temporary = `${path}.${process.pid}.tmp`
    try {
      await inItsFolder(path, () => writeDurably(temporary, content, mode))
      renameSync(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {})
      throw cannot('write', path, error)
    }
  },
  async *readPieces(path) {
    try {
      yield* createReadStream(path, { highWaterMark: pieceBytes })
    } catch (error) {
      throw cannot('read', path, error)
    }
  },
  async writePieces(path, pieces, mode = 0o600) {
    const temporary = `${path}.${process.pid}.tmp`
    const remove = () => rm(temporary, { force: true }).catch(() => {})
    const asDiskError = async (error: unknown): Promise<never> => {
      await remove()
      throw cannot('write', path, error)
    }
    try {
      makeFolder(dirname(path))
    } catch (error) {
      return asDiskError(error)
    }
    const file = await open(temporary, 'w', mode).catch(asDiskError)
    try {
      for await (const piece of pieces) await file.writeFile(piece).catch(asDiskError)
      await file.sync().catch(asDiskError)
    } catch (error) {
      await file.close()
      await remove()
      throw error
    }
    await file.close()
    await rename(temporary, path).catch(asDiskError)
  },
  async openParts(path) {
    let file: number
    try {
      file = openSync(path, 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw cannot('read', path, error)
    }
    return {
      size: fstatSync(file).size,
      read(offset, length) {
        const bytes = Buffer.allocUnsafe(length)
        if (readSync(file, bytes, 0, length, offset) < length)
          throw cannot('read', path, new Error('it ends too early'))
        return bytes
      },
      [Symbol.dispose]: () => closeSync(file),
    }
  },
  async append(path, content) {
    try {
      makeFolder(dirname(path))
      await appendFile(path, content, { mode: 0o600 })
    } catch (error) {
      throw cannot('write', path, error)
    }
  },
  async size(path) {
    try {
      return statSync(path).size
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
      throw cannot('read', path, error)
    }
  },
  async rename(from, to) {
    await rename(from, to).catch((error) => Promise.reject(cannot('rename', from, error)))
  },
  async link(target, path) {
    const temporary = `${path}.${process.pid}.tmp`
    try {
      makeFolder(dirname(path))
      await rm(temporary, { force: true })
      await symlink(target, temporary)
      await rename(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {})
      throw cannot('link', path, error)
    }
  },
  async list(folder) {
    try {
      return await readdir(folder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw cannot('read', folder, error)
    }
  },
  async remove(path) {
    await rm(path, { recursive: true, force: true }).catch((error) => Promise.reject(cannot('remove', path, error)))
  },
  watch(path, changed) {
    // The folder: files are replaced by others, and Kubernetes mounts them behind links that are.
    const watcher = watch(dirname(path), { persistent: false }, changed)
    watcher.on('error', () => {})
    return () => watcher.close()
  },
}

/**
 * Only to wait for the disk is left to another thread: to hand it each of the other calls, and to come back, takes ten times
 * as long as the call.
 */
async function writeDurably(path: string, content: Uint8Array, mode: number): Promise<void> {
  const file = openSync(path, 'w', mode)
  try {
    // What this process may not give to files that it makes, it can give them now.
    fchmodSync(file, mode)
    writeFileSync(file, content)
    await syncFile(file)
  } finally {
    closeSync(file)
  }
}

const syncFile = promisify(fsync)

const cannot = (what: string, path: string, error: unknown) =>
  new DiskError(`cannot ${what} ${path}: ${(error as Error).message}`, { cause: error })

/** Does something that makes a file, and makes its folder where that is missing, which it hardly ever is. */
async function inItsFolder(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    makeFolder(dirname(path))
    await work()
  }
}

/**
 * Makes a folder and those above it. Not Node's recursive `mkdir`, which tries for ever where a folder cannot be made
 * and the system says that the one above is missing (`/proc/x`).
 */
function makeFolder(path: string, mode = 0o700): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(path) === path) throw error
    makeFolder(dirname(path), mode)
    mkdirSync(path, { mode })
  }
}

const realExec: Exec = {
  get ownPid() {
    return process.pid
  },
  get self(): Exec['self'] {
    return [process.execPath, ...process.execArgv, process.argv[1]!]
  },
  run: runProgram,
  start: startProgram,
  which,
  isAlive(pid) {
    return sendSignal(pid, 0)
  },
  signal(pid, signal) {
    return sendSignal(pid, signal)
  },
  startSelf(args, logFile): DetachedProcess {
    mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 })
    const output = openSync(logFile, 'a', 0o600)
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args], {
      detached: true,
      stdio: ['ignore', output, output, 'ipc'],
    })
    const ready = new Promise<unknown>((resolve, reject) => {
      child.once('message', resolve)
      child.once('error', reject)
      child.once('exit', (code, signal) => reject(new Error(`it ended with ${signal ?? `exit code ${code}`}`)))
    })
    return {
      pid: child.pid ?? 0,
      ready,
      release() {
        child.disconnect()
        child.unref()
      },
    }
  },
}

function startProgram(
  program: string,
  args: readonly string[],
  { env, logFile, detached = false }: StartOptions = {},
): ChildProcess {
  if (logFile) mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 })
  const output = logFile ? openSync(logFile, 'a', 0o600) : 2
  const child = spawn(program, [...args], {
    detached,
    stdio: ['ignore', output, output],
    env: { ...process.env, ...env },
  })
  if (logFile) closeSync(output)
  if (detached) child.unref()
  const exited = new Promise<Awaited<ChildProcess['exited']>>((resolve) => {
    child.once('error', (error) => resolve({ code: undefined, signal: undefined, error }))
    child.once('exit', (code, signal) => resolve({ code: code ?? undefined, signal: signal ?? undefined }))
  })
  return { pid: child.pid ?? 0, exited, signal: (signal) => void child.kill(signal) }
}

async function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = spawn(program, [...args], {
    env: { ...process.env, ...options.env },
    ...(options.timeoutMs !== undefined && { timeout: options.timeoutMs, killSignal: 'SIGKILL' as const }),
  })
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.once('error', (error) => reject(new ExecError(`cannot run ${program}: ${error.message}`, { cause: error })))
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  // Who reads no input closes it.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input)
  const [{ code, signal }, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { code: code ?? undefined, signal: signal ?? undefined, stdout, stderr }
}

async function which(program: string): Promise<string | undefined> {
  const folders = program.includes('/') ? [''] : (process.env.PATH ?? '').split(':')
  for (const folder of folders) {
    const path = join(folder, program)
    try {
      await access(path, constants.X_OK)
      return path
    } catch {}
  }
  return undefined
}

function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    // Somebody else's process is there all the same.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
