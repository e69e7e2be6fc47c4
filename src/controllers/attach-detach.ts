import { Node } from '../kinds/core/node.ts'
import { PersistentVolume } from '../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../kinds/core/persistent-volume-claim.ts'
import { Pod } from '../kinds/core/pod.ts'
import { CSIDriver } from '../kinds/storage/csi-driver.ts'
import { VolumeAttachment } from '../kinds/storage/volume-attachment.ts'
import { type CacheChange, defineIndex } from '../reconciler/caches.ts'
import { again, create, eventOn, patch, remove, type Steps } from '../reconciler/changes.ts'
import {
  type Context,
  type Controller,
  defineController,
  nobody,
  type Wake,
  type WatchContext,
  watch,
} from '../reconciler/controller.ts'
import {
  type Attachable,
  attachableVolumesOf,
  attachmentName,
  isAttachmentName,
  uniqueName,
} from './attach-detach/attachable.ts'
import { isEqual } from './shared/equal.ts'
import { ifWelcome } from './shared/if-welcome.ts'
import { isBeingDeleted } from './shared/owner.ts'
import { isTerminal } from './shared/pods.ts'
import { attachmentsByVolume, claimKeysOf, keyOfObject, podsByClaim } from './shared/storage.ts'

/** A node that does not answer may still write to a volume: it is taken away from it by force after this long. */
const unmountMs = 360_000
const outOfService = 'node.kubernetes.io/out-of-service'

/** Attachments that were made here, or by the reference's controller: what somebody else made is his. */
const byNode = defineIndex(VolumeAttachment, 'node', ({ metadata, spec }) =>
  isAttachmentName(metadata.name!) ? [spec.nodeName] : [],
)

/**
 * Asks drivers to attach the volumes of the pods of each node, and to detach those that no pod there uses any more; and
 * tells each node's kubelet, in the node's status, which volumes are there.
 */
export function attachDetachController(): Controller {
  /** Since when volumes of nodes that do not answer are not needed there: attachment, then time. */
  const idleSince = new Map<string, number>()
  return defineController<Node>({
    name: 'persistentvolume-attach-detach-controller',
    serviceAccount: 'attachdetach-controller',
    eventSource: 'attachdetach-controller',
    reconciles: Node,
    reads: [PersistentVolume, CSIDriver],
    writes: [VolumeAttachment],
    watches: [watch(Pod, nodesOfPod), watch(PersistentVolumeClaim, nodesOfClaim), watch(VolumeAttachment, nodesOf)],
    wakes: ({ object, old }) => object !== undefined && (old === undefined || trustOf(object) !== trustOf(old)),

    *reconcile(node, context) {
      const wanted = attachableVolumesOf(node, context)
      const present = context.by(byNode, node.metadata.name!)
      for (const volume of wanted.values())
        if (!present.some((each) => isFor(each, volume))) yield* attach(node, volume, context)
      for (const attachment of present) {
        const isWanted = wanted.has(attachment.spec.source.persistentVolumeName ?? '')
        if (isWanted) idleSince.delete(attachment.metadata.name!)
        else yield* detach(node, attachment, context, idleSince)
      }
      yield* tellNode(node, wanted, present)
    },

    *gone({ name }, { by }) {
      for (const attachment of by(byNode, name)) {
        idleSince.delete(attachment.metadata.name!)
        if (!isBeingDeleted(attachment)) yield remove(VolumeAttachment, attachment)
      }
    },
  })
}

const isFor = ({ spec }: VolumeAttachment, { volume }: Attachable) =>
  spec.source.persistentVolumeName === volume.metadata.name

/** Whether what the node no longer needs is really no longer in use there. */
function trustOf({ spec, status }: Node): 'sound' | 'silent' | 'fenced' {
  if (spec?.taints?.some(({ key }) => key === outOfService)) return 'fenced'
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  return ready === undefined || ready.status === 'True' ? 'sound' : 'silent'
}

function nodesOfPod({ object, old }: CacheChange<Pod>): readonly Wake[] {
  const { spec, metadata } = (object ?? old)!
  if (!spec.nodeName || claimKeysOf((object ?? old)!).length === 0) return nobody
  const isNews =
    object === undefined ||
    old === undefined ||
    old.metadata.uid !== metadata.uid ||
    old.spec.nodeName !== spec.nodeName ||
    isTerminal(object) !== isTerminal(old)
  return isNews ? [{ name: spec.nodeName }] : nobody
}

