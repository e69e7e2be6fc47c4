import { Node } from '../../kinds/core/node.ts'
import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import {
  betaStorageProvisioner,
  provisionedBy,
  selectedNode,
  storageProvisioner,
} from '../../kinds/core/volume-matching.ts'
import { CSIDriver } from '../../kinds/storage/csi-driver.ts'
import { CSINode } from '../../kinds/storage/csi-node.ts'
import { StorageClass } from '../../kinds/storage/storage-class.ts'
import { type CacheChange, defineIndex } from '../../reconciler/caches.ts'
import { create, event, type Steps, update } from '../../reconciler/changes.ts'
import {
  type Context,
  type Controller,
  defineController,
  type WatchContext,
  watch,
} from '../../reconciler/controller.ts'
import type { Draft } from '../../schema/types.ts'
import { ifWelcome } from '../shared/if-welcome.ts'
import { isBeingDeleted } from '../shared/owner.ts'
import { keyOfObject, refOfKey, storageClassOf, withAnnotations } from '../shared/storage.ts'
import { driverFinalizer, type Place, type VolumeDriver, type VolumeOrder } from './driver.ts'

const provisionerOf = ({ metadata: { annotations } }: PersistentVolumeClaim) =>
  annotations?.[storageProvisioner] ?? annotations?.[betaStorageProvisioner]

/** Claims that wait for a volume to be made. */
const ordered = defineIndex(PersistentVolumeClaim, 'ordered', (claim) =>
  !claim.spec.volumeName && provisionerOf(claim) !== undefined ? ['yes'] : [],
)

/** Makes a volume for each claim that is given to the driver. */
export function volumeProvisioner(driver: VolumeDriver): Controller {
  return defineController<PersistentVolumeClaim>({
    name: driver.controller,
    serviceAccount: 'persistent-volume-binder',
    reconciles: PersistentVolumeClaim,
    reads: [StorageClass, CSINode, PersistentVolume],
    writes: [PersistentVolume],
    watches: [
      watch(Node, (change, context) => (isReadyNow(change) ? orderedClaims(context) : [])),
      watch(CSIDriver, ({ old }, context) => (old === undefined ? orderedClaims(context) : [])),
    ],
    wakes: ({ object }) => object !== undefined && isOrdered(object),

    *reconcile(claim, context) {
      const order = orderOf(claim, driver, context)
      if (order === undefined || context.get(PersistentVolume, { name: order.name }) !== undefined) return
      const subject = JSON.stringify(keyOfObject(claim))
      yield event('Provisioning', `External provisioner is provisioning volume for claim ${subject}`)
      if (order.nodeName !== undefined && context.get(Node, { name: order.nodeName }) === undefined)
        return yield* reschedule(claim, order.nodeName)
      const place = driver.place(order, context)
      if (typeof place === 'string') {
        const storageClass = JSON.stringify(order.storageClass.metadata.name)
        const message = `failed to provision volume with StorageClass ${storageClass}: ${place}`
        yield event('ProvisioningFailed', message, 'Warning')
        return
      }
      yield* ifWelcome(create(PersistentVolume, volumeOf(order, place)))
      yield event('ProvisioningSucceeded', `Successfully provisioned volume ${order.name}`)
    },
  })
}

function* orderedClaims({ by }: WatchContext) {
  for (const claim of by(ordered, 'yes')) yield refOfKey(keyOfObject(claim))
}

/** A node that comes, or becomes ready, may be the one on which there is room. */
const isReadyNow = ({ object, old }: CacheChange<Node>) =>
  object !== undefined && readyOf(object) === 'True' && readyOf(old) !== 'True'

const readyOf = (node: Node | undefined) => node?.status?.conditions?.find(({ type }) => type === 'Ready')?.status

/** The node has gone since the scheduler chose it: without its name the scheduler chooses anew. */
function* reschedule(claim: PersistentVolumeClaim, nodeName: string): Steps {
  const message = `failed to get target node: node ${JSON.stringify(nodeName)} not found`
  yield event('ProvisioningFailed', message, 'Warning')
  yield update(PersistentVolumeClaim, withAnnotations(claim, { [selectedNode]: undefined }))
}

const isOrdered = (claim: PersistentVolumeClaim) =>
  !claim.spec.volumeName && !isBeingDeleted(claim) && provisionerOf(claim) !== undefined

function orderOf(claim: PersistentVolumeClaim, driver: VolumeDriver, context: Context): VolumeOrder | undefined {
  const storageClass = storageClassOf(claim, context)
  const provisioner = provisionerOf(claim)
  if (!isOrdered(claim) || storageClass === undefined || provisioner === undefined) return undefined
  if (!driver.plays(provisioner, context)) return undefined
  const nodeName = claim.metadata.annotations?.[selectedNode]
  if (storageClass.volumeBindingMode === 'WaitForFirstConsumer' && nodeName === undefined) return undefined
  return { claim, storageClass, name: `pvc-${claim.metadata.uid}`, nodeName }
}

function volumeOf({ claim, storageClass, name }: VolumeOrder, place: Place): Draft<PersistentVolume> {
  const { namespace, name: claimName, uid, resourceVersion } = claim.metadata
  const { accessModes, resources, volumeMode, volumeAttributesClassName } = claim.spec
  const { reclaimPolicy = 'Delete', mountOptions } = storageClass
  return {
    metadata: {
      name,
      annotations: { [provisionedBy]: provisionerOf(claim)! },
      ...(reclaimPolicy === 'Delete' && { finalizers: [driverFinalizer] }),
    },
    spec: {
      ...place,
      capacity: { storage: resources.requests?.['storage'] ?? '0' },
      ...(accessModes && { accessModes }),
      ...(volumeMode && { volumeMode }),
      ...(mountOptions && { mountOptions }),
      ...(volumeAttributesClassName && { volumeAttributesClassName }),
      persistentVolumeReclaimPolicy: reclaimPolicy,
      storageClassName: storageClass.metadata.name!,
      claimRef: {
        kind: 'PersistentVolumeClaim',
        apiVersion: 'v1',
        namespace,
        name: claimName,
        uid,
        ...(resourceVersion && { resourceVersion }),
      },
    },
  }
}
