import { spawn } from 'node:child_process'
import { mkdirSync, openSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { request } from 'node:https'
import { dirname } from 'node:path'
import { realWorld } from './real.ts'
import type { DetachedProcess, Disk, Exec, HostWorld, Log, Network } from './world.ts'

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
      throw error
    }
  },
  async write(path, content, mode = 0o600) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const temporary = `${path}.${process.pid}.tmp`
    const file = await open(temporary, 'w', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  },
  async remove(path) {
    await rm(path, { recursive: true, force: true })
  },
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

const realNetwork: Network = {
  get(url, { ca, timeoutMs }) {
    return new Promise((resolve, reject) => {
      const outgoing = request(url, { ca, timeout: timeoutMs, agent: false }, (response) => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          body += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
        response.on('error', reject)
      })
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)))
      outgoing.on('error', reject)
      outgoing.end()
    })
  },
}
