import type { Client } from '../../client/client.ts'
import type { Clock } from '../../world/world.ts'

/** What `kubectl drain` can be told, by its flags' names. */
export interface DrainOptions {
  readonly force: boolean
  /** Absent: what each pod says. */
  readonly gracePeriodSeconds?: number
  readonly ignoreDaemonSets: boolean
  readonly deleteEmptyDirData: boolean
  readonly disableEviction: boolean
  readonly dryRun: DryRun
  /** In its text form; empty for all pods. */
  readonly podSelector: string
  /** 0: every pod is waited for. */
  readonly skipWaitForDeleteTimeoutSeconds: number
  /** 0: for ever. */
  readonly timeoutMs: number
  /** How many objects a list answers with at a time; 0: all. */
  readonly chunkSize: number
  /** Give single replicas a second pod elsewhere before the first one goes. */
  readonly surge: boolean
}

export type DryRun = 'none' | 'client' | 'server'

/** What a drain works with. */
export interface DrainTools {
  readonly client: Client
  readonly clock: Clock
  /** A line for standard output. */
  print(line: string): void
  /** A line for standard error. */
  printError(line: string): void
  /** Ends all waiting. */
  readonly signal: AbortSignal
}

/** What stands behind `node/NAME cordoned` and the like. */
export const dryRunNote: Readonly<Record<DryRun, string>> = {
  none: '',
  client: ' (dry run)',
  server: ' (server dry run)',
}
