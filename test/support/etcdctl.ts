/** Runs the real `etcdctl` (API 3) that is on the search path (see etcds.ts). */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process'
import { missingProgram } from './etcds.ts'

/** Why tests with etcdctl are skipped; undefined: they run. In CI a missing etcdctl is a failure. */
export const etcdctlMissing = (): string | undefined => missingProgram('etcdctl')

export interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const environment = () => ({ PATH: process.env['PATH'], ETCDCTL_API: '3', HOME: process.env['HOME'] })

/** One command to its end. */
export function etcdctl(endpoint: string, args: readonly string[], stdin = ''): Promise<Said> {
  return new Promise((resolve) => {
    const child = execFile(
      'etcdctl',
      ['--endpoints', endpoint, ...args],
      { env: environment(), timeout: 60_000, maxBuffer: 1 << 26 },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    )
    // It may end without having read.
    child.stdin?.on('error', () => {})
    child.stdin?.end(stdin)
  })
}

/** A command that goes on: `watch`, `lease keep-alive`. */
export class RunningEtcdctl implements Disposable {
  stdout = ''
  readonly #child: ChildProcessWithoutNullStreams
  #heard = () => {}
  #isOver = false

  constructor(endpoint: string, args: readonly string[]) {
    this.#child = spawn('etcdctl', ['--endpoints', endpoint, ...args], { env: environment() })
    this.#child.stdout.on('data', (text) => {
      this.stdout += text
      this.#heard()
    })
    this.#child.once('close', () => {
      this.#isOver = true
      this.#heard()
    })
  }

  /** Resolves when it has said so much; what it said until it ended, if that is less. */
  async says(text: string): Promise<string> {
    while (!this.stdout.includes(text) && !this.#isOver) {
      await new Promise<void>((done) => {
        this.#heard = done
      })
    }
    return this.stdout
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }
}

/** As they are. Only their cells where the etcdctl is one of those that draw other borders and wrap nothing. */
export function comparableTables(ours: readonly string[], theirs: readonly string[]): (readonly string[])[] {
  return theirs[0]?.startsWith('┌') ? [cellsOf(ours), cellsOf(theirs)] : [ours, theirs]
}

function cellsOf(lines: readonly string[]): string[] {
  const rows: string[][] = []
  for (const line of lines) {
    const cells = line.split(/[|│]/).map((cell) => cell.trim())
    if (cells.length === 1) continue
    // The second line of a row that was wrapped.
    if (cells[1] === '') rows.push(rows.pop()!.map((cell, column) => `${cell} ${cells[column]}`.trim()))
    else rows.push(cells)
  }
  return rows.map((cells) => cells.join('|'))
}
