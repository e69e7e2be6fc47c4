import { own } from '../../base/own.ts'
import type { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import { definePlugin, never, nodeChanged, nothingToSay } from '../plugin.ts'
import { claimsOf } from '../pod-claims.ts'
import { podState } from '../pod-state.ts'
import { volumeOf } from './volume-claims.ts'

const refusal = never('node(s) had no available volume zone')

/** Labels of volumes that say where they lie, with the older names of the same. */
const zoneLabels: Readonly<Record<string, string>> = {
  'topology.kubernetes.io/zone': 'failure-domain.beta.kubernetes.io/zone',
  'topology.kubernetes.io/region': 'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
}

interface Place {
  readonly label: string
  readonly values: ReadonlySet<string>
}

/** A pod goes where its volumes lie, as the labels of the volumes say. */
export const volumeZone = definePlugin<readonly Place[]>({
  name: 'VolumeZone',
  listens: ['storage', 'node'],
  wakes: (event) => event.type === 'storage' || nodeChanged(event, 'labels'),

  prepare(pod, { objects }) {
    if (!podState(pod).hasSharedVolumes) return nothingToSay
    const places = claimsOf(pod).flatMap(({ name }) => {
      const claim = objects.of(PersistentVolumeClaim).get(pod.metadata.namespace ?? '', name)
      const volume = claim && volumeOf(claim, objects)
      return volume ? placesOf(volume) : []
    })
    return places.length > 0 ? places : nothingToSay
  },

  filter(_pod, { node }, places) {
    const labels = node?.metadata.labels
    // A node that says nothing of zones is in all of them.
    if (!Object.keys(zoneLabels).some((label) => own(labels, label) !== undefined)) return undefined
    const isThere = ({ label, values }: Place) => {
      const value = own(labels, label) ?? own(labels, zoneLabels[label]!)
      return value !== undefined && values.has(value)
    }
    return places.every(isThere) ? undefined : refusal
  },
})

/** `a__b`: it lies in both. */
const placesOf = ({ metadata }: PersistentVolume): Place[] =>
  Object.keys(zoneLabels).flatMap((label) => {
    const value = own(metadata.labels, label)
    return value === undefined ? [] : [{ label, values: new Set(value.split('__')) }]
  })
