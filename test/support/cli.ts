import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HttpClient } from '../../src/client/http.ts'
import { fromKubeconfig } from '../../src/client/kubeconfig.ts'
import { imageOf, nodeFlags } from '../../tools/node-flags.ts'
import { quietWorld } from './served.ts'
import { root } from './sources.ts'

type Program = (command?: string) => readonly string[]

const bundle = process.env['CORACLE_TEST_BUNDLE'] ?? (await buildHere())

/** The image of memory that the program is run from: for a command, or for any. */
export const imageFile = (command?: string): string => imageOf(bundle, command)

/** What Node.js is given to run the program as `./coracle` does, from an image of its memory: for a command, or for any. */
export const program: Program = (command) => [...nodeFlags, '--snapshot-blob', imageFile(command), bundle]

/** For a test that is run by itself. */
async function buildHere(): Promise<string> {
  await mkdir(join(root, '.cache'), { recursive: true })
  // Inside the checkout, from where it finds its dependencies.
  const folder = await mkdtemp(join(root, '.cache/cli-test-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const bundle = join(folder, 'coracle.mjs')
  execFileSync(process.execPath, [join(root, 'tools/build.ts'), bundle])
  return bundle
}

/** What a command said, and how it ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A home folder of its own for the commands of one test. What still runs at its end is killed. */
export class Home implements AsyncDisposable {
  readonly folder: string
  readonly #program: Program
  readonly #running = new Set<Running>()

  private constructor(folder: string, program: Program) {
    this.folder = folder
    this.#program = program
  }

  static async make(): Promise<Home> {
    return new Home(await mkdtemp(join(tmpdir(), 'coracle-cli-')), program)
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts)
  }

  read(...parts: string[]): Promise<string> {
    return readFile(this.path(...parts), 'utf8')
  }

  /** Begins a command. */
  start(...args: string[]): Running {
    const running = new Running([...this.#program(args[0]), ...args], this.folder)
    this.#running.add(running)
    return running
  }

  /** Runs a command to its end. */
  run(...args: string[]): Promise<Ended> {
    return this.start(...args).ended
  }

  /** The administrator's client, by a kubeconfig below the folder. */
  async client(...parts: string[]): Promise<HttpClient> {
    const text = await this.read(...(parts.length > 0 ? parts : ['.kube', 'config']))
    return new HttpClient({ ...quietWorld, ...fromKubeconfig(text) })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const left = await this.run('status', '--output', 'json')
    const { pid } = JSON.parse(left.stdout || '{}') as { readonly pid?: number }
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
    for (const running of this.#running) running.kill('SIGKILL')
    await Promise.all([...this.#running].map((running) => running.ended))
    await rm(this.folder, { recursive: true, maxRetries: 5 })
  }
}

export class Running {
  readonly ended: Promise<Ended>
  readonly #process: ChildProcess
  readonly #waiting: {
    readonly text: string
    readonly resolve: () => void
    readonly reject: (error: Error) => void
  }[] = []
  #stdout = ''
  #stderr = ''

  constructor(args: readonly string[], home: string) {
    this.#process = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      cwd: home,
      env: { HOME: home, PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process.stdout!.on('data', (chunk) => {
      this.#stdout += chunk
      this.#tell()
    })
    this.#process.stderr!.on('data', (chunk) => {
      this.#stderr += chunk
    })
    this.ended = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => {
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr })
        for (const { text, reject } of this.#waiting)
          reject(new Error(`it ended before it said "${text}": ${this.#stdout}${this.#stderr}`))
      })
    })
  }

  get pid(): number {
    return this.#process.pid!
  }

  get stdout(): string {
    return this.#stdout
  }

  /** Resolves when it has written that to standard output. */
  until(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text, resolve, reject })
      this.#tell()
    })
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  #tell(): void {
    for (const { text, resolve } of this.#waiting) if (this.#stdout.includes(text)) resolve()
  }
}
