import type { Ref } from '../client/client.ts'
import { Pod } from '../kinds/core/pod.ts'
import type { PodResourceClaim } from '../kinds/core/pod-spec.ts'
import { ResourceClaim } from '../kinds/resource/resource-claim.ts'
import { ResourceClaimTemplate } from '../kinds/resource/resource-claim-template.ts'
import { type CacheChange, defineIndex } from '../reconciler/caches.ts'
import { create, event, made, patch, remove, type Steps, setStatus, update } from '../reconciler/changes.ts'
import {
  type Context,
  type Controller,
  defineController,
  nobody,
  type Wake,
  type WatchContext,
  watch,
} from '../reconciler/controller.ts'
import type { Draft } from '../schema/types.ts'
import { controllerOf, controllerReference, isBeingDeleted, isControlledBy } from './shared/owner.ts'
import { isTerminal } from './shared/pods.ts'

/** On a claim that was made for a pod: for which of the pod's entries. */
const entryAnnotation = 'resource.kubernetes.io/pod-claim-name'
/** Keeps a claim while devices are allocated to it. */
const finalizer = 'resource.kubernetes.io/delete-protection'

const names = {
  name: 'resourceclaim-controller',
  serviceAccount: 'resource-claim-controller',
  eventSource: 'resource_claim',
}

/** Pods by the templates of which they want claims. */
const podsByTemplate = defineIndex(Pod, 'claim-template', ({ metadata, spec }) =>
  (spec.resourceClaims ?? []).flatMap(({ resourceClaimTemplateName: name }) =>
    name ? [`${metadata.namespace}/${name}`] : [],
  ),
)

/** Claims by the pods that have reserved them, by uid. */
const claimsByPod = defineIndex(ResourceClaim, 'reserved-for', ({ status, metadata }) => [
  ...(status?.reservedFor ?? []).map(({ uid }) => uid),
  ...(metadata.ownerReferences ?? []).flatMap(({ kind, uid }) => (kind === 'Pod' ? [uid] : [])),
])

/** Makes the claims of pods that name templates, and says in each pod's status what they are called (KEP-4381). */
const podClaims = defineController<Pod>({
  ...names,
  reconciles: Pod,
  reads: [ResourceClaimTemplate],
  writes: [ResourceClaim],
  watches: [
    watch(ResourceClaimTemplate, ({ object }, { by }) =>
      object === undefined ? [] : by(podsByTemplate, `${object.metadata.namespace}/${object.metadata.name}`).map(refOf),
    ),
    watch(ResourceClaim, podsOfClaim),
  ],
  wakes: ({ object, old }) =>
    (object?.spec.resourceClaims?.length ?? 0) > 0 &&
    (old === undefined || old.spec.nodeName !== object?.spec.nodeName),

  *reconcile(pod, context) {
    if (isBeingDeleted(pod) || isTerminal(pod)) return
    yield* makeClaims(pod, context)
    if (pod.spec.nodeName) yield* reserve(pod, context)
  },
})

const refOf = ({ metadata }: Pod): Ref => ({ namespace: metadata.namespace, name: metadata.name! })

/** A claim that goes may have to be made again; one that has been allocated may have to be reserved. */
function* podsOfClaim({ object, old }: CacheChange<ResourceClaim>): Iterable<Ref> {
  const { metadata } = (object ?? old)!
  const owner = controllerOf((object ?? old)!)
  const isAllocated = object?.status?.allocation !== undefined && old?.status?.allocation === undefined
  if (owner?.kind === 'Pod' && (object === undefined || isAllocated)) {
    yield { namespace: metadata.namespace, name: owner.name }
  }
}

function* makeClaims(pod: Pod, context: Context): Steps {
  const told = new Map((pod.status.resourceClaimStatuses ?? []).map((each) => [each.name, each.resourceClaimName]))
  const fresh: { name: string; resourceClaimName: string }[] = []
  for (const entry of pod.spec.resourceClaims ?? []) {
    const template = entry.resourceClaimTemplateName
    if (!template || isThere(pod, told.get(entry.name), context)) continue
    const claim = ownClaim(pod, entry, context) ?? (yield* makeClaim(pod, entry, template, context))
    if (claim !== undefined) fresh.push({ name: entry.name, resourceClaimName: claim.metadata.name! })
  }
  if (fresh.length === 0) return
  yield patch(Pod, pod, { type: 'strategic', body: { status: { resourceClaimStatuses: fresh } } }, 'status')
}

function isThere(pod: Pod, name: string | undefined, { get }: Context): boolean {
  const claim = name ? get(ResourceClaim, { namespace: pod.metadata.namespace, name }) : undefined
  return claim !== undefined && isControlledBy(claim, pod)
}

/** A claim that was made, but not told of. */
const ownClaim = (pod: Pod, { name }: PodResourceClaim, { by }: Context): ResourceClaim | undefined =>
  by(claimsByPod, pod.metadata.uid!).find(
    (claim) => isControlledBy(claim, pod) && claim.metadata.annotations?.[entryAnnotation] === name,
  )

