import type { Container } from '../../kinds/core/containers.ts'
import type { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { Volume } from '../../kinds/core/volumes.ts'

/** Which other objects pods and volumes refer to: what a node needs to run them, and so may read. */

type Spec = Pod['spec']
type Environment = Pick<Container, 'env' | 'envFrom'>

/** Names of the secrets that a pod refers to, in its namespace. */
export function* podSecrets(spec: Spec): Generator<string> {
  for (const { name } of spec.imagePullSecrets ?? []) if (name) yield name
  for (const { env, envFrom } of environments(spec)) {
    for (const { valueFrom } of env ?? []) if (valueFrom?.secretKeyRef?.name) yield valueFrom.secretKeyRef.name
    for (const { secretRef } of envFrom ?? []) if (secretRef?.name) yield secretRef.name
  }
  for (const volume of spec.volumes ?? []) yield* volumeSecrets(volume)
}

/** Names of the config maps that a pod refers to, in its namespace. */
export function* podConfigMaps(spec: Spec): Generator<string> {
  for (const { env, envFrom } of environments(spec)) {
    for (const { valueFrom } of env ?? []) if (valueFrom?.configMapKeyRef?.name) yield valueFrom.configMapKeyRef.name
    for (const { configMapRef } of envFrom ?? []) if (configMapRef?.name) yield configMapRef.name
  }
  for (const { configMap, projected } of spec.volumes ?? []) {
    if (configMap?.name) yield configMap.name
    for (const source of projected?.sources ?? []) if (source.configMap?.name) yield source.configMap.name
  }
}

/** Names of the volume claims that a pod uses; those of ephemeral volumes are made of both names. */
export function* podVolumeClaims({ metadata, spec }: Pod): Generator<string> {
  for (const volume of spec.volumes ?? []) {
    if (volume.persistentVolumeClaim) yield volume.persistentVolumeClaim.claimName
    else if (volume.ephemeral) yield `${metadata.name}-${volume.name}`
  }
}

/** Names of the claims of devices that a pod uses, as far as they are made. */
export function* podResourceClaims({ spec, status }: Pod): Generator<string> {
  for (const claim of spec.resourceClaims ?? []) {
    if (claim.resourceClaimName) yield claim.resourceClaimName
    else {
      const made = status?.resourceClaimStatuses?.find(({ name }) => name === claim.name)
      if (made?.resourceClaimName) yield made.resourceClaimName
    }
  }
  const extended = status?.extendedResourceClaimStatus?.resourceClaimName
  if (extended) yield extended
}

function* environments({ initContainers, containers, ephemeralContainers }: Spec): Generator<Environment> {
  yield* initContainers ?? []
  yield* containers ?? []
  yield* ephemeralContainers ?? []
}

function* volumeSecrets(volume: Volume): Generator<string> {
  const { azureFile, cephfs, cinder, flexVolume, projected, rbd, secret, scaleIO, iscsi, storageos, csi } = volume
  if (azureFile?.secretName) yield azureFile.secretName
  if (secret?.secretName) yield secret.secretName
  for (const source of [cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos])
    if (source?.secretRef?.name) yield source.secretRef.name
  if (csi?.nodePublishSecretRef?.name) yield csi.nodePublishSecretRef.name
  for (const source of projected?.sources ?? []) if (source.secret?.name) yield source.secret.name
}

interface NamespacedName {
  readonly namespace: string
  readonly name: string
}

/** The secrets of a volume that its node needs: not those for attaching and growing it, which is done elsewhere. */
export function* volumeNodeSecrets({ spec }: PersistentVolume): Generator<NamespacedName> {
  const claimNamespace = spec.claimRef?.namespace ?? ''
  const { azureFile, cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos, csi } = spec
  if (azureFile?.secretName) {
    yield { namespace: azureFile.secretNamespace || claimNamespace, name: azureFile.secretName }
  }
  for (const source of [cephfs, flexVolume, rbd, scaleIO, iscsi]) {
    const { namespace, name } = source?.secretRef ?? {}
    if (name) yield { namespace: namespace || claimNamespace, name }
  }
  const exact = [cinder?.secretRef, storageos?.secretRef]
  for (const { namespace = '', name } of [
    ...exact.flatMap((reference) => reference ?? []),
    ...[csi?.nodePublishSecretRef, csi?.nodeStageSecretRef, csi?.nodeExpandSecretRef].flatMap((each) => each ?? []),
  ])
    if (name) yield { namespace, name }
}