function* nodesOfClaim({ object, old }: CacheChange<PersistentVolumeClaim>, { by }: WatchContext) {
  if (object === undefined || (old !== undefined && old.status.phase === object.status.phase)) return
  for (const { spec } of by(podsByClaim, keyOfObject(object))) if (spec.nodeName) yield { name: spec.nodeName }
}

/** A volume that has left one node may be waited for on another. */
function* nodesOf({ object, old }: CacheChange<VolumeAttachment>, { get, by }: WatchContext) {
  const { nodeName, source } = (object ?? old)!.spec
  yield { name: nodeName }
  const volume = object === undefined && get(PersistentVolume, { name: source.persistentVolumeName ?? '' })
  const { claimRef } = (volume || undefined)?.spec ?? {}
  if (claimRef === undefined) return
  for (const { spec } of by(podsByClaim, `${claimRef.namespace}/${claimRef.name}`))
    if (spec.nodeName) yield { name: spec.nodeName }
}

function* attach(node: Node, wanted: Attachable, context: Context): Steps {
  const { volume, driver, pods } = wanted
  const name = volume.metadata.name!
  const elsewhere = context.by(attachmentsByVolume, name).filter(({ spec }) => spec.nodeName !== node.metadata.name)
  if (isForOneNode(volume) && elsewhere.length > 0) {
    const message = `Multi-Attach error for volume ${JSON.stringify(name)} ${whoHas(volume, elsewhere, context)}`
    for (const pod of pods) yield eventOn(Pod, pod, 'FailedAttachVolume', message, 'Warning')
    return
  }
  const nodeName = node.metadata.name!
  yield* ifWelcome(
    create(VolumeAttachment, {
      metadata: { name: attachmentName(volume, driver, nodeName) },
      spec: { attacher: driver, nodeName, source: { persistentVolumeName: name } },
    }),
  )
}

const isForOneNode = ({ spec }: PersistentVolume) =>
  !spec.accessModes?.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany')

function whoHas({ spec }: PersistentVolume, elsewhere: readonly VolumeAttachment[], { by }: Context): string {
  const nodes = new Set(elsewhere.map(({ spec }) => spec.nodeName))
  const users = by(podsByClaim, `${spec.claimRef?.namespace}/${spec.claimRef?.name}`)
    .filter((pod) => nodes.has(pod.spec.nodeName ?? ''))
    .map(({ metadata }) => metadata.name)
  return users.length > 0
    ? `Volume is already used by pod(s) ${users.join(', ')}`
    : "Volume is already exclusively attached to one node and can't be attached to another"
}

/** What a silent node last mounted it may still use, unless somebody says that it is off. */
function* detach(node: Node, attachment: VolumeAttachment, { now }: Context, idleSince: Map<string, number>): Steps {
  if (isBeingDeleted(attachment)) return
  const name = attachment.metadata.name!
  if (trustOf(node) === 'silent') {
    const since = idleSince.get(name) ?? now
    idleSince.set(name, since)
    if (now < since + unmountMs) return void (yield again(since + unmountMs - now))
  }
  idleSince.delete(name)
  yield remove(VolumeAttachment, attachment)
}

/** Kubelets mount what the node's status says is attached. */
function* tellNode(node: Node, wanted: ReadonlyMap<string, Attachable>, present: readonly VolumeAttachment[]): Steps {
  const told = node.status?.volumesAttached ?? []
  const there = [...wanted.values()].filter((each) =>
    present.some((attachment) => isFor(attachment, each) && attachment.status?.attached),
  )
  const volumesAttached = there.map((each) => ({ name: uniqueName(each), devicePath: '' }))
  if (isEqual(told, volumesAttached)) return
  yield patch(Node, node, { type: 'merge', body: { status: { volumesAttached } } }, 'status')
  for (const each of there) {
    if (told.some(({ name }) => name === uniqueName(each))) continue
    const message = `AttachVolume.Attach succeeded for volume ${JSON.stringify(each.volume.metadata.name)} `
    for (const pod of each.pods) yield eventOn(Pod, pod, 'SuccessfulAttachVolume', message)
  }
}
