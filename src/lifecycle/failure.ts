/** Something about the cluster's files or its API that an operator can mend: what is wrong, and the next step. */
export class LifecycleError extends Error {
  readonly hint: string | undefined
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.hint = options.hint
  }
}
