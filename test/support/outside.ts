/** Servers of somebody else's: small processes that speak TLS, which the API server asks (webhooks, aggregated APIs). */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { createAuthority, issueCertificate, type KeyPair } from '../../src/lifecycle/pki.ts'
import { realWorld } from '../../src/world/real.ts'
import { root } from './sources.ts'

/** What a server is told when it starts. */
export interface Start {
  readonly host: string
  readonly port: number
  readonly certificate: string
  readonly key: string
  /** PEM of who signs the certificates of its clients. */
  readonly clientAuthority?: string
}

export interface OutsideServer extends AsyncDisposable {
  readonly port: number
  /** PEM in base64, as `caBundle` wants it. */
  readonly caBundle: string
  /** Tells the process something; resolves with its answer. */
  tell(message: object): Promise<unknown>
  /** kill -9. */
  kill(): Promise<void>
  /** Starts the process again on the same port, with another authority when told so. */
  restart(options?: { readonly newAuthority?: boolean }): Promise<void>
}

export interface OutsideOptions {
  /** Names and addresses for which its certificate holds. */
  readonly hosts: readonly string[]
  readonly host?: string
  readonly clientAuthority?: string
}

const world = realWorld(() => {})

/** Starts a script of `test/support/servers/` in a process of its own. */
export async function startOutside(script: string, options: OutsideOptions): Promise<OutsideServer> {
  const server = new Outside(script, options)
  await server.start(0)
  return server
}

/** An address of this machine that is no loopback one, as endpoints of services must be; undefined: it has none. */
export function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address
}

class Outside implements OutsideServer {
  readonly #script: string
  readonly #options: OutsideOptions
  #authority: KeyPair = createAuthority('outside-ca', world)
  #child: ChildProcess | undefined
  port = 0

  constructor(script: string, options: OutsideOptions) {
    this.#script = script
    this.#options = options
  }

  get caBundle(): string {
    return Buffer.from(this.#authority.certificate).toString('base64')
  }

  async start(port: number): Promise<void> {
    const { hosts, host = '127.0.0.1', clientAuthority } = this.#options
    const pair = issueCertificate(this.#authority, { commonName: 'outside', hosts, usages: ['server'] }, world)
    const child = fork(join(root, 'test/support/servers', this.#script), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child = child
    const start: Start = { host, port, ...pair, ...(clientAuthority !== undefined && { clientAuthority }) }
    const answer = (await this.tell(start)) as { readonly port: number }
    this.port = answer.port
  }

  async tell(message: object): Promise<unknown> {
    const child = this.#child!
    const answered = once(child, 'message')
    child.send(message)
    const [answer] = await answered
    return answer
  }

  async kill(): Promise<void> {
    const child = this.#child!
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  async restart({ newAuthority = false } = {}): Promise<void> {
    await this.kill()
    if (newAuthority) this.#authority = createAuthority('outside-ca', world)
    await this.start(this.port)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }
}
