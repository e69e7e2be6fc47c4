import { LifecycleError } from '../failure.ts'
import type { Check, Finding, PreflightHost } from './check.ts'

export interface RunChecksOptions {
  /** Names in lower case, or `all`: their errors are warnings. */
  readonly ignored: ReadonlySet<string>
  /** Lines for people, beside the output. */
  warn(line: string): void
}

/**
 * Runs checks one after another, and prints what they found as kubeadm does.
 * @throws LifecycleError when there is an error that is not to be ignored
 */
export async function runChecks(
  checks: readonly Check[],
  host: PreflightHost,
  { ignored, warn }: RunChecksOptions,
): Promise<void> {
  const errors: string[] = []
  const isIgnored = (name: string) => ignored.has('all') || ignored.has(name.toLowerCase())
  for (const { name, run } of checks) {
    for (const finding of await run(host)) {
      if (finding.severity === 'warning' || isIgnored(name))
        for (const line of linesOf('WARNING', name, finding)) warn(line)
      else errors.push(...linesOf('ERROR', name, finding))
    }
  }
  if (errors.length === 0) return
  warn('[preflight] Some fatal errors occurred:')
  for (const line of errors) warn(line)
  warn(
    '[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`',
  )
  throw new LifecycleError('preflight checks failed')
}

function linesOf(word: 'WARNING' | 'ERROR', name: string, { message, mend }: Finding): readonly string[] {
  return [`\t[${word} ${name}]: ${message}`, ...(mend === undefined ? [] : [`\t\t${mend}`])]
}
