import type { PodSpec } from '../../../kinds/core/pod-spec.ts'
import { baselineChecks } from './baseline.ts'
import { restrictedChecks } from './restricted.ts'

export type Level = 'privileged' | 'baseline' | 'restricted'

/** A level as of a minor version of Kubernetes; `latest` is all rules that this server knows. */
export interface Policy {
  readonly level: Level
  readonly version: number | 'latest'
}

/** One rule of the Pod Security Standards. */
export interface Check {
  /** Checks are applied in the order of their names. */
  readonly id: string
  /** The minor version with which the rule began. */
  readonly since: number
  /** The baseline rule that this one contains, and that is not told beside it. */
  readonly replaces?: string
  /** What the rule is called in messages. */
  readonly reason: string
  /** What offends it, in words; undefined when nothing does. */
  detail(spec: PodSpec, version: number): string | undefined
}

export interface Violation {
  readonly reason: string
  readonly detail: string
}

const newest = Number.POSITIVE_INFINITY
const byId = (left: Check, right: Check) => (left.id < right.id ? -1 : 1)
const baseline = baselineChecks.toSorted(byId)
const restricted = restrictedChecks.toSorted(byId)

/** Everything about a pod that a policy does not allow, baseline rules first. */
export function violations(spec: PodSpec, { level, version }: Policy): readonly Violation[] {
  if (level === 'privileged') return []
  const minor = version === 'latest' ? newest : version
  const own = level === 'restricted' ? restricted.filter(({ since }) => since <= minor) : []
  const replaced = new Set(own.map(({ replaces }) => replaces))
  const checks = [...baseline.filter(({ id, since }) => since <= minor && !replaced.has(id)), ...own]
  return checks.flatMap((check) => {
    const detail = check.detail(spec, minor)
    return detail === undefined ? [] : [{ reason: check.reason, detail }]
  })
}
