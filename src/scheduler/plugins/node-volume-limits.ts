import { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { classOfClaim } from '../../kinds/core/volume-matching.ts'
import { CSINode } from '../../kinds/storage/csi-node.ts'
import { StorageClass } from '../../kinds/storage/storage-class.ts'
import type { NodeState } from '../cluster-state.ts'
import { definePlugin, nothingToSay, notNow, type Objects } from '../plugin.ts'
import { claimsOf } from '../pod-claims.ts'
import { podState } from '../pod-state.ts'
import { volumeOf } from './volume-claims.ts'

const tooMany = notNow('node(s) exceed max volume count')

interface Wanted {
  /** Volume → driver. */
  readonly volumes: ReadonlyMap<string, string>
  readonly objects: Objects
}

/** Drivers can attach so many volumes to a node and no more. */
export const nodeVolumeLimits = definePlugin<Wanted>({
  name: 'NodeVolumeLimits',
  listens: ['room', 'storage', 'node'],
  wakes: (event) =>
    event.type === 'room'
      ? podState(event.pod).hasSharedVolumes
      : event.type === 'storage' || (event.type === 'node' && event.isNew),

  prepare(pod, { objects }) {
    if (!podState(pod).hasSharedVolumes) return nothingToSay
    const volumes = volumesOf(pod, objects)
    return volumes.size > 0 ? { volumes, objects } : nothingToSay
  },

  filter(_pod, node, { volumes, objects }) {
    const limits = limitsOf(node, objects)
    if (limits.size === 0) return undefined
    const used = new Map<string, string>()
    if (node.sharedVolumes > 0)
      for (const { pod, hasSharedVolumes } of node.pods.values())
        if (hasSharedVolumes) for (const [volume, driver] of volumesOf(pod, objects)) used.set(volume, driver)
    const counts = new Map<string, number>()
    for (const driver of used.values()) counts.set(driver, (counts.get(driver) ?? 0) + 1)
    for (const [volume, driver] of volumes) {
      // What is there already needs no further place.
      if (used.has(volume)) continue
      const count = (counts.get(driver) ?? 0) + 1
      counts.set(driver, count)
      if (count > (limits.get(driver) ?? Infinity)) return tooMany
    }
    return undefined
  },
})

function limitsOf({ name }: NodeState, objects: Objects): Map<string, number> {
  const drivers = objects.of(CSINode).get('', name)?.spec?.drivers ?? []
  return new Map(
    drivers.flatMap(({ name, allocatable }) => (allocatable?.count === undefined ? [] : [[name, allocatable.count]])),
  )
}

/** The volumes of drivers that a pod has attached: those of claims that have none yet count, too. */
function volumesOf(pod: Pod, objects: Objects): Map<string, string> {
  const { namespace = '' } = pod.metadata
  const volumes = new Map<string, string>()
  for (const { name } of claimsOf(pod)) {
    const claim = objects.of(PersistentVolumeClaim).get(namespace, name)
    if (!claim) continue
    const { csi } = volumeOf(claim, objects)?.spec ?? {}
    if (csi) volumes.set(`${csi.driver}/${csi.volumeHandle}`, csi.driver)
    else if (!claim.spec.volumeName) {
      const provisioner = objects.of(StorageClass).get('', classOfClaim(claim))?.provisioner
      if (provisioner) volumes.set(`${provisioner}/${namespace}/${name}`, provisioner)
    }
  }
  return volumes
}
