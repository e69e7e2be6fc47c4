import type { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import {
  podConfigMaps,
  podResourceClaims,
  podSecrets,
  podVolumeClaims,
  volumeNodeSecrets,
} from './object-references.ts'

/** What a node can be related to. */
export type RelatedType =
  | 'configmap'
  | 'persistentvolume'
  | 'persistentvolumeclaim'
  | 'pod'
  | 'resourceclaim'
  | 'resourceslice'
  | 'secret'
  | 'serviceaccount'
  | 'volumeattachment'

/**
 * Which objects have to do with which node: its pods, what they refer to, the volumes behind their claims and the
 * secrets of those. Kept by events alone; a question is answered by a few look-ups, however many pods there are.
 */
export class NodeGraph {
  /** How many of its pods (or other holders) relate a node to an object, by node and `type/namespace/name`. */
  readonly #related = new Map<string, Map<string, number>>()
  readonly #pods = new Map<string, PodEdges>()
  /** What belongs to one node by a field of its own: attachments and slices. */
  readonly #owned = new Map<string, string>()
  readonly #volumes = new Map<string, VolumeEdges>()
  readonly #volumesOfSecret = new Map<string, Set<string>>()

  /** Whether a node has to do with an object. */
  isRelated(node: string, type: RelatedType, namespace: string, name: string): boolean {
    const key = keyOf(type, namespace, name)
    if (this.#holds(node, key)) return true
    if (type === 'persistentvolume') return this.#holdsVolume(node, name)
    if (type !== 'secret') return false
    for (const volume of this.#volumesOfSecret.get(key) ?? []) if (this.#holdsVolume(node, volume)) return true
    return false
  }

  setPod(pod: Pod): void {
    const { namespace = '', name = '' } = pod.metadata
    const key = keyOf('pod', namespace, name)
    const known = this.#pods.get(key)
    const node = pod.spec.nodeName ?? ''
    // What a pod that has a node refers to does not change, but for the claims that are made for it.
    const version = `${pod.metadata.uid} ${node} ${claimsOf(pod)}`
    if (known?.version === version) return
    if (known) this.#count(known, -1)
    this.#pods.delete(key)
    if (node === '') return
    const edges = { node, version, keys: podKeys(pod) }
    this.#pods.set(key, edges)
    this.#count(edges, 1)
  }

  removePod({ metadata: { namespace = '', name = '' } }: Pod): void {
    const key = keyOf('pod', namespace, name)
    const known = this.#pods.get(key)
    if (known) this.#count(known, -1)
    this.#pods.delete(key)
  }

  setVolume(volume: PersistentVolume): void {
    this.removeVolume(volume)
    const { claimRef } = volume.spec
    if (!claimRef) return
    const name = volume.metadata.name ?? ''
    const secrets = [...volumeNodeSecrets(volume)].map((secret) => keyOf('secret', secret.namespace, secret.name))
    const claim = keyOf('persistentvolumeclaim', claimRef.namespace ?? '', claimRef.name ?? '')
    this.#volumes.set(name, { claim, secrets })
    for (const secret of secrets) {
      const volumes = this.#volumesOfSecret.get(secret)
      if (volumes) volumes.add(name)
      else this.#volumesOfSecret.set(secret, new Set([name]))
    }
  }

  removeVolume({ metadata: { name = '' } }: PersistentVolume): void {
    for (const secret of this.#volumes.get(name)?.secrets ?? []) {
      const volumes = this.#volumesOfSecret.get(secret)
      volumes?.delete(name)
      if (volumes?.size === 0) this.#volumesOfSecret.delete(secret)
    }
    this.#volumes.delete(name)
  }

  /** An attachment or a slice, and the node that it names; none: it is gone, or belongs to nobody. */
  setOwned(type: 'resourceslice' | 'volumeattachment', name: string, node: string | undefined): void {
    const key = keyOf(type, '', name)
    const known = this.#owned.get(key)
    if (known === (node || undefined)) return
    if (known !== undefined) this.#count({ node: known, keys: [key] }, -1)
    this.#owned.delete(key)
    if (!node) return
    this.#owned.set(key, node)
    this.#count({ node, keys: [key] }, 1)
  }

  #holds(node: string, key: string): boolean {
    return this.#related.get(node)?.has(key) ?? false
  }

  #holdsVolume(node: string, name: string): boolean {
    const volume = this.#volumes.get(name)
    return volume !== undefined && this.#holds(node, volume.claim)
  }

  #count({ node, keys }: Edges, by: 1 | -1): void {
    const counts = this.#related.get(node) ?? new Map<string, number>()
    for (const key of keys) {
      const count = (counts.get(key) ?? 0) + by
      if (count === 0) counts.delete(key)
      else counts.set(key, count)
    }
    if (counts.size === 0) this.#related.delete(node)
    else this.#related.set(node, counts)
  }
}

interface Edges {
  readonly node: string
  readonly keys: readonly string[]
}

interface PodEdges extends Edges {
  readonly version: string
}

interface VolumeEdges {
  readonly claim: string
  readonly secrets: readonly string[]
}

const keyOf = (type: RelatedType, namespace: string, name: string): string => `${type}/${namespace}/${name}`

/** The claims of devices that a pod uses, as far as they come about after it has a node. */
const claimsOf = (pod: Pod): string =>
  pod.spec.resourceClaims || pod.status?.extendedResourceClaimStatus ? podResourceClaims(pod).join(' ') : ''

function podKeys(pod: Pod): string[] {
  const { namespace = '', name = '', annotations } = pod.metadata
  const key = (type: RelatedType) => (name: string) => keyOf(type, namespace, name)
  const own = key('pod')(name)
  // A node makes the mirror of a static pod itself: it must not open anything by that.
  if (annotations?.['kubernetes.io/config.mirror'] !== undefined) return [own]
  const { serviceAccountName } = pod.spec
  return [
    own,
    ...(serviceAccountName ? [key('serviceaccount')(serviceAccountName)] : []),
    ...podSecrets(pod.spec).map(key('secret')),
    ...podConfigMaps(pod.spec).map(key('configmap')),
    ...podVolumeClaims(pod).map(key('persistentvolumeclaim')),
    ...podResourceClaims(pod).map(key('resourceclaim')),
  ]
}
