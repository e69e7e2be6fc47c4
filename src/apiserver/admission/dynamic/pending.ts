/** Thrown through an evaluation that needs an answer which is not there yet; with it, the evaluation begins anew. */
export class Pending {
  readonly answer: Promise<unknown>

  constructor(answer: Promise<unknown>) {
    this.answer = answer
  }
}

/**
 * Evaluates, again as often as answers were awaited, which must be kept. Evaluations cannot wait themselves: the
 * expression engine knows no promises.
 */
export function patiently<T>(evaluate: () => T): T | Promise<T> {
  try {
    return evaluate()
  } catch (error) {
    if (!(error instanceof Pending)) throw error
    return error.answer.then(() => patiently(evaluate))
  }
}