function* makeClaim(
  pod: Pod,
  { name }: PodResourceClaim,
  templateName: string,
  { get }: Context,
): Steps<ResourceClaim | undefined> {
  const { namespace } = pod.metadata
  const template = get(ResourceClaimTemplate, { namespace, name: templateName })
  if (template === undefined) {
    const quoted = JSON.stringify(templateName)
    const fault = `resource claim template ${quoted}: resourceclaimtemplate.resource.k8s.io ${quoted} not found`
    yield event('FailedResourceClaimCreation', `PodResourceClaim ${name}: ${fault}`, 'Warning')
    return undefined
  }
  return yield* made<ResourceClaim>(create(ResourceClaim, claimOf(pod, name, template)))
}

function claimOf(pod: Pod, entry: string, { spec: { metadata, spec } }: ResourceClaimTemplate): Draft<ResourceClaim> {
  return {
    metadata: {
      generateName: `${pod.metadata.name}-${entry}-`,
      namespace: pod.metadata.namespace,
      ...(metadata?.labels && { labels: metadata.labels }),
      annotations: { ...metadata?.annotations, [entryAnnotation]: entry },
      ownerReferences: [controllerReference(Pod, pod)],
    },
    spec,
  }
}

/** A pod that came to its node without the scheduler has reserved nothing. */
function* reserve(pod: Pod, { get }: Context): Steps {
  const told = new Map((pod.status.resourceClaimStatuses ?? []).map((each) => [each.name, each.resourceClaimName]))
  for (const { name, resourceClaimName } of pod.spec.resourceClaims ?? []) {
    const claimName = resourceClaimName ?? told.get(name)
    const claim = claimName ? get(ResourceClaim, { namespace: pod.metadata.namespace, name: claimName }) : undefined
    const { reservedFor = [] } = claim?.status ?? {}
    if (claim?.status?.allocation === undefined || reservedFor.some(({ uid }) => uid === pod.metadata.uid)) continue
    const consumer = { resource: 'pods', name: pod.metadata.name!, uid: pod.metadata.uid! }
    yield setStatus(ResourceClaim, claim, { ...claim.status, reservedFor: [...reservedFor, consumer] })
  }
}

/** Takes claims back from pods that are through, and deletes those that were made for them. */
const claimRelease = defineController<ResourceClaim>({
  ...names,
  reconciles: ResourceClaim,
  watches: [watch(Pod, claimsOfEnded)],

  *reconcile(claim, context) {
    const before = claim.status?.reservedFor ?? []
    const reservedFor = before.filter(
      ({ apiGroup, resource, name, uid }) => apiGroup || resource !== 'pods' || isNeeded(claim, name, uid, context),
    )
    if (reservedFor.length > 0) {
      if (reservedFor.length < before.length) yield setStatus(ResourceClaim, claim, { ...claim.status, reservedFor })
      return
    }
    // One that was never reserved is about to be: the scheduler marks a claim before it allocates.
    const free = before.length > 0 || isBeingDeleted(claim) ? yield* deallocate(claim) : claim
    const owner = controllerOf(claim)
    if (isBeingDeleted(claim) || owner?.kind !== 'Pod' || isNeeded(claim, owner.name, owner.uid, context)) return
    yield remove(ResourceClaim, free)
  },
})

function claimsOfEnded({ object, old }: CacheChange<Pod>, { by }: WatchContext): readonly Wake[] {
  if (object !== undefined && !isTerminal(object) && !isBeingDeleted(object)) return nobody
  return by(claimsByPod, (object ?? old)!.metadata.uid!).map(({ metadata }) => ({
    namespace: metadata.namespace!,
    name: metadata.name!,
  }))
}

/** Whether this pod is still there and will run, or runs. */
function isNeeded({ metadata }: ResourceClaim, name: string, uid: string, { get }: Context): boolean {
  const pod = get(Pod, { namespace: metadata.namespace, name })
  if (pod === undefined || pod.metadata.uid !== uid || isTerminal(pod)) return false
  return !isBeingDeleted(pod) || Boolean(pod.spec.nodeName)
}

/** Nobody uses the devices: others may have them. Gives the claim as it is then. */
function* deallocate(claim: ResourceClaim): Steps<ResourceClaim> {
  const { allocation, reservedFor, devices: _, ...status } = claim.status ?? {}
  let present = claim
  if (allocation !== undefined || reservedFor !== undefined)
    present = yield* made<ResourceClaim>(setStatus(ResourceClaim, claim, status))
  const { finalizers = [] } = present.metadata
  if (!finalizers.includes(finalizer)) return present
  const metadata = { ...present.metadata, finalizers: finalizers.filter((each) => each !== finalizer) }
  return yield* made<ResourceClaim>(update(ResourceClaim, { ...present, metadata }))
}

export const resourceClaimControllers: readonly Controller[] = [podClaims, claimRelease]
