import type { PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement } from '../../kinds/batch/shared.ts'
import type { ContainerStatus, Pod } from '../../kinds/core/pod.ts'

/** What the failure of a pod means for its job. */
export interface Fate {
  /** The action of the rule that applies. */
  readonly action: string | undefined
  /** Whether the failure counts towards the limits. */
  readonly counts: boolean
  /** Why the job fails, where it does. */
  readonly message?: string
}

/** The first rule that applies to a failed pod decides; without one, the failure counts. */
export function fateOf(policy: PodFailurePolicy | undefined, pod: Pod): Fate {
  for (const [number, { action, onExitCodes, onPodConditions }] of (policy?.rules ?? []).entries()) {
    const cause = onExitCodes ? exitCause(onExitCodes, pod) : conditionCause(onPodConditions ?? [], pod)
    if (cause === undefined) continue
    if (action === 'FailJob')
      return { action, counts: true, message: `${cause} matching FailJob rule at index ${number}` }
    return { action, counts: action !== 'Ignore' }
  }
  return { action: undefined, counts: true }
}

function exitCause(requirement: PodFailurePolicyOnExitCodesRequirement, { metadata, status }: Pod): string | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = status
  const failed = [...containerStatuses, ...initContainerStatuses].find((container) => matches(requirement, container))
  if (failed === undefined) return undefined
  const { exitCode } = failed.state!.terminated!
  return `Container ${failed.name} for pod ${metadata.namespace}/${metadata.name} failed with exit code ${exitCode}`
}

function matches(requirement: PodFailurePolicyOnExitCodesRequirement, { name, state }: ContainerStatus): boolean {
  const { containerName, operator, values } = requirement
  const code = state?.terminated?.exitCode ?? 0
  if (code === 0 || (containerName !== undefined && containerName !== name)) return false
  return values.includes(code) === (operator === 'In')
}

function conditionCause(
  patterns: readonly { readonly type: string; readonly status: string }[],
  { metadata, status }: Pod,
): string | undefined {
  const found = status.conditions?.find((condition) =>
    patterns.some((pattern) => pattern.type === condition.type && pattern.status === condition.status),
  )
  return found && `Pod ${metadata.namespace}/${metadata.name} has condition ${found.type}`
}
