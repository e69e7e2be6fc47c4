import { DurationError, parseDuration } from '../../base/duration.ts'
import type { Clock, Disk, Log, Network } from '../../world/world.ts'
import { type ReadFile, readWebhookTarget, WebhookConfigError, type WebhookTarget } from '../webhook-client.ts'
import type { AuditBackend } from './event.ts'
import { LogBackend } from './log-backend.ts'
import { type AuditPolicy, AuditPolicyError, readAuditPolicy } from './policy.ts'
import { WebhookBackend } from './webhook-backend.ts'

/** kube-apiserver's flags about what is written down, and what they say. */
export const auditFlags = {
  'audit-policy-file': 'file with the Policy that says which requests are written down, and how much of them',
  'audit-log-path': 'file that events are added to',
  'audit-log-format': 'json, or legacy for one line of text each (json)',
  'audit-log-maxsize': 'megabytes after which a new file is begun (100)',
  'audit-log-maxbackup': 'how many old files are kept; 0 for all (0)',
  'audit-log-maxage': 'days that old files are kept; 0 for ever (0)',
  'audit-webhook-config-file': 'kubeconfig of a webhook that events are sent to',
  'audit-webhook-batch-buffer-size': 'events that may wait; what comes beyond is dropped (10000)',
  'audit-webhook-batch-max-size': 'events in one request (400)',
  'audit-webhook-batch-max-wait': 'the longest that an event waits for others (30s)',
  'audit-webhook-initial-backoff': 'how long it waits before it tries again (10s)',
} as const

export type AuditFlag = keyof typeof auditFlags
export type AuditFlags = Readonly<Partial<Record<AuditFlag, string>>>

/** Flags that do not go together, or name something that cannot be used. */
export class AuditFlagError extends Error {}

export interface AuditSettings {
  readonly policy: AuditPolicy
  readonly log?: {
    readonly path: string
    readonly format: 'json' | 'legacy'
    readonly bytesMax: number
    readonly backupsMax: number
    readonly ageMaxMs: number
  }
  readonly webhook?: {
    readonly target: WebhookTarget
    readonly bufferSize: number
    readonly batchMax: number
    readonly waitMaxMs: number
    readonly initialBackoffMs: number
  }
}

const dayMs = 24 * 3_600_000

/**
 * Reads the flags and the files that they name; nothing when nothing is to be written down.
 * @throws AuditFlagError
 */
export async function readAuditFlags(flags: AuditFlags, readFile: ReadFile): Promise<AuditSettings | undefined> {
  const { 'audit-policy-file': policyFile, 'audit-log-path': path, 'audit-webhook-config-file': webhook } = flags
  if (policyFile === undefined) return undefined
  if (path === undefined && webhook === undefined) return undefined
  const policy = await read(policyFile, readFile)
  return {
    policy,
    ...(path !== undefined && { log: logOf(path, flags) }),
    ...(webhook !== undefined && { webhook: await webhookOf(webhook, flags, readFile) }),
  }
}

async function read(path: string, readFile: ReadFile): Promise<AuditPolicy> {
  const text = await readFile(path)
  if (text === undefined) throw new AuditFlagError(`--audit-policy-file: ${path}: no such file or directory`)
  try {
    return readAuditPolicy(text)
  } catch (error) {
    if (!(error instanceof AuditPolicyError)) throw error
    throw new AuditFlagError(`--audit-policy-file: ${path}: ${error.message}`, { cause: error })
  }
}

function logOf(path: string, flags: AuditFlags): NonNullable<AuditSettings['log']> {
  const format = flags['audit-log-format'] ?? 'json'
  if (format !== 'json' && format !== 'legacy') {
    throw new AuditFlagError(`invalid audit log format ${format}, allowed formats are ${JSON.stringify('legacy,json')}`)
  }
  return {
    path,
    format,
    bytesMax: (numberOf(flags, 'audit-log-maxsize', 100) || 100) * 1024 * 1024,
    backupsMax: numberOf(flags, 'audit-log-maxbackup', 0),
    ageMaxMs: numberOf(flags, 'audit-log-maxage', 0) * dayMs,
  }
}

async function webhookOf(
  path: string,
  flags: AuditFlags,
  readFile: ReadFile,
): Promise<NonNullable<AuditSettings['webhook']>> {
  try {
    return {
      target: await readWebhookTarget(path, readFile),
      bufferSize: numberOf(flags, 'audit-webhook-batch-buffer-size', 10_000),
      batchMax: numberOf(flags, 'audit-webhook-batch-max-size', 400) || 1,
      waitMaxMs: durationOf(flags, 'audit-webhook-batch-max-wait', 30_000),
      initialBackoffMs: durationOf(flags, 'audit-webhook-initial-backoff', 10_000),
    }
  } catch (error) {
    if (!(error instanceof WebhookConfigError)) throw error
    throw new AuditFlagError(`--audit-webhook-config-file: ${error.message}`, { cause: error })
  }
}

function numberOf(flags: AuditFlags, name: AuditFlag, otherwise: number): number {
  const text = flags[name]
  if (text === undefined) return otherwise
  if (!/^\d+$/.test(text)) throw new AuditFlagError(`--${name}: ${JSON.stringify(text)} is no whole number`)
  return Number(text)
}

function durationOf(flags: AuditFlags, name: AuditFlag, otherwise: number): number {
  const text = flags[name]
  if (text === undefined) return otherwise
  try {
    return parseDuration(text)
  } catch (error) {
    if (!(error instanceof DurationError)) throw error
    throw new AuditFlagError(`--${name}: ${error.message}`, { cause: error })
  }
}

/** What the settings ask for. */
export function backendsOf(
  { log, webhook }: AuditSettings,
  tools: { readonly disk: Disk; readonly network: Network; readonly clock: Clock; readonly log: Log },
): AuditBackend[] {
  return [
    ...(log ? [new LogBackend({ ...log, ...tools })] : []),
    ...(webhook ? [new WebhookBackend({ ...webhook, ...tools })] : []),
  ]
}
