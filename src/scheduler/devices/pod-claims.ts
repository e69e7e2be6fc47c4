import type { Pod } from '../../kinds/core/pod.ts'
import { ResourceClaim } from '../../kinds/resource/resource-claim.ts'
import type { Objects } from '../plugin.ts'

/** The claims of a pod, or why they cannot be used yet: then the pod is not even looked at. */
export function claimsOfPod({ metadata, spec, status }: Pod, objects: Objects): readonly ResourceClaim[] | string {
  const namespace = metadata.namespace ?? ''
  const claims: ResourceClaim[] = []
  for (const { name: entry, resourceClaimName, resourceClaimTemplateName } of spec.resourceClaims ?? []) {
    const made = status?.resourceClaimStatuses?.find(({ name }) => name === entry)
    if (resourceClaimTemplateName && !made)
      return `pod ${JSON.stringify(`${namespace}/${metadata.name}`)}: ResourceClaim not created yet`
    const name = resourceClaimName ?? made?.resourceClaimName
    // A template may turn out to need no claim.
    if (!name) continue
    const claim = objects.of(ResourceClaim).get(namespace, name)
    if (!claim) return `resourceclaim.resource.k8s.io ${JSON.stringify(name)} not found`
    if (claim.metadata.deletionTimestamp !== undefined) return `resourceclaim ${JSON.stringify(name)} is being deleted`
    const isOwn = claim.metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === metadata.uid)
    if (made && !isOwn)
      return `ResourceClaim ${namespace}/${name} was not created for pod ${namespace}/${metadata.name} (pod is not owner)`
    claims.push(claim)
  }
  return claims
}

/** Whether the pod may use the devices of the claim, now or when it asks for it. */
export const isOpenTo = ({ metadata }: Pod, { status }: ResourceClaim): boolean =>
  (status?.reservedFor?.length ?? 0) < consumersAtMost || isReservedFor(metadata.uid!, { status })

export const isReservedFor = (podUid: string, { status }: Pick<ResourceClaim, 'status'>): boolean =>
  status?.reservedFor?.some(({ uid }) => uid === podUid) ?? false

/** So many pods may share a claim. */
const consumersAtMost = 256
