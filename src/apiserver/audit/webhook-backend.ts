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

/** Sends events in batches to a webhook: `--audit-webhook-config-file` in the mode `batch`. Requests never wait for it. */
export class WebhookBackend implements AuditBackend {
  readonly #options: WebhookBackendOptions
  #waiting: AuditEvent[] = []
  #sending: Promise<void> | undefined
  #cancel: (() => void) | undefined
  #dropped = 0

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

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#waiting.length > 0 || this.#sending !== undefined) {
      this.#send()
      await this.#sending
    }
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
    for (let attempt = 0; ; attempt++) {
      const fault = await this.#post(body)
      if (fault === undefined) break
      if (attempt === tries - 1) {
        this.#dropped += items.length
        log('error', 'audit events were not delivered', { error: fault })
        break
      }
      await clock.after(initialBackoffMs * 1.5 ** attempt)
    }
    if (this.#dropped > 0) log('warn', 'audit events were dropped', { count: this.#dropped })
    this.#dropped = 0
  }

  /** What is wrong; nothing when they are delivered. */
  async #post(body: string): Promise<string | undefined> {
    const { target, network } = this.#options
    try {
      const answer = await network.request({ ...target, method: 'POST', body, timeoutMs })
      const text = await answer.text(64 * 1024)
      return answer.status < 300 ? undefined : `the webhook answered ${answer.status}: ${text.slice(0, 200)}`
    } catch (error) {
      return (error as Error).message
    }
  }
}
