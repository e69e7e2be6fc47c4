/**
 * A part of an expression that has no value. Not an `Error`: it is thrown and caught often (`&&`, `||`, `all`), and
 * a stack would cost more than the whole evaluation.
 */
export class Failure {
  readonly message: string

  constructor(message: string) {
    this.message = message
  }
}

/** Ends an evaluation whatever stands around it: it has cost too much. */
export class Cancellation {
  readonly message = 'operation cancelled: actual cost limit exceeded'
}

export const noSuchOverload = (): Failure => new Failure('no such overload')
export const noSuchKey = (key: string): Failure => new Failure(`no such key: ${key}`)
