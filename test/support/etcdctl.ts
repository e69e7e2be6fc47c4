/** Runs the real `etcdctl` (API 3): Debian's `/usr/bin/etcdctl`, or what `CORACLE_ETCDCTL` names. */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'

const binary = process.env['CORACLE_ETCDCTL'] ?? '/usr/bin/etcdctl'

/** Why tests with etcdctl are skipped; undefined: they run. In CI a missing etcdctl is a failure. */
export function etcdctlMissing(): string | undefined {
  if (existsSync(binary)) return undefined
  if (process.env['CI'] === 'true') throw new Error(`${binary} is missing (apt-get install etcd-client)`)
  return `${binary} is missing`
}

export interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const env = { PATH: process.env['PATH'], ETCDCTL_API: '3', HOME: process.env['HOME'] }

/** One command to its end. */
export function etcdctl(endpoint: string, args: readonly string[], stdin = ''): Promise<Said> {
  return new Promise((resolve) => {
    const child = execFile(
      binary,
      ['--endpoints', endpoint, ...args],
      { env, timeout: 60_000, maxBuffer: 1 << 26 },
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
    this.#child = spawn(binary, ['--endpoints', endpoint, ...args], { env })
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
