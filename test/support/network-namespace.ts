/** A network of its own on this machine, with an address, and maybe others besides: what a node is to the proxy of services. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import type { Ran } from './host.ts'
import { hostsMissing } from './hosts.ts'

/** Why there can be no such networks with rules here; undefined: there can. In CI that is a failure. */
export function rulesMissing(): string | undefined {
  const reason = hostsMissing() ?? findReason()
  if (reason !== undefined && process.env['CI'] === 'true') throw new Error(reason)
  return reason
}

function findReason(): string | undefined {
  try {
    execFileSync('unshare', ['--net', 'nft', 'add', 'table', 'ip', 'try'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'the kernel has no nftables'
  }
}

export class NetworkNamespace implements Disposable {
  readonly #first: ChildProcess
  readonly #children = new Set<ChildProcess>()

  private constructor(first: ChildProcess) {
    this.#first = first
  }

  /** Makes one in which these lines of shell have been run. */
  static async create(...script: readonly string[]): Promise<NetworkNamespace> {
    const lines = ['set -e', 'ip link set lo up', ...script, 'echo up', 'exec sleep infinity']
    const first = spawn('unshare', ['--net', 'sh', '-c', lines.join('\n')], { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise<void>((resolve, reject) => {
      first.stdout!.once('data', () => resolve())
      first.once('exit', () => reject(new Error('the network could not be made')))
    })
    return new NetworkNamespace(first)
  }

  /** As `ip` names it. */
  get pid(): number {
    return this.#first.pid!
  }

  /** Runs a program in it to its end. */
  async run(program: string, args: readonly string[], input?: string | Uint8Array): Promise<Ran> {
    const child = this.start(program, args)
    child.stdin!.on('error', () => {})
    child.stdin!.end(input)
    const ended = new Promise<number | undefined>((resolve) =>
      child.once('close', (code) => resolve(code ?? undefined)),
    )
    const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout!), text(child.stderr!)])
    return { code, stdout, stderr }
  }

  /** Starts a program in it that goes on. */
  start(program: string, args: readonly string[]): ChildProcess {
    const child = spawn('nsenter', [`--net=/proc/${this.pid}/ns/net`, program, ...args], { stdio: 'pipe' })
    this.#children.add(child)
    child.once('close', () => this.#children.delete(child))
    return child
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill('SIGKILL')
    this.#first.kill('SIGKILL')
  }
}
