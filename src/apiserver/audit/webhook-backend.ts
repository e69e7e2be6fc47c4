import type { Clock, Log, Network } from '../../world/world.ts'
import type { WebhookTarget } from '../webhook-client.ts'
import type { AuditBackend, AuditEvent } from './event.ts'

export interface WebhookBackendOptions {
  readonly target: WebhookTarget
  /** Events that wait at most; what comes beyond is dropped, and counted in the log. */
  readonly bufferSize: number
  /** Events in one request. */
  readonly batchMax: number
  /** The longest that an event waits for others. */
  readonly waitMaxMs: number
  readonly initialBackoffMs: number
  readonly network: Network
  readonly clock: Clock
  readonly log: Log
}

const timeoutMs = 30_000
const tries = 5
/** So long a request may still take when the server ends. */
const lastTimeoutMs = 5_000

/** Sends events in batches to a webhook: `--audit-webhook-config-file` in the mode `batch`. Requests never wait for it. */
export class WebhookBackend implements AuditBackend {
  readonly #options: WebhookBackendOptions
  #waiting: AuditEvent[] = []
  #sending: Promise<void> | undefined
  #cancel: (() => void) | undefined
  #dropped = 0
  readonly #closing = new AbortController()
  /** Ends requests that take too long for a server that wants to end. */
  readonly #cut = new AbortController()

  constructor(options: WebhookBackendOptions) {
    this.#options = options
  }

  write(event: AuditEvent): void {
    const { bufferSize, batchMax, waitMaxMs, clock } = this.#options
    if (this.#waiting.length >= bufferSize) {
      this.#dropped++
      return
    }
    this.#waiting.push(event)
    if (this.#waiting.length >= batchMax) this.#send()
    else this.#cancel ??= clock.timer(waitMaxMs, () => this.#send())
  }

  /** Sends what waits. A webhook that fails now is not tried again: nobody waits for one that is dead to come back. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    const cancel = this.#options.clock.timer(lastTimeoutMs, () => this.#cut.abort())
    while (this.#waiting.length > 0 || this.#sending !== undefined) {
      this.#send()
      await this.#sending
    }
    cancel()
  }

  #send(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#sending !== undefined || this.#waiting.length === 0) return
    const batch = this.#waiting.splice(0, this.#options.batchMax)
    this.#sending = this.#deliver(batch).finally(() => {
      this.#sending = undefined
      if (this.#waiting.length > 0) this.#send()
    })
  }

  async #deliver(items: readonly AuditEvent[]): Promise<void> {
    const body = JSON.stringify({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items })
    const { initialBackoffMs, clock, log } = this.#options
    const isClosing = this.#closing.signal
    for (let attempt = 0; ; attempt++) {
      const fault = await this.#post(body)
      if (fault === undefined) break
      if (attempt === tries - 1 || isClosing.aborted) {
        this.#giveUp(items.length, fault)
        break
      }
      await clock.after(initialBackoffMs * 1.5 ** attempt, isClosing).catch(() => {})
    }
    if (this.#dropped > 0) log('warn', 'audit events were dropped', { count: this.#dropped })
    this.#dropped = 0
  }

  #giveUp(count: number, error: string): void {
    this.#options.log('error', 'audit events were not delivered', { error })
    this.#dropped += count
    if (this.#closing.signal.aborted) this.#dropped += this.#waiting.splice(0).length
  }

  /** What is wrong; nothing when they are delivered. */
  async #post(body: string): Promise<string | undefined> {
    const { target, network } = this.#options
    try {
      const answer = await network.request({ ...target, method: 'POST', body, timeoutMs, signal: this.#cut.signal })
      const text = await answer.text(64 * 1024)
      return answer.status < 300 ? undefined : `the webhook answered ${answer.status}: ${text.slice(0, 200)}`
    } catch (error) {
      return (error as Error).message
    }
  }
}
