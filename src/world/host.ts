import { spawn } from 'node:child_process'
import { mkdirSync, openSync, watch } from 'node:fs'
import { appendFile, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { realNetwork } from './network.ts'
import { realWorld } from './real.ts'
import { type DetachedProcess, type Disk, DiskError, type Exec, type HostWorld, type Log } from './world.ts'

/** The machine that this process runs on. */
export function hostWorld(log?: Log): HostWorld {
  return { ...realWorld(log), disk: realDisk, exec: realExec, network: realNetwork }
}

const realDisk: Disk = {
  async read(path) {
    try {
      return await readFile(path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw cannot('read', path, error)
    }
  },
  async write(path, content, mode = 0o600) {
    const temporary = `${path}.${process.pid}.tmp`
    try {
      await makeFolder(dirname(path))
      await writeDurably(temporary, content, mode)
      await rename(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {})
      throw cannot('write', path, error)
    }
  },
  async append(path, content) {
    try {
      await makeFolder(dirname(path))
      await appendFile(path, content, { mode: 0o600 })
    } catch (error) {
      throw cannot('write', path, error)
    }
  },
  async size(path) {
    try {
      return (await stat(path)).size
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
      throw cannot('read', path, error)
    }
  },
  async rename(from, to) {
    await rename(from, to).catch((error) => Promise.reject(cannot('rename', from, error)))
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

async function writeDurably(path: string, content: string, mode: number): Promise<void> {
  const file = await open(path, 'w', mode)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

const cannot = (what: string, path: string, error: unknown) =>
  new DiskError(`cannot ${what} ${path}: ${(error as Error).message}`, { cause: error })

/**
 * Makes a folder and those above it. Not Node's recursive `mkdir`, which tries for ever where a folder cannot be made
 * and the system says that the one above is missing (`/proc/x`).
 */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(path) === path) throw error
    await makeFolder(dirname(path))
    await mkdir(path, { mode: 0o700 })
  }
}

const realExec: Exec = {
  ownPid: process.pid,
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

function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    // Somebody else's process is there all the same.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
