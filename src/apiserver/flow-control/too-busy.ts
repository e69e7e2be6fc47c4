import type { Flow } from './flow.ts'

/** A request that is turned away because others have all seats, or wait for them. The client is to come again. */
export class TooBusyError extends Error {
  /** Absent where requests are merely counted. */
  readonly flow: Flow | undefined
  readonly retryAfterSeconds: number

  constructor(flow: Flow | undefined, retryAfterSeconds: number) {
    super('Too many requests, please try again later.')
    this.flow = flow
    this.retryAfterSeconds = retryAfterSeconds
  }
}
