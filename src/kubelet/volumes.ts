import { ConfigMap } from '../kinds/core/config-map.ts'
import type { Container } from '../kinds/core/containers.ts'
import { Node } from '../kinds/core/node.ts'
import { PersistentVolume } from '../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../kinds/core/persistent-volume-claim.ts'
import type { Pod } from '../kinds/core/pod.ts'
import { Secret } from '../kinds/core/secret.ts'
import type { Volume } from '../kinds/core/volumes.ts'
import { CSIDriver } from '../kinds/storage/csi-driver.ts'
import type { Caches } from '../reconciler/caches.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import { configMapFault, keyFault, secretFault, setUpFailed } from './volume-faults.ts'

/** Kinds that decide whether a volume can be mounted. */
const kinds: readonly Kind[] = [PersistentVolumeClaim, PersistentVolume, CSIDriver, Node, ConfigMap, Secret]

/** Why a volume cannot be mounted. What is merely under way needs no words. */
type Fault = { readonly message: string } | 'under way'

/** As kubelets have it since 1.33; from 1.36 on nobody can switch it on again (KEP-5040). */
const noGitRepo =
  'git-repo volume plugin has been disabled; if necessary, it may be re-enabled by enabling the feature-gate `GitRepoVolumeDriver`'

/**
 * Whether the volumes of pods are there to be mounted: a claim that is bound and, where its driver attaches it, attached
 * to the node; a ConfigMap, a Secret. What a git repository holds is never mounted. Nothing is read, and nothing listened
 * to, before the first pod that has such volumes.
 */
export class PodVolumes {
  readonly #caches: Caches
  readonly #waiting = new Set<() => void>()
  #listening: Promise<unknown> | undefined
  #unsubscribe: (() => void)[] = []

  constructor(caches: Caches) {
    this.#caches = caches
  }

  /** Whether it must be asked at all. */
  concern({ spec }: Pod): boolean {
    return (spec.volumes ?? []).some(
      ({ persistentVolumeClaim, ephemeral, configMap, secret, gitRepo }) =>
        persistentVolumeClaim ?? ephemeral ?? configMap ?? secret ?? gitRepo,
    )
  }

  /**
   * Resolves once all volumes of the pod can be mounted; rejects when the signal is aborted. `fail` is told each reason
   * why they cannot, in the kubelet's words.
   */
  async untilMounted(pod: Pod, signal: AbortSignal, fail: (message: string) => void): Promise<void> {
    this.#listening ??= this.#listen()
    await this.#listening
    let told = ''
    for (let fault = this.#faultOf(pod); fault !== undefined; fault = this.#faultOf(pod)) {
      signal.throwIfAborted()
      const message = fault === 'under way' ? '' : fault.message
      if (message !== '' && message !== told) fail(message)
      told = message
      await this.#untilChange(signal)
    }
  }

  /** What of ConfigMaps and Secrets is missing for a container's variables, in the kubelet's words; nothing: it has none. */
  environmentFault({ metadata }: Pod, container: Container): Promise<string | undefined> | undefined {
    const { env = [], envFrom = [] } = container
    if (envFrom.length === 0 && !env.some(({ valueFrom }) => valueFrom?.configMapKeyRef ?? valueFrom?.secretKeyRef))
      return undefined
    this.#listening ??= this.#listen()
    return this.#listening.then(() => {
      const { namespace = '' } = metadata
      for (const { configMapRef, secretRef } of envFrom) {
        const fault =
          (configMapRef && configMapFault(configMapRef, this.#get(ConfigMap, namespace, configMapRef.name))) ??
          (secretRef && secretFault(secretRef, this.#get(Secret, namespace, secretRef.name)))
        if (fault !== undefined) return fault
      }
      for (const { valueFrom: { configMapKeyRef: ofMap, secretKeyRef: ofSecret } = {} } of env) {
        const map = ofMap && this.#get(ConfigMap, namespace, ofMap.name)
        const secret = ofSecret && this.#get(Secret, namespace, ofSecret.name)
        const fault =
          (ofMap && (configMapFault(ofMap, map) ?? keyFault('ConfigMap', namespace, ofMap, map?.data))) ??
          (ofSecret && (secretFault(ofSecret, secret) ?? keyFault('Secret', namespace, ofSecret, secret?.data)))
        if (fault !== undefined) return fault
      }
      return undefined
    })
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#unsubscribe = []
  }

  async #listen(): Promise<void> {
    await Promise.all(kinds.map((kind) => this.#caches.of(kind).synced))
    const wake = () => {
      for (const look of [...this.#waiting]) look()
    }
    this.#unsubscribe = kinds.map((kind) => this.#caches.of(kind).onChange(wake))
  }

  #untilChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => () => {
        this.#waiting.delete(look)
        signal.removeEventListener('abort', abort)
        settle()
      }
      const look = end(resolve)
      const abort = end(() => reject(signal.reason))
      this.#waiting.add(look)
      signal.addEventListener('abort', abort)
    })
  }

  #faultOf(pod: Pod): Fault | undefined {
    for (const volume of pod.spec.volumes ?? []) {
      const fault = this.#faultOfData(pod, volume) ?? this.#faultOfClaim(pod, volume)
      if (fault !== undefined) return fault
    }
    return undefined
  }

  #faultOfData({ metadata: { namespace } }: Pod, { name, configMap, secret, gitRepo }: Volume): Fault | undefined {
    const fault =
      (gitRepo && noGitRepo) ??
      (configMap && configMapFault(configMap, this.#get(ConfigMap, namespace, configMap.name))) ??
      (secret && secretFault({ ...secret, name: secret.secretName }, this.#get(Secret, namespace, secret.secretName)))
    return fault === undefined ? undefined : { message: setUpFailed(name, fault) }
  }

  #faultOfClaim(pod: Pod, { name, persistentVolumeClaim, ephemeral }: Volume): Fault | undefined {
    const claimName =
      persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? undefined : `${pod.metadata.name}-${name}`)
    if (claimName === undefined) return undefined
    const { namespace } = pod.metadata
    const failed = (message: string): Fault => ({
      message:
        `Unable to attach or mount volumes: unmounted volumes=[${name}], unattached volumes=[], failed to process ` +
        `volumes=[${name}]: error processing PVC ${namespace}/${claimName}: ${message}`,
    })
    const claim = this.#get(PersistentVolumeClaim, namespace, claimName)
    if (claim === undefined) {
      const missing = `persistentvolumeclaims ${JSON.stringify(claimName)} not found`
      return failed(`failed to fetch PVC from API server: ${missing}`)
    }
    if (claim.metadata.deletionTimestamp !== undefined) return failed('PVC is being deleted')
    const volume = this.#get(PersistentVolume, '', claim.spec.volumeName)
    if (claim.status.phase !== 'Bound' || volume === undefined) return failed('PVC is not bound')
    return this.#isAttached(pod, volume) ? undefined : 'under way'
  }

  #isAttached(pod: Pod, { spec: { csi } }: PersistentVolume): boolean {
    if (csi === undefined || this.#get(CSIDriver, '', csi.driver)?.spec.attachRequired === false) return true
    const node = this.#get(Node, '', pod.spec.nodeName)
    const wanted = `kubernetes.io/csi/${csi.driver}^${csi.volumeHandle}`
    return node?.status?.volumesAttached?.some(({ name }) => name === wanted) ?? false
  }

  #get<T extends ApiObject>(kind: Kind<T>, namespace: string | undefined, name: string | undefined): T | undefined {
    return name ? this.#caches.of(kind).get(namespace ?? '', name) : undefined
  }
}
