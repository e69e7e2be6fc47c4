import { StatefulSet } from '../../kinds/apps/stateful-set.ts'
import { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import { Pod } from '../../kinds/core/pod.ts'
import type { OwnerReference } from '../../kinds/meta/object-meta.ts'
import { create, type Steps, update } from '../../reconciler/changes.ts'
import type { Context } from '../../reconciler/controller.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../../schema/kind.ts'
import { isEqual } from '../shared/equal.ts'
import { controllerReference, isBeingDeleted } from '../shared/owner.ts'
import { tell } from './events.ts'
import { claimsAt, isWanted, podNameAt } from './pods.ts'

/** Makes the claims of a number that are missing. Answers whether all of them are there for a new pod to use. */
export function* provideClaims(set: StatefulSet, ordinal: number, context: Context): Steps<boolean> {
  let areThere = true
  for (const draft of claimsAt(set, ordinal)) {
    const { namespace, name = '' } = draft.metadata!
    const present = context.get(PersistentVolumeClaim, { namespace, name })
    if (present !== undefined) {
      areThere &&= !isBeingDeleted(present) && !isOfFormerPod(present, podNameAt(set, ordinal))
      continue
    }
    const ownerReferences = ownersOf(set, ordinal, undefined)
    const owned = { ...draft, metadata: { ...draft.metadata, ...(ownerReferences.length > 0 && { ownerReferences }) } }
    const what = `Claim ${name} Pod ${podNameAt(set, ordinal)}`
    yield* tell(set, 'Create', what, create(PersistentVolumeClaim, owned))
  }
  return areThere
}

/** It goes with the pod that had this number before, as soon as the garbage collector has come by. */
const isOfFormerPod = ({ metadata }: PersistentVolumeClaim, podName: string) =>
  metadata.ownerReferences?.some(({ kind, name }) => kind === 'Pod' && name === podName) ?? false

/** Lets claims belong to those with whom they shall go. */
export function* bequeathClaims(set: StatefulSet, ordinal: number, pod: Pod, context: Context): Steps {
  for (const draft of claimsAt(set, ordinal)) {
    const { namespace, name = '' } = draft.metadata!
    const claim = context.get(PersistentVolumeClaim, { namespace, name })
    if (claim === undefined || isBeingDeleted(claim) || isOfOthers(claim, set, pod)) continue
    const present = claim.metadata.ownerReferences ?? []
    const others = present.filter((owner) => !names(owner, StatefulSet, set) && !names(owner, Pod, pod))
    const ownerReferences = [...others, ...ownersOf(set, ordinal, pod)]
    if (!isEqual(present, ownerReferences))
      yield update(PersistentVolumeClaim, { ...claim, metadata: { ...claim.metadata, ownerReferences } })
  }
}

/** By the policy: the set, while the pod is wanted; the pod, once it is not; or nobody, and the claim stays for ever. */
function ownersOf(set: StatefulSet, ordinal: number, pod: Pod | undefined): readonly OwnerReference[] {
  const { whenDeleted, whenScaled } = policyOf(set)
  if (whenScaled === 'Delete' && !isWanted(set, ordinal)) return pod ? [controllerReference<Pod>(Pod, pod)] : []
  return whenDeleted === 'Delete' ? [controllerReference<StatefulSet>(StatefulSet, set)] : []
}

const policyOf = ({ spec }: StatefulSet) => ({
  whenDeleted: spec.persistentVolumeClaimRetentionPolicy?.whenDeleted ?? 'Retain',
  whenScaled: spec.persistentVolumeClaimRetentionPolicy?.whenScaled ?? 'Retain',
})

/** Somebody else looks after the claim, or one of the same name did that is gone: nothing of it is ours to change. */
function isOfOthers({ metadata }: PersistentVolumeClaim, set: StatefulSet, pod: Pod): boolean {
  const { whenDeleted, whenScaled } = policyOf(set)
  if (whenDeleted === 'Retain' && whenScaled === 'Retain') return false
  return (metadata.ownerReferences ?? []).some((owner) => {
    if (names(owner, StatefulSet, set)) return owner.uid !== set.metadata.uid
    if (names(owner, Pod, pod)) return owner.uid !== pod.metadata.uid
    return owner.controller === true
  })
}

const names = (owner: OwnerReference, kind: Kind<never>, { metadata }: ApiObject): boolean =>
  owner.kind === kind.kind && owner.apiVersion === apiVersionOf(kind) && owner.name === metadata.name
