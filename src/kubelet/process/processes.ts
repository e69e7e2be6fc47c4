import type { Clock, Disk, Exec } from '../../world/world.ts'

/** A process, so that it is not taken for another that was given its number later. */
export interface ProcessId {
  readonly pid: number
  /** When it began, in ticks of the kernel's clock; absent where nobody can tell. */
  readonly began?: string
}

export interface Ended {
  /** Absent when a signal ended it, or nobody saw how. */
  readonly code: number | undefined
  readonly signal: string | undefined
  /** It was not started by this process, so how it ended is not known. */
  readonly unseen?: true
}

/** How often somebody else's process is looked at: only its parent is told when it ends. */
const lookMs = 500

/** Processes of the host that may outlive the one that started them. */
export class Processes {
  readonly #exec: Exec
  readonly #disk: Disk
  readonly #clock: Clock

  constructor({ exec, disk, clock }: { readonly exec: Exec; readonly disk: Disk; readonly clock: Clock }) {
    this.#exec = exec
    this.#disk = disk
    this.#clock = clock
  }

  /** Starts a program in a group of its own, its output added to `logFile`. Throws when it cannot be started. */
  async start(
    [program, ...args]: readonly [string, ...string[]],
    options: { readonly logFile: string; readonly env: Readonly<Record<string, string>> },
  ): Promise<{ readonly id: ProcessId; readonly ended: Promise<Ended> }> {
    const child = this.#exec.start(program, args, { ...options, detached: true })
    const ended = child.exited.then(({ code, signal }) => ({ code, signal }))
    if (child.pid === 0) throw (await child.exited).error ?? new Error(`${program} could not be started`)
    return { id: await this.#identify(child.pid), ended }
  }

  async isAlive(id: ProcessId): Promise<boolean> {
    if (!this.#exec.isAlive(id.pid)) return false
    const now = await this.#stat(id.pid)
    // What has ended, and whose parent has not looked yet, runs no more.
    if (now?.state === 'Z') return false
    return id.began === undefined || now === undefined || now.began === id.began
  }

  /** Resolves when a process that somebody else started has ended; rejects with the signal's reason. */
  async ended(id: ProcessId, signal: AbortSignal): Promise<Ended> {
    while (await this.isAlive(id)) await this.#clock.after(lookMs, signal)
    return { code: undefined, signal: undefined, unseen: true }
  }

  /** Asks a process to end. */
  async ask(id: ProcessId): Promise<void> {
    if (await this.isAlive(id)) this.#exec.signal(id.pid, 'SIGTERM')
  }

  /** Ends a process and all that it has started in its group. */
  async kill(id: ProcessId): Promise<void> {
    if (!(await this.isAlive(id))) return
    this.#exec.signal(-id.pid, 'SIGKILL')
    this.#exec.signal(id.pid, 'SIGKILL')
  }

  async #identify(pid: number): Promise<ProcessId> {
    const began = (await this.#stat(pid))?.began
    return { pid, ...(began !== undefined && { began }) }
  }

  async #stat(pid: number): Promise<{ readonly state: string; readonly began: string } | undefined> {
    const text = await this.#disk.read(`/proc/${pid}/stat`).catch(() => undefined)
    // The name stands in brackets and may hold anything.
    const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
    const [state, began] = [fields?.[0], fields?.[19]]
    return state !== undefined && began !== undefined ? { state, began } : undefined
  }
}
