import type { Pod } from '../kinds/core/pod.ts'

export interface ClaimUse {
  readonly name: string
  /** The claim is made for the pod alone, and goes with it. */
  readonly isEphemeral: boolean
}

/** The claims that a pod uses. */
export function claimsOf({ spec, metadata }: Pod): ClaimUse[] {
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim: claim, ephemeral }): ClaimUse[] => {
    if (claim) return [{ name: claim.claimName, isEphemeral: false }]
    return ephemeral ? [{ name: `${metadata.name}-${name}`, isEphemeral: true }] : []
  })
}
