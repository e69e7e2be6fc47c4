/** What went wrong with a node, as kubectl collects it: errors of many pods, or one that ended all. */
export class DrainFailure {
  readonly messages: readonly string[]
  /** Whether they were collected: then they are printed as they are, and not as `error: …`. */
  readonly isCollected: boolean

  constructor(messages: readonly string[], isCollected = true) {
    this.messages = [...new Set(messages)]
    this.isCollected = isCollected
  }

  /** In one line. */
  toString(): string {
    return this.messages.length === 1 ? this.messages[0]! : `[${this.messages.join(', ')}]`
  }
}

/** The last lines of a drain that failed: for one node each error by itself, for several one line a node. */
export function linesOfFailures(failures: readonly DrainFailure[]): string[] {
  if (failures.length !== 1) return failures.map(String)
  const [only] = failures
  if (only!.isCollected) return [...only!.messages]
  return only!.messages.map((message) => `error: ${message}`)
}
