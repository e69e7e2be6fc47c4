import type { HostWorld } from '../../world/world.ts'

/**
 * One thing about a host that must be right, or should be, before a cluster comes onto it. A check looks and changes
 * nothing; names are kubeadm's, because `--ignore-preflight-errors` takes them.
 */
export interface Check {
  readonly name: string
  run(host: PreflightHost): Promise<readonly Finding[]>
}

/** What was found to be wrong. */
export interface Finding {
  readonly severity: 'error' | 'warning'
  readonly message: string
  /** What to do about it. */
  readonly mend?: string
}

export interface PreflightHost {
  readonly world: HostWorld
  readonly env: Readonly<Record<string, string | undefined>>
}

export const errorOf = (message: string, mend?: string): readonly Finding[] => [
  { severity: 'error', message, ...(mend !== undefined && { mend }) },
]

export const warningOf = (message: string, mend?: string): readonly Finding[] => [
  { severity: 'warning', message, ...(mend !== undefined && { mend }) },
]

export const fine: readonly Finding[] = []

/** The same check, with its errors as warnings: where what it protects does not happen. */
export function onlyWarning(check: Check): Check {
  return {
    name: check.name,
    run: async (host) => (await check.run(host)).map((finding) => ({ ...finding, severity: 'warning' })),
  }
}
