import { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { definePlugin, nothingToSay, notNow } from '../plugin.ts'
import { claimsOf } from '../pod-claims.ts'
import { podState } from '../pod-state.ts'

const noDisk = notNow('node(s) had no available disk')
const claimInUse = notNow(
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
)

type Volume = NonNullable<Pod['spec']['volumes']>[number]

interface Wanted {
  readonly disks: readonly Volume[]
  /** Claims that one pod alone may use: whether another does. */
  readonly isClaimInUse: () => boolean
}

/** A disk that can be mounted once is not mounted twice. */
export const volumeRestrictions = definePlugin<Wanted>({
  name: 'VolumeRestrictions',
  listens: ['room', 'storage', 'node'],
  wakes: (event) =>
    event.type === 'room'
      ? podState(event.pod).hasSharedVolumes
      : event.type === 'storage' || (event.type === 'node' && event.isNew),

  prepare(pod, { state, objects }) {
    if (!podState(pod).hasSharedVolumes) return nothingToSay
    const { namespace = '' } = pod.metadata
    const exclusive = claimsOf(pod).filter(({ name }) =>
      objects.of(PersistentVolumeClaim).get(namespace, name)?.spec.accessModes?.includes('ReadWriteOncePod'),
    )
    const disks = (pod.spec.volumes ?? []).filter(isDisk)
    if (exclusive.length === 0 && disks.length === 0) return nothingToSay
    return { disks, isClaimInUse: () => exclusive.some(({ name }) => state.claims.has(`${namespace}/${name}`)) }
  },

  filter(_pod, { pods, sharedVolumes }, { disks, isClaimInUse }) {
    if (isClaimInUse()) return claimInUse
    if (sharedVolumes === 0 || disks.length === 0) return undefined
    for (const { pod } of pods.values())
      for (const theirs of pod.spec.volumes ?? []) if (disks.some((disk) => clashes(disk, theirs))) return noDisk
    return undefined
  },
})

const isDisk = ({ gcePersistentDisk, awsElasticBlockStore, iscsi, rbd }: Volume) =>
  Boolean(gcePersistentDisk ?? awsElasticBlockStore ?? iscsi ?? rbd)

/** Disks that both only read may be shared, where the sort of disk allows it. */
function clashes(a: Volume, b: Volume): boolean {
  if (a.gcePersistentDisk && b.gcePersistentDisk) {
    const isRead = a.gcePersistentDisk.readOnly && b.gcePersistentDisk.readOnly
    return a.gcePersistentDisk.pdName === b.gcePersistentDisk.pdName && !isRead
  }
  if (a.awsElasticBlockStore && b.awsElasticBlockStore)
    return a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID
  if (a.iscsi && b.iscsi) return a.iscsi.iqn === b.iscsi.iqn && !(a.iscsi.readOnly && b.iscsi.readOnly)
  if (!a.rbd || !b.rbd) return false
  const { monitors = [], pool, image, readOnly } = a.rbd
  const isSame =
    pool === b.rbd.pool && image === b.rbd.image && monitors.some((host) => b.rbd!.monitors?.includes(host))
  return isSame && !(readOnly && b.rbd.readOnly)
}
