import { type ProcessId, type ProcessStat, parseProcessNote, parseProcessStat } from '../../base/process-stat.ts'
import type { Clock, Disk, Exec } from '../../world/world.ts'

export interface Ended {
  /** Absent when a signal ended it, or nobody saw how. */
  readonly code: number | undefined
  readonly signal: string | undefined
  /** It was not started by this process, so how it ended is not known. */
  readonly unseen?: true
}

interface StartOptions {
  readonly note: string
  readonly logFile: string
  readonly env: Readonly<Record<string, string>>
}

/**
 * For a shell: `sh -c … NOTE PROGRAM ARGUMENTS`. Where there is no /proc the number has to do; where there is no room for the
 * note there is no program either, as nobody would find it again.
 */
const noteItself = 'read -r stat 2>/dev/null </proc/self/stat || stat=$$; echo "$stat" >"$0" && exec "$@"'

/** How often somebody else's process is looked at: only its parent is told when it ends. */
const lookMs = 500
/** A process notes itself within milliseconds. */
const noteMs = 2

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

  /**
   * Starts a program in a group of its own, its output added to `logFile`. In `note` it is written which process it is,
   * by that itself before it becomes the program: whoever is killed now leaves none that nobody could find again. Resolves
   * when it has; throws when it cannot be started.
   */
  async start(
    command: readonly [string, ...string[]],
    { note, ...options }: StartOptions,
  ): Promise<{ readonly id: ProcessId; readonly ended: Promise<Ended> }> {
    const child = this.#exec.start('sh', ['-c', noteItself, note, ...command], { ...options, detached: true })
    const ended = child.exited.then(({ code, signal }) => ({ code, signal }))
    if (child.pid === 0) throw (await child.exited).error ?? new Error(`${command[0]} could not be started`)
    const began = (await this.#stat(child.pid))?.began
    const over = ended.then(() => true)
    while ((await this.noted(note))?.pid !== child.pid)
      if (await Promise.race([over, this.#clock.after(noteMs).then(() => false)])) break
    return { id: { pid: child.pid, ...(began !== undefined && { began }) }, ended }
  }

  /** Of what a process has noted in `note`; undefined when it came to nothing. */
  async noted(note: string): Promise<ProcessId | undefined> {
    return parseProcessNote(await this.#disk.read(note))
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

  async #stat(pid: number): Promise<ProcessStat | undefined> {
    return parseProcessStat(await this.#disk.read(`/proc/${pid}/stat`).catch(() => undefined))
  }
}
