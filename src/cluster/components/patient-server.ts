import type { HostWorld } from '../../world/world.ts'
import { ComponentFlagError } from './flags.ts'

/** As in the reference's kube-proxy. */
const askAgainMs = 5_000

export interface PatientServerOptions {
  /** What it is, for whoever reads why it is not there: `metrics`. */
  readonly name: string
  readonly at: { readonly host: string; readonly port: number }
  readonly answer: Parameters<NonNullable<HostWorld['network']['serveText']>>[1]
  /** Not to be patient: an address that is taken is an error. */
  readonly hardFail: boolean
}

type Surroundings = Pick<HostWorld, 'network' | 'clock' | 'log'>

/** A server of texts, without TLS, that comes as soon as its address is free. Waits for that until `signal` aborts. */
export class PatientServer {
  /** Resolves when it listens, or is not to any more; rejects with a `ComponentFlagError` where there is no patience. */
  readonly listening: Promise<void>
  #server: { close(): Promise<void> } | undefined

  constructor(options: PatientServerOptions, world: Surroundings, signal: AbortSignal) {
    this.listening = this.#listen(options, world, signal)
    this.listening.catch(() => {})
  }

  /** After the signal has aborted. */
  async close(): Promise<void> {
    await this.listening.catch(() => {})
    await this.#server?.close()
  }

  async #listen(options: PatientServerOptions, { network, clock, log }: Surroundings, signal: AbortSignal) {
    const { name, at, answer, hardFail } = options
    while (!signal.aborted) {
      try {
        this.#server = await network.serveText?.(at, answer)
        return
      } catch (error) {
        const message = `starting ${name} server failed: ${(error as Error).message}`
        if (hardFail) throw new ComponentFlagError(message)
        log('error', message, at)
      }
      await clock.after(askAgainMs, signal).catch(() => {})
    }
  }
}
